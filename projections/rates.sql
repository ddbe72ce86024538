-- rates: the exchange rates in force at $as_of, as known at $known_at
-- grain: one row a currency that has a rate by then
-- needs: rate_history
-- parameters: $as_of, $known_at
-- columns:
--   currency: ISO code of the foreign currency
--   rate: units of the ledger's currency for one of it
--   valid_from: the day from which on it is in force
--   set_at: when it came into force (UTC)
--   known_at: when the organisation knew it (UTC)
--   recorded_by: who recorded it (a short id)
--   entry: entry
SELECT
    currency,
    rate,
    valid_from,
    set_at,
    known_at,
    recorded_by,
    entry
FROM rate_history
WHERE valid_to IS NULL
ORDER BY currency
