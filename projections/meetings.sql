-- meetings: the meetings held in each period by kind, and what their deals are at $as_of, as known at $known_at
-- grain: one row a period, group and kind of meeting
-- needs: events, strikes, deals, renewal_deals, periods
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   period: the period in which the meetings were held
--   group: what the report is split by; empty where it is not, or where a deal has none
--   kind: kind of meeting
--   held: meetings held
--   deals: deals that they were held for
--   renewals: those of the deals that renew a subscription; they are in none of the columns behind this one
--   won_deals: those of the others that are won
--   lost_deals: those of the others that are lost
--   open_deals: those of the others that are open
--   win_ratio: won_deals / (won_deals + lost_deals)
--   meetings_per_won_deal: meetings held for the won deals / won_deals
WITH held AS (
    SELECT e.id AS deal, e.kind, e.effective_at
    FROM events e
    WHERE
        e.type = 'meeting-held'
        AND e.effective_at <= $as_of
        AND e.known_at <= $known_at
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
),
told AS (
    SELECT
        p.period,
        p.begins_at,
        CASE $by WHEN 'owner' THEN d.owner WHEN 'team' THEN d.team WHEN 'source' THEN d.source WHEN 'campaign' THEN d.campaign WHEN 'product' THEN d.product WHEN 'segment' THEN d.segment WHEN 'account' THEN d.account WHEN 'process' THEN d.process END AS "group",
        h.kind,
        h.deal,
        d.status,
        d.growth IS NOT DISTINCT FROM 'renewal' OR EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal) AS is_renewal
    FROM periods p
    JOIN held h ON h.effective_at >= p.begins_at AND h.effective_at < p.ends_at
    JOIN deals d ON d.deal = h.deal
),
counted AS (
    SELECT
        period,
        begins_at,
        "group",
        kind,
        count(*) AS held,
        count(DISTINCT deal) AS deals,
        count(DISTINCT deal) FILTER (WHERE is_renewal) AS renewals,
        count(DISTINCT deal) FILTER (WHERE status = 'won' AND NOT is_renewal) AS won_deals,
        count(DISTINCT deal) FILTER (WHERE status = 'lost' AND NOT is_renewal) AS lost_deals,
        count(DISTINCT deal) FILTER (WHERE status = 'open' AND NOT is_renewal) AS open_deals,
        count(*) FILTER (WHERE status = 'won' AND NOT is_renewal) AS held_for_won
    FROM told
    GROUP BY period, begins_at, "group", kind
)
SELECT
    period,
    "group",
    kind,
    held,
    deals,
    renewals,
    won_deals,
    lost_deals,
    open_deals,
    CASE WHEN won_deals + lost_deals > 0 THEN CAST(won_deals AS DOUBLE) / (won_deals + lost_deals) END AS win_ratio,
    CASE WHEN won_deals > 0 THEN CAST(held_for_won AS DOUBLE) / won_deals END AS meetings_per_won_deal
FROM counted
ORDER BY begins_at, "group" NULLS LAST, held DESC, kind
