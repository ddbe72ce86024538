-- issued_forecasts: forecasts that models gave, beside what was booked once their period was over at $as_of, as known at $known_at
-- grain: one row a forecast that was issued and stands
-- only: won
-- needs: events, strikes, deals, renewal_deals
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   entry: its place in the ledger's one total order
--   issued_at: when it was issued (UTC)
--   model: the model that gave it
--   period: the period
--   begins_on: its first day
--   ends_on: the day after its last
--   origin: the day at whose end it was asked
--   upto: the last entry that it knew
--   mean: the expected bookings
--   lo_95: lower end of the interval that holds 95 %
--   lo_80: lower end of the interval that holds 80 %
--   median: as likely to be passed as not
--   hi_80: upper end of the interval that holds 80 %
--   hi_95: upper end of the interval that holds 95 %
--   currency: currency of the amounts
--   actual: what was booked in the period, renewals left out; empty until the day after it has come
--   error: mean less actual
--   pinball: the mean pinball loss at the five levels (0.025, 0.1, 0.5, 0.9, 0.975), rounded once; the mean stands for all of a point
--   within_80: whether the actual lies in the interval that holds 80 %
--   within_95: whether it lies in the one that holds 95 %
WITH issued AS (
    SELECT
        *,
        CASE
            WHEN ends_on = begins_on + INTERVAL 1 YEAR AND dayofyear(begins_on) = 1 THEN strftime(begins_on, '%Y')
            WHEN ends_on = begins_on + INTERVAL 3 MONTH AND day(begins_on) = 1 AND month(begins_on) % 3 = 1 THEN
                strftime(begins_on, '%Y') || 'Q' || quarter(begins_on)
            WHEN ends_on = begins_on + INTERVAL 1 MONTH AND day(begins_on) = 1 THEN strftime(begins_on, '%Y-%m')
            WHEN ends_on = begins_on + INTERVAL 7 DAY AND isodow(begins_on) = 1 THEN strftime(begins_on, '%G-W%V')
            WHEN ends_on = begins_on + INTERVAL 1 DAY THEN strftime(begins_on, '%Y-%m-%d')
            ELSE begins_on || '..' || ends_on
        END AS period
    FROM events e
    WHERE
        type = 'forecast-issued'
        AND effective_at <= $as_of
        AND known_at <= $known_at
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
),
days AS (
    SELECT closed_on, sum(value_converted) AS bookings
    FROM deals d
    WHERE d.status = 'won' AND d.growth IS DISTINCT FROM 'renewal' AND NOT EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
    GROUP BY closed_on
),
settled AS (
    SELECT i.entry, CAST(coalesce(sum(d.bookings), 0) AS DECIMAL(38, 4)) AS actual
    FROM issued i
    LEFT JOIN days d ON d.closed_on >= i.begins_on AND d.closed_on < i.ends_on
    WHERE i.ends_on <= $as_of_on
    GROUP BY i.entry
),
lost AS (
    SELECT
        i.entry,
        s.actual,
        unnest([coalesce(lo_95, mean), coalesce(lo_80, mean), coalesce(median, mean), coalesce(hi_80, mean), coalesce(hi_95, mean)])
            AS told,
        unnest([0.025, 0.100, 0.500, 0.900, 0.975]) AS level
    FROM issued i
    JOIN settled s ON s.entry = i.entry
),
scored AS (
    SELECT
        entry,
        CAST(sum(CASE WHEN actual >= told THEN level * (actual - told) ELSE (1 - level) * (told - actual) END) * 0.2 AS DECIMAL(38, 4))
            AS pinball
    FROM lost l
    GROUP BY entry
)
SELECT
    i.entry,
    i.effective_at AS issued_at,
    i.model,
    i.period,
    i.begins_on,
    i.ends_on,
    i.origin,
    i.upto,
    i.mean,
    i.lo_95,
    i.lo_80,
    i.median,
    i.hi_80,
    i.hi_95,
    i.currency,
    s.actual,
    CAST(i.mean - s.actual AS DECIMAL(38, 4)) AS error,
    c.pinball,
    s.actual BETWEEN i.lo_80 AND i.hi_80 AS within_80,
    s.actual BETWEEN i.lo_95 AND i.hi_95 AS within_95
FROM issued i
LEFT JOIN settled s ON s.entry = i.entry
LEFT JOIN scored c ON c.entry = i.entry
ORDER BY i.begins_on, i.ends_on, i.origin, i.entry
