-- subscriptions: every subscription started by $as_of, as known at $known_at
-- grain: one row a subscription
-- needs: subscription_history, rates
-- parameters: $as_of, $as_of_on, $known_at, $currency
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
--   currency: ISO code of these amounts
--   mrr_converted: mrr in the ledger's currency, rounded once to four decimals
--   arr_converted: arr in the ledger's currency, rounded once to four decimals
--   rate: what they were converted at: the rate at $as_of; empty where they are in the ledger's currency
--   deal: the deal that it was sold with
--   renewals: times that it was renewed
--   reason: why it was cancelled
--   competitor: who has the client instead
WITH last AS (
    SELECT
        account,
        subscription,
        max_by(
            struct_pack(
                status := h.status,
                product := h.product,
                started_on := h.started_on,
                term_months := h.term_months,
                term_ends_on := h.term_ends_on,
                ended_on := h.ended_on,
                recurring_amount := h.recurring_amount,
                interval_months := h.interval_months,
                mrr := h.mrr,
                arr := h.arr,
                currency := h.currency,
                deal := h.deal,
                reason := h.reason,
                competitor := h.competitor
            ),
            place
        ) AS told,
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
    CASE
        WHEN l.told.arr = 0 OR l.told.currency = coalesce($currency, l.told.currency) OR r.rate IS NOT NULL THEN at_rate(l.told.mrr, r.rate)
        ELSE CAST(error(no_rate(l.told.currency, $as_of_on)) AS DECIMAL(26, 4))
    END AS mrr_converted,
    at_rate(l.told.arr, r.rate) AS arr_converted,
    r.rate,
    l.told.deal AS deal,
    l.renewals,
    l.told.reason AS reason,
    l.told.competitor AS competitor
FROM last l
LEFT JOIN rates r ON r.currency = l.told.currency AND r.currency <> $currency
ORDER BY l.account, l.subscription
