-- metrics: leads, closings, bookings, deal size, close ratio, lifetime and velocity by period, renewals left out, at $as_of as known at $known_at
-- grain: one row a period and group
-- since: periods
-- needs: deals, renewal_deals, deal_changes, periods
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   period: the period
--   group: what the report is split by; empty where it is not, or where a deal has none
--   leads: leads captured in the period
--   won: deals won in the period, and still won
--   lost: deals lost in the period, and still lost
--   disqualified: leads disqualified in the period, and still so
--   bookings: what the won deals are worth: one-off plus the first term's recurring amounts, foreign ones converted at the rates of the days on which they were won
--   average_deal_size: mean worth of the won deals whose amount is known, rounded once
--   won_without_amount: won deals that no amount is known for
--   currency: currency of the amounts: the ledger's
--   close_ratio: won / (won + lost)
--   average_deal_lifetime_days: mean of the calendar days from capture to won
--   average_days_to_loss: mean of the calendar days from capture to lost
--   sales_velocity: deals open at the period's end * average deal size * close ratio / average lifetime: an amount a day
--   contacted: leads captured in the period that somebody tried to reach since
--   median_hours_to_first_contact: median of the hours from capture to the first such attempt
WITH contacts AS (
    SELECT deal, min(effective_at) AS first_at
    FROM deal_changes
    WHERE type = 'lead-contacted' AND effective_at <= $as_of
    GROUP BY deal
),
grouped AS (
    SELECT
        d.captured_at,
        d.captured_on,
        d.closed_at,
        d.closed_on,
        d.status,
        d.value_converted AS value,
        date_diff('day', d.captured_on, d.closed_on) AS days,
        CASE WHEN k.first_at > d.captured_at THEN date_diff('microsecond', d.captured_at, k.first_at) WHEN k.deal IS NOT NULL THEN 0 END AS waited,
        CASE $by WHEN 'owner' THEN d.owner WHEN 'team' THEN d.team WHEN 'source' THEN d.source WHEN 'campaign' THEN d.campaign WHEN 'product' THEN d.product WHEN 'segment' THEN d.segment WHEN 'account' THEN d.account WHEN 'process' THEN d.process END AS "group"
    FROM deals d
    LEFT JOIN contacts k ON k.deal = d.deal
    WHERE d.growth IS DISTINCT FROM 'renewal' AND NOT EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
),
period_days AS (
    SELECT period, CAST(unnest(generate_series(begins_on, ends_on - 1, INTERVAL 1 DAY)) AS DATE) AS day FROM periods
),
happened AS (
    SELECT p.period, d."group", 1 AS captured, NULL AS closed_as, NULL AS value, NULL AS days, d.waited
    FROM grouped d
    JOIN period_days p ON p.day = d.captured_on
    UNION ALL
    SELECT p.period, d."group", 0, d.status, d.value, d.days, NULL
    FROM grouped d
    JOIN period_days p ON p.day = d.closed_on
),
counted AS (
    SELECT
        period,
        "group",
        sum(captured) AS leads,
        count(*) FILTER (WHERE closed_as = 'won') AS won,
        count(*) FILTER (WHERE closed_as = 'lost') AS lost,
        count(*) FILTER (WHERE closed_as = 'disqualified') AS disqualified,
        sum(value) FILTER (WHERE closed_as = 'won') AS bookings,
        count(value) FILTER (WHERE closed_as = 'won') AS won_with_amount,
        avg(days) FILTER (WHERE closed_as = 'won') AS days_to_win,
        avg(days) FILTER (WHERE closed_as = 'lost') AS days_to_loss,
        sum(days) FILTER (WHERE closed_as = 'won') AS days_won,
        count(waited) AS contacted,
        median(waited) AS waited
    FROM happened
    GROUP BY period, "group"
),
turns AS (
    SELECT NULL AS period, "group", captured_at AS turned_at, 1 AS step, 1 AS is_deal FROM grouped
    UNION ALL
    SELECT NULL, "group", closed_at, -1, 1 FROM grouped WHERE closed_at IS NOT NULL
    UNION ALL
    SELECT c.period, c."group", p.ends_at, 0, 0 FROM counted c JOIN periods p ON p.period = c.period
),
stock AS (
    SELECT
        period,
        "group",
        is_deal,
        sum(step) OVER (
            PARTITION BY "group" ORDER BY turned_at, is_deal ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS open_deals
    FROM turns
),
measured AS (
    SELECT
        c.*,
        CAST(s.open_deals AS HUGEINT) AS open_deals,
        CAST(c.bookings * 10000 AS HUGEINT) AS units,
        CAST(c.won_with_amount * (c.won + c.lost) AS HUGEINT) * c.days_won AS divisor
    FROM counted c
    JOIN stock s ON s.is_deal = 0 AND s.period = c.period AND s."group" IS NOT DISTINCT FROM c."group"
)
SELECT
    p.period,
    c."group",
    CAST(coalesce(c.leads, 0) AS BIGINT) AS leads,
    coalesce(c.won, 0) AS won,
    coalesce(c.lost, 0) AS lost,
    coalesce(c.disqualified, 0) AS disqualified,
    CAST(coalesce(c.bookings, 0) AS DECIMAL(38, 4)) AS bookings,
    CASE WHEN c.won_with_amount > 0 THEN money_mean(c.bookings, c.won_with_amount) END AS average_deal_size,
    coalesce(c.won - c.won_with_amount, 0) AS won_without_amount,
    $currency AS currency,
    CASE WHEN c.won + c.lost > 0 THEN CAST(c.won AS DOUBLE) / (c.won + c.lost) END AS close_ratio,
    c.days_to_win AS average_deal_lifetime_days,
    c.days_to_loss AS average_days_to_loss,
    CASE
        WHEN c.divisor > 0
            THEN TRY(CAST(CAST((c.open_deals * c.won * c.won * c.units * 2 + c.divisor * 100) // (c.divisor * 200) AS DECIMAL(36, 0)) * 0.01 AS DECIMAL(38, 2)))
    END AS sales_velocity,
    coalesce(c.contacted, 0) AS contacted,
    c.waited / 3600000000 AS median_hours_to_first_contact
FROM periods p
LEFT JOIN measured c ON c.period = p.period
ORDER BY p.begins_at, c."group" NULLS LAST
