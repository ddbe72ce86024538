-- cases: every service case opened by $as_of and what became of it, as known at $known_at
-- grain: one row an account and case
-- needs: events, strikes
-- parameters: $as_of, $as_of_on, $known_at
-- columns:
--   account: account id
--   case_id: the case's id, unique within the account
--   kind: such as question, complaint or broken-equipment
--   subject: what it is about
--   product: product
--   status: open or resolved
--   opened_on: the day on which it was opened
--   opened_at: when it was opened (UTC)
--   resolved_on: the day on which it was resolved; empty while it is open
--   resolved_at: when it was resolved (UTC)
--   days: calendar days from its opening until it was resolved, or until now
--   suggestion: what the profile suggested when it was opened: repair or replace
--   suggestion_why: the preferences that said so
--   resolution: what was done
--   followed: whether that is what was suggested; empty where nothing was
WITH standing AS (
    SELECT
        e.id AS account,
        e.case_id,
        e.type,
        e.kind,
        e.subject,
        e.product,
        e.suggestion,
        e.suggestion_why,
        e.resolution,
        e.followed,
        e.effective_at,
        e.effective_on,
        place_of(e.effective_at, e.rank) AS place
    FROM events e
    WHERE
        e.type IN ('case-opened', 'case-resolved')
        AND e.known_at <= $known_at AND e.effective_at <= $as_of
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
),
folded AS (
    SELECT
        account,
        case_id,
        max_by(
            struct_pack(
                kind := kind, subject := subject, product := product, suggestion := suggestion,
                suggestion_why := suggestion_why, happened_on := effective_on, happened_at := effective_at
            ),
            place
        ) FILTER (WHERE type = 'case-opened') AS opened,
        max_by(
            struct_pack(resolution := resolution, followed := followed, happened_on := effective_on, happened_at := effective_at),
            place
        ) FILTER (WHERE type = 'case-resolved') AS resolved
    FROM standing
    GROUP BY account, case_id
)
SELECT
    account,
    case_id,
    opened.kind,
    opened.subject,
    opened.product,
    CASE WHEN resolved IS NULL THEN 'open' ELSE 'resolved' END AS status,
    opened.happened_on AS opened_on,
    opened.happened_at AS opened_at,
    resolved.happened_on AS resolved_on,
    resolved.happened_at AS resolved_at,
    date_diff('day', opened.happened_on, coalesce(resolved.happened_on, $as_of_on)) AS days,
    opened.suggestion,
    opened.suggestion_why,
    resolved.resolution,
    resolved.followed
FROM folded
WHERE opened IS NOT NULL
ORDER BY opened.happened_at, account, case_id
