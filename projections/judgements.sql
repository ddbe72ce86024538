-- judgements: whether each lead captured by $as_of meets the criteria of each version of each process, as known at $known_at
-- grain: one row a lead and version of a process that has criteria
-- needs: deal_changes, process_criteria
-- parameters: $as_of, $known_at
-- columns:
--   deal: the lead's id, which is also its deal's
--   process: the process whose criteria are asked about, whether the lead follows it or not
--   process_version: the version of it
--   verdict: unmet where the facts miss a criterion, else unknown where one can't be told, else met
--   criteria: how many criteria that version has
--   unmet: how many of them the facts miss
--   unknown: how many of them can't be told: the fact is missing, or is no number where one is asked for
WITH facts AS (
    SELECT
        deal,
        CAST(CAST(max_by(attributes, place) FILTER (WHERE attributes IS NOT NULL) AS JSON) AS MAP(VARCHAR, VARCHAR)) AS attributes
    FROM deal_changes
    WHERE type = 'lead-captured' AND effective_at <= $as_of
    GROUP BY deal
),
told AS (
    SELECT
        f.deal,
        c.process,
        c.process_version,
        c.at_least,
        c.at_most,
        c.one_of,
        c.none_of,
        map_extract_value(f.attributes, c.attribute) AS fact,
        lower(map_extract_value(f.attributes, c.attribute)) AS word,
        CASE
            WHEN regexp_full_match(map_extract_value(f.attributes, c.attribute), '-?[0-9]{1,14}(\.[0-9]{1,4})?')
                THEN TRY_CAST(map_extract_value(f.attributes, c.attribute) AS DECIMAL(18, 4))
        END AS number
    FROM facts f
    CROSS JOIN process_criteria c
),
judged AS (
    SELECT
        deal,
        process,
        process_version,
        CASE
            WHEN fact IS NULL THEN 'unknown'
            WHEN (at_least IS NOT NULL OR at_most IS NOT NULL) AND number IS NULL THEN 'unknown'
            WHEN number < at_least OR number > at_most THEN 'unmet'
            WHEN array_length(one_of) > 0 AND NOT list_contains(one_of, word) THEN 'unmet'
            WHEN list_contains(none_of, word) THEN 'unmet'
            ELSE 'met'
        END AS verdict
    FROM told
)
SELECT
    deal,
    process,
    process_version,
    CASE WHEN bool_or(verdict = 'unmet') THEN 'unmet' WHEN bool_or(verdict = 'unknown') THEN 'unknown' ELSE 'met' END AS verdict,
    count(*) AS criteria,
    count(*) FILTER (WHERE verdict = 'unmet') AS unmet,
    count(*) FILTER (WHERE verdict = 'unknown') AS unknown
FROM judged
GROUP BY deal, process, process_version
ORDER BY deal, process, process_version
