-- deal_states: what each deal is at $as_of, its amounts as they were given, as known at $known_at
-- grain: one row a deal whose lead was captured by then
-- needs: deal_changes
-- parameters: $as_of, $known_at
-- columns:
--   deal: deal id
--   company: the company's name
--   account: account id
--   process: process
--   process_version: the version of the process
--   stage: the stage that the deal is in, or was in when it closed
--   status: open, won, lost or disqualified
--   owner: who sells (a short id)
--   team: team
--   product: product
--   segment: market segment
--   source: where the lead came from
--   campaign: marketing campaign
--   amount: one-off amount
--   recurring_amount: amount paid every interval_months
--   interval_months: months between two recurring payments
--   term_months: months of the first term
--   currency: ISO code of every amount in the row
--   expected_close: day on which the deal is expected to close
--   category: forecast category: pipeline, best-case, commit or omitted
--   captured_at: when the lead was captured (UTC)
--   captured_on: the day of that
--   closed_at: when it was won, lost or disqualified (UTC); empty while it is open
--   closed_on: the day of that
--   reason: why it was lost or disqualified
--   competitor: who won instead
--   referred_by: the account that referred the lead
--   grown_from: the deal that this one grew from
--   subscription: the subscription of its account that it grew from
--   growth: how it grew: upsell, cross-sell or renewal
--   judged: whether the lead met the criteria of its process when it was captured: met, unmet or unknown
--   changed_at: when something last happened (UTC)
WITH folded AS (
    SELECT
        c.deal,
        max_by(c.company, c.place) FILTER (WHERE c.company IS NOT NULL) AS company,
        max_by(c.account, c.place) FILTER (WHERE c.account IS NOT NULL) AS account,
        max_by(c.process, c.place) FILTER (WHERE c.process IS NOT NULL) AS process,
        max_by(c.process_version, c.place) FILTER (WHERE c.process_version IS NOT NULL) AS process_version,
        max_by(c.stage, c.place) FILTER (WHERE c.stage IS NOT NULL) AS stage,
        max_by(c.status, c.place) FILTER (WHERE c.status IS NOT NULL) AS status,
        max_by(c.owner, c.place) FILTER (WHERE c.owner IS NOT NULL) AS owner,
        max_by(c.team, c.place) FILTER (WHERE c.team IS NOT NULL) AS team,
        max_by(c.product, c.place) FILTER (WHERE c.product IS NOT NULL) AS product,
        max_by(c.segment, c.place) FILTER (WHERE c.segment IS NOT NULL) AS segment,
        max_by(c.source, c.place) FILTER (WHERE c.source IS NOT NULL) AS source,
        max_by(c.campaign, c.place) FILTER (WHERE c.campaign IS NOT NULL) AS campaign,
        max_by(c.amount, c.place) FILTER (WHERE c.amount IS NOT NULL) AS amount,
        max_by(c.recurring_amount, c.place) FILTER (WHERE c.recurring_amount IS NOT NULL) AS recurring_amount,
        max_by(c.interval_months, c.place) FILTER (WHERE c.interval_months IS NOT NULL) AS interval_months,
        max_by(c.term_months, c.place) FILTER (WHERE c.term_months IS NOT NULL) AS term_months,
        max_by(c.currency, c.place) FILTER (WHERE c.currency IS NOT NULL) AS currency,
        max_by(c.expected_close, c.place) FILTER (WHERE c.expected_close IS NOT NULL) AS expected_close,
        max_by(c.category, c.place) FILTER (WHERE c.category IS NOT NULL) AS category,
        max_by(c.captured_at, c.place) FILTER (WHERE c.captured_at IS NOT NULL) AS captured_at,
        max_by(c.effective_on, c.place) FILTER (WHERE c.captured_at IS NOT NULL) AS captured_on,
        max_by(c.effective_at, c.place) FILTER (WHERE c.status IS NOT NULL) AS status_at,
        max_by(c.effective_on, c.place) FILTER (WHERE c.status IS NOT NULL) AS status_on,
        max_by(c.referred_by, c.place) FILTER (WHERE c.referred_by IS NOT NULL) AS referred_by,
        max_by(c.grown_from, c.place) FILTER (WHERE c.grown_from IS NOT NULL) AS grown_from,
        max_by(c.subscription, c.place) FILTER (WHERE c.subscription IS NOT NULL) AS subscription,
        max_by(c.growth, c.place) FILTER (WHERE c.growth IS NOT NULL) AS growth,
        max_by(c.judged, c.place) FILTER (WHERE c.judged IS NOT NULL) AS judged,
        max_by(struct_pack(reason := c.reason, competitor := c.competitor), c.place) FILTER (WHERE c.status IS NOT NULL) AS closing,
        max(c.effective_at) AS changed_at
    FROM deal_changes c
    WHERE c.effective_at <= $as_of
    GROUP BY c.deal
)
SELECT
    deal,
    company,
    account,
    process,
    process_version,
    stage,
    status,
    owner,
    team,
    product,
    segment,
    source,
    campaign,
    amount,
    recurring_amount,
    interval_months,
    term_months,
    currency,
    expected_close,
    category,
    captured_at,
    captured_on,
    CASE WHEN status <> 'open' THEN status_at END AS closed_at,
    CASE WHEN status <> 'open' THEN status_on END AS closed_on,
    CASE WHEN status <> 'open' THEN closing.reason END AS reason,
    CASE WHEN status <> 'open' THEN closing.competitor END AS competitor,
    referred_by,
    grown_from,
    subscription,
    growth,
    judged,
    changed_at
FROM folded
WHERE captured_at IS NOT NULL
