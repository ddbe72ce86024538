"""The third law: the SQL projections say what a plain fold of the same events says, for every date and every state of knowledge."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import event, given, settings

from laws.journeys import DEALS, PERIODS, Journey, Played, journeys, played
from salesledger.domain.decide import fold
from salesledger.domain.events import EventVoided
from salesledger.domain.timeline import standing
from salesledger.readmodel.engine import DIMENSIONS
from support import examples, twin_audit, twin_referrals, twin_reports, twins
from support.answers import Row, Tables, merged, ordered, tables
from support.asking import asked_of
from support.twins import Asked, moments

Twin = Callable[[Asked], list[Row]]
BY_DATE: dict[str, Twin] = {
    "deal_states": twins.deal_states,
    "deals": twins.deals,
    "stage_visits": twin_reports.stage_visits,
    "pipeline": twin_reports.pipeline,
    "pipeline_by_period": twin_reports.pipeline_by_period,
    "board": twin_reports.board,
    "leads": twin_reports.leads,
    "metrics": twin_reports.metrics,
    "funnel": twin_reports.funnel,
    "blocked": twin_reports.blocked,
    "bookings": twin_reports.bookings,
    "accounts": twin_referrals.accounts,
    "deal_audit": twin_audit.deal_audit,
    "lag": twin_audit.lag,
}
BY_KNOWLEDGE: dict[str, Twin] = {"strikes": twins.strikes, "deal_changes": twins.deal_changes}
HISTORIES: dict[str, Twin] = {
    "deal_history": twins.deal_history,
    "deal_history_as_known": twins.deal_history_as_known,
}
WEEKS = timedelta(weeks=3)
"""How long after its end a journey is asked about: what is open has waited by then."""
SHARED = tuple(name for name in twins.HISTORY if name != "captured_at")


def differences(asked: Asked, answers: Tables) -> list[tuple[str, list[Row], list[Row]]]:
    """Each projection whose rows are not those of its twin."""
    found = []
    for name, twin in (BY_DATE | BY_KNOWLEDGE | HISTORIES).items():
        rows = answers.ask(name, asked.as_of, asked.known_at, asked.by, late_days=asked.late_days)
        for row in rows:
            row.pop("place", None)
        put = merged if name in HISTORIES else ordered
        if put(rows) != put(twin(asked)):
            found.append((name, put(rows), put(twin(asked))))
    return found


def questions(story: Played, asks: list[tuple[int, int]]) -> list[Asked]:
    """The questions of a journey: after its end, and at some of the moments around which something happened or became known."""
    last = asked_of(story.path, as_of=story.now + WEEKS, known_at=story.now, periods=PERIODS)
    times = moments(last)
    asked = [last]
    for a, k in asks:
        by = ("", "", *DIMENSIONS)[(a + k) % (len(DIMENSIONS) + 2)] or None
        as_of, known_at = times[a % len(times)], times[k % len(times)]
        late_days = (0, 1, 3, 27)[(a + 2 * k) % 4]
        asked.append(
            replace(last, as_of=as_of, known_at=known_at, periods=PERIODS[: a % 4], by=by, late_days=late_days)
        )
    return asked


@settings(max_examples=examples(8))
@given(journey=journeys())
def test_sql_says_what_a_plain_fold_says(journey: Journey) -> None:
    """Every projection, at the journey's end and at some pairs of moments."""
    with played(journey) as story:
        event(
            f"{len(story.recorded) // 10}x10 entries, {sum(isinstance(r.event, EventVoided) for r in story.recorded)} voids"
        )
        for asked in questions(story, journey.asks):
            with tables(story.path, asked.periods) as answers:
                assert differences(asked, answers) == []


@settings(max_examples=examples(16))
@given(journey=journeys())
def test_sql_says_what_the_domain_says(journey: Journey) -> None:
    """The state that commands are judged on is the state that reports show."""
    with played(journey) as story, tables(story.path) as answers:
        times = moments(asked_of(story.path))
        for moment in [story.now, *(times[k % len(times)] for _, k in journey.asks)]:
            rows = {row["deal"]: row for row in answers.ask("deals", moment, moment)}
            for stream, records in story.live.items():
                state = fold(stream, standing(records, moment, moment)) if stream in DEALS else None
                if state is None or state.captured_at is None:
                    continue
                row = rows.pop(stream.partition(":")[2])
                assert [row[name] for name in SHARED] == [getattr(state, name) for name in SHARED]
                assert row["closed_at"] == (twins.naive(state.closed_at) if state.closed_at else None)
            assert rows == {}


@settings(max_examples=examples(12))
@given(journey=journeys())
def test_a_history_sliced_at_a_date_is_the_state_at_that_date(journey: Journey) -> None:
    """`deal_history` at A is `deals` at A: whenever anything happened, and just before and after."""
    with played(journey) as story, tables(story.path) as answers:
        at_last = asked_of(story.path)
        times = moments(at_last)
        for _, k in journey.asks:
            known_at = times[k % len(times)]
            history = answers.ask("deal_history", known_at=known_at)
            for as_of in times:
                asked = replace(at_last, as_of=as_of, known_at=known_at)
                assert slice_of(history, as_of) == slice_of(twins.deals(asked))
            as_of = times[(k // 7) % len(times)]
            assert slice_of(history, as_of) == slice_of(answers.ask("deals", as_of, known_at))


@settings(max_examples=examples(20))
@given(journey=journeys())
def test_a_history_of_beliefs_sliced_at_a_moment_is_what_was_believed_then(journey: Journey) -> None:
    """`deal_history_as_known` at t is `deals` with as_of = known_at = t: whenever anything changed, and just before and after."""
    with played(journey) as story, tables(story.path) as answers:
        at_last = asked_of(story.path)
        times = moments(at_last)
        history = answers.ask("deal_history_as_known")
        for t in times:
            assert slice_of(history, t) == slice_of(twins.deals(replace(at_last, as_of=t, known_at=t)))
        for t in (times[k % len(times)] for _, k in journey.asks):
            assert slice_of(history, t) == slice_of(answers.ask("deals", t, t))
            before = [
                row for row in answers.ask("deal_history_as_known", known_at=t) if row["valid_from"] <= twins.naive(t)
            ]
            assert slice_of(before, t) == slice_of(history, t)


def slice_of(rows: list[Row], at: datetime | None = None) -> list[Row]:
    """What the rows of a history, or of `deals`, say of each deal at a moment."""
    if at is not None and rows and "valid_from" in rows[0]:
        rows = [row for row in rows if row["valid_from"] <= twins.naive(at) < row["valid_to"]]
    assert len({row["deal"] for row in rows}) == len(rows)
    return ordered({name: row[name] for name in ("deal", *twins.HISTORY)} for row in rows)
