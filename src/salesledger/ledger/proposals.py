"""From what somebody wishes to record, as plain values, to a proposal that the ledger can decide on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from salesledger.domain.decide import Correct, Record, Void
from salesledger.domain.events import EventVoided
from salesledger.domain.person import PersonAdded
from salesledger.domain.rate import RateSet
from salesledger.domain.target import WHOLE, ForecastCalled, ForecastIssued, TargetSet, stream_of
from salesledger.domain.timeline import Recorded
from salesledger.domain.values import slug, to_id, to_text
from salesledger.errors import NOTHING_RECORDED, BadValue, Refused
from salesledger.ledger.batch import NewId, Proposal, StreamOf
from salesledger.ledger.intake import build_event, event_class

_MAKES_AN_ID = ("lead-captured", "lead-touched", "account-opened")
PERSON_ID = "p"
"""What the id of every person begins with: it says nothing about them, and stays when they are forgotten."""

_NOT_KEPT = {"rank", "replaces", "known_at", "source_system"}


def propose_event(
    type_name: str,
    ids: Mapping[str, str | None],
    fields: Mapping[str, Any],
    *,
    currency: str | None,
    key: str | None = None,
    dated: bool = True,
) -> Proposal:
    """Propose one event.

    Args:
        type_name: such as 'deal-won'.
        ids: the deal, the account, the process and the person that are named; the event's own stream is one of them, the others are
            fields of it.
        fields: the event's fields, effective_at and recorded_by among them.
        currency: the ledger's, for amounts that name none.
        key: idempotency key.
        dated: whether the date was given.

    Raises:
        BadValue: a value that the event can't hold, or nothing says whose event it is.
    """
    kind = str(event_class(type_name).STREAM)
    others = {name: value for name, value in ids.items() if name != kind and value is not None}
    event = build_event(
        type_name, {**fields, **others, "recorded_by": _actor(fields["recorded_by"])}, currency=currency
    )
    own, company = ids.get(kind), fields.get("company")
    if isinstance(event, RateSet):
        own = event.currency
    elif isinstance(event, TargetSet | ForecastCalled):
        own = stream_of(event.owner, event.team, slug(event.team) if event.team else None)
    elif isinstance(event, ForecastIssued):
        own = WHOLE
    if own is not None:
        stream: str | NewId = f"{kind}:{_checked(to_id, own)}"
    elif isinstance(event, PersonAdded):
        stream = NewId(kind, PERSON_ID, numbered=True)
    elif type_name in _MAKES_AN_ID and company:
        stream = NewId(kind, str(company))
    else:
        raise BadValue(f"{type_name} needs the id of its {kind}. {NOTHING_RECORDED}")
    return Proposal(stream, Record(event), _key(key), dated=dated)


def propose_referral(lead: Proposal, referrer: str, *, effective_at: datetime, recorded_by: str) -> list[Proposal]:
    """Propose a lead together with the referral on the account that named it.

    Args:
        lead: the captured lead.
        referrer: the account's id.
        effective_at: when.
        recorded_by: who records.
    """

    def given(streams: Sequence[str]) -> Record:
        fields = {"lead": streams[0].partition(":")[2], "effective_at": effective_at, "recorded_by": recorded_by}
        return Record(build_event("referral-given", fields, currency=None))

    key = f"{lead.key}/given" if lead.key else None
    return [lead, replace(lead, stream=f"account:{referrer}", command=given, key=key)]


def propose_sale(lead: Proposal, price: Mapping[str, Any], *, currency: str | None) -> list[Proposal]:
    """Propose a lead together with its win, at the same instant.

    Args:
        lead: the captured lead.
        price: the fields of the win, effective_at and recorded_by among them.
        currency: the ledger's, for amounts that name none.

    Raises:
        BadValue: a value that the win can't hold.
    """
    won = Record(build_event("deal-won", price, currency=currency))
    key = f"{lead.key}/won" if lead.key else None
    return [lead, replace(lead, stream=StreamOf(0), command=won, key=key)]


def propose_opening(
    opening: Proposal, deals: Sequence[str], *, effective_at: datetime, recorded_by: str
) -> list[Proposal]:
    """Propose an account together with the deals that belong to it.

    Args:
        opening: the account that is opened.
        deals: the ids of the deals.
        effective_at: when.
        recorded_by: who records.
    """

    def linked(streams: Sequence[str]) -> Record:
        fields = {"account": streams[0].partition(":")[2], "effective_at": effective_at, "recorded_by": recorded_by}
        return Record(build_event("deal-revised", fields, currency=None))

    def link(deal: str) -> Proposal:
        key = f"{opening.key}/{deal}" if opening.key else None
        return replace(opening, stream=f"deal:{deal}", command=linked, key=key)

    return [opening, *(link(deal) for deal in deals)]


def propose_person(adding: Proposal, account: str, role: str | None) -> list[Proposal]:
    """Propose a person together with the account whose contact they become.

    Args:
        adding: the person who is added.
        account: the account's id.
        role: the part that they play there.

    Raises:
        BadValue: the role is no text that the ledger can hold.
    """
    assert isinstance(adding.command, Record)
    event = adding.command.event
    envelope = {"effective_at": event.effective_at, "known_at": event.known_at, "recorded_by": event.recorded_by}
    build_event("contact-added", envelope | {"person": PERSON_ID, "role": role}, currency=None)

    def linked(streams: Sequence[str]) -> Record:
        fields = envelope | {"person": streams[0].partition(":")[2], "role": role}
        return Record(build_event("contact-added", fields, currency=None))

    key = f"{adding.key}/contact" if adding.key else None
    return [adding, replace(adding, stream=f"account:{account}", command=linked, key=key)]


def propose_void(target: Recorded, reason: str, *, recorded_by: str, key: str | None = None) -> Proposal:
    """Propose to strike out an entry.

    Raises:
        BadValue: the reason or the key is no text that the ledger can hold.
    """
    return Proposal(target.stream, Void(target.entry, _text("reason", reason), _actor(recorded_by)), _key(key))


def propose_correction(
    target: Recorded,
    reason: str,
    changes: Mapping[str, Any],
    *,
    recorded_by: str,
    currency: str | None,
    key: str | None = None,
) -> Proposal:
    """Propose to put an entry right; what isn't changed stays.

    Raises:
        BadValue: nothing is changed, a value that the event can't hold, or one that the ledger fills in.
        Refused: the entry is a void, or a setting of the ledger.
    """
    if isinstance(target.event, EventVoided):
        raise Refused(f"Entry {target.entry} is a void; take it back with 'void {target.entry}'. {NOTHING_RECORDED}")
    if not changes:
        raise BadValue(f"Say what is right: --set FIELD=VALUE, or --on DATE. {NOTHING_RECORDED}")
    for name in set(changes) & set(target.event.DERIVED):
        raise BadValue(
            f"{name} can't be set: the ledger fills it in, from the other fields of the {target.event.type_name()} and its date. "
            f"Correct those. {NOTHING_RECORDED}"
        )
    if target.event.STREAM == "settings":
        raise Refused(
            f"Entry {target.entry} ({target.event.type_name()}) holds for the whole ledger and can't be corrected. It stays as "
            f"it is. {NOTHING_RECORDED}"
        )
    kept = target.event.model_dump(exclude_none=True, exclude=_NOT_KEPT)
    fields = {**kept, "recorded_by": _actor(recorded_by), **changes}
    replacement = build_event(target.event.type_name(), fields, currency=currency)
    return Proposal(target.stream, Correct(target.entry, _text("reason", reason), replacement), _key(key))


def _key(key: str | None) -> str | None:
    return None if key is None else _text("key", key)


def _text(what: str, text: str) -> str:
    return _checked(to_text, text, f"{what}: ")


def _actor(name: str) -> str:
    return _checked(to_id, name, "Who records (--actor, $SALESLEDGER_ACTOR): ")


def _checked(check: Any, text: str, what: str = "") -> str:
    try:
        return str(check(text))
    except ValueError as e:
        raise BadValue(f"{what}{e}. {NOTHING_RECORDED}") from e
