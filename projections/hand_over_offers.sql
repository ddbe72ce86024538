-- hand_over_offers: every lead that was offered to somebody by $as_of, and the answer, as known at $known_at
-- grain: one row an offer of a lead
-- needs: events, strikes, deals
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   deal: the lead's id, which is also its deal's
--   entry: the entry of the offer
--   company: the company's name
--   handed_by: who offered it
--   handed_to: whom it was offered to
--   offered_at: when (UTC)
--   offered_on: the day of that
--   answer: accepted or rejected; empty while nobody has answered
--   answered_on: the day of the answer
--   days: calendar days from the offer to the answer
--   reason: why it was rejected
--   status: what the deal is: open, won, lost or disqualified
WITH steps AS (
    SELECT
        e.id AS deal,
        e.entry,
        e.type,
        coalesce(e.handed_by, e.recorded_by) AS handed_by,
        e.handed_to,
        e.effective_at,
        e.effective_on,
        e.reason,
        place_of(e.effective_at, e.rank) AS place
    FROM events e
    WHERE
        e.type IN ('lead-handed-over', 'lead-accepted', 'lead-rejected')
        AND e.effective_at <= $as_of
        AND e.known_at <= $known_at
        AND NOT EXISTS (SELECT 1 FROM strikes s WHERE s.entry = e.entry)
),
followed AS (
    SELECT
        *,
        lead(type) OVER w AS next_type,
        lead(effective_on) OVER w AS next_on,
        lead(reason) OVER w AS next_reason
    FROM steps
    WINDOW w AS (PARTITION BY deal ORDER BY place)
)
SELECT
    f.deal,
    f.entry,
    d.company,
    f.handed_by,
    f.handed_to,
    f.effective_at AS offered_at,
    f.effective_on AS offered_on,
    CASE f.next_type WHEN 'lead-accepted' THEN 'accepted' WHEN 'lead-rejected' THEN 'rejected' END AS answer,
    CASE WHEN f.next_type <> 'lead-handed-over' THEN f.next_on END AS answered_on,
    CASE WHEN f.next_type <> 'lead-handed-over' THEN date_diff('day', f.effective_on, f.next_on) END AS days,
    CASE WHEN f.next_type = 'lead-rejected' THEN f.next_reason END AS reason,
    d.status
FROM followed f
JOIN deals d ON d.deal = f.deal
WHERE f.type = 'lead-handed-over'
ORDER BY f.effective_at, f.entry
