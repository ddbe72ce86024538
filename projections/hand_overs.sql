-- hand_overs: what became of the leads that were offered in each period, by who offered them to whom, renewals left out, at $as_of as known at $known_at
-- grain: one row a period and pair of people, or where $by says so a period and group
-- needs: hand_over_offers, deals, renewal_deals, periods
-- parameters: $as_of, $as_of_on, $known_at, $by, $currency
-- columns:
--   period: the period in which the leads were offered
--   group: what the report is split by; empty where it is not, or where a deal has none
--   handed_by: who offered them; empty where the report is split by something else
--   handed_to: whom they were offered to; empty where the report is split by something else
--   offered: offers of a lead
--   accepted: those of them that were accepted
--   rejected: those of them that were rejected
--   open: those of them that nobody has answered; offered = accepted + rejected + open
--   acceptance_rate: accepted / (accepted + rejected)
--   median_days_to_accept: median of the calendar days from offer to acceptance
--   won: deals of the accepted leads that are won
--   lost: deals of the accepted leads that are lost
--   win_ratio: won / (won + lost)
--   reject_reasons: why leads were rejected and how often, the most frequent first
WITH told AS (
    SELECT
        p.period,
        p.begins_at,
        CASE $by WHEN 'owner' THEN d.owner WHEN 'team' THEN d.team WHEN 'source' THEN d.source WHEN 'campaign' THEN d.campaign WHEN 'product' THEN d.product WHEN 'segment' THEN d.segment WHEN 'account' THEN d.account WHEN 'process' THEN d.process END AS "group",
        CASE WHEN $by IS NULL THEN o.handed_by END AS handed_by,
        CASE WHEN $by IS NULL THEN o.handed_to END AS handed_to,
        o.deal,
        o.answer,
        o.days,
        o.reason,
        o.status
    FROM periods p
    JOIN hand_over_offers o ON o.offered_at >= p.begins_at AND o.offered_at < p.ends_at
    JOIN deals d ON d.deal = o.deal
    WHERE d.growth IS DISTINCT FROM 'renewal' AND NOT EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
),
counted AS (
    SELECT
        period,
        begins_at,
        "group",
        handed_by,
        handed_to,
        count(*) AS offered,
        count(*) FILTER (WHERE answer = 'accepted') AS accepted,
        count(*) FILTER (WHERE answer = 'rejected') AS rejected,
        count(*) FILTER (WHERE answer IS NULL) AS open,
        CAST(median(days) FILTER (WHERE answer = 'accepted') AS DOUBLE) AS median_days_to_accept,
        count(DISTINCT deal) FILTER (WHERE answer = 'accepted' AND status = 'won') AS won,
        count(DISTINCT deal) FILTER (WHERE answer = 'accepted' AND status = 'lost') AS lost
    FROM told
    GROUP BY period, begins_at, "group", handed_by, handed_to
),
reasons AS (
    SELECT
        period,
        "group",
        handed_by,
        handed_to,
        string_agg(reason || ' (' || times || ')', '; ' ORDER BY times DESC, reason) AS reject_reasons
    FROM (
        SELECT period, "group", handed_by, handed_to, reason, count(*) AS times
        FROM told
        WHERE answer = 'rejected' AND reason IS NOT NULL
        GROUP BY period, "group", handed_by, handed_to, reason
    )
    GROUP BY period, "group", handed_by, handed_to
)
SELECT
    c.period,
    c."group",
    c.handed_by,
    c.handed_to,
    c.offered,
    c.accepted,
    c.rejected,
    c.open,
    CASE WHEN c.accepted + c.rejected > 0 THEN CAST(c.accepted AS DOUBLE) / (c.accepted + c.rejected) END AS acceptance_rate,
    c.median_days_to_accept,
    c.won,
    c.lost,
    CASE WHEN c.won + c.lost > 0 THEN CAST(c.won AS DOUBLE) / (c.won + c.lost) END AS win_ratio,
    r.reject_reasons
FROM counted c
LEFT JOIN reasons r
    ON r.period = c.period
    AND r."group" IS NOT DISTINCT FROM c."group"
    AND r.handed_by IS NOT DISTINCT FROM c.handed_by
    AND r.handed_to IS NOT DISTINCT FROM c.handed_to
ORDER BY c.begins_at, c."group" NULLS LAST, c.handed_by, c.handed_to
