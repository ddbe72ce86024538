"""Writes what the simulator played to a real ledger, each event with when it happened and when it became known."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

import numpy as np

from benchmarks import firm as f
from benchmarks.generator import BATCH, check
from benchmarks.journeys import DAY, ENTRY, Step
from benchmarks.simulator import CAPTURED, LOST, RECURRING, WENT_BACK, WON, Call, Journeys, Rows
from salesledger.domain.process import B2B
from salesledger.ledger.mapper import KeyedEvent
from salesledger.ledger.store import Store

_BEGIN = int(datetime.combine(f.BEGIN, datetime.min.time()).timestamp() - datetime(1970, 1, 1).timestamp())  # noqa: DTZ001
_CATEGORIES = (None, "pipeline", "best-case", "commit", "omitted")
_REASONS = ("price", "no decision", "timing", "missing feature", "competitor")
_UNFIT = ("no budget", "no need", "too small", "no answer")
_KINDS = {f.MEETING: "meeting", f.NEGOTIATION: "contract"}
_STAGES = B2B.names


def write(journeys: Journeys, path: Path) -> None:
    """Write a ledger: days begin in UTC, amounts are in EUR, the process is the one that a new ledger has.

    Raises:
        LedgerExists: there is a file at that place already.
        AssertionError: what was played is not what the domain would have recorded.
    """
    with Store.create(path, timezone="UTC", currency="EUR", recorded_by="bench") as store:
        entry = store.app.recorder.max_notification_id() or 0
        batch: list[KeyedEvent] = []
        for event in _events(journeys, entry + 1):
            batch.append(event)
            if len(batch) >= BATCH:
                store.app.recorder.append(batch)
                batch = []
        store.app.recorder.append(batch)
        check(store, Random(journeys.seed), sample=300)


def _events(journeys: Journeys, entry: int) -> Iterator[KeyedEvent]:
    """Every event as it became known, numbered from an entry."""
    steps = [*_deal_steps(journeys), *map(_called, journeys.calls)]
    order = sorted(range(len(steps)), key=lambda place: (steps[place].known, place))
    entries: dict[int, int] = {}
    versions: defaultdict[str, int] = defaultdict(int)
    for number, place in enumerate(order, start=entry):
        step = steps[place]
        entries[id(step)] = number
        topic, text = step.encode()
        if step.about is not None:
            text = text.replace(ENTRY, str(entries[id(step.about)]))
        versions[step.stream] += 1
        version = versions[step.stream]
        yield KeyedEvent(step.stream, version, topic, text.encode(), f"crm:{step.stream}:{version}")


def _deal_steps(journeys: Journeys) -> Iterator[Step]:
    rows, stories = journeys.rows, defaultdict(list)
    for place, deal in enumerate(rows.deal.tolist()):
        stories[deal].append(place)
    rng = Random(journeys.seed)
    for deal, places in stories.items():
        yield from _Story(rng, deal, rows.take(np.array(places))).steps()


@dataclass
class _Before:
    """What stands of a deal before an event."""

    owner: str
    category: int
    expected: int
    qualified: bool = False


class _Story:
    """The steps of one deal.

    Args:
        rng: where what doesn't matter comes from.
        deal: its number.
        rows: its rows in order.
    """

    def __init__(self, rng: Random, deal: int, rows: Rows) -> None:
        self.rng, self.rows, self.stream = rng, rows, f"deal:client-{deal}"
        self.company = f"Client {deal} GmbH"
        self.known = 0
        self.made: list[Step] = []
        self.before = _Before(_name(rows.owner[0]), int(rows.category[0]), int(rows.expected[0]))

    def steps(self) -> list[Step]:
        """All of them, corrections included, each deal's in the order of its story."""
        for place in range(len(self.rows)):
            self._row(place)
        if self.rng.random() < 0.02:
            self._strike_a_contact()
        return self.made

    def _row(self, place: int) -> None:
        rows, kind = self.rows, int(self.rows.kind[place])
        at = _BEGIN + int(rows.day[place]) * DAY + self.rng.randint(8 * 3600, 17 * 3600)
        late = rows.known[place] > rows.day[place]
        own = _BEGIN + int(rows.known[place]) * DAY + 18 * 3600 if late else at
        self.known = known = max(own, self.known)
        if kind == CAPTURED:
            self._add(at, known, "lead-captured", **self._captured(), **self._price(place))
        elif kind == LOST and rows.stage[place] == f.LEAD:
            self._add(at, known, "lead-disqualified", reason=self.rng.choice(_UNFIT))
        elif kind == LOST:
            self._add(at, known, "deal-lost", reason=self.rng.choice(_REASONS))
        elif kind == WON:
            self._add(at, known, "deal-won", **self._price(place))
        elif kind == WENT_BACK:
            self._move(at, known, "deal-advanced", int(rows.stage[place]))
        elif kind < WENT_BACK:
            self._forward(at, known, place)
        if rows.fixed[place] > rows.known[place]:
            self._correct(place)
        if kind not in (CAPTURED, LOST, WON):
            self._revise(at, known, place)

    def _forward(self, at: int, known: int, place: int) -> None:
        stage = int(self.rows.stage[place])
        names = {f.MEETING: "meeting-held", f.PROPOSAL: "offer-made", f.NEGOTIATION: "paperwork-sent"}
        name = names.get(stage, "deal-advanced" if self.before.qualified else "lead-qualified")
        self.before.qualified |= stage == f.QUALIFIED
        said: dict[str, object] = {"kind": kind} if (kind := _KINDS.get(stage)) else {}
        self._move(at, known, name, stage, **(self._price(place) if stage == f.PROPOSAL else said))
        if stage == f.NEGOTIATION and self.rows.priced_now[place]:
            self._add(at + 30, known + 30, "offer-made", **self._price(place))

    def _move(self, at: int, known: int, name: str, stage: int, /, **said: object) -> None:
        self._add(at, known, name, process="b2b", stage=_STAGES[stage], **said)

    def _revise(self, at: int, known: int, place: int) -> None:
        rows, before, said = self.rows, self.before, dict[str, object]()
        if rows.expected[place] != before.expected:
            said["expected_close"] = f.day_of(rows.expected[place]).isoformat()
        if rows.category[place] != before.category:
            said["category"] = _CATEGORIES[rows.category[place]]
        if (owner := _name(rows.owner[place])) != before.owner:
            said["owner"] = owner
        before.expected, before.category, before.owner = int(rows.expected[place]), int(rows.category[place]), owner
        if said:
            self._add(at + 60, known + 60, "deal-revised", **said)

    def _captured(self) -> dict[str, object]:
        rows, before = self.rows, self.before
        said: dict[str, object] = {"process": "b2b", "stage": _STAGES[0], "process_version": 1}
        said |= {"company": self.company, "owner": before.owner, "source": f.SOURCES[rows.source[0]]}
        said |= {"product": f.PRODUCTS[rows.product[0]], "segment": f.SEGMENTS[rows.segment[0]]}
        if before.expected != f.NO_DATE:
            said |= {"expected_close": f.day_of(before.expected).isoformat()}
        if before.category:
            said |= {"category": _CATEGORIES[before.category]}
        return said

    def _price(self, place: int, *, typed: bool = True) -> dict[str, object]:
        rows = self.rows
        if not rows.priced_now[place]:
            return {}
        amount = float((rows.typed if typed else rows.amount)[place])
        if rows.product[place] == RECURRING:
            terms = {"interval_months": 1, "term_months": 12}
            return {"recurring_amount": f"{amount / 12:.2f}", **terms, "currency": "EUR"}
        return {"amount": f"{amount:.2f}", "currency": "EUR"}

    def _correct(self, place: int) -> None:
        """What was typed wrongly is struck, and what was agreed put in its place."""
        about = next(s for s in reversed(self.made) if {"amount", "recurring_amount"} & s.fields.keys())
        known = _BEGIN + int(self.rows.fixed[place]) * DAY + 12 * 3600
        self._void(about, known)
        fields = about.fields | self._price(place, typed=False) | {"rank": "@", "replaces": "@"}
        self.made.append(Step(about.at, known, about.stream, about.name, fields, about))

    def _strike_a_contact(self) -> None:
        """A call that belonged to another deal is noted with this one, and struck out days later."""
        captured = self.made[0]
        contact = Step(captured.at + 5, captured.known + 5, self.stream, "lead-contacted", {"channel": "phone"})
        contact.fields["recorded_by"] = self.before.owner
        self.made.append(contact)
        self._void(contact, contact.known + self.rng.randint(1, 9) * DAY)

    def _void(self, about: Step, known: int) -> None:
        reason = {"voids": "@", "void_root": "@", "strikes": True, "void_reason": "typed wrongly", "recorded_by": "ops"}
        self.made.append(Step(known, known, about.stream, "event-voided", reason, about))

    def _add(self, at: int, known: int, name: str, /, **said: object) -> None:
        self.known = max(self.known, known)
        said["recorded_by"] = self.before.owner
        self.made.append(Step(at, self.known, self.stream, name, said))


def _called(call: Call) -> Step:
    at = _BEGIN + call.day * DAY + 18 * 3600
    said: dict[str, object] = {
        "owner": _name(call.owner),
        "begins_on": f.quarter_start(call.quarter).isoformat(),
        "ends_on": f.quarter_start(call.quarter + 1).isoformat(),
        "amount": f"{max(call.amount, 0):.0f}",
        "currency": "EUR",
        "call": "commit",
        "recorded_by": _name(call.owner),
    }
    return Step(at, at, f"target:{_name(call.owner)}", "forecast-called", said)


def _name(owner: int) -> str:
    return f"seller{int(owner) + 1}"
