-- metrics: leads, closings, bookings, deal size, close ratio and lifetime by period, at $as_of as known at $known_at
-- grain: one row a period and group
-- needs: deals, periods
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
WITH happened AS (
    SELECT
        p.period,
        CASE $by WHEN 'owner' THEN d.owner WHEN 'team' THEN d.team WHEN 'source' THEN d.source WHEN 'campaign' THEN d.campaign WHEN 'product' THEN d.product WHEN 'segment' THEN d.segment WHEN 'account' THEN d.account WHEN 'process' THEN d.process END AS "group",
        CASE WHEN d.captured_at >= p.begins_at AND d.captured_at < p.ends_at THEN 1 ELSE 0 END AS captured,
        CASE WHEN d.closed_at >= p.begins_at AND d.closed_at < p.ends_at THEN d.status END AS closed_as,
        d.value_converted AS value,
        date_diff('day', d.captured_on, d.closed_on) AS days
    FROM periods p
    JOIN deals d
        ON (d.captured_at >= p.begins_at AND d.captured_at < p.ends_at)
        OR (d.closed_at >= p.begins_at AND d.closed_at < p.ends_at)
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
        avg(days) FILTER (WHERE closed_as = 'lost') AS days_to_loss
    FROM happened
    GROUP BY period, "group"
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
    c.days_to_loss AS average_days_to_loss
FROM periods p
LEFT JOIN counted c ON c.period = p.period
ORDER BY p.begins_at, c."group" NULLS LAST
