-- deal_entries: what each event of a deal sets, whether it still stands or not
-- grain: one row an entry of a deal's stream, voids left out
-- needs: events
-- parameters: none
-- columns:
--   deal: deal id
--   entry: entry
--   rank: place among events of the same instant
--   place: sorts a deal's events by effective_at, then rank
--   type: what happened
--   effective_at: when it happened in business (UTC)
--   effective_on: the day of that in the ledger's time zone
--   known_at: when the organisation knew it (UTC)
--   recorded_by: who recorded it (a short id)
--   status: open, won, lost or disqualified, where the event changes that
--   captured_at: effective_at, where the event captures the lead
--   company: the company's name, where the event captures the lead
--   process: the process, where the event moves the deal
--   process_version: the version that the deal follows, where the event captures the lead or moves the deal to another
--   stage: the stage, where the event moves the deal
--   account: account id, where the event sets it
--   owner: who sells (a short id), where the event sets it
--   team: team, where the event sets it
--   product: product, where the event sets it
--   segment: market segment, where the event sets it
--   source: where the lead came from, where the event sets it
--   campaign: marketing campaign, where the event sets it
--   amount: one-off amount, where the event sets it
--   recurring_amount: amount paid every interval_months, where the event sets it
--   interval_months: months between two recurring payments, where the event sets it
--   term_months: months of the first term, where the event sets it
--   currency: ISO code of every amount in the row, where the event sets it
--   expected_close: day on which the deal is expected to close, where the event sets it
--   category: forecast category: pipeline, best-case, commit or omitted, where the event sets it
--   reason: why, where the event closes or reopens the deal
--   competitor: who won instead, where the event loses the deal
--   referred_by: the account that referred the lead
--   grown_from: the deal that this one grew from
--   subscription: the subscription of its account that it grew from
--   growth: how it grew: upsell, cross-sell or renewal
--   attributes: facts about the company (a JSON object), where the event captures the lead
--   judged: whether those met the criteria of the process: met, unmet or unknown, where the event captures the lead
SELECT
    id AS deal,
    entry,
    rank,
    place_of(effective_at, rank) AS place,
    type,
    effective_at,
    effective_on,
    known_at,
    recorded_by,
    CASE type
        WHEN 'lead-captured' THEN 'open'
        WHEN 'deal-reopened' THEN 'open'
        WHEN 'deal-won' THEN 'won'
        WHEN 'deal-lost' THEN 'lost'
        WHEN 'lead-disqualified' THEN 'disqualified'
    END AS status,
    CASE WHEN type = 'lead-captured' THEN effective_at END AS captured_at,
    CASE WHEN type = 'lead-captured' THEN company END AS company,
    process,
    process_version,
    stage,
    CASE WHEN type IN ('lead-captured', 'deal-revised') THEN account END AS account,
    CASE WHEN type IN ('lead-captured', 'deal-revised', 'lead-accepted') THEN owner END AS owner,
    CASE WHEN type IN ('lead-captured', 'deal-revised') THEN team END AS team,
    CASE WHEN type IN ('lead-captured', 'deal-revised') THEN product END AS product,
    CASE WHEN type IN ('lead-captured', 'deal-revised') THEN segment END AS segment,
    CASE WHEN type IN ('lead-captured', 'deal-revised') THEN source END AS source,
    CASE WHEN type IN ('lead-captured', 'deal-revised') THEN campaign END AS campaign,
    CASE WHEN type IN ('lead-captured', 'deal-revised', 'offer-made', 'deal-won') THEN amount END AS amount,
    CASE WHEN type IN ('lead-captured', 'deal-revised', 'offer-made', 'deal-won') THEN recurring_amount END AS recurring_amount,
    CASE WHEN type IN ('lead-captured', 'deal-revised', 'offer-made', 'deal-won') THEN interval_months END AS interval_months,
    CASE WHEN type IN ('lead-captured', 'deal-revised', 'offer-made', 'deal-won') THEN term_months END AS term_months,
    CASE WHEN type IN ('lead-captured', 'deal-revised', 'offer-made', 'deal-won') THEN currency END AS currency,
    CASE WHEN type IN ('lead-captured', 'deal-revised') THEN expected_close END AS expected_close,
    CASE WHEN type IN ('lead-captured', 'deal-revised') THEN category END AS category,
    reason,
    competitor,
    referred_by,
    grown_from,
    subscription,
    growth,
    attributes,
    judged
FROM events
WHERE stream = 'deal' AND type <> 'event-voided'
