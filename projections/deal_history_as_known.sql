-- deal_history_as_known: what each deal was believed to be at any moment, with what was known by then, or $late_days days later
-- grain: one row a deal and span of time in which the belief did not change
-- needs: events, deal_entries, deal_changes
-- parameters: $known_at, $late_days
-- columns:
--   deal: deal id
--   valid_from: from this instant on (UTC)
--   valid_to: up to, but without, this instant (UTC); the year 9999 where it still holds
--   status: open, won, lost or disqualified
--   closed_at: when it was won, lost or disqualified (UTC); empty while it is open
--   captured_at: when the lead was captured (UTC)
--   company: the company's name
--   process: process
--   process_version: the version of the process
--   stage: the stage that the deal is in, or was in when it closed
--   stage_set_at: when the event happened that last said so (UTC)
--   account: account id
--   owner: who sells (a short id)
--   team: team
--   product: product
--   segment: market segment
--   source: where the lead came from
--   campaign: marketing campaign
--   amount: one-off amount
--   recurring_amount: amount paid every interval_months
--   interval_months: months between two recurring payments
--   term_months: months of the first term
--   currency: ISO code of every amount in the row
--   expected_close: day on which the deal is expected to close
--   category: forecast category: pipeline, best-case, commit or omitted
--   growth: how it grew from what the client has: upsell, cross-sell or renewal
WITH voids AS (
    SELECT
        id AS deal,
        void_root,
        strikes,
        known_at - $late_days * INTERVAL 1 DAY AS valid_from,
        coalesce(lead(known_at - $late_days * INTERVAL 1 DAY) OVER (PARTITION BY void_root ORDER BY entry), TIMESTAMP '9999-12-31') AS valid_to
    FROM events
    WHERE stream = 'deal' AND type = 'event-voided' AND known_at <= $known_at
),
-- Deals without voids: a value is believed from when its event was both known and in the past, unless a later one was seen before.
seen AS (
    SELECT *, greatest(known_at - $late_days * INTERVAL 1 DAY, effective_at) AS seen_at
    FROM deal_changes
    WHERE deal NOT IN (SELECT deal FROM voids)
),
winning AS (
    SELECT
        deal,
        seen_at,
        entry,
        CASE WHEN place = max(CASE WHEN status IS NOT NULL THEN place END) OVER w THEN status END AS status,
        CASE WHEN place = max(CASE WHEN status IS NOT NULL THEN place END) OVER w AND status IS NOT NULL THEN effective_at END AS status_at,
        CASE WHEN place = max(CASE WHEN captured_at IS NOT NULL THEN place END) OVER w THEN captured_at END AS captured_at,
        CASE WHEN place = max(CASE WHEN company IS NOT NULL THEN place END) OVER w THEN company END AS company,
        CASE WHEN place = max(CASE WHEN process IS NOT NULL THEN place END) OVER w THEN process END AS process,
        CASE WHEN place = max(CASE WHEN process_version IS NOT NULL THEN place END) OVER w THEN process_version END AS process_version,
        CASE WHEN place = max(CASE WHEN stage IS NOT NULL THEN place END) OVER w THEN stage END AS stage,
        CASE WHEN place = max(CASE WHEN stage IS NOT NULL THEN place END) OVER w AND stage IS NOT NULL THEN effective_at END AS stage_set_at,
        CASE WHEN place = max(CASE WHEN account IS NOT NULL THEN place END) OVER w THEN account END AS account,
        CASE WHEN place = max(CASE WHEN owner IS NOT NULL THEN place END) OVER w THEN owner END AS owner,
        CASE WHEN place = max(CASE WHEN team IS NOT NULL THEN place END) OVER w THEN team END AS team,
        CASE WHEN place = max(CASE WHEN product IS NOT NULL THEN place END) OVER w THEN product END AS product,
        CASE WHEN place = max(CASE WHEN segment IS NOT NULL THEN place END) OVER w THEN segment END AS segment,
        CASE WHEN place = max(CASE WHEN source IS NOT NULL THEN place END) OVER w THEN source END AS source,
        CASE WHEN place = max(CASE WHEN campaign IS NOT NULL THEN place END) OVER w THEN campaign END AS campaign,
        CASE WHEN place = max(CASE WHEN amount IS NOT NULL THEN place END) OVER w THEN amount END AS amount,
        CASE WHEN place = max(CASE WHEN recurring_amount IS NOT NULL THEN place END) OVER w THEN recurring_amount END AS recurring_amount,
        CASE WHEN place = max(CASE WHEN interval_months IS NOT NULL THEN place END) OVER w THEN interval_months END AS interval_months,
        CASE WHEN place = max(CASE WHEN term_months IS NOT NULL THEN place END) OVER w THEN term_months END AS term_months,
        CASE WHEN place = max(CASE WHEN currency IS NOT NULL THEN place END) OVER w THEN currency END AS currency,
        CASE WHEN place = max(CASE WHEN expected_close IS NOT NULL THEN place END) OVER w THEN expected_close END AS expected_close,
        CASE WHEN place = max(CASE WHEN category IS NOT NULL THEN place END) OVER w THEN category END AS category,
        CASE WHEN place = max(CASE WHEN growth IS NOT NULL THEN place END) OVER w THEN growth END AS growth
    FROM seen
    WINDOW w AS (PARTITION BY deal ORDER BY seen_at, entry ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
believed AS (
    SELECT
        deal,
        seen_at,
        entry,
        last_value(status IGNORE NULLS) OVER w AS status,
        last_value(status_at IGNORE NULLS) OVER w AS status_at,
        last_value(captured_at IGNORE NULLS) OVER w AS captured_at,
        last_value(company IGNORE NULLS) OVER w AS company,
        last_value(process IGNORE NULLS) OVER w AS process,
        last_value(process_version IGNORE NULLS) OVER w AS process_version,
        last_value(stage IGNORE NULLS) OVER w AS stage,
        last_value(stage_set_at IGNORE NULLS) OVER w AS stage_set_at,
        last_value(account IGNORE NULLS) OVER w AS account,
        last_value(owner IGNORE NULLS) OVER w AS owner,
        last_value(team IGNORE NULLS) OVER w AS team,
        last_value(product IGNORE NULLS) OVER w AS product,
        last_value(segment IGNORE NULLS) OVER w AS segment,
        last_value(source IGNORE NULLS) OVER w AS source,
        last_value(campaign IGNORE NULLS) OVER w AS campaign,
        last_value(amount IGNORE NULLS) OVER w AS amount,
        last_value(recurring_amount IGNORE NULLS) OVER w AS recurring_amount,
        last_value(interval_months IGNORE NULLS) OVER w AS interval_months,
        last_value(term_months IGNORE NULLS) OVER w AS term_months,
        last_value(currency IGNORE NULLS) OVER w AS currency,
        last_value(expected_close IGNORE NULLS) OVER w AS expected_close,
        last_value(category IGNORE NULLS) OVER w AS category,
        last_value(growth IGNORE NULLS) OVER w AS growth
    FROM winning
    WINDOW w AS (PARTITION BY deal ORDER BY seen_at, entry ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
-- Deals with voids, which are few: the state is folded anew at every moment at which the belief can have changed.
voided_entries AS (
    SELECT *, greatest(known_at - $late_days * INTERVAL 1 DAY, effective_at) AS seen_at
    FROM deal_entries
    WHERE known_at <= $known_at AND deal IN (SELECT deal FROM voids)
),
moments AS (
    SELECT deal, seen_at FROM voided_entries
    UNION
    SELECT deal, valid_from AS seen_at FROM voids
),
standing AS (
    SELECT m.seen_at AS moment, v.*
    FROM moments m
    JOIN voided_entries v ON v.deal = m.deal AND v.seen_at <= m.seen_at
    WHERE NOT EXISTS (
        SELECT 1 FROM voids x
        WHERE x.void_root = v.entry AND x.strikes AND x.valid_from <= m.seen_at AND m.seen_at < x.valid_to
    )
),
refolded AS (
    SELECT
        deal,
        moment AS seen_at,
        max_by(status, place) FILTER (WHERE status IS NOT NULL) AS status,
        max_by(effective_at, place) FILTER (WHERE status IS NOT NULL) AS status_at,
        max_by(captured_at, place) FILTER (WHERE captured_at IS NOT NULL) AS captured_at,
        max_by(company, place) FILTER (WHERE company IS NOT NULL) AS company,
        max_by(process, place) FILTER (WHERE process IS NOT NULL) AS process,
        max_by(process_version, place) FILTER (WHERE process_version IS NOT NULL) AS process_version,
        max_by(stage, place) FILTER (WHERE stage IS NOT NULL) AS stage,
        max_by(effective_at, place) FILTER (WHERE stage IS NOT NULL) AS stage_set_at,
        max_by(account, place) FILTER (WHERE account IS NOT NULL) AS account,
        max_by(owner, place) FILTER (WHERE owner IS NOT NULL) AS owner,
        max_by(team, place) FILTER (WHERE team IS NOT NULL) AS team,
        max_by(product, place) FILTER (WHERE product IS NOT NULL) AS product,
        max_by(segment, place) FILTER (WHERE segment IS NOT NULL) AS segment,
        max_by(source, place) FILTER (WHERE source IS NOT NULL) AS source,
        max_by(campaign, place) FILTER (WHERE campaign IS NOT NULL) AS campaign,
        max_by(amount, place) FILTER (WHERE amount IS NOT NULL) AS amount,
        max_by(recurring_amount, place) FILTER (WHERE recurring_amount IS NOT NULL) AS recurring_amount,
        max_by(interval_months, place) FILTER (WHERE interval_months IS NOT NULL) AS interval_months,
        max_by(term_months, place) FILTER (WHERE term_months IS NOT NULL) AS term_months,
        max_by(currency, place) FILTER (WHERE currency IS NOT NULL) AS currency,
        max_by(expected_close, place) FILTER (WHERE expected_close IS NOT NULL) AS expected_close,
        max_by(category, place) FILTER (WHERE category IS NOT NULL) AS category,
        max_by(growth, place) FILTER (WHERE growth IS NOT NULL) AS growth
    FROM standing
    GROUP BY deal, moment
),
-- A moment at which nothing stands any more ends what was believed before it.
refolded_moments AS (
    SELECT m.deal, m.seen_at, r.status, r.status_at, r.captured_at, r.company, r.process, r.process_version, r.stage, r.stage_set_at, r.account, r.owner, r.team, r.product, r.segment, r.source, r.campaign, r.amount, r.recurring_amount, r.interval_months, r.term_months, r.currency, r.expected_close, r.category, r.growth
    FROM moments m
    LEFT JOIN refolded r ON r.deal = m.deal AND r.seen_at = m.seen_at
),
both_kinds AS (
    SELECT deal, seen_at, entry, status, status_at, captured_at, company, process, process_version, stage, stage_set_at, account, owner, team, product, segment, source, campaign, amount, recurring_amount, interval_months, term_months, currency, expected_close, category, growth FROM believed
    UNION ALL
    SELECT deal, seen_at, 0 AS entry, status, status_at, captured_at, company, process, process_version, stage, stage_set_at, account, owner, team, product, segment, source, campaign, amount, recurring_amount, interval_months, term_months, currency, expected_close, category, growth FROM refolded_moments
),
spans AS (
    SELECT *, coalesce(lead(seen_at) OVER (PARTITION BY deal ORDER BY seen_at, entry), TIMESTAMP '9999-12-31') AS valid_to
    FROM both_kinds
)
SELECT
    deal,
    seen_at AS valid_from,
    valid_to,
    status,
    CASE WHEN status <> 'open' THEN status_at END AS closed_at,
    captured_at,
    company,
    process,
    process_version,
    stage,
    stage_set_at,
    account,
    owner,
    team,
    product,
    segment,
    source,
    campaign,
    amount,
    recurring_amount,
    interval_months,
    term_months,
    currency,
    expected_close,
    category,
    growth
FROM spans
WHERE captured_at IS NOT NULL AND seen_at < valid_to
