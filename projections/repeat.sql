-- repeat: every account that has bought by $as_of: how often, how regularly, and whether it is longer ago than usual, as known at $known_at
-- grain: one row an account with a won deal that is no renewal
-- only: won
-- needs: deals, renewal_deals, events, strikes, subscriptions
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   account: account id
--   company: the account's name, or, where it is not on record, that on its last won deal
--   orders: won deals that are no renewals
--   order_days: days on which it ordered; two orders of one day are one occasion
--   first_on: the day of the first
--   last_on: the day of the last
--   median_days_between: median of the calendar days from one day with an order to the next; empty where there is only one
--   days_since_last: calendar days since the last
--   usual_within_days: how long it may be silent: twice its own median where it has ordered on three days or more, else the 90th percentile of all days between orders, of all accounts; empty where there are none
--   subscribed: whether a subscription of it runs
--   overdue: whether it has been silent for longer, and no subscription runs
--   bookings: what its won deals are worth
--   won_without_amount: those that no amount is known for
--   currency: currency of the bookings
WITH bought AS (
    SELECT account, company, deal, closed_at, closed_on, value_converted AS value
    FROM deals d
    WHERE status = 'won' AND account IS NOT NULL AND d.growth IS DISTINCT FROM 'renewal' AND NOT EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
),
order_days AS (
    SELECT DISTINCT account, closed_on FROM bought
),
gaps AS (
    SELECT
        account,
        date_diff('day', lag(closed_on) OVER (PARTITION BY account ORDER BY closed_on), closed_on) AS days
    FROM order_days
),
rhythm AS (
    SELECT account, count(*) AS order_days, median(days) AS median_days FROM gaps GROUP BY account
),
of_all AS (
    SELECT quantile_disc(days, 0.9) AS days FROM gaps WHERE days IS NOT NULL
),
totals AS (
    SELECT
        account,
        max_by(company, struct_pack(closed_at := closed_at, deal := deal)) AS company,
        count(*) AS orders,
        min(closed_on) AS first_on,
        max(closed_on) AS last_on,
        sum(value) AS bookings,
        count(*) - count(value) AS won_without_amount
    FROM bought
    GROUP BY account
),
named AS (
    SELECT
        e.id AS account,
        max_by(e.company, place_of(e.effective_at, e.rank)) AS company
    FROM events e
    WHERE
        e.type = 'account-opened'
        AND e.known_at <= $known_at AND e.effective_at <= $as_of
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
    GROUP BY e.id
),
paying AS (
    SELECT DISTINCT account FROM subscriptions WHERE status = 'running'
),
judged AS (
    SELECT
        t.account,
        coalesce(n.company, t.company) AS company,
        t.orders,
        t.first_on,
        t.last_on,
        t.bookings,
        t.won_without_amount,
        p.account IS NOT NULL AS subscribed,
        r.order_days,
        r.median_days,
        date_diff('day', t.last_on, $as_of_on) AS days_since_last,
        CASE WHEN r.order_days >= 3 THEN 2 * r.median_days ELSE CAST((SELECT days FROM of_all) AS DOUBLE) END AS usual_within_days
    FROM totals t
    JOIN rhythm r ON r.account = t.account
    LEFT JOIN named n ON n.account = t.account
    LEFT JOIN paying p ON p.account = t.account
)
SELECT
    account,
    company,
    orders,
    order_days,
    first_on,
    last_on,
    median_days AS median_days_between,
    days_since_last,
    usual_within_days,
    subscribed,
    coalesce(days_since_last > usual_within_days AND NOT subscribed, FALSE) AS overdue,
    CAST(bookings AS DECIMAL(38, 4)) AS bookings,
    won_without_amount,
    $currency AS currency
FROM judged
ORDER BY bookings DESC NULLS LAST, account
