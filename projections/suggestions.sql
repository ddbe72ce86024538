-- suggestions: whether each client would rather have broken equipment repaired or replaced, at $as_of as known at $known_at
-- grain: one row an account whose profile says something about it
-- needs: profile
-- parameters: $as_of, $known_at
-- columns:
--   account: account id
--   repair: sum of the weights of what leans to repair
--   replace: sum of the weights of what leans to replace
--   suggestion: the greater of the two: repair or replace; empty where they are the same
--   suggestion_why: the preferences that say so, the greatest weight first
WITH weighed AS (
    SELECT
        account,
        CAST(coalesce(sum(weight) FILTER (WHERE leans = 'repair'), 0) AS BIGINT) AS repair,
        CAST(coalesce(sum(weight) FILTER (WHERE leans = 'replace'), 0) AS BIGINT) AS replace,
        string_agg(preference || ' ' || weight || ' (' || leans || ')', ', ' ORDER BY weight DESC, preference) AS told
    FROM profile
    WHERE leans IS NOT NULL AND weight > 0
    GROUP BY account
)
SELECT
    account,
    repair,
    replace,
    CASE WHEN repair > replace THEN 'repair' WHEN replace > repair THEN 'replace' END AS suggestion,
    CASE WHEN repair <> replace THEN told END AS suggestion_why
FROM weighed
ORDER BY account
