-- referrals: what came of asking each account for referrals, at $as_of as known at $known_at
-- grain: one row a period and account that was asked or referred a lead in it
-- needs: referred_leads, events, strikes, periods
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   period: the period
--   account: account id
--   company: the company's name
--   asks: times that it was asked in the period
--   names_asked: names that it was asked for
--   cards: cards that it was given
--   names_per_ask: names asked for / times that it was asked for names
--   leads: leads that it referred, captured in the period; renewals are none
--   won: those of them that are won
--   won_without_amount: those of the won that no amount is known for
--   bookings: what the won ones are worth
--   currency: currency of the bookings
--   yield_ratio: leads / names asked for
--   win_ratio: won / leads
--   bookings_share: bookings / what the won ones of all accounts in the period are worth
WITH standing AS (
    SELECT
        e.id AS account,
        e.type,
        e.company,
        e.names,
        e.cards,
        e.effective_at,
        place_of(e.effective_at, e.rank) AS place
    FROM events e
    WHERE
        e.type IN ('account-opened', 'referral-asked')
        AND e.known_at <= $known_at AND e.effective_at <= $as_of
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
),
named AS (
    SELECT
        account,
        max_by(company, place) AS company
    FROM standing
    WHERE type = 'account-opened'
    GROUP BY account
),
asked AS (
    SELECT
        p.period,
        s.account,
        count(*) AS asks,
        count(*) FILTER (WHERE s.names > 0) AS asks_for_names,
        coalesce(sum(s.names), 0) AS names_asked,
        coalesce(sum(s.cards), 0) AS cards
    FROM standing s
    JOIN periods p ON s.effective_at >= p.begins_at AND s.effective_at < p.ends_at
    WHERE s.type = 'referral-asked'
    GROUP BY p.period, s.account
),
referred AS (
    SELECT
        p.period,
        l.referrer AS account,
        count(*) AS leads,
        count(*) FILTER (WHERE l.status = 'won') AS won,
        count(*) FILTER (WHERE l.status = 'won' AND l.value IS NULL) AS won_without_amount,
        sum(l.value) FILTER (WHERE l.status = 'won') AS bookings,
        max(l.currency) AS currency
    FROM referred_leads l
    JOIN periods p ON l.captured_at >= p.begins_at AND l.captured_at < p.ends_at
    GROUP BY p.period, l.referrer
),
joined AS (
    SELECT
        coalesce(a.period, r.period) AS period,
        coalesce(a.account, r.account) AS account,
        coalesce(a.asks, 0) AS asks,
        coalesce(a.asks_for_names, 0) AS asks_for_names,
        CAST(coalesce(a.names_asked, 0) AS BIGINT) AS names_asked,
        CAST(coalesce(a.cards, 0) AS BIGINT) AS cards,
        coalesce(r.leads, 0) AS leads,
        coalesce(r.won, 0) AS won,
        coalesce(r.won_without_amount, 0) AS won_without_amount,
        CAST(coalesce(r.bookings, 0) AS DECIMAL(38, 4)) AS bookings,
        coalesce(r.currency, $currency) AS currency
    FROM asked a
    FULL JOIN referred r ON r.period = a.period AND r.account = a.account
),
totals AS (
    SELECT
        period,
        CAST(sum(bookings) AS DECIMAL(38, 4)) AS bookings
    FROM joined
    GROUP BY period
)
SELECT
    j.period,
    j.account,
    n.company,
    j.asks,
    j.names_asked,
    j.cards,
    CASE WHEN j.asks_for_names > 0 THEN CAST(j.names_asked AS DOUBLE) / j.asks_for_names END AS names_per_ask,
    j.leads,
    j.won,
    j.won_without_amount,
    j.bookings,
    j.currency,
    CASE WHEN j.names_asked > 0 THEN CAST(j.leads AS DOUBLE) / j.names_asked END AS yield_ratio,
    CASE WHEN j.leads > 0 THEN CAST(j.won AS DOUBLE) / j.leads END AS win_ratio,
    CASE WHEN t.bookings > 0 THEN CAST(j.bookings AS DOUBLE) / CAST(t.bookings AS DOUBLE) END AS bookings_share
FROM joined j
JOIN totals t ON t.period = j.period
JOIN periods p ON p.period = j.period
LEFT JOIN named n ON n.account = j.account
ORDER BY p.begins_at, j.bookings DESC, j.leads DESC, j.account
