-- subscription_history: what each subscription is from each of its events on, as known at $known_at
-- grain: one row an event of a subscription that was known and not struck out
-- needs: events, strikes
-- parameters: $known_at
-- columns:
--   account: account id
--   subscription: the subscription's id, unique within the account
--   entry: entry
--   place: sorts a subscription's events by effective_at, then rank
--   type: what happened
--   effective_at: when it happened in business (UTC)
--   effective_on: the day of that in the ledger's time zone
--   status: running or ended; empty where it is not known to have started
--   started_on: the day on which it started
--   product: product
--   deal: the deal that it was sold with
--   term: which of its terms it is in, from 1
--   term_began_on: the day on which that began: the start, or the last renewal, where that came early the end of the term before
--   term_months: months of a term; empty where it runs until it is cancelled
--   term_ends_on: the first day behind the term, on which a renewal is due
--   recurring_amount: amount paid every interval_months
--   interval_months: months between two payments
--   mrr: monthly recurring revenue from then on: recurring_amount / interval_months, rounded once; 0 where it doesn't run
--   mrr_before: the same until then
--   arr: annual recurring revenue from then on: recurring_amount * 12 / interval_months, rounded once; 0 where it doesn't run
--   arr_before: the same until then
--   currency: ISO code of every amount in the row
--   ended_on: the day on which it was cancelled; empty while it runs
--   reason: why it was cancelled
--   competitor: who has the client instead
WITH placed AS (
    SELECT
        e.id AS account,
        e.subscription,
        e.entry,
        place_of(e.effective_at, e.rank) AS place,
        e.type,
        e.effective_at,
        e.effective_on,
        CASE e.type WHEN 'subscription-started' THEN 'running' WHEN 'subscription-cancelled' THEN 'ended' END AS status,
        CASE WHEN e.type = 'subscription-started' THEN struct_pack(on_day := e.effective_on, product := e.product, deal := e.deal) END AS start,
        CASE WHEN e.type IN ('subscription-started', 'subscription-renewed') THEN e.effective_on END AS term_began_on,
        e.term_months,
        e.recurring_amount,
        e.interval_months,
        e.currency,
        CASE WHEN e.type = 'subscription-cancelled' THEN struct_pack(on_day := e.effective_on, reason := e.reason, competitor := e.competitor) END AS ending
    FROM events e
    WHERE
        e.type IN ('subscription-started', 'subscription-renewed', 'subscription-changed', 'subscription-cancelled')
        AND e.known_at <= $known_at
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
),
filled AS (
    SELECT
        account,
        subscription,
        entry,
        place,
        type,
        effective_at,
        effective_on,
        last_value(status IGNORE NULLS) OVER so_far AS status,
        last_value(start IGNORE NULLS) OVER so_far AS start,
        count(term_began_on) OVER so_far AS term,
        term_began_on IS NOT NULL AS begins_term,
        last_value(term_months IGNORE NULLS) OVER so_far AS term_months,
        last_value(recurring_amount IGNORE NULLS) OVER so_far AS recurring_amount,
        last_value(interval_months IGNORE NULLS) OVER so_far AS interval_months,
        last_value(currency IGNORE NULLS) OVER so_far AS currency,
        last_value(ending IGNORE NULLS) OVER so_far AS ending
    FROM placed
    WINDOW so_far AS (PARTITION BY account, subscription ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
-- A renewal carries a term on where one runs; any other beginning is that of its own day.
carried AS (
    SELECT
        *,
        begins_term
        AND type = 'subscription-renewed'
        AND lag(status) OVER in_order = 'running'
        AND lag(term_months) OVER in_order IS NOT NULL AS is_carried,
        lag(term_months) OVER in_order AS months_before
    FROM filled
    WINDOW in_order AS (PARTITION BY account, subscription ORDER BY place)
),
spans AS (
    SELECT
        *,
        count(*) FILTER (WHERE begins_term AND NOT coalesce(is_carried, FALSE)) OVER so_far AS span,
        coalesce(sum(months_before) FILTER (WHERE is_carried) OVER so_far, 0) AS months
    FROM carried
    WINDOW so_far AS (PARTITION BY account, subscription ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
-- A month is 32 here, so that the day of the month outlasts shorter months: a term begins on the later of the renewal's day and
-- the end of the one before, which is the latest of all beginnings of the span with the terms since added.
began AS (
    SELECT
        *,
        CAST(
            max(
                CASE WHEN begins_term THEN ((year(effective_on) * 12 + month(effective_on) - 1) - months) * 32 + day(effective_on) END
            ) OVER (PARTITION BY account, subscription, span ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
            + months * 32 AS BIGINT
        ) AS began
    FROM spans
),
-- No later than the last day that a date can have outside.
dated AS (
    SELECT
        *,
        CASE WHEN began > 3839999 THEN 3839999 ELSE began END AS begin_place,
        CASE WHEN began + term_months * 32 > 3839999 THEN 3839999 ELSE began + term_months * 32 END AS end_place
    FROM began
),
-- In ten-thousandths and whole numbers, rounded half up: DuckDB's division would make it a float.
counted AS (
    SELECT
        *,
        CASE WHEN status = 'running' THEN CAST(CAST(recurring_amount AS DECIMAL(28, 4)) * 10000 AS HUGEINT) END AS units,
        make_date(begin_place // 384, begin_place // 32 % 12 + 1, 1) AS begin_month,
        make_date(end_place // 384, end_place // 32 % 12 + 1, 1) AS end_month
    FROM dated
),
priced AS (
    SELECT
        *,
        coalesce(CAST(CAST((units * 2 + interval_months) // (interval_months * 2) AS DECIMAL(30, 0)) * 0.0001 AS DECIMAL(22, 4)), 0) AS mrr,
        coalesce(CAST(CAST((units * 24 + interval_months) // (interval_months * 2) AS DECIMAL(30, 0)) * 0.0001 AS DECIMAL(22, 4)), 0) AS arr
    FROM counted
)
SELECT
    account,
    subscription,
    entry,
    place,
    type,
    effective_at,
    effective_on,
    status,
    start.on_day AS started_on,
    start.product AS product,
    start.deal AS deal,
    term,
    least(begin_month + CAST(begin_place % 32 - 1 AS INTEGER), last_day(begin_month)) AS term_began_on,
    term_months,
    least(end_month + CAST(end_place % 32 - 1 AS INTEGER), last_day(end_month)) AS term_ends_on,
    recurring_amount,
    interval_months,
    mrr,
    coalesce(lag(mrr) OVER in_order, 0) AS mrr_before,
    arr,
    coalesce(lag(arr) OVER in_order, 0) AS arr_before,
    currency,
    CASE WHEN status = 'ended' THEN ending.on_day END AS ended_on,
    CASE WHEN status = 'ended' THEN ending.reason END AS reason,
    CASE WHEN status = 'ended' THEN ending.competitor END AS competitor
FROM priced
WINDOW in_order AS (PARTITION BY account, subscription ORDER BY place)
