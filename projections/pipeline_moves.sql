-- pipeline_moves: what each deal adds to the pipeline, or takes from it, between $since and $as_of, as known at $known_at
-- grain: one row a line of the walk and deal
-- needs: deals, deal_changes, rate_history, rates, rate_days, periods
-- parameters: $since, $since_on, $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   position: the line's place in the walk, from 1
--   line: opening, created, reopened, pulled_in, raised, lowered, exchange, pushed_out, won, lost, disqualified or closing
--   group: what the report is split by, as it is at $as_of; empty where it is not, or where a deal has none
--   deal: deal id
--   company: the company's name
--   amount: what the deal adds in that line, negative where it takes away; a deal without an amount counts as nothing
--   currency: currency of the amount: the ledger's
--   status: open, won, lost or disqualified, at $as_of
--   expected_close_before: day on which the deal was expected to close, at $since
--   expected_close: day on which it is expected to close, at $as_of
WITH span AS (
    SELECT min(begins_on) AS begins_on, max(ends_on) AS ends_on, bool_or(period = 'all') AS whole FROM periods
),
before AS (
    SELECT
        c.deal,
        max_by(c.status, c.place) FILTER (WHERE c.status IS NOT NULL) AS status,
        max_by(c.effective_at, c.place) FILTER (WHERE c.status IS NOT NULL) AS status_at,
        worth(
            max_by(c.amount, c.place) FILTER (WHERE c.amount IS NOT NULL),
            max_by(c.recurring_amount, c.place) FILTER (WHERE c.recurring_amount IS NOT NULL),
            max_by(c.interval_months, c.place) FILTER (WHERE c.interval_months IS NOT NULL),
            max_by(c.term_months, c.place) FILTER (WHERE c.term_months IS NOT NULL)
        ) AS value,
        max_by(c.currency, c.place) FILTER (WHERE c.currency IS NOT NULL) AS currency,
        max_by(c.expected_close, c.place) FILTER (WHERE c.expected_close IS NOT NULL) AS expected_close
    FROM deal_changes c
    WHERE c.effective_at <= $since
    GROUP BY c.deal
    HAVING count(c.captured_at) > 0
),
rates_before AS (
    SELECT currency, max_by(rate, place) AS rate
    FROM rate_history
    WHERE set_at <= $since
    GROUP BY currency
),
-- rate_before and rate_between are of the currency that the deal had before: its rates then, and when its last value counts.
compared AS (
    SELECT
        d.deal,
        d.company,
        CASE $by WHEN 'owner' THEN d.owner WHEN 'team' THEN d.team WHEN 'source' THEN d.source WHEN 'campaign' THEN d.campaign WHEN 'product' THEN d.product WHEN 'segment' THEN d.segment WHEN 'account' THEN d.account WHEN 'process' THEN d.process END AS "group",
        d.status,
        d.closed_at,
        d.value_converted,
        d.expected_close,
        b.status AS status_before,
        b.status_at AS status_before_at,
        b.value AS value_before,
        b.currency <> $currency AS was_foreign,
        b.currency AS currency_before,
        b.expected_close AS expected_close_before,
        o.rate AS rate_before,
        CASE WHEN d.status = 'open' OR d.closed_on >= r.valid_from THEN r.rate ELSE y.rate END AS rate_between,
        s.whole,
        coalesce(b.status = 'open' AND (s.whole OR (b.expected_close >= s.begins_on AND b.expected_close < s.ends_on)), false) AS was_in,
        coalesce(s.whole OR (d.expected_close >= s.begins_on AND d.expected_close < s.ends_on), false) AS is_due
    FROM deals d
    CROSS JOIN span s
    LEFT JOIN before b ON b.deal = d.deal
    LEFT JOIN rates_before o ON o.currency = b.currency
    LEFT JOIN rates r ON r.currency = b.currency
    LEFT JOIN rate_days y ON y.currency = b.currency AND y.day = d.closed_on
),
entered AS (
    SELECT
        *,
        CASE
            WHEN was_in OR NOT is_due THEN NULL
            WHEN status_before IS NULL THEN 'created'
            WHEN status_before = 'open' THEN 'pulled_in'
            WHEN status = 'open' OR closed_at <> status_before_at THEN 'reopened'
        END AS came_as
    FROM compared
),
valued AS (
    SELECT
        *,
        coalesce(value_converted, 0) AS amount_after,
        CASE
            WHEN NOT was_in OR value_before IS NULL THEN 0
            WHEN NOT was_foreign THEN value_before
            WHEN rate_before IS NULL THEN CAST(error(no_rate(currency_before, $since_on)) AS DECIMAL(26, 4))
            ELSE at_rate(value_before, rate_before)
        END AS amount_before,
        CASE
            WHEN NOT was_in OR value_before IS NULL THEN 0
            WHEN NOT was_foreign THEN value_before
            ELSE at_rate(value_before, rate_between)
        END AS amount_between,
        was_in AND whole AND status = 'open' AND expected_close < expected_close_before AS sooner,
        was_in AND whole AND status = 'open' AND expected_close > expected_close_before AS later
    FROM entered
    WHERE was_in OR came_as IS NOT NULL
),
lines AS (
    SELECT
        *,
        unnest(
            [
                struct_pack(position := 1, line := 'opening', amount := CAST(CASE WHEN was_in THEN amount_before END AS DECIMAL(27, 4))),
                struct_pack(position := 2, line := 'created', amount := CAST(CASE WHEN came_as = 'created' THEN amount_after END AS DECIMAL(27, 4))),
                struct_pack(position := 3, line := 'reopened', amount := CAST(CASE WHEN came_as = 'reopened' THEN amount_after END AS DECIMAL(27, 4))),
                struct_pack(position := 4, line := 'pulled_in', amount := CAST(CASE WHEN came_as = 'pulled_in' THEN amount_after WHEN sooner THEN 0 END AS DECIMAL(27, 4))),
                struct_pack(position := 5, line := 'raised', amount := CAST(CASE WHEN was_in AND amount_after > amount_between THEN amount_after - amount_between END AS DECIMAL(27, 4))),
                struct_pack(position := 6, line := 'lowered', amount := CAST(CASE WHEN was_in AND amount_after < amount_between THEN amount_after - amount_between END AS DECIMAL(27, 4))),
                struct_pack(position := 7, line := 'exchange', amount := CAST(CASE WHEN was_in AND amount_between <> amount_before THEN amount_between - amount_before END AS DECIMAL(27, 4))),
                struct_pack(position := 8, line := 'pushed_out', amount := CAST(CASE WHEN was_in AND status = 'open' AND NOT is_due THEN -amount_after WHEN later THEN 0 END AS DECIMAL(27, 4))),
                struct_pack(position := 9, line := 'won', amount := CAST(CASE WHEN status = 'won' THEN -amount_after END AS DECIMAL(27, 4))),
                struct_pack(position := 10, line := 'lost', amount := CAST(CASE WHEN status = 'lost' THEN -amount_after END AS DECIMAL(27, 4))),
                struct_pack(position := 11, line := 'disqualified', amount := CAST(CASE WHEN status = 'disqualified' THEN -amount_after END AS DECIMAL(27, 4))),
                struct_pack(position := 12, line := 'closing', amount := CAST(CASE WHEN status = 'open' AND is_due THEN amount_after END AS DECIMAL(27, 4)))
            ]
        ) AS told
    FROM valued
)
SELECT
    told.position AS position,
    told.line AS line,
    "group",
    deal,
    company,
    told.amount AS amount,
    $currency AS currency,
    status,
    expected_close_before,
    expected_close
FROM lines
WHERE told.amount IS NOT NULL
ORDER BY told.position, "group" NULLS LAST, abs(told.amount) DESC, deal
