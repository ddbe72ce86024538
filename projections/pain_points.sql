-- pain_points: what was said to hurt in the meetings of each period, and what those deals are at $as_of, as known at $known_at
-- grain: one row a period, group and pain point
-- needs: events, strikes, deals, renewal_deals, periods
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   period: the period in which it was named
--   group: what the report is split by; empty where it is not, or where a deal has none
--   pain_point: what hurts the client, whatever the case of its letters; as it was first written by $as_of
--   deals: deals where it was named; a deal with several pain points counts under each
--   renewals: those of the deals that renew a subscription; they are in none of the columns behind this one
--   won: those of the others that are won
--   lost: those of the others that are lost
--   disqualified: those of the others that are disqualified
--   open: those of the others that are open
--   win_ratio: won / (won + lost)
--   bookings: what the won ones are worth
--   won_without_amount: won ones that no amount is known for
--   currency: currency of the bookings
WITH meetings_held AS (
    SELECT e.id, e.effective_at, e.rank, e.entry, from_json(e.pain_points, '["VARCHAR"]') AS pains
    FROM events e
    WHERE
        e.type = 'meeting-held'
        AND e.effective_at <= $as_of
        AND e.known_at <= $known_at
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
),
each_named AS (
    SELECT id AS deal, effective_at, rank, entry, unnest(pains) AS written, unnest(range(array_length(pains))) AS turn
    FROM meetings_held
),
named AS (
    SELECT
        deal,
        effective_at,
        first_value(written) OVER (PARTITION BY lower(written) ORDER BY effective_at, rank, entry, turn) AS pain_point
    FROM each_named
),
told AS (
    SELECT DISTINCT
        p.period,
        p.begins_at,
        CASE $by WHEN 'owner' THEN d.owner WHEN 'team' THEN d.team WHEN 'source' THEN d.source WHEN 'campaign' THEN d.campaign WHEN 'product' THEN d.product WHEN 'segment' THEN d.segment WHEN 'account' THEN d.account WHEN 'process' THEN d.process END AS "group",
        n.pain_point,
        d.deal,
        d.status,
        d.value_converted AS value,
        d.growth IS NOT DISTINCT FROM 'renewal' OR EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal) AS is_renewal
    FROM periods p
    JOIN named n ON n.effective_at >= p.begins_at AND n.effective_at < p.ends_at
    JOIN deals d ON d.deal = n.deal
),
counted AS (
    SELECT
        period,
        begins_at,
        "group",
        pain_point,
        count(*) AS deals,
        count(*) FILTER (WHERE is_renewal) AS renewals,
        count(*) FILTER (WHERE status = 'won' AND NOT is_renewal) AS won,
        count(*) FILTER (WHERE status = 'lost' AND NOT is_renewal) AS lost,
        count(*) FILTER (WHERE status = 'disqualified' AND NOT is_renewal) AS disqualified,
        count(*) FILTER (WHERE status = 'open' AND NOT is_renewal) AS open,
        sum(value) FILTER (WHERE status = 'won' AND NOT is_renewal) AS bookings,
        count(value) FILTER (WHERE status = 'won' AND NOT is_renewal) AS won_with_amount
    FROM told
    GROUP BY period, begins_at, "group", pain_point
)
SELECT
    period,
    "group",
    pain_point,
    deals,
    renewals,
    won,
    lost,
    disqualified,
    open,
    CASE WHEN won + lost > 0 THEN CAST(won AS DOUBLE) / (won + lost) END AS win_ratio,
    CAST(coalesce(bookings, 0) AS DECIMAL(38, 4)) AS bookings,
    won - won_with_amount AS won_without_amount,
    $currency AS currency
FROM counted
ORDER BY begins_at, "group" NULLS LAST, deals DESC, pain_point
