-- recurring: recurring revenue from the beginning of each period to its end, and what moved it, at $as_of as known at $known_at
-- grain: one row a period, group and currency
-- needs: subscription_history, subscriptions, renewals, periods
-- parameters: $as_of, $known_at, $by, $currency
-- columns:
--   period: the period
--   group: what the report is split by (product or account); empty where it is not, or where a subscription has none
--   mrr_opening: monthly recurring revenue when the period begins
--   mrr_new: of subscriptions that paid nothing then and do when it ends
--   mrr_expansion: by how much those that paid something pay more when it ends
--   mrr_contraction: by how much those that still pay something pay less when it ends
--   mrr_churn: of subscriptions that paid something when it began and nothing when it ends
--   mrr_closing: monthly recurring revenue when the period ends: opening + new + expansion - contraction - churn
--   arr_opening: annual recurring revenue when the period begins
--   arr_new: see mrr_new
--   arr_expansion: see mrr_expansion
--   arr_contraction: see mrr_contraction
--   arr_churn: see mrr_churn
--   arr_closing: annual recurring revenue when the period ends: opening + new + expansion - contraction - churn
--   currency: currency of the amounts; what is paid in another one stands in a row of its own
--   accounts_opening: accounts that pay something when the period begins
--   accounts_new: accounts that paid nothing then and do when it ends, those that came back among them
--   accounts_churned: accounts that paid something when it began and nothing when it ends
--   accounts_closing: accounts that pay something when the period ends: opening + new - churned
--   nrr: net revenue retention: (opening + expansion - contraction - churn) / opening, of MRR
--   grr: gross revenue retention: (opening - contraction - churn) / opening, of MRR
--   logo_churn: accounts_churned / accounts_opening
--   renewals_due: terms that end in the period without a renewal before their end
--   renewals_due_mrr: monthly recurring revenue of those
WITH moved AS (
    SELECT
        h.account,
        h.subscription,
        h.place,
        h.effective_at,
        h.mrr_before,
        h.mrr,
        h.arr_before,
        h.arr,
        CASE $by WHEN 'product' THEN s.product WHEN 'account' THEN s.account END AS "group",
        s.currency,
        s.currency || coalesce(CASE $by WHEN 'product' THEN s.product WHEN 'account' THEN s.account END, '') AS part
    FROM subscription_history h
    JOIN subscriptions s ON s.account = h.account AND s.subscription = h.subscription
    WHERE h.effective_at <= $as_of
),
of_accounts AS (
    SELECT *, sum(mrr - mrr_before) OVER (PARTITION BY part, account ORDER BY place ROWS UNBOUNDED PRECEDING) AS paid
    FROM moved
),
steps AS (
    SELECT
        part,
        effective_at,
        sum(mrr - mrr_before) AS mrr,
        sum(arr - arr_before) AS arr,
        sum(CAST(paid > 0 AS INTEGER) - CAST(paid - mrr + mrr_before > 0 AS INTEGER)) AS accounts
    FROM of_accounts
    GROUP BY part, effective_at
),
parts AS (
    SELECT part, max("group") AS "group", max(currency) AS currency FROM moved GROUP BY part
),
-- What had come together by the time that a period begins: the beginnings and the steps in one line, a beginning first.
line AS (
    SELECT part, effective_at AS instant, 1 AS nth, mrr, arr, accounts, NULL AS period FROM steps
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
    SELECT l.period, l.part, g."group", g.currency, l.mrr, l.arr, l.accounts
    FROM levels l
    JOIN parts g ON g.part = l.part
    WHERE l.period IS NOT NULL
),
-- Each subscription by what it paid when the period began and pays when it ends, whatever lay between.
net AS (
    SELECT
        p.period,
        m.part,
        min_by(m.mrr_before, m.place) AS mrr_before,
        max_by(m.mrr, m.place) AS mrr,
        min_by(m.arr_before, m.place) AS arr_before,
        max_by(m.arr, m.place) AS arr
    FROM periods p
    JOIN moved m ON m.effective_at >= p.begins_at AND m.effective_at < p.ends_at
    GROUP BY p.period, m.part, m.account, m.subscription
),
movements AS (
    SELECT
        period,
        part,
        sum(mrr) FILTER (WHERE mrr_before = 0) AS mrr_new,
        sum(mrr - mrr_before) FILTER (WHERE mrr_before > 0 AND mrr > mrr_before) AS mrr_expansion,
        sum(mrr_before - mrr) FILTER (WHERE mrr > 0 AND mrr < mrr_before) AS mrr_contraction,
        sum(mrr_before) FILTER (WHERE mrr = 0) AS mrr_churn,
        sum(arr) FILTER (WHERE arr_before = 0) AS arr_new,
        sum(arr - arr_before) FILTER (WHERE arr_before > 0 AND arr > arr_before) AS arr_expansion,
        sum(arr_before - arr) FILTER (WHERE arr > 0 AND arr < arr_before) AS arr_contraction,
        sum(arr_before) FILTER (WHERE arr = 0) AS arr_churn
    FROM net
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
        s.currency || coalesce(CASE $by WHEN 'product' THEN s.product WHEN 'account' THEN s.account END, '') AS part,
        count(*) AS renewals,
        sum(r.mrr) AS mrr
    FROM renewals r
    JOIN subscriptions s ON s.account = r.account AND s.subscription = r.subscription
    GROUP BY 1, 2
),
walked AS (
    SELECT
        o.period,
        o."group",
        o.currency,
        o.mrr AS mrr_opening,
        coalesce(m.mrr_new, 0) AS mrr_new,
        coalesce(m.mrr_expansion, 0) AS mrr_expansion,
        coalesce(m.mrr_contraction, 0) AS mrr_contraction,
        coalesce(m.mrr_churn, 0) AS mrr_churn,
        o.arr AS arr_opening,
        coalesce(m.arr_new, 0) AS arr_new,
        coalesce(m.arr_expansion, 0) AS arr_expansion,
        coalesce(m.arr_contraction, 0) AS arr_contraction,
        coalesce(m.arr_churn, 0) AS arr_churn,
        o.accounts AS accounts_opening,
        coalesce(l.gained, 0) AS accounts_new,
        coalesce(l.churned, 0) AS accounts_churned,
        coalesce(d.renewals, 0) AS renewals_due,
        coalesce(d.mrr, 0) AS renewals_due_mrr
    FROM openings o
    LEFT JOIN movements m ON m.period = o.period AND m.part = o.part
    LEFT JOIN logos l ON l.period = o.period AND l.part = o.part
    LEFT JOIN due d ON d.period = o.period AND d.part = o.part
    WHERE o.arr > 0 OR m.arr_new > 0 OR d.renewals > 0
)
SELECT
    p.period,
    w."group",
    CAST(coalesce(w.mrr_opening, 0) AS DECIMAL(38, 4)) AS mrr_opening,
    CAST(coalesce(w.mrr_new, 0) AS DECIMAL(38, 4)) AS mrr_new,
    CAST(coalesce(w.mrr_expansion, 0) AS DECIMAL(38, 4)) AS mrr_expansion,
    CAST(coalesce(w.mrr_contraction, 0) AS DECIMAL(38, 4)) AS mrr_contraction,
    CAST(coalesce(w.mrr_churn, 0) AS DECIMAL(38, 4)) AS mrr_churn,
    CAST(coalesce(w.mrr_opening + w.mrr_new + w.mrr_expansion - w.mrr_contraction - w.mrr_churn, 0) AS DECIMAL(38, 4)) AS mrr_closing,
    CAST(coalesce(w.arr_opening, 0) AS DECIMAL(38, 4)) AS arr_opening,
    CAST(coalesce(w.arr_new, 0) AS DECIMAL(38, 4)) AS arr_new,
    CAST(coalesce(w.arr_expansion, 0) AS DECIMAL(38, 4)) AS arr_expansion,
    CAST(coalesce(w.arr_contraction, 0) AS DECIMAL(38, 4)) AS arr_contraction,
    CAST(coalesce(w.arr_churn, 0) AS DECIMAL(38, 4)) AS arr_churn,
    CAST(coalesce(w.arr_opening + w.arr_new + w.arr_expansion - w.arr_contraction - w.arr_churn, 0) AS DECIMAL(38, 4)) AS arr_closing,
    coalesce(w.currency, $currency) AS currency,
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
ORDER BY p.begins_at, w."group" NULLS LAST, w.currency
