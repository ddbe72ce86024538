-- losses: the deals that were lost in each period and still are at $as_of, by why and where, as known at $known_at
-- grain: one row a period, reason, process, stage, source and competitor
-- only: lost
-- since: periods
-- needs: deals, renewal_deals, periods
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   period: the period in which they were lost
--   reason: why; empty where nobody said
--   process: process
--   stage: the stage in which they were lost
--   source: where the leads came from
--   competitor: who won instead; empty where nobody said
--   deals: lost deals
--   renewals: those of them that would have renewed a subscription; what such a one loses is in `recurring` too
--   deals_without_amount: those of them that no amount is known for
--   amount: what they would have been worth: one-off plus the first term's recurring amounts
--   currency: currency of the amount
SELECT
    p.period,
    d.reason,
    d.process,
    d.stage,
    d.source,
    d.competitor,
    count(*) AS deals,
    count(*) FILTER (WHERE d.growth IS NOT DISTINCT FROM 'renewal' OR EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)) AS renewals,
    count(*) - count(d.value_converted) AS deals_without_amount,
    CAST(sum(d.value_converted) AS DECIMAL(38, 4)) AS amount,
    $currency AS currency
FROM periods p
JOIN deals d ON d.closed_at >= p.begins_at AND d.closed_at < p.ends_at
WHERE d.status = 'lost'
GROUP BY p.period, p.begins_at, d.reason, d.process, d.stage, d.source, d.competitor
ORDER BY p.begins_at, deals DESC, amount DESC NULLS LAST, d.reason, d.process, d.stage, d.source, d.competitor
