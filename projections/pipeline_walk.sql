-- pipeline_walk: what moved the pipeline between $since and $as_of, as known at $known_at
-- grain: one row a group and line; in each group the first eleven lines add up to the last
-- needs: pipeline_moves
-- parameters: $since, $since_on, $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   group: what the report is split by, as it is at $as_of; empty where it is not, or where a deal has none
--   line: opening, created, reopened, pulled_in, raised, lowered, exchange, pushed_out, won, lost, disqualified or closing
--   deals: deals in that line; one may be in several
--   amount: what they add to the pipeline, negative where they take away
--   currency: currency of the amount: the ledger's
--   ids: the deals' ids (a list)
WITH counted AS (
    SELECT "group", line, count(*) AS deals, sum(amount) AS amount, list(deal ORDER BY deal) AS ids
    FROM pipeline_moves
    GROUP BY "group", line
),
lines AS (
    SELECT unnest(['opening', 'created', 'reopened', 'pulled_in', 'raised', 'lowered', 'exchange', 'pushed_out', 'won', 'lost', 'disqualified', 'closing']) AS line, unnest(range(1, 13)) AS position
),
groups AS (
    SELECT DISTINCT "group" FROM counted
    UNION ALL
    SELECT NULL WHERE NOT EXISTS (SELECT 1 FROM counted)
)
SELECT
    g."group",
    l.line,
    coalesce(c.deals, 0) AS deals,
    CAST(coalesce(c.amount, 0) AS DECIMAL(38, 4)) AS amount,
    $currency AS currency,
    coalesce(c.ids, []) AS ids
FROM groups g
CROSS JOIN lines l
LEFT JOIN counted c ON c."group" IS NOT DISTINCT FROM g."group" AND c.line = l.line
ORDER BY g."group" NULLS LAST, l.position
