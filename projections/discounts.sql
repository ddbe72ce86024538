-- discounts: the deals won at $as_of that have a list price, and what was taken off it, as known at $known_at
-- grain: one row a won deal with a list price and an amount
-- only: won
-- since: periods
-- needs: events, strikes, deals, renewal_deals, periods
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   period: the period of the win
--   deal: deal id
--   is_renewal: whether it renews a subscription, and so is no booking
--   company: the company's name
--   won_on: the day on which it was won
--   list_amount: what the list asked for the same: one-off plus the first term's recurring amount
--   value: what it was won for: one-off plus the first term's recurring amount
--   discount_amount: list_amount - value; below zero where it was won for more than the list asks
--   discount_share: discount_amount / list_amount; empty where the list asks for nothing
--   currency: ISO code of every amount in the row
--   terms: the terms that were agreed
--   owner: who sells (a short id)
--   product: product
--   process: process
WITH wins AS (
    SELECT
        e.id AS deal,
        max_by(struct_pack(list_amount := e.list_amount, terms := e.terms), place_of(e.effective_at, e.rank)) AS price
    FROM events e
    WHERE
        e.type = 'deal-won'
        AND e.effective_at <= $as_of
        AND e.known_at <= $known_at
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
    GROUP BY e.id
),
priced AS (
    SELECT
        d.deal,
        CAST(round(CAST(w.price.list_amount AS DECIMAL(18, 4)) * coalesce(d.rate, 1), 4) AS DECIMAL(26, 4)) AS list_amount
    FROM deals d
    JOIN wins w ON w.deal = d.deal
)
SELECT
    p.period,
    d.deal,
    d.growth IS NOT DISTINCT FROM 'renewal' OR EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal) AS is_renewal,
    d.company,
    d.closed_on AS won_on,
    l.list_amount,
    d.value_converted AS value,
    CAST(l.list_amount - d.value_converted AS DECIMAL(27, 4)) AS discount_amount,
    CASE
        WHEN l.list_amount > 0
            THEN CAST(l.list_amount - d.value_converted AS DOUBLE) / CAST(l.list_amount AS DOUBLE)
    END AS discount_share,
    $currency AS currency,
    w.price.terms AS terms,
    d.owner,
    d.product,
    d.process
FROM periods p
JOIN deals d ON d.closed_at >= p.begins_at AND d.closed_at < p.ends_at
JOIN wins w ON w.deal = d.deal
JOIN priced l ON l.deal = d.deal
WHERE d.status = 'won' AND w.price.list_amount IS NOT NULL AND d.value IS NOT NULL
ORDER BY d.closed_at, d.deal
