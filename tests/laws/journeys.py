"""Random journeys: what people record, live and late, of several deals and accounts, with mistakes struck, restored and corrected.

A journey is a list of plain numbers, so that hypothesis can make it smaller; `play` turns each into a wish that is likely to be
possible where the ledger stands by then, and records it. What the ledger refuses is skipped.
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

from salesledger.domain.decide import Command, Correct, Record, Void, fold
from salesledger.domain.events import Event, EventVoided
from salesledger.domain.process import B2B
from salesledger.domain.timeline import Recorded, standing
from salesledger.errors import SalesledgerError
from salesledger.ledger.batch import Proposal
from salesledger.ledger.store import Store
from salesledger.readmodel.periods import Period
from support import happenings as h
from support.ledgers import Clock, clock, new_ledger

HALF_DAY = timedelta(hours=12)
DEALS = ("deal:ann", "deal:bob", "deal:cy")
ACCOUNTS = ("account:x", "account:y")
STREAMS = (*DEALS, *DEALS, *ACCOUNTS)
PERIODS = (
    Period("early", date(2025, 12, 1), date(2026, 1, 9)),
    Period("middle", date(2026, 1, 9), date(2026, 1, 16)),
    Period("overlapping", date(2026, 1, 12), date(2026, 3, 1)),
)
AMOUNTS = ("0", "100", "0.0001", "33.3333", "2500.50", "99999999999999.9999")
STAGES = (*B2B.names, "trial")


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
    """

    appends: list[tuple[int, list[Step]]]
    timezone: str
    currency: str | None
    asks: list[tuple[int, int]]


def steps() -> st.SearchStrategy[Step]:
    """One wish."""
    return st.builds(
        Step,
        act=st.sampled_from(["record"] * 8 + ["void", "void", "correct", "correct", "define"]),
        stream=st.integers(0, len(STREAMS) - 1),
        choice=st.integers(0, 23),
        back=st.sampled_from([0, 0, 0, 0, 1, 2, 3, 5, 8, 13, 21]),
        told=st.sampled_from([None, None, None, None, -1, 0, 1, 4, 9]),
        dress=st.integers(0, 9999),
    )


def journeys(longest: int = 24) -> st.SearchStrategy[Journey]:
    """A journey of several deals, and dates to ask about."""
    append = st.tuples(st.sampled_from([0, 0, 0, 1, 1, 2, 3, -1]), st.lists(steps(), min_size=1, max_size=3))
    return st.builds(
        Journey,
        appends=st.lists(append, min_size=6, max_size=longest),
        timezone=st.sampled_from(["Europe/Berlin", "UTC", "America/Sao_Paulo"]),
        currency=st.sampled_from(["EUR", None]),
        asks=st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=2, max_size=2),
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
def played(journey: Journey, after_each: Callable[[Played], None] | None = None) -> Iterator[Played]:
    """Record a journey in a fresh ledger.

    Args:
        journey: what is to be recorded.
        after_each: called after each append.
    """
    with tempfile.TemporaryDirectory() as folder, clock(h.at(10)) as time:
        path = new_ledger(Path(folder) / "sales.ledger", journey.timezone, journey.currency)
        story = Played(path, journey)
        with Store.open(path) as store:
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
        version = len(story.live.get("process:b2b", [])) + 2
        stages = [{"name": name, "probability": f"0.{n + 1}"} for n, name in enumerate(STAGES[step.dress % 3 :])]
        return "process:b2b", Record(h.defined(effective_at, process_version=version, stages=stages))
    if step.act == "record":
        stream = STREAMS[step.stream]
        return stream, Record(_event(story, stream, step, effective_at, known_at))
    entries = [r for r in story.recorded if r.stream in STREAMS]
    if not entries:
        return None
    target = entries[-1 - step.choice % len(entries)]
    if step.act == "void" or isinstance(target.event, EventVoided):
        return target.stream, Void(target.entry, f"reason {step.dress % 7}", "max", known_at)
    if step.dress % 4:
        effective_at = target.event.effective_at  # most corrections keep the date
    return target.stream, Correct(target.entry, "slip", _replacement(story, target, step, effective_at, known_at))


def _replacement(
    story: Played, target: Recorded, step: Step, effective_at: datetime, known_at: datetime | None
) -> Event:
    for make in (*DEAL_EVENTS, *ACCOUNT_EVENTS):
        if make.__name__.removeprefix("_").replace("_", "-") == target.event.type_name() and step.dress % 5:
            return make(effective_at, known_at, step.dress)
    return _event(story, target.stream, step, effective_at, known_at)


def _event(story: Played, stream: str, step: Step, effective_at: datetime, known_at: datetime | None) -> Event:
    state = story.state(stream)
    if stream in ACCOUNTS:
        choices = ACCOUNT_EVENTS if state.opened_at else ACCOUNT_EVENTS[:1]
    elif state.status is None:
        choices = (_lead_captured, _lead_captured, _lead_captured, _lead_touched)
    elif state.status == "open":
        choices = DEAL_EVENTS
    else:
        choices = (_deal_reopened, _deal_reopened, _deal_reopened, _deal_revised, _meeting_held, _lead_touched)
    return choices[step.choice % len(choices)](effective_at, known_at, step.dress)


# -- what the events say ----------------------------------------------------------------------------------------------

_Make = Callable[[datetime, datetime | None, int], Event]


def _pick(dress: int, place: int, *values: Any) -> Any:
    return values[(dress // (7**place) + dress % 11) % len(values)]


def _price(dress: int) -> dict[str, Any]:
    monthly = {"recurring_amount": _pick(dress, 1, *AMOUNTS), "interval_months": 3, "term_months": 12}
    one_off = {"amount": _pick(dress, 0, *AMOUNTS)}
    return _pick(dress, 2, {}, one_off, one_off, monthly, one_off | monthly)  # type: ignore[no-any-return]


def _attributes(dress: int) -> dict[str, Any]:
    given = {
        "account": _pick(dress, 0, None, None, "x", "y"),
        "owner": _pick(dress, 1, None, "kim", "lee"),
        "team": _pick(dress, 2, None, None, "north"),
        "product": _pick(dress, 3, None, None, "gtx"),
        "source": _pick(dress, 2, None, "event", "referral"),
        "segment": _pick(dress, 1, None, None, "smb"),
        "campaign": _pick(dress, 3, None, None, "spring"),
        "expected_close": _pick(dress, 0, None, None, date(2026, 3, 31)),
        "category": _pick(dress, 2, None, None, "commit", "pipeline"),
    }
    return {name: value for name, value in given.items() if value is not None} | _price(dress)


def _stage(dress: int) -> dict[str, Any]:
    return _pick(dress, 3, {}, {}, {}, {"stage": STAGES[dress % len(STAGES)]})  # type: ignore[no-any-return]


def _lead_touched(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.touched(on, known_at=known, campaign=_pick(dress, 0, None, "autumn"))


def _lead_captured(on: datetime, known: datetime | None, dress: int) -> Event:
    facts = {"company": _pick(dress, 0, "Acme", "Beta"), "referred_by": _pick(dress, 3, None, None, "x")}
    grown = {"grown_from": _pick(dress, 2, None, None, "ann")}
    return h.captured(on, known_at=known, **facts, **grown, **_attributes(dress), **_stage(dress))


def _lead_contacted(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.contacted(on, known_at=known, **_stage(dress))


def _lead_qualified(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.qualified(on, known_at=known, **_stage(dress))


def _lead_disqualified(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.disqualified(on, known_at=known, reason=_pick(dress, 0, "no budget", "no need"))


def _lead_handed_over(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.handed_over(on, known_at=known, handed_to=_pick(dress, 0, "lee", "mia"))


def _lead_accepted(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.accepted(on, known_at=known, owner=_pick(dress, 0, None, "zoe"))


def _lead_rejected(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.rejected(on, known_at=known)


def _meeting_held(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.meeting(on, known_at=known, **_stage(dress))


def _trial_started(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.trial_started(on, known_at=known)


def _trial_ended(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.trial_ended(on, known_at=known)


def _deal_advanced(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.advanced(on, known_at=known, stage=STAGES[dress % len(STAGES)])


def _deal_revised(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.revised(on, known_at=known, **_attributes(dress))


def _offer_made(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.offered(on, known_at=known, **({"amount": "7"} | _price(dress)))


def _offer_countered(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.countered(on, known_at=known, **({"amount": "5"} | _price(dress)))


def _paperwork_sent(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.paperwork(on, known_at=known)


def _deal_won(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.won(on, known_at=known, **_price(dress))


def _deal_lost(on: datetime, known: datetime | None, dress: int) -> Event:
    told = {"reason": _pick(dress, 0, None, "price"), "competitor": _pick(dress, 1, None, "Rival")}
    return h.lost(on, known_at=known, **told)


def _deal_reopened(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.reopened(on, known_at=known, reason=_pick(dress, 0, None, "second thoughts"), **_stage(dress))


def _account_opened(on: datetime, known: datetime | None, dress: int) -> Event:
    facts = _pick(dress, 1, None, {"size": "50"}, {"size": "7", "sector": "wood"})
    return h.opened(on, known_at=known, company=_pick(dress, 0, "Acme", "Beta", "Zeta"), attributes=facts)


def _referral_asked(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.asked(on, known_at=known, names=_pick(dress, 0, None, 2), cards=_pick(dress, 1, 1, None, 30))


def _referral_given(on: datetime, known: datetime | None, dress: int) -> Event:
    return h.given_lead(on, known_at=known, lead=_pick(dress, 0, "ann", "bob", "cy"))


DEAL_EVENTS: tuple[_Make, ...] = (
    *(_lead_contacted, _lead_qualified, _lead_disqualified, _lead_handed_over, _lead_accepted, _lead_rejected),
    *(_meeting_held, _trial_started, _trial_ended, _deal_advanced, _deal_revised, _offer_made, _offer_countered),
    *(_paperwork_sent, _deal_won, _deal_won, _deal_lost, _lead_touched, _lead_captured, _deal_reopened),
    *(_deal_revised, _deal_revised, _deal_revised, _offer_made),  # what sets the same attribute often, comes often
)
ACCOUNT_EVENTS: tuple[_Make, ...] = (_account_opened, _referral_asked, _referral_given)
