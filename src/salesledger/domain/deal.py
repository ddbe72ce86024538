"""The journey of a lead and the deal that it becomes: what can follow what, and what the deal is after each event."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from salesledger.domain import deal_events as de
from salesledger.domain.clocks import day
from salesledger.domain.events import Event
from salesledger.domain.process import Processes, Version

CLOSED = ("won", "lost", "disqualified")
_BEGINS_ANEW = (de.LeadContacted, de.MeetingHeld, de.TrialStarted, de.OfferMade)
"""What happens with clients too, and then is the beginning of another deal."""
_FIXED_WHEN_CLOSED = (*de.Money.model_fields, "expected_close", "category")


@dataclass(frozen=True)
class DealState:
    """What a deal is at a moment; a prospect that is no lead yet has no status."""

    status: de.Status | None = None
    company: str | None = None
    process: str | None = None
    process_version: int | None = None
    stage: str | None = None
    captured_at: datetime | None = None
    closed_at: datetime | None = None
    qualified: bool = False
    offered_to: str | None = None
    accepted: bool = False
    on_trial: bool = False
    account: str | None = None
    owner: str | None = None
    team: str | None = None
    product: str | None = None
    segment: str | None = None
    source: str | None = None
    campaign: str | None = None
    amount: Decimal | None = None
    recurring_amount: Decimal | None = None
    interval_months: int | None = None
    term_months: int | None = None
    currency: str | None = None
    expected_close: date | None = None
    category: de.Category | None = None
    list_amount: Decimal | None = None


def complete(state: DealState, event: Event, processes: Processes) -> Event:
    """Fill in what the event leaves to the ledger: process and stage where it moves the deal, the owner, the agreed amount."""
    if isinstance(event, de.LeadCaptured):
        return _enter_process(event, processes)
    version = processes.get(state.process, state.process_version)
    update: dict[str, Any] = {}
    if isinstance(event, de.DealReopened) and event.stage is None:
        update = {"process": state.process, "stage": state.stage}
    elif isinstance(event, de.Moving):
        stage = event.stage or stage_ahead(state, event, version)
        if stage is not None:
            update = {"process": event.process or state.process, "stage": stage}
    if isinstance(event, de.DealMoved):
        update = _entering(event, processes, event.process or state.process, state.stage)
    if isinstance(event, de.LeadHandedOver) and event.handed_by is None:
        update["handed_by"] = state.owner or event.recorded_by
    if isinstance(event, de.LeadAccepted) and event.owner is None:
        update["owner"] = state.offered_to
    if isinstance(event, de.DealWon):
        update |= _agreed_money(state, event)
    update = {name: value for name, value in update.items() if value is not None}
    return event.model_copy(update=update) if update else event


def _agreed_money(state: DealState, event: de.DealWon) -> dict[str, Any]:
    """The parts of the price that the win leaves open, as they stood before it; nothing in another currency is carried over."""
    if event.currency not in (None, state.currency):
        return {}
    parts: tuple[str, ...] = ("amount",) if event.amount is None else ()
    if event.recurring_amount is None:
        parts += ("recurring_amount", "interval_months", "term_months")
    update = {name: getattr(state, name) for name in parts}
    if event.currency is None and any(value is not None for value in update.values()):
        update["currency"] = state.currency
    if event.list_amount is None and (event.currency or update.get("currency")):
        update["list_amount"] = state.list_amount
    return update


def _enter_process(event: de.LeadCaptured, processes: Processes) -> Event:
    update = _entering(event, processes, event.process or next(iter(processes.names()), None))
    version = processes.get(update.get("process"), update.get("process_version"))
    if version is not None:
        update["judged"] = version.definition.judge(event.attributes)
    return event.model_copy(update=update)


def _entering(
    event: de.LeadCaptured | de.DealMoved, processes: Processes, name: str | None, left: str | None = None
) -> dict[str, Any]:
    """Where a deal stands that enters a process: in the version in force, in the stage that this kind of event enters.

    Where no stage is entered by it, in that of the name of the stage that it left, else in the first.
    """
    version = processes.in_force(name, event.effective_at) if name else None
    if version is None:
        return {}
    same = left if version.definition.position(left) >= 0 else None
    stage = event.stage or version.definition.entered_by(event.type_name()) or same or version.definition.names[0]
    return {"process": name, "process_version": version.version, "stage": stage}


def stage_ahead(state: DealState, event: de.Moving, version: Version | None) -> str | None:
    """The later stage that this kind of event moves the deal to, in the version that it follows, or None."""
    if state.status != "open" or version is None:
        return None
    entered = version.definition.entered_by(event.type_name())
    ahead = version.definition.position(entered) > version.definition.position(state.stage)
    return entered if ahead else None


def refuse(state: DealState, event: Event, processes: Processes, zone: tzinfo = UTC) -> str | None:
    """Why the event is impossible in this state, or None."""
    if isinstance(event, de.LeadTouched):
        if state.captured_at is None:
            return None
        return "a touch comes before the lead is captured; record a contact instead, or an earlier date"
    if isinstance(event, de.LeadCaptured):
        if state.captured_at is not None:
            return f"the lead was captured already on {day(state.captured_at, zone)}"
        return _refuse_stage(event.process, event.process_version, event, processes)
    if state.captured_at is None:
        return f"the lead is not captured yet on {day(event.effective_at, zone)}; capture it first, or with an earlier date"
    if isinstance(event, de.DealReopened):
        if state.status == "open":
            return "the deal is open; only a closed one can be reopened"
    elif state.status in CLOSED:
        return _refuse_closed(state, event, zone)
    if isinstance(event, de.DealMoved):
        if (event.process, event.process_version) == (state.process, state.process_version):
            return f"the deal follows version {state.process_version} of the process {state.process!r} already"
        return _refuse_stage(event.process, event.process_version, event, processes)
    if isinstance(event, de.Moving) and event.process not in (None, state.process):
        return f"the deal follows the process {state.process!r}, not {event.process!r}"
    if isinstance(event, de.Moving) and event.stage is not None:
        return _refuse_move(state, event, processes)
    if isinstance(event, de.DealAdvanced):
        return "an advance needs the stage that the deal moves to"
    return _refuse_reason(state, event, processes) or _refuse_in_order(state, event)


def _refuse_mixed(state: DealState, event: Event) -> str | None:
    """A deal is worth something in one currency: a price in another one replaces all of the last one, or none of it."""
    if not isinstance(event, de.DealEvent) or "currency" not in event.SETS:
        return None
    currency = getattr(event, "currency", None)
    if currency is None or state.currency in (None, currency):
        return None
    for name in ("amount", "recurring_amount"):
        left = getattr(state, name)
        if left and getattr(event, name) is None:
            return (
                f"its {name.replace('_', ' ')} of {left:f} {state.currency} would stand beside one in {currency}; "
                f"give that in {currency} too, 0 where it is gone"
            )
    return None


def _refuse_reason(state: DealState, event: Event, processes: Processes) -> str | None:
    """A process may list the reasons that count; another one is a slip of the pen."""
    version = processes.get(state.process, state.process_version)
    if version is None or not isinstance(event, de.LeadDisqualified | de.DealLost) or event.reason is None:
        return None
    lost = isinstance(event, de.DealLost)
    listed = version.definition.loss_reasons if lost else version.definition.disqualify_reasons
    if not listed or event.reason in listed:
        return None
    return f"{event.reason!r} is no reason that the process {state.process!r} lists; choose from {', '.join(listed)}"


def _refuse_closed(state: DealState, event: Event, zone: tzinfo) -> str | None:
    since = f"the deal is {state.status} since {day(state.closed_at, zone)}"
    if isinstance(event, de.DealRevised):
        fixed = [name for name in _FIXED_WHEN_CLOSED if getattr(event, name) is not None]
        if fixed:
            return f"{since}, so its {fixed[0]} stands; correct the closing entry instead, or reopen the deal"
        return _refuse_in_order(state, event)
    anew = state.status == "won" and isinstance(event, _BEGINS_ANEW)
    new_lead = "; what the client does next begins with a lead of its own ('lead capture')" if anew else ""
    return f"{since}; reopen it first, or record an earlier date{new_lead}"


def _refuse_move(state: DealState, event: de.Moving, processes: Processes) -> str | None:
    problem = _refuse_stage(state.process, state.process_version, event, processes)
    if problem is None and isinstance(event, de.DealAdvanced) and event.stage == state.stage:
        problem = f"the deal is in the stage {event.stage!r} already"
    return problem or _refuse_in_order(state, event)


def _refuse_stage(process: str | None, number: int | None, event: de.Moving, processes: Processes) -> str | None:
    version = processes.get(process, number)
    if version is None:
        known = ", ".join(processes.names()) or "none yet"
        return f"there is no process {process!r} in this ledger; the processes are: {known}"
    if version.definition.position(event.stage) < 0:
        return f"the process {process!r} has no stage {event.stage!r}; its stages are {', '.join(version.definition.names)}"
    return None


def _refuse_in_order(state: DealState, event: Event) -> str | None:
    if mixed := _refuse_mixed(state, event):
        return mixed
    match event:
        case de.LeadQualified() if state.qualified:
            return "the lead is qualified already"
        case de.LeadDisqualified() if state.accepted:
            return "the lead was handed over and accepted; lose the deal instead"
        case de.LeadHandedOver() if state.offered_to:
            return f"the lead is offered to {state.offered_to!r} already; it must be accepted or rejected first"
        case de.LeadAccepted() | de.LeadRejected() if not state.offered_to:
            return "nobody was offered the lead; hand it over first"
        case de.TrialStarted() if state.on_trial:
            return "a trial is running already"
        case de.TrialEnded() if not state.on_trial:
            return "no trial is running"
        case de.DealRevised() if all(getattr(event, name) is None for name in de.ATTRIBUTES):
            return "nothing was revised; give at least one attribute"
        case de.OfferMade() | de.OfferCountered() if event.currency is None:
            return "an offer needs an amount"
        case de.DealWon() if event.list_amount is not None and event.currency is None:
            return "a list price needs the price that was agreed beside it; give the amount too"
    return None


def evolve(state: DealState, event: Event) -> DealState:
    """The state after the event; it never refuses."""
    if not isinstance(event, de.DealEvent):
        return state
    changes: dict[str, Any] = {}
    if event.SETS:
        changes = {name: value for name in event.SETS if (value := getattr(event, name)) is not None}
    if changes.get("currency") not in (None, state.currency):
        changes["list_amount"] = None
    if isinstance(event, de.Moving) and event.stage is not None:
        changes |= {"process": event.process, "stage": event.stage}
    if event.STATUS is not None:
        changes["status"] = event.STATUS
        changes["closed_at"] = event.effective_at if event.STATUS in CLOSED else None
    match event:
        case de.LeadCaptured():
            changes |= {
                "captured_at": event.effective_at,
                "company": event.company,
                "process_version": event.process_version,
            }
        case de.LeadQualified():
            changes["qualified"] = True
        case de.DealMoved():
            changes["process_version"] = event.process_version
        case de.OfferMade() | de.DealWon() if event.list_amount is not None:
            changes["list_amount"] = event.list_amount
        case de.LeadHandedOver():
            changes["offered_to"] = event.handed_to
        case de.LeadAccepted():
            changes |= {"offered_to": None, "accepted": True}
        case de.LeadRejected():
            changes["offered_to"] = None
        case de.TrialStarted():
            changes["on_trial"] = True
        case de.TrialEnded():
            changes["on_trial"] = False
    return replace(state, **changes) if changes else state
