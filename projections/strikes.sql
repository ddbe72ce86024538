-- strikes: what is struck out as known at $known_at
-- grain: one row an entry that is struck out
-- needs: events
-- parameters: $known_at
-- columns:
--   entry: the entry that is struck out
--   struck_by: the void that struck it last
--   struck_at: when that became known (UTC)
--   void_reason: why
SELECT
    void_root AS entry,
    max(entry) AS struck_by,
    max_by(known_at, entry) AS struck_at,
    max_by(void_reason, entry) AS void_reason
FROM events
WHERE type = 'event-voided' AND known_at <= $known_at
GROUP BY void_root
HAVING max_by(strikes, entry)
