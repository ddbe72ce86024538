"""The audit and the lags once more, slowly: what each entry changed, and how late it was known and recorded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from salesledger.domain.events import EventVoided
from salesledger.domain.timeline import Recorded
from support.answers import Row
from support.twins import HISTORY, Asked, by_id, known, naive, rank, strikes, what_it_sets

PASSING = (
    *("channel", "content", "outcome", "use_case", "budget", "authority", "timing", "handed_to", "handed_by", "kind"),
    *(
        "attendees",
        "persons",
        "pain_points",
        "list_amount",
        "terms",
        "reason",
        "competitor",
        "referred_by",
        "grown_from",
    ),
    *("subscription", "growth", "attributes", "judged"),
)
SECOND = timedelta(seconds=1)


def days_between(earlier: datetime, later: datetime) -> Decimal:
    """Days of whole seconds, to two decimals, half up; 0 where later is earlier."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    seconds = max((later - epoch) // SECOND - (earlier - epoch) // SECOND, 0)
    return Decimal((seconds * 100 + 43200) // 86400) / 100


def text(value: Any) -> str:
    """A value as SQL writes it."""
    if isinstance(value, Decimal):
        return f"{value:.4f}"
    if isinstance(value, dict | list | tuple):
        import json

        return json.dumps(value, separators=(",", ":"))
    return value.isoformat() if isinstance(value, date) else str(value)


def said_by(record: Recorded) -> dict[str, str]:
    """What an entry says, by field."""
    if isinstance(record.event, EventVoided):
        return {}
    lasting = {name: value for name, value in what_it_sets(record).items() if name in HISTORY and name != "captured_at"}
    passing = {name: value for name in PASSING if (value := getattr(record.event, name, None)) is not None}
    return {name: text(value) for name, value in (lasting | passing).items()}


def deal_audit(asked: Asked) -> list[Row]:
    """Twin of `deal_audit`."""
    struck = {row["entry"]: row for row in strikes(asked)}
    everything = {r.entry: r for r in asked.log if r.stream.startswith("deal:")}
    told = [
        r
        for r in known(asked)
        if r.entry in everything and (r.event.effective_at <= asked.as_of or isinstance(r.event, EventVoided))
    ]
    rows = []
    for records in by_id(told).values():
        in_order = sorted(records, key=lambda r: (r.event.effective_at, rank(r), r.entry))
        for place, record in enumerate(in_order):
            before = [r for r in in_order[:place] if r.entry not in struck]
            rows += _rows(asked, record, before, everything, struck.get(record.entry))
    return rows


def _rows(
    asked: Asked, record: Recorded, before: Iterable[Recorded], everything: dict[int, Recorded], strike: Row | None
) -> list[Row]:
    event = record.event
    void = event if isinstance(event, EventVoided) else None
    envelope = {
        "deal": record.id,
        "entry": record.entry,
        "type": event.type_name(),
        "effective_at": naive(event.effective_at),
        "effective_on": asked.day(event.effective_at),
        "known_at": naive(record.known_at),
        "recorded_at": naive(record.recorded_at),
        "recorded_by": event.recorded_by,
        "source_system": event.source_system,
        "late_days": days_between(event.effective_at, record.known_at),
        "rank": rank(record),
        "replaces": event.replaces,
        "voids": void.voids if void else None,
        "restores": not void.strikes if void else None,
        "struck_by": strike["struck_by"] if strike else None,
        "struck_at": strike["struck_at"] if strike else None,
        "reason": void.void_reason if void else strike["void_reason"] if strike else None,
    }
    own = said_by(record)
    corrected = said_by(everything[event.replaces]) if event.replaces else {}
    if event.replaces and (was := everything[event.replaces].event.effective_at) != event.effective_at:
        own["effective_at"], corrected["effective_at"] = (
            f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (event.effective_at, was)
        )
    last: dict[str, str] = {}
    for earlier in before:
        last |= said_by(earlier)
    fields: list[Row] = [
        {
            "field": name,
            "before": last.get(name) if name in HISTORY and not strike else None,
            "after": own.get(name),
            "corrected": corrected.get(name),
        }
        for name in own | corrected
    ]
    empty: Row = {"field": None, "before": None, "after": None, "corrected": None}
    return [envelope | field for field in fields or [empty]]


def lag(asked: Asked) -> list[Row]:
    """Twin of `lag`."""
    struck = {row["entry"] for row in strikes(asked)}
    return [
        {
            "entry": r.entry,
            "stream": r.stream.partition(":")[0],
            "id": r.id,
            "type": r.event.type_name(),
            "recorded_by": r.event.recorded_by,
            "source_system": r.event.source_system,
            "effective_at": naive(r.event.effective_at),
            "effective_on": asked.day(r.event.effective_at),
            "known_at": naive(r.known_at),
            "recorded_at": naive(r.recorded_at),
            "known_days": days_between(r.event.effective_at, r.known_at),
            "recorded_days": days_between(r.known_at, r.recorded_at),
        }
        for r in known(asked)
        if r.entry not in struck
        and not isinstance(r.event, EventVoided)
        and not r.stream.startswith(("settings:", "process:"))
        and r.event.effective_at <= asked.as_of
    ]
