-- rate_history: every exchange rate that was set by $as_of, as known at $known_at
-- grain: one row a rate that was set and not struck out
-- needs: rated, strikes
-- parameters: $as_of, $known_at
-- columns:
--   currency: ISO code of the foreign currency
--   rate: units of the ledger's currency for one of it
--   valid_from: the day from which on it is in force
--   valid_to: up to, but without, this day; empty where it is still in force
--   set_at: when it came into force (UTC)
--   known_at: when the organisation knew it (UTC)
--   recorded_by: who recorded it (a short id)
--   entry: entry
--   place: sorts a currency's rates by set_at, then rank
WITH standing AS (
    SELECT
        e.currency,
        e.rate,
        e.effective_on,
        e.effective_at,
        e.known_at,
        e.recorded_by,
        e.entry,
        place_of(e.effective_at, e.rank) AS place
    FROM rated e
    WHERE
        e.known_at <= $known_at AND e.effective_at <= $as_of
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
)
SELECT
    currency,
    rate,
    effective_on AS valid_from,
    lead(effective_on) OVER (PARTITION BY currency ORDER BY place) AS valid_to,
    effective_at AS set_at,
    known_at,
    recorded_by,
    entry,
    place
FROM standing
ORDER BY currency, place
