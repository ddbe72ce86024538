-- referral_share: the share of leads, wins and bookings that referrals carry, by period, at $as_of as known at $known_at
-- grain: one row a period and group
-- needs: deals, referred_leads, periods
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   period: the period
--   group: what the report is split by; empty where it is not, or where a deal has none
--   leads: leads captured in the period
--   referred_leads: those that an account referred
--   lead_share: referred leads / leads
--   won: deals won in the period, and still won
--   referred_won: those that an account referred
--   won_share: referred won / won
--   bookings: what the won deals are worth
--   referred_bookings: what the referred ones of them are worth
--   currency: currency of the amounts
--   bookings_share: referred bookings / bookings
WITH happened AS (
    SELECT
        p.period,
        CASE $by WHEN 'owner' THEN d.owner WHEN 'team' THEN d.team WHEN 'source' THEN d.source WHEN 'campaign' THEN d.campaign WHEN 'product' THEN d.product WHEN 'segment' THEN d.segment WHEN 'account' THEN d.account WHEN 'process' THEN d.process END AS "group",
        d.captured_at >= p.begins_at AND d.captured_at < p.ends_at AS is_captured,
        d.status = 'won' AND d.closed_at >= p.begins_at AND d.closed_at < p.ends_at AS is_won,
        l.deal IS NOT NULL AS is_referred,
        d.value_converted AS value
    FROM periods p
    JOIN deals d
        ON (d.captured_at >= p.begins_at AND d.captured_at < p.ends_at)
        OR (d.status = 'won' AND d.closed_at >= p.begins_at AND d.closed_at < p.ends_at)
    LEFT JOIN referred_leads l ON l.deal = d.deal
),
counted AS (
    SELECT
        period,
        "group",
        count(*) FILTER (WHERE is_captured) AS leads,
        count(*) FILTER (WHERE is_captured AND is_referred) AS referred_leads,
        count(*) FILTER (WHERE is_won) AS won,
        count(*) FILTER (WHERE is_won AND is_referred) AS referred_won,
        CAST(coalesce(sum(value) FILTER (WHERE is_won), 0) AS DECIMAL(38, 4)) AS bookings,
        CAST(coalesce(sum(value) FILTER (WHERE is_won AND is_referred), 0) AS DECIMAL(38, 4)) AS referred_bookings
    FROM happened
    GROUP BY period, "group"
)
SELECT
    p.period,
    c."group",
    coalesce(c.leads, 0) AS leads,
    coalesce(c.referred_leads, 0) AS referred_leads,
    CASE WHEN c.leads > 0 THEN CAST(c.referred_leads AS DOUBLE) / c.leads END AS lead_share,
    coalesce(c.won, 0) AS won,
    coalesce(c.referred_won, 0) AS referred_won,
    CASE WHEN c.won > 0 THEN CAST(c.referred_won AS DOUBLE) / c.won END AS won_share,
    coalesce(c.bookings, CAST(0 AS DECIMAL(38, 4))) AS bookings,
    coalesce(c.referred_bookings, CAST(0 AS DECIMAL(38, 4))) AS referred_bookings,
    $currency AS currency,
    CASE WHEN c.bookings > 0 THEN CAST(c.referred_bookings AS DOUBLE) / CAST(c.bookings AS DOUBLE) END AS bookings_share
FROM periods p
LEFT JOIN counted c ON c.period = p.period
ORDER BY p.begins_at, c."group" NULLS LAST
