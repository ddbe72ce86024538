-- accounts: every account opened by $as_of, with its deals and referrals, as known at $known_at
-- grain: one row an account
-- needs: events, strikes, deals, renewal_deals, referred_leads
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   account: account id
--   company: the company's name
--   opened_on: the day on which it was opened
--   attributes: facts about the company (a JSON object)
--   deals: its deals
--   open_deals: those that are open
--   won_deals: those that are won
--   bookings: what the won ones are worth, renewals apart, foreign ones converted at the rates of the days on which they were won
--   currency: currency of the bookings: the ledger's; empty where none of its deals has an amount
--   referrals_asked: times that it was asked for referrals
--   names_asked: names that it was asked for
--   cards_handed_out: cards that it was given
--   referrals_given: leads that it referred: those that name it, and those that it gave first
WITH standing AS (
    SELECT
        e.*,
        place_of(e.effective_at, e.rank) AS place
    FROM events e
    WHERE
        e.stream = 'account' AND e.type <> 'event-voided'
        AND e.known_at <= $known_at AND e.effective_at <= $as_of
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
),
opened AS (
    SELECT
        id AS account,
        max_by(company, place) FILTER (WHERE type = 'account-opened') AS company,
        max_by(effective_on, place) FILTER (WHERE type = 'account-opened') AS opened_on,
        max_by(attributes, place) FILTER (WHERE type = 'account-opened' AND attributes IS NOT NULL) AS attributes,
        count(*) FILTER (WHERE type = 'referral-asked') AS referrals_asked,
        CAST(coalesce(sum(names), 0) AS BIGINT) AS names_asked,
        CAST(coalesce(sum(cards), 0) AS BIGINT) AS cards_handed_out
    FROM standing
    GROUP BY id
),
sold AS (
    SELECT
        account,
        count(*) AS deals,
        count(*) FILTER (WHERE status = 'open') AS open_deals,
        count(*) FILTER (WHERE status = 'won') AS won_deals,
        sum(value_converted) FILTER (
            WHERE status = 'won' AND growth IS DISTINCT FROM 'renewal' AND deal NOT IN (SELECT r.deal FROM renewal_deals r)
        ) AS bookings,
        CASE WHEN count(currency) > 0 THEN $currency END AS currency
    FROM deals
    GROUP BY account
),
given AS (
    SELECT referrer AS account, count(*) AS leads FROM referred_leads GROUP BY referrer
)
SELECT
    o.account,
    o.company,
    o.opened_on,
    o.attributes,
    coalesce(s.deals, 0) AS deals,
    coalesce(s.open_deals, 0) AS open_deals,
    coalesce(s.won_deals, 0) AS won_deals,
    CAST(s.bookings AS DECIMAL(38, 4)) AS bookings,
    s.currency,
    o.referrals_asked,
    o.names_asked,
    o.cards_handed_out,
    coalesce(g.leads, 0) AS referrals_given
FROM opened o
LEFT JOIN sold s ON s.account = o.account
LEFT JOIN given g ON g.account = o.account
WHERE o.opened_on IS NOT NULL
ORDER BY o.account
