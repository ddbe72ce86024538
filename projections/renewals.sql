-- renewals: terms that came to their end without a renewal before it, and what became of them by $as_of, as known at $known_at
-- grain: one row a period and term of a subscription that ends in it
-- needs: subscription_history, periods
-- parameters: $as_of, $known_at
-- columns:
--   period: the period that the day of the renewal lies in
--   account: account id
--   subscription: the subscription's id, unique within the account
--   product: product
--   term: which of its terms ends, from 1
--   due_on: the first day behind the term, on which the renewal is due
--   mrr: monthly recurring revenue at the end of the term, as far as it is known by $as_of
--   arr: annual recurring revenue then
--   currency: ISO code of every amount in the row
--   outcome: renewed, ended, or open where nothing has happened yet
--   decided_on: the day on which it was renewed or ended
WITH happened AS (
    SELECT
        *,
        lead(CASE WHEN type <> 'subscription-changed' THEN type END IGNORE NULLS) OVER later AS next_type,
        lead(CASE WHEN type <> 'subscription-changed' THEN effective_on END IGNORE NULLS) OVER later AS next_on
    FROM subscription_history
    WHERE effective_at <= $as_of AND started_on IS NOT NULL
    WINDOW later AS (PARTITION BY account, subscription ORDER BY place)
),
terms AS (
    SELECT
        account,
        subscription,
        term,
        min_by(h, place) AS began,
        max_by(h.mrr, place) FILTER (WHERE effective_on < term_ends_on) AS mrr,
        max_by(h.arr, place) FILTER (WHERE effective_on < term_ends_on) AS arr
    FROM happened h
    WHERE status = 'running'
    GROUP BY account, subscription, term
)
SELECT
    p.period,
    t.account,
    t.subscription,
    t.began.product AS product,
    t.term,
    t.began.term_ends_on AS due_on,
    t.mrr,
    t.arr,
    t.began.currency AS currency,
    CASE t.began.next_type WHEN 'subscription-cancelled' THEN 'ended' WHEN 'subscription-renewed' THEN 'renewed' WHEN 'subscription-started' THEN 'renewed' ELSE 'open' END AS outcome,
    t.began.next_on AS decided_on
FROM terms t
JOIN periods p ON t.began.term_ends_on >= p.begins_on AND t.began.term_ends_on < p.ends_on
WHERE t.began.type <> 'subscription-changed' AND (t.began.next_on IS NULL OR t.began.next_on >= t.began.term_ends_on)
ORDER BY p.begins_at, t.began.term_ends_on, t.account, t.subscription
