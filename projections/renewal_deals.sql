-- renewal_deals: the deals that subscriptions were renewed with by $as_of, as known at $known_at
-- grain: one row a deal
-- needs: events, strikes
-- parameters: $as_of, $known_at
-- columns:
--   deal: deal id
SELECT DISTINCT e.deal
FROM events e
WHERE
    e.type = 'subscription-renewed'
    AND e.deal IS NOT NULL
    AND e.effective_at <= $as_of
    AND e.known_at <= $known_at
    AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
