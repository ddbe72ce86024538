-- subscriptions: every subscription started by $as_of, as known at $known_at
-- grain: one row a subscription
-- needs: subscription_history
-- parameters: $as_of, $known_at
-- columns:
--   account: account id
--   subscription: the subscription's id, unique within the account
--   product: product
--   status: running or ended
--   started_on: the day on which it started
--   term_months: months of a term; empty where it runs until it is cancelled
--   term_ends_on: the first day behind the term, on which a renewal is due; empty where it has ended
--   ended_on: the day on which it was cancelled
--   recurring_amount: amount paid every interval_months
--   interval_months: months between two payments
--   mrr: monthly recurring revenue: recurring_amount / interval_months, rounded once; 0 where it has ended
--   arr: annual recurring revenue: recurring_amount * 12 / interval_months, rounded once; 0 where it has ended
--   currency: ISO code of every amount in the row
--   deal: the deal that it was sold with
--   renewals: times that it was renewed
--   reason: why it was cancelled
--   competitor: who has the client instead
WITH last AS (
    SELECT
        account,
        subscription,
        max_by(h, place) AS told,
        count(*) FILTER (WHERE type = 'subscription-renewed') AS renewals
    FROM subscription_history h
    WHERE effective_at <= $as_of AND started_on IS NOT NULL
    GROUP BY account, subscription
)
SELECT
    l.account,
    l.subscription,
    l.told.product AS product,
    l.told.status AS status,
    l.told.started_on AS started_on,
    l.told.term_months AS term_months,
    CASE WHEN l.told.status = 'running' THEN l.told.term_ends_on END AS term_ends_on,
    l.told.ended_on AS ended_on,
    l.told.recurring_amount AS recurring_amount,
    l.told.interval_months AS interval_months,
    l.told.mrr AS mrr,
    l.told.arr AS arr,
    l.told.currency AS currency,
    l.told.deal AS deal,
    l.renewals,
    l.told.reason AS reason,
    l.told.competitor AS competitor
FROM last l
ORDER BY l.account, l.subscription
