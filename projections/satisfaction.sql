-- satisfaction: how likely each account is to recommend us, by period, at $as_of as known at $known_at
-- grain: one row a period and account that answered in it
-- needs: events, strikes, periods
-- parameters: $as_of, $known_at
-- columns:
--   period: the period
--   account: account id
--   answers: how often it answered
--   points: sum of the scores, each from 0 to 10
--   mean: points / answers, exact, rounded once to two decimals
--   promoters: answers of 9 or 10
--   passives: answers of 7 or 8
--   detractors: answers of 6 or less
--   nps: net promoter score: 100 * (promoters - detractors) / answers
--   last_on: the day of the last answer
--   last_score: the last answer
WITH answered AS (
    SELECT
        p.period,
        p.begins_at,
        e.id AS account,
        e.score,
        e.effective_on,
        place_of(e.effective_at, e.rank) AS place
    FROM events e
    JOIN periods p ON e.effective_at >= p.begins_at AND e.effective_at < p.ends_at
    WHERE
        e.type = 'satisfaction-noted'
        AND e.known_at <= $known_at AND e.effective_at <= $as_of
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
),
counted AS (
    SELECT
        period,
        begins_at,
        account,
        count(*) AS answers,
        CAST(sum(score) AS BIGINT) AS points,
        count(*) FILTER (WHERE score >= 9) AS promoters,
        count(*) FILTER (WHERE score IN (7, 8)) AS passives,
        count(*) FILTER (WHERE score <= 6) AS detractors,
        max_by(struct_pack(score := score, answered_on := effective_on), place) AS last
    FROM answered
    GROUP BY period, begins_at, account
)
SELECT
    period,
    account,
    answers,
    points,
    money_mean(points, answers) AS mean,
    promoters,
    passives,
    detractors,
    CAST(100 * (promoters - detractors) AS DOUBLE) / answers AS nps,
    last.answered_on AS last_on,
    last.score AS last_score
FROM counted
ORDER BY begins_at, account
