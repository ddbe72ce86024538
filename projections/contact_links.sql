-- contact_links: who was a contact of which account at $as_of, as known at $known_at
-- grain: one row an account and person
-- needs: events, strikes
-- parameters: $as_of, $known_at
-- columns:
--   account: account id
--   person: the person's id
--   role: the part that they play in buying
--   since_on: the day on which they became a contact, or a contact again
WITH standing AS (
    SELECT e.id AS account, e.person, e.type, e.role, e.effective_on, place_of(e.effective_at, e.rank) AS place
    FROM events e
    WHERE
        e.type IN ('contact-added', 'contact-removed')
        AND e.known_at <= $known_at AND e.effective_at <= $as_of
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
),
last AS (
    SELECT
        account,
        person,
        max(place) FILTER (WHERE type = 'contact-removed') AS removed_place,
        max_by(type, place) AS last_type
    FROM standing
    GROUP BY account, person
)
SELECT
    s.account,
    s.person,
    max_by(s.role, s.place) FILTER (WHERE s.role IS NOT NULL) AS role,
    min(s.effective_on) AS since_on
FROM standing s
JOIN last l ON l.account = s.account AND l.person = s.person
WHERE l.last_type = 'contact-added' AND (l.removed_place IS NULL OR s.place > l.removed_place)
GROUP BY s.account, s.person
ORDER BY s.account, s.person
