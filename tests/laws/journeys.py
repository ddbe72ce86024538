"""Random journeys: what people record, live and late, of several deals and accounts, with mistakes struck, restored and corrected.

A journey is a list of plain numbers, so that hypothesis can make it smaller; `played` turns each into a wish that the ledger would
grant as it stands by then, mostly, and records it. What the ledger refuses is skipped.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from laws.dressing import FOREIGN, MAKERS, OFTEN, PROMISED, SUBSCRIBED, Make, defined, in_any_currency
from salesledger.domain.decide import Command, Context, Correct, Record, Void, decide, fold
from salesledger.domain.events import Event, EventVoided
from salesledger.domain.timeline import Recorded, standing
from salesledger.errors import SalesledgerError
from salesledger.ledger.batch import Proposal
from salesledger.ledger.place import Where
from salesledger.ledger.store import Store
from salesledger.readmodel.periods import Period
from support import happenings as h
from support import ledgers
from support.ledgers import Clock, clock, new_ledger

HALF_DAY = timedelta(hours=12)
DEALS = ("deal:ann", "deal:bob", "deal:cy")
ACCOUNTS = ("account:x", "account:y")
TARGET = "target:kim"
RATES = tuple(f"rate:{currency}" for currency in FOREIGN)
STREAMS = (DEALS[0], *DEALS, *DEALS, *ACCOUNTS)
PERIODS = (
    Period("early", date(2025, 12, 1), date(2026, 1, 9)),
    Period("middle", date(2026, 1, 9), date(2026, 1, 16)),
    Period("overlapping", date(2026, 1, 12), date(2026, 3, 1)),
)


@dataclass(frozen=True)
class Step:
    """A wish, in numbers.

    Attributes:
        act: what kind of wish.
        stream: whose.
        choice: which of the events that can follow, or which entry, counted from the last one.
        back: how many half days ago it happened.
        told: how many half days after that it became known, where that is not when it is recorded.
        dress: what the event says.
    """

    act: str
    stream: int
    choice: int
    back: int
    told: int | None
    dress: int


@dataclass(frozen=True)
class Journey:
    """What is recorded together, and how many half days the ledger's clock moves before each time; it can step back.

    Attributes:
        asks: pairs of numbers that choose the dates of questions.
        foreign: whether amounts are in several currencies, whose rates move.
        whole: whether there are subscriptions, targets and calls too.
    """

    appends: list[tuple[int, list[Step]]]
    timezone: str
    currency: str | None
    asks: list[tuple[int, int]]
    foreign: bool = False
    whole: bool = False

    @property
    def makers(self) -> dict[str, Make]:
        """What makes its events, by type."""
        return MAKERS | SUBSCRIBED | PROMISED if self.whole else MAKERS

    def event(self, name: str, step: Step, effective_at: datetime, known_at: datetime | None) -> Event:
        """The event of that type that a step makes."""
        event = self.makers[name](effective_at, known_at, step.dress)
        return in_any_currency(event, step.dress) if self.foreign else event

    def events(self, step: Step, effective_at: datetime, known_at: datetime | None) -> list[Record]:
        """An event of every type."""
        often = (*OFTEN, *SUBSCRIBED, *SUBSCRIBED) if self.whole else OFTEN
        return [Record(self.event(name, step, effective_at, known_at)) for name in (*often, *self.makers)]


def steps(streams: Sequence[int] = range(len(STREAMS))) -> st.SearchStrategy[Step]:
    """One wish, about one of some streams."""
    return st.builds(
        Step,
        act=st.sampled_from(["record"] * 14 + ["void"] * 3 + ["correct"] * 4 + ["define"]),
        stream=st.sampled_from(streams),
        choice=st.integers(0, 99),
        back=st.sampled_from([0, 0, 0, 0, 1, 2, 3, 5, 8, 13, 21]),
        told=st.sampled_from([None, None, None, None, -1, 0, 1, 4, 9]),
        dress=st.integers(0, 9999),
    )


def journeys(
    longest: int = 24, streams: Sequence[int] = range(len(STREAMS)), *, foreign: bool = False, whole: bool = False
) -> st.SearchStrategy[Journey]:
    """A journey of several deals, and dates to ask about; the streams are places in `STREAMS`, often what is often there."""
    append = st.tuples(st.sampled_from([0, 0, 0, 1, 1, 2, 3, -1]), st.lists(steps(streams), min_size=1, max_size=3))
    return st.builds(
        Journey,
        appends=st.lists(append, min_size=8, max_size=longest),
        timezone=st.sampled_from(["Europe/Berlin", "UTC", "America/Sao_Paulo"]),
        currency=st.just("EUR") if foreign else st.sampled_from(["EUR", None]),
        asks=st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=2, max_size=2),
        foreign=st.just(foreign),
        whole=st.just(whole),
    )


@dataclass
class Played:
    """A journey that was recorded.

    Attributes:
        recorded: the whole log, the ledger's beginning included.
        live: what was recorded in each stream, as `Store.record` gave it back.
        now: when the last of it was recorded, by the ledger's clock.
    """

    path: Path
    journey: Journey
    recorded: list[Recorded] = field(default_factory=list)
    live: dict[str, list[Recorded]] = field(default_factory=dict)
    refused: int = 0
    now: datetime = field(default_factory=lambda: h.at(10))

    def live_on(self, records: Iterable[Recorded]) -> None:
        """Take over what was just recorded."""
        for record in records:
            self.live.setdefault(record.stream, []).append(record)

    def state(self, stream: str) -> Any:
        """What a stream has come to, as it was folded while it was recorded."""
        return fold(stream, standing(self.live.get(stream, [])))


@contextmanager
def played(
    journey: Journey,
    after_each: Callable[[Played], None] | None = None,
    put: Callable[[Path], Where] = lambda path: path,
) -> Iterator[Played]:
    """Record a journey in a fresh ledger.

    Args:
        journey: what is to be recorded.
        after_each: called after each append.
        put: puts the fresh ledger somewhere else.
    """
    with tempfile.TemporaryDirectory() as folder, clock(h.at(10)) as time:
        path = new_ledger(Path(folder) / "sales.ledger", journey.timezone, journey.currency)
        story = Played(path, journey)
        with Store.open(put(path)) as store:
            if journey.foreign:
                for currency in FOREIGN:
                    first = h.rate_set(h.at(-190), known_at=h.at(-190), currency=currency, rate="0.5")
                    story.live_on(ledgers.record(store, f"rate:{currency}", first))
            for number, (tick, append) in enumerate(journey.appends):
                time.now += tick * HALF_DAY
                _append(store, story, append, time, number)
                if after_each:
                    after_each(story)
        story.now = max(story.recorded[-1].recorded_at, time.now)
        yield story


def _append(store: Store, story: Played, append: Sequence[Step], time: Clock, number: int) -> None:
    refusals: list[SalesledgerError] = []
    groups = []
    for i, step in enumerate(append):
        wish = _wish(store, story, step, time.now)
        if wish is not None:
            stream, command = wish
            groups.append([Proposal(stream, command, f"{number}.{i}" if step.dress % 3 == 0 else None)])
    outcomes = store.record(groups, on_refused=lambda _, error: refusals.append(error)) if groups else []
    story.refused += len(refusals)
    story.live_on(r for group in outcomes for outcome in group if not outcome.already for r in outcome.recorded)
    story.recorded += _log(store, len(story.recorded))


def _log(store: Store, after: int) -> list[Recorded]:
    """The entries behind one."""
    found = store.app.recorder.select_notifications(after, 10_000, inclusive_of_start=False)
    return [store.app.to_recorded(one) for one in found]  # type: ignore[arg-type]


def _wish(store: Store, story: Played, step: Step, now: datetime) -> tuple[str, Command] | None:
    effective_at = now - step.back * HALF_DAY
    known_at = None if step.told is None else min(effective_at + step.told * HALF_DAY, now)
    if step.act == "define":
        stream = ("process:b2b", "process:art")[step.dress % 2]
        version = len(story.live.get(stream, [])) + (2 if stream == "process:b2b" else 1)
        return stream, Record(defined(effective_at, version, step.dress))
    context = store.context()
    journey = story.journey
    if step.act == "record":
        wishes = journey.events(step, effective_at, known_at)
        return _chosen(story, [(_stream(journey, step), wish) for wish in wishes], step, context)
    may_go = (*STREAMS, TARGET, *RATES)
    entries = [r for r in reversed(story.recorded) if r.stream in may_go and r.event.effective_at > h.at(-190)]
    voids: list[tuple[str, Command]] = [
        (r.stream, Void(r.entry, f"reason {step.dress % 7}", "max", known_at)) for r in entries
    ]
    if step.act == "void":
        return _chosen(story, voids, step, context)
    happened = [r for r in entries if not isinstance(r.event, EventVoided)]
    if not happened:
        return None
    target = happened[step.choice % len(happened)]
    if step.dress % 4:
        effective_at = target.event.effective_at  # most corrections keep the date
    same = journey.event(target.event.type_name(), step, effective_at, known_at)
    other = [Record(same)] if step.dress % 5 else journey.events(step, effective_at, known_at)
    corrections = [Correct(target.entry, "slip", wish.event) for wish in other]
    return _chosen(story, [(target.stream, correction) for correction in corrections], step, context)


def _stream(journey: Journey, step: Step) -> str:
    if journey.foreign and step.dress % 4 == 1:
        return RATES[step.stream % len(RATES)]
    return TARGET if journey.whole and step.dress % 9 == 2 else STREAMS[step.stream]


def _chosen(
    story: Played, wishes: Sequence[tuple[str, Command]], step: Step, context: Context
) -> tuple[str, Command] | None:
    """One of the wishes that the ledger would grant, mostly; now and then just any."""
    granted = [wish for wish in wishes if step.dress % 7 == 0 or _is_possible(story, wish, context)]
    return granted[step.choice % len(granted)] if granted else None


def _is_possible(story: Played, wish: tuple[str, Command], context: Context) -> bool:
    stream, command = wish
    try:
        decide(stream, story.live.get(stream, []), command, context)
    except SalesledgerError:
        return False
    return True
