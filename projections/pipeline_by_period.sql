-- pipeline_by_period: open deals by stage at the end of each period, as known at $known_at
-- grain: one row a period, group, process and stage that holds open deals then
-- needs: deal_history, rate_history, process_stages, periods
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   period: label of the period; one that begins after $as_of has no rows, one that ends after it is as it was at $as_of
--   group: what the report is split by; empty where it is not, or where a deal has none
--   process: process
--   stage: stage
--   deals: open deals
--   deals_without_amount: those of them that no amount is known for
--   amount: what the deals are worth: one-off plus the first term's recurring amounts, foreign ones converted at the rates at the period's end
--   currency: currency of the amounts: the ledger's
--   weighted_amount: amount times the stage's default probability
WITH ends AS (
    SELECT period, ends_at, ends_on, row_number() OVER (ORDER BY ends_at, ends_on) AS place
    FROM periods
    WHERE begins_at <= $as_of
),
span AS (
    SELECT min(ends_at) AS first_end, max(ends_at) AS last_end FROM ends
),
-- How many periods have ended by an instant is looked up by its day (in UTC), as no day has the ends of more than two in it.
ended AS (
    SELECT CAST(ends_at AS DATE) AS day, min(ends_at) AS one, max(ends_at) AS other, count(*) AS ends, min(place) - 1 AS before
    FROM ends
    GROUP BY 1
),
days AS (
    SELECT
        d.day,
        coalesce(e.before, max(e.before + e.ends) OVER (ORDER BY d.day), 0) AS before,
        coalesce(e.ends, 0) AS ends,
        coalesce(e.one, TIMESTAMP '9999-12-31') AS one,
        coalesce(e.other, TIMESTAMP '9999-12-31') AS other
    FROM (
        SELECT CAST(unnest(generate_series(CAST(first_end AS DATE) - 1, CAST(last_end AS DATE), INTERVAL 1 DAY)) AS DATE) AS day
        FROM span
    ) d
    LEFT JOIN ended e ON e.day = d.day
),
opened AS (
    SELECT
        h.*,
        least(greatest(h.valid_from, s.first_end - INTERVAL 1 DAY), s.last_end) AS since,
        CASE WHEN h.valid_to > $as_of THEN s.last_end ELSE least(greatest(h.valid_to, s.first_end - INTERVAL 1 DAY), s.last_end) END AS upto
    FROM deal_history h
    CROSS JOIN span s
    WHERE h.status = 'open' AND h.valid_from <= $as_of AND h.valid_from < s.last_end
),
-- A deal that stands unchanged is counted from the first period whose end it sees, up to that whose end it doesn't.
placed AS (
    SELECT
        o.*,
        1 + a.before + CASE WHEN o.since >= a.other THEN a.ends WHEN o.since >= a.one THEN 1 ELSE 0 END AS enters,
        1 + b.before + CASE WHEN o.upto >= b.other THEN b.ends WHEN o.upto >= b.one THEN 1 ELSE 0 END AS leaves
    FROM opened o
    JOIN days a ON a.day = CAST(o.since AS DATE)
    JOIN days b ON b.day = CAST(o.upto AS DATE)
),
seen AS (
    SELECT
        CASE $by WHEN 'owner' THEN owner WHEN 'team' THEN team WHEN 'source' THEN source WHEN 'campaign' THEN campaign WHEN 'product' THEN product WHEN 'segment' THEN segment WHEN 'account' THEN account WHEN 'process' THEN process END AS "group",
        process,
        process_version,
        stage,
        worth(amount, recurring_amount, interval_months, term_months) AS value,
        CASE WHEN currency <> $currency THEN currency END AS converted_from,
        enters,
        leaves
    FROM placed
    WHERE enters < leaves
),
-- What a foreign amount is worth changes with the rates, so it counts in each period by itself.
rates_then AS (
    SELECT r.currency, e.place, max_by(r.rate, r.place) AS rate
    FROM rate_history r
    JOIN ends e ON r.set_at < e.ends_at
    GROUP BY r.currency, e.place
),
foreign_seen AS (
    SELECT "group", process, process_version, stage, value, converted_from, unnest(generate_series(enters, leaves - 1)) AS enters
    FROM seen
    WHERE converted_from IS NOT NULL
),
valued AS (
    SELECT "group", process, process_version, stage, CAST(value AS DECIMAL(26, 4)) AS value, enters, leaves
    FROM seen
    WHERE converted_from IS NULL
    UNION ALL
    SELECT
        f."group",
        f.process,
        f.process_version,
        f.stage,
        CASE
            WHEN f.value IS NULL OR r.rate IS NOT NULL THEN at_rate(f.value, r.rate)
            ELSE CAST(error(no_rate(f.converted_from, CASE WHEN e.ends_on > $as_of_on THEN $as_of_on ELSE e.ends_on - 1 END)) AS DECIMAL(26, 4))
        END AS value,
        f.enters,
        f.enters + 1 AS leaves
    FROM foreign_seen f
    JOIN ends e ON e.place = f.enters
    LEFT JOIN rates_then r ON r.currency = f.converted_from AND r.place = f.enters
),
weighed AS (
    SELECT v.*, v.value * s.probability AS weighted
    FROM valued v
    LEFT JOIN process_stages s ON s.process = v.process AND s.process_version = v.process_version AND s.stage = v.stage
),
changed AS (
    SELECT "group", process, stage, enters AS place, count(*) AS deals, count(value) AS valued, sum(value) AS amount, count(weighted) AS weighed, sum(weighted) AS weighted
    FROM weighed
    GROUP BY "group", process, stage, enters
    UNION ALL
    SELECT "group", process, stage, leaves, -count(*), -count(value), -sum(value), -count(weighted), -sum(weighted)
    FROM weighed
    GROUP BY "group", process, stage, leaves
),
added AS (
    SELECT "group", process, stage, place, CAST(sum(deals) AS BIGINT) AS deals, CAST(sum(valued) AS BIGINT) AS valued, sum(amount) AS amount, CAST(sum(weighed) AS BIGINT) AS weighed, sum(weighted) AS weighted
    FROM changed
    GROUP BY "group", process, stage, place
),
standing AS (
    SELECT
        "group",
        process,
        stage,
        place,
        lead(place) OVER w AS next_place,
        CAST(sum(deals) OVER w AS BIGINT) AS deals,
        CAST(sum(valued) OVER w AS BIGINT) AS valued,
        sum(amount) OVER w AS amount,
        CAST(sum(weighed) OVER w AS BIGINT) AS weighed,
        sum(weighted) OVER w AS weighted
    FROM added
    WINDOW w AS (PARTITION BY "group", process, stage ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
told AS (
    SELECT "group", process, stage, deals, valued, amount, weighed, weighted, unnest(generate_series(place, next_place - 1)) AS place
    FROM standing
    WHERE deals > 0
),
positions AS (
    SELECT process, stage, min(position) AS position FROM process_stages GROUP BY process, stage
)
SELECT
    e.period,
    t."group",
    t.process,
    t.stage,
    t.deals,
    t.deals - t.valued AS deals_without_amount,
    CASE WHEN t.valued > 0 THEN CAST(t.amount AS DECIMAL(38, 4)) END AS amount,
    $currency AS currency,
    CASE WHEN t.weighed > 0 THEN CAST(round(t.weighted, 2) AS DECIMAL(38, 2)) END AS weighted_amount
FROM told t
JOIN ends e ON e.place = t.place
LEFT JOIN positions p ON p.process = t.process AND p.stage = t.stage
ORDER BY e.ends_on, t."group" NULLS LAST, t.process, p.position, t.stage
