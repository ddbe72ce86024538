-- referral_share: the share of new business that referrals carry, in leads, wins and bookings, by period, at $as_of as known at $known_at
-- grain: one row a period and group
-- needs: deals, renewal_deals, subscription_history, referred_leads, periods
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   period: the period
--   group: what the report is split by; empty where it is not, or where a deal has none
--   leads: new leads captured in the period: they grew from nothing, and their client had not bought or paid before that day
--   referred_leads: those that an account referred
--   lead_share: referred leads / leads
--   won: new deals won in the period, and still won: they grew from nothing, and are their client's first
--   referred_won: those that an account referred
--   won_share: referred won / won
--   bookings: what the won deals are worth
--   referred_bookings: what the referred ones of them are worth
--   currency: currency of the amounts
--   bookings_share: referred bookings / bookings
WITH paying AS (
    SELECT account, deal, effective_on AS since FROM subscription_history WHERE type = 'subscription-started' AND effective_at <= $as_of
),
fresh AS (
    SELECT
        d.deal,
        d.account,
        d.captured_on,
        d.closed_on,
        d.status,
        d.client_since,
        d.value_converted AS value,
        CASE $by WHEN 'owner' THEN d.owner WHEN 'team' THEN d.team WHEN 'source' THEN d.source WHEN 'campaign' THEN d.campaign WHEN 'product' THEN d.product WHEN 'segment' THEN d.segment WHEN 'account' THEN d.account WHEN 'process' THEN d.process END AS "group",
        l.deal IS NOT NULL AS is_referred
    FROM deals d
    LEFT JOIN referred_leads l ON l.deal = d.deal
    WHERE d.grown_from IS NULL AND d.subscription IS NULL AND d.growth IS DISTINCT FROM 'renewal' AND NOT EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
),
period_days AS (
    SELECT period, CAST(unnest(generate_series(begins_on, ends_on - 1, INTERVAL 1 DAY)) AS DATE) AS day FROM periods
),
happened AS (
    SELECT p.period, f."group", f.is_referred, FALSE AS is_won, NULL AS value
    FROM fresh f
    JOIN period_days p ON p.day = f.captured_on
    WHERE (f.client_since IS NULL OR f.client_since >= f.captured_on) AND NOT EXISTS (SELECT 1 FROM paying y WHERE y.account = f.account AND y.since < f.captured_on AND y.deal IS DISTINCT FROM f.deal)
    UNION ALL
    SELECT p.period, f."group", f.is_referred, TRUE, f.value
    FROM fresh f
    JOIN period_days p ON p.day = f.closed_on
    WHERE f.status = 'won' AND f.client_since >= f.closed_on AND NOT EXISTS (SELECT 1 FROM paying y WHERE y.account = f.account AND y.since < f.closed_on AND y.deal IS DISTINCT FROM f.deal)
),
counted AS (
    SELECT
        period,
        "group",
        count(*) FILTER (WHERE NOT is_won) AS leads,
        count(*) FILTER (WHERE NOT is_won AND is_referred) AS referred_leads,
        count(*) FILTER (WHERE is_won) AS won,
        count(*) FILTER (WHERE is_won AND is_referred) AS referred_won,
        CAST(coalesce(sum(value), 0) AS DECIMAL(38, 4)) AS bookings,
        CAST(coalesce(sum(value) FILTER (WHERE is_referred), 0) AS DECIMAL(38, 4)) AS referred_bookings
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
