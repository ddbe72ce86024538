-- step_ratios: how each step's ratio compares with its past year, renewals left out, at $as_of as known at $known_at
-- grain: one row a period, group, process and stage that some lead of the cohort has been in
-- needs: deals, renewal_deals, stage_visits, process_stages, periods
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   period: the period in which the cohort was captured
--   group: what the report is split by; empty where it is not, or where a deal has none
--   process: process
--   stage: stage
--   followed_days: days that the cohort is followed from the period's begin on: as many as the last one
--   entered: leads of the cohort that had been in the stage by then
--   advanced: those of them that had gone on to a later stage, or were won
--   step_ratio: advanced / entered
--   past_periods: periods that began in the year before and had 20 leads or more in the stage
--   lowest_ratio: lowest step ratio of those
--   highest_ratio: highest step ratio of those
--   falling: 20 leads or more, three past periods or more, and a step ratio below the lowest of them
WITH newest AS (
    SELECT max(begins_at) AS begins_at FROM periods WHERE begins_at <= $as_of
),
cohorts AS (
    SELECT
        p.period,
        p.begins_on,
        p.begins_at,
        p.ends_at,
        p.begins_at + ($as_of - n.begins_at) AS followed_to,
        date_sub('day', n.begins_at, $as_of) AS followed_days
    FROM periods p
    JOIN newest n ON p.begins_at <= n.begins_at
),
members AS (
    SELECT
        c.period,
        c.begins_on,
        c.followed_to,
        c.followed_days,
        d.deal,
        d.status = 'won' AND d.closed_at <= c.followed_to AS won,
        CASE $by WHEN 'owner' THEN d.owner WHEN 'team' THEN d.team WHEN 'source' THEN d.source WHEN 'campaign' THEN d.campaign WHEN 'product' THEN d.product WHEN 'segment' THEN d.segment WHEN 'account' THEN d.account WHEN 'process' THEN d.process END AS "group"
    FROM cohorts c
    JOIN deals d ON d.captured_at >= c.begins_at AND d.captured_at < c.ends_at AND d.captured_at <= c.followed_to
    WHERE d.growth IS DISTINCT FROM 'renewal' AND NOT EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
),
visited AS (
    SELECT
        m.period,
        m.begins_on,
        m.followed_days,
        m."group",
        m.deal,
        m.won,
        v.process,
        v.stage,
        min_by(coalesce(s.position, -1), v.visit) AS position
    FROM members m
    JOIN stage_visits v ON v.deal = m.deal AND v.entered_at <= m.followed_to
    LEFT JOIN process_stages s ON s.process = v.process AND s.process_version = v.process_version AND s.stage = v.stage
    GROUP BY m.period, m.begins_on, m.followed_days, m."group", m.deal, m.won, v.process, v.stage
),
reached AS (
    SELECT *, max(position) OVER (PARTITION BY period, deal, process) AS furthest FROM visited
),
steps AS (
    SELECT
        period,
        begins_on,
        followed_days,
        "group",
        process,
        stage,
        min(position) AS position,
        count(*) AS entered,
        count(*) FILTER (WHERE won OR furthest > position) AS advanced,
        CAST(count(*) FILTER (WHERE won OR furthest > position) AS DOUBLE) / count(*) AS step_ratio
    FROM reached
    GROUP BY period, begins_on, followed_days, "group", process, stage
),
compared AS (
    SELECT
        *,
        count(*) FILTER (WHERE entered >= 20) OVER past AS past_periods,
        min(step_ratio) FILTER (WHERE entered >= 20) OVER past AS lowest_ratio,
        max(step_ratio) FILTER (WHERE entered >= 20) OVER past AS highest_ratio
    FROM steps
    WINDOW past AS (
        PARTITION BY "group", process, stage
        ORDER BY date_diff('day', DATE '1900-01-01', begins_on)
        RANGE BETWEEN 366 PRECEDING AND 1 PRECEDING
    )
)
SELECT
    period,
    "group",
    process,
    stage,
    followed_days,
    entered,
    advanced,
    step_ratio,
    past_periods,
    lowest_ratio,
    highest_ratio,
    entered >= 20 AND past_periods >= 3 AND step_ratio < lowest_ratio AS falling
FROM compared
ORDER BY begins_on, "group" NULLS LAST, process, position, stage
