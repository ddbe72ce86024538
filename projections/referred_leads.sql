-- referred_leads: every lead that an account referred, captured by $as_of, renewals left out, as known at $known_at
-- grain: one row a referred lead
-- needs: deals, renewal_deals, events, strikes
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   referrer: the account that referred it: what the lead says, else the account that first gave it
--   deal: the lead's id, which is also its deal's
--   company: the company's name
--   account: the account that the deal belongs to
--   status: open, won, lost or disqualified
--   captured_at: when it was captured (UTC)
--   captured_on: the day of that
--   closed_on: the day on which it was won, lost or disqualified; empty while it is open
--   value: what the deal is worth; empty where no amount is known
--   currency: currency of the value
WITH given AS (
    SELECT
        e.lead AS deal,
        min_by(e.id, place_of(e.effective_at, e.rank)) AS referrer
    FROM events e
    WHERE
        e.type = 'referral-given'
        AND e.known_at <= $known_at AND e.effective_at <= $as_of
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
    GROUP BY e.lead
)
SELECT
    coalesce(d.referred_by, g.referrer) AS referrer,
    d.deal,
    d.company,
    d.account,
    d.status,
    d.captured_at,
    d.captured_on,
    d.closed_on,
    d.value_converted AS value,
    $currency AS currency
FROM deals d
LEFT JOIN given g ON g.deal = d.deal
WHERE coalesce(d.referred_by, g.referrer) IS NOT NULL AND d.growth IS DISTINCT FROM 'renewal' AND NOT EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
ORDER BY d.captured_at, d.deal
