"""A forecast by the hazard model, which replays every week of the past, against building the history of beliefs that it reads."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from benchmarks.measure import Line, race
from benchmarks.workspace import Workspace
from salesledger.forecast.ask import ask
from salesledger.readmodel.engine import Engine, Question


def run(work: Workspace) -> Iterator[Line]:
    """Both as processor time. The replay asks at every week, so that its last answer is a forecast and all of them a backtest."""
    with Engine.open(work.ledger()) as engine:
        ((last,),) = engine.ask("SELECT max(effective_at) FROM events").rows
        at = last.replace(tzinfo=engine.head.now().tzinfo) - timedelta(days=1)
        ways = {"history": lambda: build_history(engine, at), "replay": lambda: weeks_asked(engine, at)}
        spent, found = race(ways, 1)
    yield Line(
        f"hazard: {found['replay']} weekly origins, the last of them a forecast", f"{spent['replay']:.1f} s CPU",
        f"history of beliefs {spent['history']:.1f} s CPU", spent["replay"] / spent["history"], (8, False),
    )  # fmt: skip


def build_history(engine: Engine, at: datetime) -> int:
    """Write every row of the history of beliefs into memory."""
    relation = engine.query("SELECT * FROM deal_history_as_known", Question(as_of=at, known_at=at))
    engine.duck.execute("DROP TABLE IF EXISTS beliefs")
    relation.create("beliefs")
    ((rows,),) = engine.duck.execute("SELECT count(*) FROM beliefs").fetchall()
    engine.duck.execute("DROP TABLE beliefs")
    return int(rows)


def weeks_asked(engine: Engine, at: datetime) -> int:
    """Forecast this quarter and the next."""
    asked = ask(engine, at, ["hazard"])
    assert asked is not None
    return asked.said.week.number + 1
