-- bookings: every deal that is won at $as_of, renewals left out, as known at $known_at
-- grain: one row a won deal that is no renewal
-- only: won
-- since: periods
-- needs: deals, renewal_deals, periods
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   period: the period of the win
--   deal: deal id
--   company: the company's name
--   account: account id
--   won_on: the day on which it was won
--   won_at: when it was won (UTC)
--   bookings: one-off amount plus the first term's recurring amount; empty where no amount is known
--   amount: one-off amount
--   recurring_amount: amount paid every interval_months
--   interval_months: months between two recurring payments
--   term_months: months of the first term
--   currency: ISO code of every amount in the row: the ledger's; a foreign amount is converted at the rate of the day on which the deal was won
--   lifetime_days: calendar days from capture to won
--   owner: who sells (a short id)
--   team: team
--   product: product
--   segment: market segment
--   source: where the lead came from
--   process: process
SELECT
    p.period,
    d.deal,
    d.company,
    d.account,
    d.closed_on AS won_on,
    d.closed_at AS won_at,
    d.value_converted AS bookings,
    at_rate(d.amount, d.rate) AS amount,
    at_rate(d.recurring_amount, d.rate) AS recurring_amount,
    d.interval_months,
    d.term_months,
    CASE WHEN d.currency IS NOT NULL THEN $currency END AS currency,
    date_diff('day', d.captured_on, d.closed_on) AS lifetime_days,
    d.owner,
    d.team,
    d.product,
    d.segment,
    d.source,
    d.process
FROM deals d
JOIN periods p ON d.closed_at >= p.begins_at AND d.closed_at < p.ends_at
WHERE d.status = 'won' AND d.growth IS DISTINCT FROM 'renewal' AND NOT EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
ORDER BY d.closed_at, d.deal
