-- funnel: how far the leads captured in each period have come by $as_of, renewals left out, as known at $known_at
-- grain: one row a period, group, process and stage that some lead of the cohort has been in
-- needs: deals, renewal_deals, stage_visits, process_stages, periods
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   period: the period in which the cohort was captured
--   group: what the report is split by; empty where it is not, or where a deal has none
--   process: process
--   stage: stage
--   entered: leads of the cohort that have been in the stage
--   advanced: those of them that went on to a later stage of the same process, or were won
--   won: those of them that are won
--   lost: those of them that are lost or disqualified
--   disqualified: those of the lost that were disqualified
--   open: those of them that are still open; entered = won + lost + open
--   step_ratio: advanced / entered
--   win_ratio: won / entered
WITH positions AS (
    SELECT v.deal, v.process, v.stage, min_by(coalesce(s.position, -1), v.visit) AS position
    FROM stage_visits v
    LEFT JOIN process_stages s ON s.process = v.process AND s.process_version = v.process_version AND s.stage = v.stage
    GROUP BY v.deal, v.process, v.stage
),
furthest AS (
    SELECT deal, process, max(position) AS position FROM positions GROUP BY deal, process
),
visited AS (
    SELECT p.deal, p.process, p.stage, d.status, p.position, CASE $by WHEN 'owner' THEN d.owner WHEN 'team' THEN d.team WHEN 'source' THEN d.source WHEN 'campaign' THEN d.campaign WHEN 'product' THEN d.product WHEN 'segment' THEN d.segment WHEN 'account' THEN d.account WHEN 'process' THEN d.process END AS "group", d.captured_at, f.position AS furthest
    FROM positions p
    JOIN deals d ON d.deal = p.deal
    JOIN furthest f ON f.deal = p.deal AND f.process = p.process
    WHERE d.growth IS DISTINCT FROM 'renewal' AND NOT EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
)
SELECT
    t.period,
    v."group",
    v.process,
    v.stage,
    count(*) AS entered,
    count(*) FILTER (WHERE v.status = 'won' OR v.furthest > v.position) AS advanced,
    count(*) FILTER (WHERE v.status = 'won') AS won,
    count(*) FILTER (WHERE v.status IN ('lost', 'disqualified')) AS lost,
    count(*) FILTER (WHERE v.status = 'disqualified') AS disqualified,
    count(*) FILTER (WHERE v.status = 'open') AS open,
    CAST(count(*) FILTER (WHERE v.status = 'won' OR v.furthest > v.position) AS DOUBLE) / count(*) AS step_ratio,
    CAST(count(*) FILTER (WHERE v.status = 'won') AS DOUBLE) / count(*) AS win_ratio
FROM periods t
JOIN visited v ON v.captured_at >= t.begins_at AND v.captured_at < t.ends_at
GROUP BY t.period, t.begins_at, v."group", v.process, v.stage
ORDER BY t.begins_at, v."group" NULLS LAST, v.process, min(v.position), v.stage
