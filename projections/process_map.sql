-- process_map: the steps that deals took between stages by $as_of, as known at $known_at
-- grain: one row a period, stage left, stage reached, their processes and kind of step
-- needs: deals, stage_visits, process_stages, periods
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   period: the period in which the deals were captured
--   process: process
--   from_stage: the stage that was left; start where the lead was captured, the outcome where a closed deal was reopened
--   to_stage: the stage that was reached, or won, lost or disqualified
--   to_process: its process: another one where the deal is moved there
--   kind: forward, skip, back, close, reopen, move (to another process) or undefined (a stage that the process doesn't have)
--   deals: deals that took the step
--   times: how often it was taken
--   share: of all steps away from from_stage
--   median_days: median of the calendar days spent in from_stage before the step
--   amount_lost: what the deals are worth that were lost or disqualified by the step, and still are
--   lost_without_amount: those of them that no amount is known for
--   currency: currency of the amount
WITH visits AS (
    SELECT
        *,
        lead(process) OVER w AS next_process,
        lead(process_version) OVER w AS next_version,
        lead(stage) OVER w AS next_stage,
        lead(entered_at) OVER w AS next_at,
        lead(entered_on) OVER w AS next_on
    FROM stage_visits
    WINDOW w AS (PARTITION BY deal ORDER BY visit)
),
left_stages AS (
    SELECT
        *,
        went_to IN ('won', 'lost', 'disqualified') AND (next_stage IS DISTINCT FROM went_to OR next_at > left_at) AS closes
    FROM visits
    WHERE left_at IS NOT NULL
),
steps AS (
    SELECT
        deal,
        process,
        process_version AS version,
        'start' AS from_stage,
        stage AS to_stage,
        process AS to_process,
        'start' AS kind,
        CAST(NULL AS BIGINT) AS days,
        FALSE AS is_last
    FROM visits
    WHERE visit = 1
    UNION ALL
    SELECT
        deal,
        process,
        CASE WHEN closes OR next_process <> process THEN process_version ELSE coalesce(next_version, process_version) END,
        stage,
        went_to,
        CASE WHEN closes THEN process ELSE coalesce(next_process, process) END,
        CASE WHEN closes THEN 'close' WHEN next_process <> process THEN 'move' END,
        days,
        closes AND next_stage IS NULL
    FROM left_stages
    UNION ALL
    SELECT deal, next_process, next_version, went_to, next_stage, next_process, 'reopen', date_diff('day', left_on, next_on), FALSE
    FROM left_stages
    WHERE closes AND next_stage IS NOT NULL
),
placed AS (
    SELECT
        p.period,
        p.begins_at,
        s.process,
        s.from_stage,
        s.to_stage,
        s.to_process,
        CASE
            WHEN s.kind IN ('close', 'move', 'reopen') THEN s.kind
            WHEN t.position IS NULL OR (f.position IS NULL AND s.kind IS NULL) THEN 'undefined'
            WHEN t.position > coalesce(f.position, -1) + 1 THEN 'skip'
            WHEN t.position > coalesce(f.position, -1) THEN 'forward'
            ELSE 'back'
        END AS kind,
        CASE WHEN s.kind = 'start' THEN -1 ELSE coalesce(f.position, 1000) END AS from_position,
        coalesce(t.position, 1000) AS to_position,
        s.deal,
        s.days,
        s.is_last AND s.to_stage = d.status AND d.status <> 'won' AS is_loss,
        d.value_converted AS value
    FROM steps s
    JOIN deals d ON d.deal = s.deal
    JOIN periods p ON d.captured_at >= p.begins_at AND d.captured_at < p.ends_at
    LEFT JOIN process_stages f
        ON f.process = s.process
        AND f.process_version = s.version
        AND f.stage = s.from_stage
        AND s.kind IS DISTINCT FROM 'start'
        AND s.kind IS DISTINCT FROM 'reopen'
    LEFT JOIN process_stages t
        ON t.process = s.process
        AND t.process_version = s.version
        AND t.stage = s.to_stage
        AND s.kind IS DISTINCT FROM 'close'
),
counted AS (
    SELECT
        period,
        begins_at,
        process,
        from_stage,
        to_stage,
        to_process,
        kind,
        min(from_position) AS from_position,
        min(to_position) AS to_position,
        count(DISTINCT deal) AS deals,
        count(*) AS times,
        median(days) AS median_days,
        CAST(sum(value) FILTER (WHERE is_loss) AS DECIMAL(38, 4)) AS amount_lost,
        count(*) FILTER (WHERE is_loss AND value IS NULL) AS lost_without_amount
    FROM placed
    GROUP BY period, begins_at, process, from_stage, to_stage, to_process, kind
)
SELECT
    period,
    process,
    from_stage,
    to_stage,
    to_process,
    kind,
    deals,
    times,
    CAST(times AS DOUBLE) / sum(times) OVER (PARTITION BY period, process, from_stage) AS share,
    median_days,
    amount_lost,
    lost_without_amount,
    $currency AS currency
FROM counted
ORDER BY begins_at, process, from_position, from_stage, to_position, to_stage, to_process, kind
