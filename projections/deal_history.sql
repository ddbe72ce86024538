-- deal_history: what each deal was at any date, as known at $known_at
-- grain: one row a deal and span of business time in which nothing changed
-- needs: deal_changes
-- parameters: $known_at
-- columns:
--   deal: deal id
--   valid_from: from this instant on (UTC)
--   valid_to: up to, but without, this instant (UTC); the year 9999 where it still holds
--   status: open, won, lost or disqualified
--   captured_at: when the lead was captured (UTC)
--   company: the company's name
--   process: process
--   process_version: the version of the process
--   stage: the stage that the deal is in, or was in when it closed
--   account: account id
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
WITH filled AS (
    SELECT
        deal,
        effective_at AS valid_from,
        coalesce(lead(effective_at) OVER w, TIMESTAMP '9999-12-31') AS valid_to,
        last_value(status IGNORE NULLS) OVER w AS status,
        last_value(captured_at IGNORE NULLS) OVER w AS captured_at,
        last_value(company IGNORE NULLS) OVER w AS company,
        last_value(process IGNORE NULLS) OVER w AS process,
        last_value(process_version IGNORE NULLS) OVER w AS process_version,
        last_value(stage IGNORE NULLS) OVER w AS stage,
        last_value(account IGNORE NULLS) OVER w AS account,
        last_value(owner IGNORE NULLS) OVER w AS owner,
        last_value(team IGNORE NULLS) OVER w AS team,
        last_value(product IGNORE NULLS) OVER w AS product,
        last_value(segment IGNORE NULLS) OVER w AS segment,
        last_value(source IGNORE NULLS) OVER w AS source,
        last_value(campaign IGNORE NULLS) OVER w AS campaign,
        last_value(amount IGNORE NULLS) OVER w AS amount,
        last_value(recurring_amount IGNORE NULLS) OVER w AS recurring_amount,
        last_value(interval_months IGNORE NULLS) OVER w AS interval_months,
        last_value(term_months IGNORE NULLS) OVER w AS term_months,
        last_value(currency IGNORE NULLS) OVER w AS currency,
        last_value(expected_close IGNORE NULLS) OVER w AS expected_close,
        last_value(category IGNORE NULLS) OVER w AS category
    FROM deal_changes
    WINDOW w AS (PARTITION BY deal ORDER BY effective_at, rank ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
SELECT
    deal,
    valid_from,
    valid_to,
    status,
    captured_at,
    company,
    process,
    process_version,
    stage,
    account,
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
    category
FROM filled
WHERE captured_at IS NOT NULL AND valid_from < valid_to
