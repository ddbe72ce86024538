-- referral_tree: who brought whom, as deep as it goes, at $as_of as known at $known_at
-- grain: one row a referred lead, and one an account at the top
-- needs: deals, referred_leads, events, strikes
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   root: the account at the top, which no referral brought
--   depth: referrals between the root and this row; 0 for the root itself
--   path: the ids from the root down to this row, with ' > ' between them
--   referrer: the account that referred the lead; empty for the root
--   deal: the lead's id; empty for the root
--   account: the account that the deal belongs to; the root itself
--   is_first: whether the lead brought that account, whose own referrals then follow below; true for the root
--   company: the company's name
--   status: open, won, lost or disqualified
--   captured_on: the day on which the lead was captured
--   bookings: what the deal is worth, where it is won
--   leads_below: leads below this row
--   won_below: those of them that are won
--   bookings_below: what the won ones are worth
--   currency: currency of the amounts
WITH RECURSIVE first_deals AS (
    SELECT
        account,
        min(struct_pack(captured_at := captured_at, deal := deal)) AS came
    FROM deals
    WHERE account IS NOT NULL
    GROUP BY account
),
first_referrals AS (
    SELECT
        referrer,
        min(struct_pack(captured_at := captured_at, deal := deal)) AS gave
    FROM referred_leads
    GROUP BY referrer
),
-- An account comes by its first lead, unless it had referred somebody before: so each comes once, and nobody in a circle.
brought AS (
    SELECT
        f.account,
        l.deal
    FROM first_deals f
    JOIN referred_leads l ON l.deal = f.came.deal AND l.referrer <> f.account
    LEFT JOIN first_referrals r ON r.referrer = f.account
    WHERE r.gave IS NULL OR f.came < r.gave
),
edges AS (
    SELECT
        l.deal,
        CASE WHEN b.deal IS NULL THEN 'account:' || l.referrer ELSE 'deal:' || b.deal END AS parent,
        CAST(l.captured_at AS VARCHAR) || ' ' || l.deal AS place
    FROM referred_leads l
    LEFT JOIN brought b ON b.account = l.referrer
),
walk AS (
    SELECT
        r.referrer AS root,
        CAST(NULL AS VARCHAR) AS deal,
        'account:' || r.referrer AS node,
        0 AS depth,
        r.referrer AS path,
        CAST([] AS VARCHAR[]) AS above,
        CAST([] AS VARCHAR[]) AS places
    FROM first_referrals r
    WHERE NOT EXISTS (SELECT 1 FROM brought b WHERE b.account = r.referrer)
    UNION ALL
    SELECT
        w.root,
        e.deal,
        'deal:' || e.deal AS node,
        w.depth + 1 AS depth,
        w.path || ' > ' || e.deal AS path,
        list_append(w.above, w.node) AS above,
        list_append(w.places, e.place) AS places
    FROM walk w
    JOIN edges e ON e.parent = w.node
),
spread AS (
    SELECT
        deal,
        unnest(above) AS node
    FROM walk
),
below AS (
    SELECT
        s.node,
        count(*) AS leads,
        count(*) FILTER (WHERE l.status = 'won') AS won,
        sum(l.value) FILTER (WHERE l.status = 'won') AS bookings,
        max(l.currency) AS currency
    FROM spread s
    JOIN referred_leads l ON l.deal = s.deal
    GROUP BY s.node
),
named AS (
    SELECT
        e.id AS account,
        max_by(e.company, place_of(e.effective_at, e.rank)) AS company
    FROM events e
    WHERE
        e.type = 'account-opened'
        AND e.known_at <= $known_at AND e.effective_at <= $as_of
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
    GROUP BY e.id
)
SELECT
    w.root,
    w.depth,
    w.path,
    l.referrer,
    w.deal,
    CASE WHEN w.deal IS NULL THEN w.root ELSE l.account END AS account,
    w.deal IS NULL OR b.deal IS NOT NULL AS is_first,
    CASE WHEN w.deal IS NULL THEN n.company ELSE l.company END AS company,
    l.status,
    l.captured_on,
    CAST(CASE WHEN l.status = 'won' THEN l.value END AS DECIMAL(38, 4)) AS bookings,
    coalesce(x.leads, 0) AS leads_below,
    coalesce(x.won, 0) AS won_below,
    CAST(coalesce(x.bookings, 0) AS DECIMAL(38, 4)) AS bookings_below,
    coalesce(greatest(l.currency, x.currency), $currency) AS currency
FROM walk w
LEFT JOIN referred_leads l ON l.deal = w.deal
LEFT JOIN brought b ON b.deal = w.deal
LEFT JOIN below x ON x.node = w.node
LEFT JOIN named n ON n.account = w.root
ORDER BY w.root, w.places
