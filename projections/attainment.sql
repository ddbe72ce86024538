-- attainment: quotas and calls beside what was booked, at $as_of as known at $known_at
-- grain: one row a period and whom a target or a call is for
-- only: won
-- since: periods
-- needs: events, strikes, deals, renewal_deals, deal_changes, periods
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   period: the period; where none is asked for, those that targets and calls were made for
--   begins_on: its first day
--   ends_on: the day after its last
--   scope: owner, team, or all: a person, a team or the whole business
--   who: the person or the team; empty for the whole business
--   quota: the target for the period, or the sum of those for its parts
--   currency: currency of the amounts
--   uncovered_days: days of the period that no target covers
--   won: deals won in the period by whom it is for, and still won, renewals left out
--   bookings: what they are worth
--   won_without_amount: won deals that no amount is known for
--   attainment: bookings / quota, where the quota covers the period
--   gap: quota less bookings, where the quota covers the period
--   commit: the last call that is surely booked
--   best_case: the last call of what is booked if all goes well
--   pipeline: the last call of all that may be booked
WITH promises AS (
    SELECT
        CASE WHEN e.owner IS NOT NULL THEN 'owner' WHEN e.team IS NOT NULL THEN 'team' ELSE 'all' END AS scope,
        coalesce(e.owner, e.team, '') AS who,
        CASE WHEN e.type = 'target-set' THEN 'quota' ELSE e.call END AS word,
        e.begins_on,
        e.ends_on,
        e.amount,
        place_of(e.effective_at, e.rank) AS place
    FROM events e
    WHERE
        e.type IN ('target-set', 'forecast-called')
        AND e.effective_at <= $as_of
        AND e.known_at <= $known_at
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
),
standing AS (
    SELECT
        scope,
        who,
        word,
        begins_on,
        ends_on,
        max_by(amount, place) AS amount
    FROM promises
    GROUP BY scope, who, word, begins_on, ends_on
),
named AS (
    SELECT
        *,
        CASE
            WHEN day(begins_on) = 1 AND month(begins_on) = 1 AND ends_on = begins_on + INTERVAL 1 YEAR
                THEN strftime(begins_on, '%Y')
            WHEN day(begins_on) = 1 AND month(begins_on) % 3 = 1 AND ends_on = begins_on + INTERVAL 3 MONTH
                THEN strftime(begins_on, '%Y') || 'Q' || quarter(begins_on)
            WHEN day(begins_on) = 1 AND ends_on = begins_on + INTERVAL 1 MONTH THEN strftime(begins_on, '%Y-%m')
            WHEN isodow(begins_on) = 1 AND ends_on = begins_on + INTERVAL 7 DAY THEN strftime(begins_on, '%G-W%V')
            WHEN ends_on = begins_on + INTERVAL 1 DAY THEN strftime(begins_on, '%Y-%m-%d')
            ELSE begins_on || '..' || ends_on
        END AS period
    FROM standing
),
asked AS (
    SELECT DISTINCT p.period, p.begins_on, p.ends_on, s.scope, s.who
    FROM periods p
    JOIN standing s
        ON s.begins_on >= p.begins_on
        AND s.ends_on <= p.ends_on
        AND (s.word = 'quota' OR (s.begins_on = p.begins_on AND s.ends_on = p.ends_on))
    WHERE p.period <> 'all'
    UNION
    SELECT n.period, n.begins_on, n.ends_on, n.scope, n.who
    FROM named n
    JOIN periods p ON p.period = 'all'
),
parts AS (
    SELECT
        a.period,
        a.scope,
        a.who,
        s.begins_on,
        s.ends_on,
        date_diff('day', s.begins_on, s.ends_on) AS days,
        s.amount
    FROM asked a
    JOIN standing s ON s.scope = a.scope AND s.who = a.who
    WHERE s.word = 'quota' AND s.begins_on >= a.begins_on AND s.ends_on <= a.ends_on
),
quotas AS (
    SELECT
        period,
        scope,
        who,
        CAST(sum(amount) AS DECIMAL(38, 4)) AS quota,
        CAST(sum(days) AS BIGINT) AS days
    FROM parts p
    WHERE
        NOT EXISTS (
            SELECT 1
            FROM parts o
            WHERE
                o.period = p.period
                AND o.scope = p.scope
                AND o.who = p.who
                AND o.begins_on < p.ends_on
                AND o.ends_on > p.begins_on
                AND (o.days > p.days OR (o.days = p.days AND o.begins_on < p.begins_on))
        )
    GROUP BY period, scope, who
),
won AS (
    SELECT d.deal, d.closed_on, d.value_converted AS value
    FROM deals d
    WHERE d.status = 'won' AND d.growth IS DISTINCT FROM 'renewal' AND NOT EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
),
steps AS (
    SELECT c.deal, c.place, c.status, c.owner, c.team
    FROM deal_changes c
    JOIN won w ON w.deal = c.deal
    WHERE c.effective_at <= $as_of
),
closings AS (
    SELECT deal, max(place) AS place
    FROM steps
    WHERE status IS NOT NULL
    GROUP BY deal
),
credited AS (
    SELECT
        s.deal,
        max_by(s.owner, s.place) FILTER (WHERE s.owner IS NOT NULL) AS owner,
        max_by(s.team, s.place) FILTER (WHERE s.team IS NOT NULL) AS team
    FROM steps s
    JOIN closings c ON c.deal = s.deal AND s.place <= c.place
    GROUP BY s.deal
),
sold AS (
    SELECT
        unnest(['all', 'team', 'owner']) AS scope,
        unnest(['', c.team, c.owner]) AS who,
        w.closed_on,
        w.value
    FROM won w
    JOIN credited c ON c.deal = w.deal
),
days AS (
    SELECT
        scope,
        who,
        closed_on,
        count(*) AS won,
        count(value) AS won_with_amount,
        sum(value) AS bookings
    FROM sold
    WHERE who IS NOT NULL
    GROUP BY scope, who, closed_on
),
booked AS (
    SELECT
        a.period,
        a.scope,
        a.who,
        CAST(sum(d.won) AS BIGINT) AS won,
        CAST(sum(d.won) - sum(d.won_with_amount) AS BIGINT) AS won_without_amount,
        sum(d.bookings) AS bookings
    FROM asked a
    JOIN days d ON d.scope = a.scope AND d.who = a.who AND d.closed_on >= a.begins_on AND d.closed_on < a.ends_on
    GROUP BY a.period, a.scope, a.who
),
calls AS (
    SELECT
        scope,
        who,
        begins_on,
        ends_on,
        max(amount) FILTER (WHERE word = 'commit') AS "commit",
        max(amount) FILTER (WHERE word = 'best-case') AS best_case,
        max(amount) FILTER (WHERE word = 'pipeline') AS pipeline
    FROM standing
    WHERE word <> 'quota'
    GROUP BY scope, who, begins_on, ends_on
)
SELECT
    a.period,
    a.begins_on,
    a.ends_on,
    a.scope,
    nullif(a.who, '') AS who,
    q.quota,
    $currency AS currency,
    date_diff('day', a.begins_on, a.ends_on) - coalesce(q.days, 0) AS uncovered_days,
    coalesce(b.won, 0) AS won,
    CAST(coalesce(b.bookings, 0) AS DECIMAL(38, 4)) AS bookings,
    coalesce(b.won_without_amount, 0) AS won_without_amount,
    CASE
        WHEN q.days = date_diff('day', a.begins_on, a.ends_on) AND q.quota > 0
            THEN CAST(coalesce(b.bookings, 0) AS DOUBLE) / CAST(q.quota AS DOUBLE)
    END AS attainment,
    CASE
        WHEN q.days = date_diff('day', a.begins_on, a.ends_on) THEN CAST(q.quota - coalesce(b.bookings, 0) AS DECIMAL(38, 4))
    END AS gap,
    c."commit",
    c.best_case,
    c.pipeline
FROM asked a
LEFT JOIN quotas q ON q.period = a.period AND q.scope = a.scope AND q.who = a.who
LEFT JOIN booked b ON b.period = a.period AND b.scope = a.scope AND b.who = a.who
LEFT JOIN calls c
    ON c.scope = a.scope AND c.who = a.who AND c.begins_on = a.begins_on AND c.ends_on = a.ends_on
ORDER BY a.begins_on, a.ends_on DESC, a.scope, a.who
