-- deal_changes: what each event of a deal sets, as known at $known_at
-- grain: one row an entry of a deal that was known and not struck out
-- needs: deal_entries, strikes
-- parameters: $known_at
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
    d.deal,
    d.entry,
    d.rank,
    d.place,
    d.type,
    d.effective_at,
    d.effective_on,
    d.known_at,
    d.recorded_by,
    d.status,
    d.captured_at,
    d.company,
    d.process,
    d.process_version,
    d.stage,
    d.account,
    d.owner,
    d.team,
    d.product,
    d.segment,
    d.source,
    d.campaign,
    d.amount,
    d.recurring_amount,
    d.interval_months,
    d.term_months,
    d.currency,
    d.expected_close,
    d.category,
    d.reason,
    d.competitor,
    d.referred_by,
    d.grown_from,
    d.subscription,
    d.growth,
    d.attributes,
    d.judged
FROM deal_entries d
WHERE d.known_at <= $known_at AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = d.entry)
