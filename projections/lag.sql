-- lag: how late each entry was known and recorded, of what had happened by $as_of, as known at $known_at
-- grain: one row an entry that was not struck out, besides voids and what holds for the whole ledger
-- needs: events, strikes
-- parameters: $as_of, $known_at
-- columns:
--   entry: entry
--   stream: kind of stream: deal, account, target, rate or another
--   id: the stream's id
--   type: what happened
--   recorded_by: who recorded it (a short id)
--   source_system: the system that an import took it from
--   effective_at: when it happened in business (UTC)
--   effective_on: the day of that in the ledger's time zone
--   known_at: when the organisation knew it (UTC)
--   recorded_at: when the ledger appended it (UTC)
--   known_days: days from when it happened until it was known, 0 where it was known at once
--   recorded_days: days from when it was known until it was recorded
SELECT
    e.entry,
    e.stream,
    e.id,
    e.type,
    e.recorded_by,
    e.source_system,
    e.effective_at,
    e.effective_on,
    e.known_at,
    e.recorded_at,
    CAST((greatest(date_diff('second', e.effective_at, e.known_at), 0) * 100 + 43200) // 86400 AS DECIMAL(12, 0)) * 0.01 AS known_days,
    CAST((greatest(date_diff('second', e.known_at, e.recorded_at), 0) * 100 + 43200) // 86400 AS DECIMAL(12, 0)) * 0.01 AS recorded_days
FROM events e
WHERE
    e.type <> 'event-voided'
    AND e.stream NOT IN ('settings', 'process')
    AND e.effective_at <= $as_of
    AND e.known_at <= $known_at
    AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
