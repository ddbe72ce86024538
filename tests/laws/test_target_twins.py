"""Targets, calls and forecasts over random journeys, set late, back-dated, struck, corrected: SQL says what a plain fold says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from laws.journeys import HALF_DAY, PERIODS, Journey, Played, journeys, played
from salesledger.domain.decide import Correct, Record, Void
from salesledger.domain.events import EventVoided
from salesledger.domain.timeline import Recorded
from salesledger.errors import SalesledgerError
from salesledger.ledger.batch import Proposal
from salesledger.ledger.store import Store
from support import examples
from support import happenings as h
from support.answers import ordered, tables
from support.asking import asked_of
from support.ledgers import clock
from support.twin_targets import ENDS, attainment, issued_forecasts
from support.twins import moments

WHOM: tuple[dict[str, str], ...] = ({"owner": "kim"}, {"owner": "kim"}, {"owner": "lee"}, {"team": "north"}, {})
SPANS = (
    *((period.begin, period.end) for period in PERIODS),
    *(
        (date(2026, 1, 9), date(2026, 1, 12)),
        (date(2026, 1, 12), date(2026, 1, 16)),
        (date(2026, 1, 14), date(2026, 1, 17)),
    ),
    *((date(2026, 1, 1), date(2026, 4, 1)), (date(2026, 1, 1), date(2027, 1, 1)), (date(2026, 2, 1), date(2026, 3, 1))),
    *((date(2026, 1, 5), date(2026, 1, 12)), (date(2026, 1, 15), date(2026, 1, 16))),
)
AMOUNTS = ("0", "100", "0.0001", "33.3333", "99999999999999.9999")
ACTS = ("target", "target", "target", "call", "call", "issue", "issue", "void", "correct")


@dataclass(frozen=True)
class Word:
    """A promise, or what became of an earlier one, in numbers."""

    act: str
    whom: int
    span: int
    dress: int
    back: int
    told: int | None


def words() -> st.SearchStrategy[list[Word]]:
    """Some promises."""
    word = st.builds(
        Word,
        act=st.sampled_from(ACTS),
        whom=st.integers(0, len(WHOM) - 1),
        span=st.integers(0, len(SPANS) - 1),
        dress=st.integers(0, 999),
        back=st.integers(0, 40),
        told=st.sampled_from([None, None, 0, 1, 9]),
    )
    return st.lists(word, min_size=3, max_size=14)


def promise(word: Word, now: datetime) -> Any:
    """The event."""
    effective_at = now - word.back * HALF_DAY
    known_at = None if word.told is None else min(effective_at + word.told * HALF_DAY, now)
    begins_on, ends_on = SPANS[word.span]
    fields: dict[str, Any] = {
        "known_at": known_at,
        "amount": AMOUNTS[word.dress % len(AMOUNTS)],
        "begins_on": begins_on,
        "ends_on": ends_on,
        **WHOM[word.whom],
    }
    if word.act == "call":
        return h.called(effective_at, call=("commit", "best-case", "pipeline")[word.dress // 7 % 3], **fields)
    if word.act == "issue":
        return _forecast(word, effective_at, known_at)
    return h.target_set(effective_at, **fields)


def _forecast(word: Word, effective_at: datetime, known_at: datetime | None) -> Any:
    mean = Decimal(AMOUNTS[word.dress % len(AMOUNTS)])
    begins_on, ends_on = SPANS[word.span]
    ends = {name: mean / 2 * share for share, name in enumerate(ENDS)} if word.dress % 3 and mean < 1000 else {}
    ends = {name: amount.quantize(Decimal("0.0001")) for name, amount in ends.items()}
    days: dict[str, Any] = {"begins_on": begins_on, "ends_on": ends_on, "origin": effective_at.date()}
    return h.issued(effective_at, known_at=known_at, mean=mean, **days, **ends)


def promised(story: Played, said: list[Word]) -> None:
    """Record them, one after the other; what the ledger refuses is skipped."""
    done: list[Recorded] = []
    with clock(story.now) as time, Store.open(story.path) as store:
        for word in said:
            time.now += HALF_DAY
            event = promise(word, time.now)
            target = WHOM[word.whom] if word.act != "issue" else {}
            stream = f"target:{target.get('owner') or ('team-north' if target else 'all')}"
            command: Any = Record(event)
            if word.act in ("void", "correct"):
                if not done:
                    continue
                struck = done[word.dress % len(done)]
                stream, command = struck.stream, Void(struck.entry, "slip", "max")
                if word.act == "correct" and not isinstance(struck.event, EventVoided):
                    kept = {"effective_at": struck.event.effective_at} if word.dress % 3 else {}
                    command = Correct(struck.entry, "slip", event.model_copy(update=kept))
            try:
                (outcomes,) = store.record([[Proposal(stream, command)]])
            except SalesledgerError:
                continue
            done += outcomes[0].recorded
        story.now = time.now


@settings(max_examples=examples(6))
@given(journey=journeys(16), said=words())
def test_attainment_and_issued_forecasts_are_what_a_plain_fold_says(journey: Journey, said: list[Word]) -> None:
    """At the end, and at some pairs of moments; with periods, and with those of the targets themselves."""
    with played(journey) as story:
        promised(story, said)
        last = asked_of(story.path, as_of=story.now, known_at=story.now)
        times = moments(last)
        for a, k in [(-1, -1), *journey.asks, *((k, a) for a, k in journey.asks)]:
            as_of, known_at = times[a % len(times)], times[k % len(times)]
            asked = replace(last, as_of=as_of, known_at=known_at, periods=PERIODS[: (a + k) % 4])
            with tables(story.path, asked.periods) as answers:
                assert ordered(answers.ask("attainment", as_of, known_at)) == ordered(attainment(asked))
                assert ordered(answers.ask("issued_forecasts", as_of, known_at)) == ordered(issued_forecasts(asked))
