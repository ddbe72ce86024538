-- recurring: recurring revenue from the beginning of each period to its end, and what moved it, at $as_of as known at $known_at
-- grain: one row a period and group
-- needs: subscription_history, subscriptions, renewals, deal_changes, rate_history, rates, rate_days, periods
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   period: the period
--   group: what the report is split by (product or account); empty where it is not, or where a subscription has none
--   mrr_opening: monthly recurring revenue when the period begins
--   mrr_new: of subscriptions that paid nothing then and do when it ends, those that count as expansion left out
--   mrr_expansion: by how much those that paid something pay more when it ends, and new ones that an upsell or a cross-sell began for an account that paid something then
--   mrr_contraction: by how much those that still pay something pay less when it ends
--   mrr_churn: of subscriptions that paid something when it began and nothing when it ends
--   mrr_exchange: what moving exchange rates did to it
--   mrr_closing: monthly recurring revenue when the period ends: opening + new + expansion - contraction - churn + exchange
--   arr_opening: annual recurring revenue when the period begins
--   arr_new: see mrr_new
--   arr_expansion: see mrr_expansion
--   arr_contraction: see mrr_contraction
--   arr_churn: see mrr_churn
--   arr_exchange: see mrr_exchange
--   arr_closing: annual recurring revenue when the period ends: opening + new + expansion - contraction - churn + exchange
--   currency: currency of the amounts: the ledger's; what is paid in another one is converted
--   accounts_opening: accounts that pay something when the period begins
--   accounts_new: accounts that paid nothing then and do when it ends, those that came back among them
--   accounts_churned: accounts that paid something when it began and nothing when it ends
--   accounts_closing: accounts that pay something when the period ends: opening + new - churned
--   nrr: net revenue retention: (opening + expansion - contraction - churn) / opening, of MRR
--   grr: gross revenue retention: (opening - contraction - churn) / opening, of MRR
--   logo_churn: accounts_churned / accounts_opening
--   renewals_due: terms that end in the period, those cancelled before left out
--   renewals_due_mrr: monthly recurring revenue of those
WITH moved AS (
    SELECT
        h.account,
        h.subscription,
        h.place,
        h.effective_at,
        h.effective_on,
        h.deal,
        h.mrr_before,
        h.mrr,
        h.arr_before,
        h.arr,
        CASE $by WHEN 'product' THEN s.product WHEN 'account' THEN s.account END AS "group",
        coalesce(CASE $by WHEN 'product' THEN s.product WHEN 'account' THEN s.account END, '') AS part,
        CASE WHEN s.currency <> $currency THEN s.currency END AS abroad
    FROM subscription_history h
    JOIN subscriptions s ON s.account = h.account AND s.subscription = h.subscription
    WHERE h.effective_at <= $as_of
),
-- What an account pays is more than nothing or it isn't: that needs no rate.
of_accounts AS (
    SELECT *, sum(mrr - mrr_before) OVER (PARTITION BY part, account ORDER BY place ROWS UNBOUNDED PRECEDING) AS paid
    FROM moved
),
steps AS (
    SELECT
        part,
        effective_at,
        sum(mrr - mrr_before) FILTER (WHERE abroad IS NULL) AS mrr,
        sum(arr - arr_before) FILTER (WHERE abroad IS NULL) AS arr,
        sum(CAST(paid > 0 AS INTEGER) - CAST(paid - mrr + mrr_before > 0 AS INTEGER)) AS accounts
    FROM of_accounts
    GROUP BY part, effective_at
),
parts AS (
    SELECT part, max("group") AS "group" FROM moved GROUP BY part
),
-- What had come together by the time that a period begins: the beginnings and the steps in one line, a beginning first.
line AS (
    SELECT part, effective_at AS instant, 1 AS nth, coalesce(mrr, 0) AS mrr, coalesce(arr, 0) AS arr, accounts, NULL AS period FROM steps
    UNION ALL
    SELECT g.part, p.begins_at, 0, 0, 0, 0, p.period FROM periods p CROSS JOIN parts g
),
levels AS (
    SELECT
        period,
        part,
        sum(mrr) OVER so_far AS mrr,
        sum(arr) OVER so_far AS arr,
        sum(accounts) OVER so_far AS accounts
    FROM line
    WINDOW so_far AS (PARTITION BY part ORDER BY instant, nth ROWS UNBOUNDED PRECEDING)
),
openings AS (
    SELECT l.period, l.part, g."group", l.mrr, l.arr, l.accounts
    FROM levels l
    JOIN parts g ON g.part = l.part
    WHERE l.period IS NOT NULL
),
-- What is paid in foreign currencies is worth another amount at each end of a period, subscription by subscription.
ends AS (
    SELECT period, 'opening' AS at_end, begins_at AS instant, begins_on AS day FROM periods
    UNION ALL
    SELECT period, 'closing', ends_at, ends_on FROM periods
),
held_abroad AS (
    SELECT
        *,
        lead(effective_at) OVER (PARTITION BY account, subscription ORDER BY place) AS held_to
    FROM moved
    WHERE abroad IS NOT NULL
),
end_rates AS (
    SELECT e.period, e.at_end, r.currency, r.rate
    FROM rate_history r
    JOIN ends e ON r.valid_from < e.day AND (r.valid_to IS NULL OR r.valid_to >= e.day)
),
paid_abroad AS (
    SELECT h.part, h.abroad, h.mrr, h.arr, e.period, e.at_end, e.day
    FROM held_abroad h
    JOIN ends e ON h.effective_at < e.instant AND (h.held_to IS NULL OR h.held_to >= e.instant)
    WHERE h.arr > 0
),
worth_abroad AS (
    SELECT
        f.period,
        f.part,
        f.at_end,
        CASE WHEN r.rate IS NULL THEN CAST(error(no_rate(f.abroad, least(f.day - 1, $as_of_on))) AS DECIMAL(26, 4)) ELSE at_rate(f.mrr, r.rate) END AS mrr,
        at_rate(f.arr, r.rate) AS arr
    FROM paid_abroad f
    LEFT JOIN end_rates r ON r.currency = f.abroad AND r.period = f.period AND r.at_end = f.at_end
),
abroad AS (
    SELECT
        period,
        part,
        sum(mrr) FILTER (WHERE at_end = 'opening') AS mrr_opening,
        sum(mrr) FILTER (WHERE at_end = 'closing') AS mrr_closing,
        sum(arr) FILTER (WHERE at_end = 'opening') AS arr_opening,
        sum(arr) FILTER (WHERE at_end = 'closing') AS arr_closing
    FROM worth_abroad
    GROUP BY period, part
),
-- Each subscription by what it paid when the period began and pays when it ends, whatever lay between.
net AS (
    SELECT
        p.period,
        p.begins_at,
        m.part,
        m.account,
        m.subscription,
        max(m.abroad) AS abroad,
        max_by(m.effective_on, m.place) AS moved_on,
        max_by(m.deal, m.place) AS deal,
        min_by(m.mrr_before, m.place) AS mrr_before,
        max_by(m.mrr, m.place) AS mrr,
        min_by(m.arr_before, m.place) AS arr_before,
        max_by(m.arr, m.place) AS arr
    FROM periods p
    JOIN moved m ON m.effective_at >= p.begins_at AND m.effective_at < p.ends_at
    GROUP BY p.period, p.begins_at, m.part, m.account, m.subscription
),
sold_on AS (
    SELECT deal FROM deal_changes WHERE growth IN ('upsell', 'cross-sell') AND effective_at <= $as_of GROUP BY deal
),
clients AS (
    SELECT
        account,
        effective_at,
        lead(effective_at) OVER in_order AS held_to,
        sum(mrr - mrr_before) OVER (PARTITION BY account ORDER BY place ROWS UNBOUNDED PRECEDING) AS paid
    FROM moved
    WINDOW in_order AS (PARTITION BY account ORDER BY place)
),
-- New subscriptions that were sold to who was a client when the period began.
grown AS (
    SELECT n.period, n.account, n.subscription
    FROM net n
    JOIN sold_on g ON g.deal = n.deal
    JOIN clients c ON c.account = n.account AND c.effective_at < n.begins_at AND (c.held_to IS NULL OR c.held_to >= n.begins_at)
    WHERE n.arr_before = 0 AND c.paid > 0
),
-- Both at the rate of the day of the last step, so that what rates did until then and since is left to the exchange.
converted AS (
    SELECT
        n.period,
        n.part,
        n.abroad,
        n.mrr_before > 0 AS had_mrr,
        n.mrr > 0 AS has_mrr,
        n.arr_before > 0 AS had_arr,
        n.arr > 0 AS has_arr,
        g.account IS NOT NULL AS is_grown,
        n.mrr > n.mrr_before AS more_mrr,
        n.arr > n.arr_before AS more_arr,
        CASE
            WHEN n.abroad IS NOT NULL AND n.arr + n.arr_before > 0 AND coalesce(r.rate, y.rate) IS NULL
                THEN CAST(error(no_rate(n.abroad, n.moved_on)) AS DECIMAL(26, 4))
            ELSE at_rate(n.mrr_before, CASE WHEN n.moved_on >= r.valid_from THEN r.rate ELSE y.rate END)
        END AS mrr_before,
        at_rate(n.mrr, CASE WHEN n.moved_on >= r.valid_from THEN r.rate ELSE y.rate END) AS mrr,
        at_rate(n.arr_before, CASE WHEN n.moved_on >= r.valid_from THEN r.rate ELSE y.rate END) AS arr_before,
        at_rate(n.arr, CASE WHEN n.moved_on >= r.valid_from THEN r.rate ELSE y.rate END) AS arr
    FROM net n
    LEFT JOIN grown g ON g.period = n.period AND g.account = n.account AND g.subscription = n.subscription
    LEFT JOIN rates r ON r.currency = n.abroad
    LEFT JOIN rate_days y ON y.currency = n.abroad AND y.day = n.moved_on
),
movements AS (
    SELECT
        period,
        part,
        coalesce(sum(mrr) FILTER (WHERE NOT had_mrr AND NOT is_grown), 0) AS mrr_new,
        coalesce(sum(mrr - mrr_before) FILTER (WHERE more_mrr AND (had_mrr OR is_grown)), 0) AS mrr_expansion,
        coalesce(sum(mrr_before - mrr) FILTER (WHERE has_mrr AND had_mrr AND NOT more_mrr), 0) AS mrr_contraction,
        coalesce(sum(mrr_before) FILTER (WHERE NOT has_mrr), 0) AS mrr_churn,
        coalesce(sum(mrr - mrr_before) FILTER (WHERE abroad IS NOT NULL), 0) AS mrr_abroad,
        coalesce(sum(arr) FILTER (WHERE NOT had_arr AND NOT is_grown), 0) AS arr_new,
        coalesce(sum(arr - arr_before) FILTER (WHERE more_arr AND (had_arr OR is_grown)), 0) AS arr_expansion,
        coalesce(sum(arr_before - arr) FILTER (WHERE has_arr AND had_arr AND NOT more_arr), 0) AS arr_contraction,
        coalesce(sum(arr_before) FILTER (WHERE NOT has_arr), 0) AS arr_churn,
        coalesce(sum(arr - arr_before) FILTER (WHERE abroad IS NOT NULL), 0) AS arr_abroad
    FROM converted
    GROUP BY period, part
),
net_accounts AS (
    SELECT
        p.period,
        a.part,
        min_by(a.paid - a.mrr + a.mrr_before, a.place) AS paid_before,
        max_by(a.paid, a.place) AS paid
    FROM periods p
    JOIN of_accounts a ON a.effective_at >= p.begins_at AND a.effective_at < p.ends_at
    GROUP BY p.period, a.part, a.account
),
logos AS (
    SELECT
        period,
        part,
        count(*) FILTER (WHERE paid_before = 0 AND paid > 0) AS gained,
        count(*) FILTER (WHERE paid_before > 0 AND paid = 0) AS churned
    FROM net_accounts
    GROUP BY period, part
),
due AS (
    SELECT
        r.period,
        coalesce(CASE $by WHEN 'product' THEN s.product WHEN 'account' THEN s.account END, '') AS part,
        count(*) AS renewals,
        sum(r.mrr_converted) AS mrr
    FROM renewals r
    JOIN subscriptions s ON s.account = r.account AND s.subscription = r.subscription
    GROUP BY 1, 2
),
walked AS (
    SELECT
        o.period,
        o."group",
        o.mrr + coalesce(f.mrr_opening, 0) AS mrr_opening,
        coalesce(m.mrr_new, 0) AS mrr_new,
        coalesce(m.mrr_expansion, 0) AS mrr_expansion,
        coalesce(m.mrr_contraction, 0) AS mrr_contraction,
        coalesce(m.mrr_churn, 0) AS mrr_churn,
        coalesce(f.mrr_closing, 0) - coalesce(f.mrr_opening, 0) - coalesce(m.mrr_abroad, 0) AS mrr_exchange,
        o.arr + coalesce(f.arr_opening, 0) AS arr_opening,
        coalesce(m.arr_new, 0) AS arr_new,
        coalesce(m.arr_expansion, 0) AS arr_expansion,
        coalesce(m.arr_contraction, 0) AS arr_contraction,
        coalesce(m.arr_churn, 0) AS arr_churn,
        coalesce(f.arr_closing, 0) - coalesce(f.arr_opening, 0) - coalesce(m.arr_abroad, 0) AS arr_exchange,
        o.accounts AS accounts_opening,
        coalesce(l.gained, 0) AS accounts_new,
        coalesce(l.churned, 0) AS accounts_churned,
        coalesce(d.renewals, 0) AS renewals_due,
        coalesce(d.mrr, 0) AS renewals_due_mrr
    FROM openings o
    LEFT JOIN movements m ON m.period = o.period AND m.part = o.part
    LEFT JOIN abroad f ON f.period = o.period AND f.part = o.part
    LEFT JOIN logos l ON l.period = o.period AND l.part = o.part
    LEFT JOIN due d ON d.period = o.period AND d.part = o.part
    WHERE o.arr > 0 OR f.arr_opening > 0 OR f.arr_closing > 0 OR m.arr_new > 0 OR m.arr_expansion > 0 OR d.renewals > 0
)
SELECT
    p.period,
    w."group",
    CAST(coalesce(w.mrr_opening, 0) AS DECIMAL(38, 4)) AS mrr_opening,
    CAST(coalesce(w.mrr_new, 0) AS DECIMAL(38, 4)) AS mrr_new,
    CAST(coalesce(w.mrr_expansion, 0) AS DECIMAL(38, 4)) AS mrr_expansion,
    CAST(coalesce(w.mrr_contraction, 0) AS DECIMAL(38, 4)) AS mrr_contraction,
    CAST(coalesce(w.mrr_churn, 0) AS DECIMAL(38, 4)) AS mrr_churn,
    CAST(coalesce(w.mrr_exchange, 0) AS DECIMAL(38, 4)) AS mrr_exchange,
    CAST(coalesce(w.mrr_opening + w.mrr_new + w.mrr_expansion - w.mrr_contraction - w.mrr_churn + w.mrr_exchange, 0) AS DECIMAL(38, 4)) AS mrr_closing,
    CAST(coalesce(w.arr_opening, 0) AS DECIMAL(38, 4)) AS arr_opening,
    CAST(coalesce(w.arr_new, 0) AS DECIMAL(38, 4)) AS arr_new,
    CAST(coalesce(w.arr_expansion, 0) AS DECIMAL(38, 4)) AS arr_expansion,
    CAST(coalesce(w.arr_contraction, 0) AS DECIMAL(38, 4)) AS arr_contraction,
    CAST(coalesce(w.arr_churn, 0) AS DECIMAL(38, 4)) AS arr_churn,
    CAST(coalesce(w.arr_exchange, 0) AS DECIMAL(38, 4)) AS arr_exchange,
    CAST(coalesce(w.arr_opening + w.arr_new + w.arr_expansion - w.arr_contraction - w.arr_churn + w.arr_exchange, 0) AS DECIMAL(38, 4)) AS arr_closing,
    $currency AS currency,
    CAST(coalesce(w.accounts_opening, 0) AS BIGINT) AS accounts_opening,
    coalesce(w.accounts_new, 0) AS accounts_new,
    coalesce(w.accounts_churned, 0) AS accounts_churned,
    CAST(coalesce(w.accounts_opening + w.accounts_new - w.accounts_churned, 0) AS BIGINT) AS accounts_closing,
    CASE WHEN w.mrr_opening > 0 THEN CAST(w.mrr_opening + w.mrr_expansion - w.mrr_contraction - w.mrr_churn AS DOUBLE) / CAST(w.mrr_opening AS DOUBLE) END AS nrr,
    CASE WHEN w.mrr_opening > 0 THEN CAST(w.mrr_opening - w.mrr_contraction - w.mrr_churn AS DOUBLE) / CAST(w.mrr_opening AS DOUBLE) END AS grr,
    CASE WHEN w.accounts_opening > 0 THEN CAST(w.accounts_churned AS DOUBLE) / CAST(w.accounts_opening AS DOUBLE) END AS logo_churn,
    coalesce(w.renewals_due, 0) AS renewals_due,
    CAST(coalesce(w.renewals_due_mrr, 0) AS DECIMAL(38, 4)) AS renewals_due_mrr
FROM periods p
LEFT JOIN walked w ON w.period = p.period
ORDER BY p.begins_at, w."group" NULLS LAST
