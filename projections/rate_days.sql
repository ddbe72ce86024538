-- rate_days: the exchange rate of each day on which another one was in force than at $as_of, as known at $known_at
-- grain: one row a currency and day, from its first rate up to, but without, the day of the one in force
-- needs: rate_history
-- parameters: $as_of, $known_at
-- columns:
--   currency: ISO code of the foreign currency
--   day: the day, in the ledger's time zone
--   rate: units of the ledger's currency for one of it
SELECT
    currency,
    CAST(unnest(generate_series(valid_from, valid_to - 1, INTERVAL 1 DAY)) AS DATE) AS day,
    rate
FROM rate_history
WHERE valid_from < valid_to
