-- deal_audit: what each entry of a deal changed, from what to what, up to $as_of as known at $known_at
-- grain: one row an entry and field that it sets, struck ones included; one without a field where it sets none
-- needs: deal_entries, events, strikes
-- parameters: $as_of, $known_at
-- columns:
--   deal: deal id
--   entry: entry
--   type: what happened
--   field: what the entry sets; effective_at where a correction moves its date; empty where it sets nothing
--   before: what that was before, in business order, where the field is one that lasts and the entry stands
--   after: what the entry says of it; empty where a correction takes it away
--   corrected: what the entry that this one corrects had said
--   effective_at: when it happened in business (UTC)
--   effective_on: the day of that in the ledger's time zone
--   known_at: when the organisation knew it (UTC)
--   recorded_at: when the ledger appended it (UTC)
--   recorded_by: who recorded it (a short id)
--   source_system: the system that an import took it from
--   late_days: days from when it happened until it was known, 0 where it was known at once
--   rank: place among events of the same instant
--   replaces: the entry that it corrects
--   voids: the entry that a void strikes out, or takes the strike from
--   restores: whether a void takes a strike back
--   struck_by: the void that struck the entry, where it is struck out
--   struck_at: when that became known (UTC)
--   reason: why the entry was struck out; of a void, why it was recorded
WITH lasting AS (
    SELECT
        d.deal,
        d.entry,
        unnest([
            {'field': 'status', 'value': d.status},
            {'field': 'company', 'value': d.company},
            {'field': 'process', 'value': d.process},
            {'field': 'process_version', 'value': CAST(d.process_version AS VARCHAR)},
            {'field': 'stage', 'value': d.stage},
            {'field': 'account', 'value': d.account},
            {'field': 'owner', 'value': d.owner},
            {'field': 'team', 'value': d.team},
            {'field': 'product', 'value': d.product},
            {'field': 'segment', 'value': d.segment},
            {'field': 'source', 'value': d.source},
            {'field': 'campaign', 'value': d.campaign},
            {'field': 'amount', 'value': CAST(d.amount AS VARCHAR)},
            {'field': 'recurring_amount', 'value': CAST(d.recurring_amount AS VARCHAR)},
            {'field': 'interval_months', 'value': CAST(d.interval_months AS VARCHAR)},
            {'field': 'term_months', 'value': CAST(d.term_months AS VARCHAR)},
            {'field': 'currency', 'value': d.currency},
            {'field': 'expected_close', 'value': CAST(d.expected_close AS VARCHAR)},
            {'field': 'category', 'value': d.category}
        ]) AS told,
        true AS lasts
    FROM deal_entries d
),
passing AS (
    SELECT
        e.id AS deal,
        e.entry,
        unnest([
            {'field': 'channel', 'value': e.channel},
            {'field': 'content', 'value': e.content},
            {'field': 'outcome', 'value': e.outcome},
            {'field': 'use_case', 'value': e.use_case},
            {'field': 'budget', 'value': e.budget},
            {'field': 'authority', 'value': e.authority},
            {'field': 'timing', 'value': e.timing},
            {'field': 'handed_to', 'value': e.handed_to},
            {'field': 'handed_by', 'value': e.handed_by},
            {'field': 'kind', 'value': e.kind},
            {'field': 'attendees', 'value': CAST(e.attendees AS VARCHAR)},
            {'field': 'persons', 'value': CAST(e.persons AS VARCHAR)},
            {'field': 'pain_points', 'value': CAST(e.pain_points AS VARCHAR)},
            {'field': 'list_amount', 'value': CAST(e.list_amount AS VARCHAR)},
            {'field': 'terms', 'value': e.terms},
            {'field': 'reason', 'value': e.reason},
            {'field': 'competitor', 'value': e.competitor},
            {'field': 'referred_by', 'value': e.referred_by},
            {'field': 'grown_from', 'value': e.grown_from},
            {'field': 'subscription', 'value': e.subscription},
            {'field': 'growth', 'value': e.growth},
            {'field': 'attributes', 'value': CAST(e.attributes AS VARCHAR)},
            {'field': 'judged', 'value': e.judged}
        ]) AS told,
        false AS lasts
    FROM events e
    WHERE e.stream = 'deal' AND e.type <> 'event-voided'
),
said AS (
    SELECT deal, entry, told.field AS field, told.value AS value, lasts FROM lasting WHERE told.value IS NOT NULL
    UNION ALL
    SELECT deal, entry, told.field AS field, told.value AS value, lasts FROM passing WHERE told.value IS NOT NULL
),
-- A correction to another date, in UTC.
moved AS (
    SELECT
        e.id AS deal,
        e.entry,
        'effective_at' AS field,
        strftime(e.effective_at, '%Y-%m-%dT%H:%M:%SZ') AS after,
        strftime(r.effective_at, '%Y-%m-%dT%H:%M:%SZ') AS corrected,
        false AS lasts
    FROM events e
    JOIN events r ON r.entry = e.replaces AND r.effective_at <> e.effective_at
    WHERE e.stream = 'deal'
),
-- What a correction says, beside what the entry that it replaces had said.
compared AS (
    SELECT deal, entry, field, value AS after, NULL AS corrected, lasts FROM said
    UNION ALL
    SELECT s.deal, e.entry, s.field, NULL AS after, s.value AS corrected, s.lasts
    FROM said s
    JOIN events e ON e.replaces = s.entry AND e.stream = 'deal'
    UNION ALL
    SELECT deal, entry, field, after, corrected, lasts FROM moved
),
fields AS (
    SELECT deal, entry, field, max(after) AS after, max(corrected) AS corrected, bool_or(lasts) AS lasts
    FROM compared
    GROUP BY deal, entry, field
),
entries AS (
    SELECT e.*, s.struck_by, s.struck_at, s.void_reason AS struck_reason
    FROM events e
    LEFT JOIN strikes s ON s.entry = e.entry
    WHERE e.stream = 'deal' AND e.known_at <= $known_at AND (e.effective_at <= $as_of OR e.type = 'event-voided')
)
SELECT
    e.id AS deal,
    e.entry,
    e.type,
    f.field,
    CASE WHEN f.lasts AND e.struck_by IS NULL THEN
        last_value(CASE WHEN e.struck_by IS NULL THEN f.after END IGNORE NULLS) OVER (
            PARTITION BY e.id, f.field
            ORDER BY e.effective_at, e.rank, e.entry
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    END AS before,
    f.after,
    f.corrected,
    e.effective_at,
    e.effective_on,
    e.known_at,
    e.recorded_at,
    e.recorded_by,
    e.source_system,
    CAST((greatest(date_diff('second', e.effective_at, e.known_at), 0) * 100 + 43200) // 86400 AS DECIMAL(12, 0)) * 0.01 AS late_days,
    e.rank,
    e.replaces,
    e.voids,
    NOT e.strikes AS restores,
    e.struck_by,
    e.struck_at,
    CASE WHEN e.type = 'event-voided' THEN e.void_reason ELSE e.struck_reason END AS reason
FROM entries e
LEFT JOIN fields f ON f.deal = e.id AND f.entry = e.entry
ORDER BY e.id, e.effective_at, e.rank, e.entry, f.field
