-- contacts: the contacts of accounts at $as_of, as known at $known_at, with what the ledger still may say of them
-- grain: one row an account and person
-- needs: contact_links, persons
-- parameters: $as_of, $known_at
-- columns:
--   account: account id
--   person: the person's id
--   name: the name; (erased) of somebody who was forgotten, (no key) where the key is not at hand
--   role: the part that they play in buying
--   position: what the person does there
--   email: where to write to
--   phone: where to call
--   since_on: the day on which they became a contact, or a contact again
--   meetings: meetings at which the person was present
--   last_met_on: the day of the last one
SELECT
    c.account,
    c.person,
    p.name,
    c.role,
    p.position,
    p.email,
    p.phone,
    c.since_on,
    p.meetings,
    p.last_met_on
FROM contact_links c
LEFT JOIN persons p ON p.person = c.person
ORDER BY c.account, c.since_on, c.person
