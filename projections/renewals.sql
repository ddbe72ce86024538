-- renewals: terms that come to their end, those cancelled before it left out, and what became of them by $as_of, as known at $known_at
-- grain: one row a period and term of a subscription that ends in it
-- needs: subscription_history, rates, rate_days, periods
-- parameters: $as_of, $known_at, $currency
-- columns:
--   period: the period that the day of the renewal lies in
--   account: account id
--   subscription: the subscription's id, unique within the account
--   product: product
--   term: which of its terms ends, from 1
--   due_on: the first day behind the term, on which the renewal is due
--   mrr: monthly recurring revenue at the end of the term, or before the renewal where that came early, as far as it is known by $as_of
--   arr: annual recurring revenue then
--   currency: ISO code of these amounts
--   mrr_converted: mrr in the ledger's currency, rounded once to four decimals
--   arr_converted: arr in the ledger's currency, rounded once to four decimals
--   rate: what they were converted at: that of due_on, or at $as_of where that comes first; empty where they are in the ledger's currency
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
        min_by(
            struct_pack(
                type := h.type,
                product := h.product,
                term_ends_on := h.term_ends_on,
                currency := h.currency,
                next_type := h.next_type,
                next_on := h.next_on
            ),
            place
        ) AS began,
        max_by(h.mrr, place) FILTER (WHERE effective_on < term_ends_on) AS mrr,
        max_by(h.arr, place) FILTER (WHERE effective_on < term_ends_on) AS arr
    FROM happened h
    WHERE status = 'running'
    GROUP BY account, subscription, term
),
rated_terms AS (
    SELECT
        t.*,
        t.began.currency AS currency,
        CASE WHEN t.began.currency <> $currency THEN CASE WHEN t.began.term_ends_on >= r.valid_from THEN r.rate ELSE d.rate END END AS rate
    FROM terms t
    LEFT JOIN rates r ON r.currency = t.began.currency
    LEFT JOIN rate_days d ON d.currency = t.began.currency AND d.day = t.began.term_ends_on
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
    t.currency,
    CASE
        WHEN t.arr = 0 OR t.currency = coalesce($currency, t.currency) OR t.rate IS NOT NULL THEN at_rate(t.mrr, t.rate)
        ELSE CAST(error(no_rate(t.currency, t.began.term_ends_on)) AS DECIMAL(26, 4))
    END AS mrr_converted,
    at_rate(t.arr, t.rate) AS arr_converted,
    t.rate,
    CASE t.began.next_type WHEN 'subscription-cancelled' THEN 'ended' WHEN 'subscription-renewed' THEN 'renewed' WHEN 'subscription-started' THEN 'renewed' ELSE 'open' END AS outcome,
    t.began.next_on AS decided_on
FROM rated_terms t
JOIN periods p ON t.began.term_ends_on >= p.begins_on AND t.began.term_ends_on < p.ends_on
WHERE t.began.type <> 'subscription-changed' AND (t.began.next_on IS NULL OR t.began.next_on >= t.began.term_ends_on OR t.began.next_type = 'subscription-renewed')
ORDER BY p.begins_at, t.began.term_ends_on, t.account, t.subscription
