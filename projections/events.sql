-- events: everything that was ever recorded, voids included
-- grain: one row an entry
-- needs: decoded
-- parameters: none
-- columns:
--   entry: place in the ledger's one total order, from 1
--   stream: kind of stream: deal, account, process, target, rate or settings
--   id: the stream's id
--   version: place in its stream, from 1
--   type: what happened, such as deal-won
--   effective_at: when it happened in business (UTC)
--   effective_on: the day of that in the ledger's time zone
--   known_at: when the organisation knew it (UTC)
--   recorded_at: when the ledger appended it (UTC)
--   recorded_by: who recorded it (a short id)
--   source_system: the system that an import took it from
--   key: idempotency key
--   rank: place among events of the same instant: its entry, or that of the entry it replaces
--   replaces: the entry that it corrects
--   voids: the entry that a void names
--   void_root: the event at the bottom of a chain of voids
--   strikes: true where void_root is struck from then on, false where it stands again
--   void_reason: why it was struck out or restored
--   company: the company's name
--   process: the process, where the event moves a deal
--   process_version: the version of the process
--   stage: the stage that the deal is in from then on
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
--   channel: how a prospect was reached
--   content: what the prospect heard or read
--   outcome: what came of a contact or a trial
--   use_case: what the client wants it for
--   budget: what is known of the budget
--   authority: who decides
--   timing: when it is needed
--   handed_to: whom the lead was offered to
--   kind: kind of meeting or paperwork
--   attendees: number of people present
--   persons: ids of the persons who were present (a JSON list)
--   person: id of a person
--   role: the part that a contact plays in buying
--   pain_points: what hurts the client (a JSON list)
--   reason: why the deal was lost, disqualified, rejected or reopened
--   competitor: who won instead
--   referred_by: the account that referred the lead
--   grown_from: the deal that this one grew from
--   attributes: facts about the company (a JSON object)
--   judged: whether those meet the criteria of the process: met, unmet or unknown
--   subscription: a subscription's id
--   growth: how a deal grew from another or from a subscription: upsell, cross-sell or renewal
--   names: names asked for
--   cards: cards handed out
--   lead: the deal that a referral started
--   deal: the deal that a subscription was sold, renewed or changed with
--   handed_by: who hands a lead over
--   list_amount: what the list asks for what is offered or won
--   terms: terms of an offer
--   preference: what a client values
--   weight: how much, from 0 to 5
--   evidence: the entry that shows it
--   note: a remark about the company
--   case_id: a service case's id
--   subject: what a case is about
--   suggestion: what the profile suggests for broken equipment: repair or replace
--   suggestion_why: the preferences that say so
--   resolution: how a case was resolved
--   followed: whether that is what was suggested
--   score: how likely the client is to recommend us, from 0 to 10
--   begins_on: first day of a target's or a call's period
--   ends_on: the day after its last
--   call: how sure a called forecast is: commit, best-case or pipeline
--   model: the model that gave a forecast
--   origin: the day at whose end it was asked
--   upto: the last entry that it knew
--   mean: the expected bookings
--   lo_95: lower end of the interval that holds 95 %
--   lo_80: lower end of the interval that holds 80 %
--   median: as likely to be passed as not
--   hi_80: upper end of the interval that holds 80 %
--   hi_95: upper end of the interval that holds 95 %
--   rate: what one unit of the currency is worth in the ledger's own
--   title: a process's title
--   stages: a process's stages (a JSON list)
--   criteria: a process's criteria for leads (a JSON list)
--   disqualify_reasons: the reasons that a process lists (a JSON list)
--   loss_reasons: the reasons that a process lists (a JSON list)
--   ledger_id: the ledger's random id
--   timezone: the ledger's time zone
--   seal_key: the public key of the seals from then on
SELECT
    entry,
    stream,
    id,
    version,
    type,
    effective_at,
    effective_on,
    known_at,
    recorded_at,
    recorded_by,
    source_system,
    key,
    rank,
    replaces,
    voids,
    void_root,
    strikes,
    void_reason,
    company,
    process,
    process_version,
    stage,
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
    channel,
    content,
    outcome,
    use_case,
    budget,
    authority,
    timing,
    handed_to,
    kind,
    attendees,
    persons,
    person,
    role,
    pain_points,
    reason,
    competitor,
    referred_by,
    grown_from,
    attributes,
    judged,
    subscription,
    growth,
    names,
    cards,
    lead,
    deal,
    handed_by,
    list_amount,
    terms,
    preference,
    weight,
    evidence,
    note,
    case_id,
    subject,
    suggestion,
    suggestion_why,
    resolution,
    followed,
    score,
    begins_on,
    ends_on,
    call,
    model,
    origin,
    upto,
    mean,
    lo_95,
    lo_80,
    median,
    hi_80,
    hi_95,
    rate,
    title,
    stages,
    criteria,
    disqualify_reasons,
    loss_reasons,
    ledger_id,
    timezone,
    seal_key
FROM decoded
