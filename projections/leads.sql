-- leads: every lead captured by $as_of and what has become of it, renewals left out, as known at $known_at
-- grain: one row a lead
-- needs: deals, renewal_deals, deal_changes
-- parameters: $as_of, $as_of_on, $known_at, $currency
-- columns:
--   deal: the lead's id, which is also its deal's
--   company: the company's name
--   source: where the lead came from
--   campaign: marketing campaign
--   owner: who sells (a short id)
--   status: open, won, lost or disqualified
--   stage: the stage that the deal is in, or was in when it closed
--   captured_on: the day on which it was captured
--   captured_at: when it was captured (UTC)
--   touches: what the prospect heard or read before
--   first_touch_on: the day of the first such touch
--   contacts: attempts to reach it
--   first_contact_on: the day of the first attempt
--   qualified_on: the day on which it was qualified
--   disqualified_on: the day on which it was disqualified
--   reason: why it was lost or disqualified
--   handed_to: whom it was handed over to, once that was accepted
--   meetings: meetings held
--   referred_by: the account that referred the lead
--   value: one-off amount plus the first term's recurring amount
--   currency: ISO code of every amount in the row
--   judged: whether the lead met the criteria when it was captured: met, unmet or unknown; empty where there were none
--   judged_by: whose criteria those were: PROCESS/VERSION
WITH counted AS (
    SELECT
        deal,
        count(*) FILTER (WHERE type = 'lead-touched') AS touches,
        min(effective_on) FILTER (WHERE type = 'lead-touched') AS first_touch_on,
        count(*) FILTER (WHERE type = 'lead-contacted') AS contacts,
        min(effective_on) FILTER (WHERE type = 'lead-contacted') AS first_contact_on,
        max(effective_on) FILTER (WHERE type = 'lead-qualified') AS qualified_on,
        max_by(owner, place) FILTER (WHERE type = 'lead-accepted') AS handed_to,
        count(*) FILTER (WHERE type = 'meeting-held') AS meetings,
        max_by(process || '/' || process_version, place) FILTER (WHERE judged IS NOT NULL) AS judged_by
    FROM deal_changes
    WHERE effective_at <= $as_of
    GROUP BY deal
)
SELECT
    d.deal,
    d.company,
    d.source,
    d.campaign,
    d.owner,
    d.status,
    d.stage,
    d.captured_on,
    d.captured_at,
    c.touches,
    c.first_touch_on,
    c.contacts,
    c.first_contact_on,
    c.qualified_on,
    CASE WHEN d.status = 'disqualified' THEN d.closed_on END AS disqualified_on,
    d.reason,
    c.handed_to,
    c.meetings,
    d.referred_by,
    d.value,
    d.currency,
    d.judged,
    c.judged_by
FROM deals d
JOIN counted c ON c.deal = d.deal
WHERE d.growth IS DISTINCT FROM 'renewal' AND NOT EXISTS (SELECT 1 FROM renewal_deals r WHERE r.deal = d.deal)
ORDER BY d.captured_at, d.deal
