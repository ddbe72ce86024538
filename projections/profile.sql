-- profile: what each client values, at $as_of as known at $known_at
-- grain: one row an account and preference
-- needs: events, strikes
-- parameters: $as_of, $known_at
-- columns:
--   account: account id
--   preference: what is valued, such as repair, uptime or price
--   weight: how much, from 0 (not at all) to 5
--   leans: what a client that values it would rather have when equipment breaks: repair or replace; empty where it says nothing
--   evidence: the entry that shows it
--   noted_on: the day on which it was last noted
--   noted_at: when that was (UTC)
--   note: in words
WITH noted AS (
    SELECT
        e.id AS account,
        e.preference,
        max_by(
            struct_pack(weight := e.weight, evidence := e.evidence, noted_on := e.effective_on, noted_at := e.effective_at, note := e.note),
            place_of(e.effective_at, e.rank)
        ) AS told
    FROM events e
    WHERE
        e.type = 'account-noted'
        AND e.known_at <= $known_at AND e.effective_at <= $as_of
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
    GROUP BY e.id, e.preference
)
SELECT
    account,
    preference,
    told.weight,
    CASE
        WHEN preference IN ('repair', 'price', 'sustainability', 'familiarity') THEN 'repair'
        WHEN preference IN ('replace', 'uptime', 'speed', 'newest-technology') THEN 'replace'
    END AS leans,
    told.evidence,
    told.noted_on,
    told.noted_at,
    told.note
FROM noted
ORDER BY account, told.weight DESC, preference
