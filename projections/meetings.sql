-- meetings: the meetings held in each period by kind, and what their deals are at $as_of, as known at $known_at
-- grain: one row a period, group and kind of meeting
-- needs: events, strikes, deals, periods
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   period: the period in which the meetings were held
--   group: what the report is split by; empty where it is not, or where a deal has none
--   kind: kind of meeting
--   held: meetings held
--   deals: deals that they were held for
--   won_deals: those of the deals that are won
--   lost_deals: those of the deals that are lost
--   open_deals: those of the deals that are open
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
counted AS (
    SELECT
        p.period,
        p.begins_at,
        CASE $by WHEN 'owner' THEN d.owner WHEN 'team' THEN d.team WHEN 'source' THEN d.source WHEN 'campaign' THEN d.campaign WHEN 'product' THEN d.product WHEN 'segment' THEN d.segment WHEN 'account' THEN d.account WHEN 'process' THEN d.process END AS "group",
        h.kind,
        count(*) AS held,
        count(DISTINCT h.deal) AS deals,
        count(DISTINCT h.deal) FILTER (WHERE d.status = 'won') AS won_deals,
        count(DISTINCT h.deal) FILTER (WHERE d.status = 'lost') AS lost_deals,
        count(DISTINCT h.deal) FILTER (WHERE d.status = 'open') AS open_deals,
        count(*) FILTER (WHERE d.status = 'won') AS held_for_won
    FROM periods p
    JOIN held h ON h.effective_at >= p.begins_at AND h.effective_at < p.ends_at
    JOIN deals d ON d.deal = h.deal
    GROUP BY p.period, p.begins_at, "group", h.kind
)
SELECT
    period,
    "group",
    kind,
    held,
    deals,
    won_deals,
    lost_deals,
    open_deals,
    CASE WHEN won_deals + lost_deals > 0 THEN CAST(won_deals AS DOUBLE) / (won_deals + lost_deals) END AS win_ratio,
    CASE WHEN won_deals > 0 THEN CAST(held_for_won AS DOUBLE) / won_deals END AS meetings_per_won_deal
FROM counted
ORDER BY begins_at, "group" NULLS LAST, held DESC, kind
