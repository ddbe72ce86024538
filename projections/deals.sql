-- deals: what each deal is at $as_of, as known at $known_at
-- grain: one row a deal whose lead was captured by then
-- needs: deal_states, rates, rate_days
-- parameters: $as_of, $as_of_on, $known_at, $currency
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
--   value: one-off amount plus the first term's recurring amount; empty where no amount is known
--   value_converted: the value in the ledger's currency, rounded once to four decimals
--   rate: what it was converted at: the rate at $as_of where the deal is open, else that of the day on which it closed; empty where the value is in the ledger's currency
--   amount: one-off amount
--   recurring_amount: amount paid every interval_months
--   interval_months: months between two recurring payments
--   term_months: months of the first term
--   currency: ISO code of value and of the amounts
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
--   client_since: the day on which its client first bought: its account, or its company where it has none; empty where neither has
--   judged: whether the lead met the criteria of its process when it was captured: met, unmet or unknown
--   changed_at: when something last happened (UTC)
WITH valued AS (
    SELECT *, worth(amount, recurring_amount, interval_months, term_months) AS value
    FROM deal_states
),
converted AS (
    SELECT
        v.*,
        CASE WHEN v.currency <> $currency THEN CASE WHEN v.status = 'open' OR v.closed_on >= r.valid_from THEN r.rate ELSE d.rate END END AS rate
    FROM valued v
    LEFT JOIN rates r ON r.currency = v.currency
    LEFT JOIN rate_days d ON d.currency = v.currency AND d.day = v.closed_on
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
    value,
    CASE
        WHEN value IS NULL OR rate IS NOT NULL OR currency = coalesce($currency, currency) THEN at_rate(value, rate)
        ELSE CAST(error(no_rate(currency, CASE WHEN status = 'open' THEN $as_of_on ELSE closed_on END)) AS DECIMAL(26, 4))
    END AS value_converted,
    rate,
    amount,
    recurring_amount,
    interval_months,
    term_months,
    currency,
    expected_close,
    category,
    captured_at,
    captured_on,
    closed_at,
    closed_on,
    reason,
    competitor,
    referred_by,
    grown_from,
    subscription,
    growth,
    min(closed_on) FILTER (WHERE status = 'won') OVER (PARTITION BY account, CASE WHEN account IS NULL THEN company END) AS client_since,
    judged,
    changed_at
FROM converted
