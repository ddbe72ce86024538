-- repeat_share: bookings from clients that had bought or paid before, against all, renewals left out, by period, at $as_of as known at $known_at
-- grain: one row a period and group
-- only: won
-- needs: deals, renewal_deals, subscription_history, periods
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   period: the period
--   group: what the report is split by; empty where it is not, or where a deal has none
--   won: deals won in the period, and still won, renewals left out
--   repeat_won: those of clients that had a won deal, or a subscription that another deal or none began, on an earlier day; a client is an account, or a company where a deal has none
--   bookings: what the won deals are worth
--   repeat_bookings: what those of clients that had bought before are worth
--   new_bookings: what the others are worth
--   won_without_amount: won deals that no amount is known for
--   currency: currency of the amounts
--   repeat_share: repeat_bookings / bookings
--   repeat_won_share: repeat_won / won
WITH paying AS (
    SELECT account, deal, effective_on AS since FROM subscription_history WHERE type = 'subscription-started' AND effective_at <= $as_of
),
bought AS (
    SELECT
        closed_at,
        value_converted AS value,
        CASE $by WHEN 'owner' THEN owner WHEN 'team' THEN team WHEN 'source' THEN source WHEN 'campaign' THEN campaign WHEN 'product' THEN product WHEN 'segment' THEN segment WHEN 'account' THEN account WHEN 'process' THEN process END AS "group",
        closed_on > client_since
        OR EXISTS (SELECT 1 FROM paying y WHERE y.account = d.account AND y.since < d.closed_on AND y.deal IS DISTINCT FROM d.deal) AS again
    FROM deals d
    WHERE status = 'won' AND d.growth IS DISTINCT FROM 'renewal' AND NOT EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
),
counted AS (
    SELECT
        p.period,
        b."group",
        count(*) AS won,
        count(*) FILTER (WHERE b.again) AS repeat_won,
        sum(b.value) AS bookings,
        sum(b.value) FILTER (WHERE b.again) AS repeat_bookings,
        count(*) - count(b.value) AS won_without_amount
    FROM periods p
    JOIN bought b ON b.closed_at >= p.begins_at AND b.closed_at < p.ends_at
    GROUP BY p.period, b."group"
)
SELECT
    p.period,
    c."group",
    coalesce(c.won, 0) AS won,
    coalesce(c.repeat_won, 0) AS repeat_won,
    CAST(coalesce(c.bookings, 0) AS DECIMAL(38, 4)) AS bookings,
    CAST(coalesce(c.repeat_bookings, 0) AS DECIMAL(38, 4)) AS repeat_bookings,
    CAST(coalesce(c.bookings, 0) - coalesce(c.repeat_bookings, 0) AS DECIMAL(38, 4)) AS new_bookings,
    coalesce(c.won_without_amount, 0) AS won_without_amount,
    $currency AS currency,
    CASE WHEN c.bookings > 0 THEN CAST(coalesce(c.repeat_bookings, 0) AS DOUBLE) / CAST(c.bookings AS DOUBLE) END AS repeat_share,
    CASE WHEN c.won > 0 THEN CAST(c.repeat_won AS DOUBLE) / c.won END AS repeat_won_share
FROM periods p
LEFT JOIN counted c ON c.period = p.period
ORDER BY p.begins_at, c."group" NULLS LAST
