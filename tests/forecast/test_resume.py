"""A backtest that was stopped goes on where it was; what is kept is read back class by class."""

import os
import pickle
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from salesledger.forecast.backtest import Plan, run
from salesledger.forecast.calendar import Calendar
from salesledger.forecast.chances import score_chances, won_deals
from salesledger.forecast.models.learner import Learner, _fit
from salesledger.forecast.models.learner_rows import CATEGORICAL
from salesledger.forecast.resume import Done, Shelf, resumed
from salesledger.readmodel.engine import Engine
from support.books import Books, books
from support.happenings import at, captured, lost, won

PLAN = Plan(("weighted", "run_rate", "weighted_history"), date(2025, 12, 1), date(2026, 7, 1), "month", "month", (0, 1))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """A lead a week, most of them won after three."""
    made = books(tmp_path_factory.mktemp("resume"))
    for n in range(40):
        begin = -60 + 7 * n
        end = (
            won(begin + 21, amount=str(50 + n), known_at=begin + 22) if n % 3 else lost(begin + 21, known_at=begin + 22)
        )
        made.record(f"deal-{n:02}", captured(begin, amount="60", known_at=begin), end)
    return made


def shelf(engine: Engine, plan: Plan = PLAN) -> Shelf:
    """Where it is kept."""
    return Shelf.of(engine.path, engine.head, plan)


def stopping(after: int) -> Callable[[], bool]:
    """Says after so many weeks that it is enough."""
    heard = iter(range(10_000))
    return lambda: next(heard) >= after


def test_one_that_is_stopped_again_and_again_says_what_one_says_at_once(ledger: Books) -> None:
    """Row by row, to the last bit; and asked once more it replays nothing."""
    with Engine.open(ledger.path) as engine:
        whole = [each for said in run(engine, PLAN) for each in said]
        times = 0
        while True:
            done, is_all = resumed(engine, PLAN, shelf(engine), deals=True, is_stopped=stopping(20))
            times += 1
            if is_all:
                break
        again, _ = resumed(engine, PLAN, shelf(engine), deals=True, is_stopped=lambda: pytest.fail("replayed"))
        actual = won_deals(engine, {each.span.label: each.span for each in whole}.values(), at(300))
    assert times > 4
    assert [each.row() for each in done.told] == [each.row() for each in again.told] == [each.row() for each in whole]
    scores = score_chances(again.chances, actual)
    assert set(scores) == {"weighted"}
    assert scores["weighted"].deals > 10
    assert 0 < scores["weighted"].won < scores["weighted"].deals


def test_another_question_or_position_has_another_place(ledger: Books) -> None:
    """Nothing of one backtest is ever taken for another's."""
    with Engine.open(ledger.path) as engine:
        before = {shelf(engine).file, shelf(engine, Plan(("weighted",), PLAN.begin, PLAN.end)).file}
        ledger.record("one-more", captured(100), now=at(300) + timedelta(days=1))
        engine.refresh()
        assert len(before | {shelf(engine).file}) == 3


def test_a_file_that_would_run_something_is_not_read(ledger: Books) -> None:
    """Nor one that is damaged: the replay begins anew."""

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, ("echo broken into",)

    with Engine.open(ledger.path) as engine:
        place = shelf(engine)
        place.put(Done(group=7))
        assert place.take().group == 7
        for content in (pickle.dumps(Done(told=[Evil()])), b"junk", b"", pickle.dumps([1]), pickle.dumps(print)):  # type: ignore[list-item]
            place.file.write_bytes(content)
            assert place.take() == Done()


def test_a_fitted_learner_is_read_back_as_it_was(ledger: Books) -> None:
    """The classifier says the same of the same deals, to the last bit."""
    random = np.random.default_rng(3)
    rows = random.integers(0, 5, (500, len(CATEGORICAL))).astype(float)
    learner = Learner(Calendar(), (0, 1))
    learner._fitted = _fit(rows, (rows[:, 0] > random.integers(0, 5, 500)).astype(float))
    with Engine.open(ledger.path) as engine:
        place = shelf(engine)
        place.put(Done(week=9, models=[learner]))
        (again,) = place.take().models
    assert isinstance(again, Learner)
    assert again._fitted.predict_proba(rows).tobytes() == learner._fitted.predict_proba(rows).tobytes()


def test_only_the_latest_ones_are_kept(ledger: Books) -> None:
    """The folder doesn't grow."""
    with Engine.open(ledger.path) as engine:
        for number in range(9):
            Shelf.of(engine.path, engine.head, number).put(Done())
        files: list[Path] = [*shelf(engine).file.parent.iterdir()]
        assert len(files) == 4
        assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
