-- persons: everybody who was added by $as_of, as known at $known_at, with what the ledger still may say of them
-- grain: one row a person
-- needs: events, strikes, personal, contact_links
-- parameters: $as_of, $known_at
-- columns:
--   person: the person's id
--   name: the name; (erased) of somebody who was forgotten, on whatever date that was, and (no key) where the key is not at hand
--   email: where to write to
--   phone: where to call
--   position: what the person does there
--   remark: what else is worth knowing
--   contact_of: the accounts of which the person is a contact, in order, with a comma between
--   meetings: meetings at which the person was present
--   last_met_on: the day of the last one
--   added_on: the day on which the person was added
--   forgotten_on: the day on which they were forgotten
WITH standing AS (
    SELECT e.*, place_of(e.effective_at, e.rank) AS place
    FROM events e
    WHERE
        e.type IN ('person-added', 'person-revised', 'person-forgotten', 'meeting-held')
        AND e.known_at <= $known_at AND e.effective_at <= $as_of
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
),
added AS (
    SELECT
        id AS person,
        max(effective_on) FILTER (WHERE type = 'person-added') AS added_on,
        max(effective_on) FILTER (WHERE type = 'person-forgotten') AS forgotten_on
    FROM standing
    WHERE type <> 'meeting-held'
    GROUP BY id
),
told AS (
    SELECT
        s.id AS person,
        max_by(p.text, s.place) FILTER (WHERE p.field = 'name') AS name,
        max_by(p.text, s.place) FILTER (WHERE p.field = 'email') AS email,
        max_by(p.text, s.place) FILTER (WHERE p.field = 'phone') AS phone,
        max_by(p.text, s.place) FILTER (WHERE p.field = 'position') AS position,
        max_by(p.text, s.place) FILTER (WHERE p.field = 'remark') AS remark
    FROM standing s
    JOIN personal p ON p.entry = s.entry
    GROUP BY s.id
),
present AS (
    SELECT DISTINCT entry, effective_on, unnest(from_json(persons, '["VARCHAR"]')) AS person
    FROM standing
    WHERE type = 'meeting-held' AND persons IS NOT NULL
),
met AS (
    SELECT person, count(*) AS meetings, max(effective_on) AS last_met_on
    FROM present
    GROUP BY person
),
linked AS (
    SELECT person, string_agg(account, ', ' ORDER BY account) AS contact_of
    FROM contact_links
    GROUP BY person
)
SELECT
    a.person,
    t.name,
    t.email,
    t.phone,
    t.position,
    t.remark,
    l.contact_of,
    coalesce(m.meetings, 0) AS meetings,
    m.last_met_on,
    a.added_on,
    a.forgotten_on
FROM added a
LEFT JOIN told t ON t.person = a.person
LEFT JOIN linked l ON l.person = a.person
LEFT JOIN met m ON m.person = a.person
WHERE a.added_on IS NOT NULL
ORDER BY a.added_on, a.person
