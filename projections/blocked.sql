-- blocked: open deals that have waited longer in their stage than it allows, or than deals usually do, at $as_of as known at $known_at
-- grain: one row an open deal that waits too long
-- only: open
-- needs: deals, stage_visits, process_stages
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   deal: deal id
--   company: the company's name
--   process: process
--   stage: stage
--   owner: who sells (a short id)
--   amount: what the deal is worth: one-off plus the first term's recurring amount, converted at the rate at $as_of where it is foreign
--   currency: currency of the amount: the ledger's; empty where no amount is known
--   entered_on: the day on which it came to the stage
--   days_in_stage: calendar days since then
--   usual_days: median of the days that earlier visits to this stage lasted
--   times_usual: days_in_stage / usual_days
--   rot_days: days that the deal's version of the process allows in this stage; where it says, they decide, else usual_days
--   expected_close: day on which the deal is expected to close
WITH usual AS (
    SELECT process, stage, median(days) AS usual_days
    FROM stage_visits
    WHERE left_at IS NOT NULL
    GROUP BY process, stage
)
SELECT
    d.deal,
    d.company,
    d.process,
    d.stage,
    d.owner,
    d.value_converted AS amount,
    CASE WHEN d.currency IS NOT NULL THEN $currency END AS currency,
    v.entered_on,
    v.days AS days_in_stage,
    u.usual_days,
    CASE WHEN u.usual_days > 0 THEN v.days / u.usual_days END AS times_usual,
    s.rot_days,
    d.expected_close
FROM deals d
JOIN stage_visits v ON v.deal = d.deal AND v.left_at IS NULL
LEFT JOIN usual u ON u.process = v.process AND u.stage = v.stage
LEFT JOIN process_stages s ON s.process = d.process AND s.process_version = d.process_version AND s.stage = d.stage
WHERE d.status = 'open' AND v.days > coalesce(s.rot_days, u.usual_days)
ORDER BY d.value_converted DESC NULLS LAST, v.days DESC, d.deal
