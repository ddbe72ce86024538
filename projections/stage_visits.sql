-- stage_visits: each stay of a deal in a stage, up to $as_of, as known at $known_at
-- grain: one row a visit of a deal to a stage
-- needs: deal_changes
-- parameters: $as_of, $as_of_on, $known_at
-- columns:
--   deal: deal id
--   visit: 1 for the first stage that the deal was in, and so on
--   process: process
--   process_version: the version of it that the deal followed when it came here
--   stage: stage
--   entered_at: when the deal came here (UTC)
--   entered_on: the day of that
--   left_at: when it moved on or closed (UTC); empty while it is here
--   left_on: the day of that
--   days: calendar days from entering to leaving, or to the as-of day
--   went_to: the next stage, or won, lost or disqualified; empty while it is here
WITH filled AS (
    SELECT
        deal,
        effective_at,
        effective_on,
        rank,
        last_value(process IGNORE NULLS) OVER w AS process,
        last_value(process_version IGNORE NULLS) OVER w AS process_version,
        last_value(stage IGNORE NULLS) OVER w AS stage,
        last_value(status IGNORE NULLS) OVER w AS status,
        last_value(process IGNORE NULLS) OVER b AS process_before,
        last_value(stage IGNORE NULLS) OVER b AS stage_before,
        last_value(status IGNORE NULLS) OVER b AS status_before
    FROM deal_changes
    WHERE effective_at <= $as_of AND (stage IS NOT NULL OR status IS NOT NULL)
    WINDOW
        w AS (PARTITION BY deal ORDER BY effective_at, rank ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        b AS (PARTITION BY deal ORDER BY effective_at, rank ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
moves AS (
    SELECT
        *,
        lead(effective_at) OVER w AS left_at,
        lead(effective_on) OVER w AS left_on,
        lead(CASE WHEN status = 'open' THEN stage ELSE status END) OVER w AS went_to
    FROM filled
    WHERE
        status_before IS NULL
        OR status <> status_before
        OR stage IS DISTINCT FROM stage_before
        OR process IS DISTINCT FROM process_before
    WINDOW w AS (PARTITION BY deal ORDER BY effective_at, rank)
)
SELECT
    deal,
    row_number() OVER (PARTITION BY deal ORDER BY effective_at, rank) AS visit,
    process,
    process_version,
    stage,
    effective_at AS entered_at,
    effective_on AS entered_on,
    left_at,
    left_on,
    date_diff('day', effective_on, coalesce(left_on, $as_of_on)) AS days,
    went_to
FROM moves
WHERE status = 'open' AND stage IS NOT NULL
