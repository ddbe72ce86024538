"""Nothing that was learned after an origin reaches a forecast at it: what a backtest says is what was said, to the last bit."""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from benchmarks.firm import make_firm
from benchmarks.simulated_ledger import write
from benchmarks.simulator import simulate

from laws.test_known_at import only_what_was_known
from salesledger import Ledger
from salesledger.errors import Refused
from salesledger.forecast.ask import ask
from salesledger.forecast.backtest import Plan, backtest
from salesledger.forecast.distribution import Forecast
from salesledger.forecast.feed import Feed
from salesledger.forecast.registry import MODELS, build
from salesledger.forecast.rows import Told, told_in
from salesledger.readmodel.engine import Engine
from support.ledgers import log_of

ORIGIN = date(2021, 11, 14)
NAMES = tuple(MODELS)
PLAN = Plan(NAMES, ORIGIN - timedelta(days=7), ORIGIN + timedelta(days=15))


def end_of(day: date) -> datetime:
    """The end of a day, as a question means it."""
    return datetime.combine(day, time.max, tzinfo=UTC)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small firm that records late, corrects and hands over; then everything that can come out later."""
    file = tmp_path_factory.mktemp("firm") / "firm.ledger"
    firm = replace(make_firm("small", 3), leads_a_day=0.5)
    write(simulate(firm, 3), file)
    with Ledger.open(file, actor="kim") as ledger:
        come_out_later(ledger)
    return file


def come_out_later(ledger: Ledger) -> None:
    """What happened before the origin and was learned after it: wins, losses, owners, voids, another process."""
    later, soon = end_of(ORIGIN + timedelta(days=3)), end_of(ORIGIN + timedelta(days=1))
    stages = [
        {"name": "lead", "probability": "0.9", "entered_by": ["lead-captured"]},
        {"name": "deal", "probability": "0.95"},
    ]
    ledger.record(
        "process-defined", process="other", process_version=1, title="Other", stages=stages, on=ORIGIN, known_at=later
    )
    for number, closing in enumerate(("deal-won", "deal-won", "deal-lost")):
        lead, before = f"late-{number}", ORIGIN - timedelta(days=20)
        ledger.record("lead-captured", deal=lead, company="Late", amount="77777", on=before, known_at=later)
        ledger.record(closing, deal=lead, on=ORIGIN, known_at=later)
    rows = ledger.project("deals", as_of=ORIGIN, known_at=ORIGIN).filter("status = 'open'").order("deal").fetchall()
    done = Counter[str]()
    for place, (deal, *_) in enumerate(rows):
        what = ("owner", "process", "void")[place % 3]
        with suppress(Refused):  # where more happened to the deal afterwards
            if what == "owner":
                ledger.record("deal-revised", deal=deal, owner="new", amount="5", on=ORIGIN, known_at=soon)
            elif what == "process":
                ledger.record("deal-moved", deal=deal, process="other", stage="deal", on=ORIGIN, known_at=later)
            else:
                ((last,),) = ledger.query(f"SELECT max(entry) FROM deal_changes WHERE deal = '{deal}'").fetchall()
                ledger.void(last, "slip")
            done[what] += 1
    assert len(done) == 3
    assert min(done.values()) > 1


def told_by(path: Path) -> list[Told]:
    """What every model says at the origin."""
    with Engine.open(path) as engine:
        asked = ask(engine, end_of(ORIGIN), NAMES)
    assert asked is not None
    return list(told_in(asked.said, NAMES))


def bits(told: Sequence[Told]) -> list[tuple[object, ...]]:
    """All that was said, to the last bit."""
    said = []
    for each in told:
        answer = each.answer
        spread = answer.quantiles.tobytes() if isinstance(answer, Forecast) and answer.quantiles is not None else b""
        said.append((*each.row().items(), each.answer.mean.hex() if isinstance(answer, Forecast) else "", spread))  # type: ignore[union-attr]
    return said


@pytest.fixture(scope="module")
def forecast(path: Path) -> list[tuple[object, ...]]:
    """What is said at the origin by a ledger that holds what was known by then, and nothing else."""
    return bits(told_by(only_what_was_known(path, end_of(ORIGIN))))


def test_a_backtests_rows_are_the_forecasts_of_the_day(path: Path, forecast: list[tuple[object, ...]]) -> None:
    """Late entries, voids, changed owners, a changed process: whatever became known later, each model says what it said."""
    assert len(forecast) == 2 * len(NAMES)
    assert sum(bool(row[-1]) for row in forecast) > len(NAMES)
    with Engine.open(path) as engine:

        def feed(last: date):  # type: ignore[no-untyped-def]
            found = Feed.open(engine, end_of(last))
            assert found is not None
            return found.weeks()

        runs = {told[0].origin: told for told in backtest(PLAN, feed, build)}
    assert list(runs) == [ORIGIN - timedelta(days=7), ORIGIN, ORIGIN + timedelta(days=7), ORIGIN + timedelta(days=14)]
    assert bits(runs[ORIGIN]) == forecast
    assert bits(runs[ORIGIN + timedelta(days=7)]) != forecast


def test_destroying_what_became_known_later_changes_nothing(path: Path, forecast: list[tuple[object, ...]]) -> None:
    """Every amount, owner and reason behind the origin is poisoned; the forecast is the same, bit by bit."""
    poisoned = path.with_name("poisoned.ledger")
    poisoned.write_bytes(path.read_bytes())
    late = [r.entry for r in log_of(path, "deal:") if r.known_at > end_of(ORIGIN)]
    with sqlite3.connect(poisoned) as connection:
        connection.execute("DROP TRIGGER stored_events_no_update")
        for entry in late:
            ((state,),) = connection.execute("SELECT state FROM stored_events WHERE entry = ?", (entry,)).fetchall()
            fields = json.loads(state)
            fields |= {name: value for name, value in POISON.items() if name in fields}
            connection.execute(
                "UPDATE stored_events SET state = ? WHERE entry = ?", (json.dumps(fields).encode(), entry)
            )
    connection.close()
    assert len(late) > 50
    assert bits(told_by(poisoned)) == forecast


POISON = {"amount": "99999999", "recurring_amount": "88888", "owner": "poison", "source": "poison", "reason": "poison"}
