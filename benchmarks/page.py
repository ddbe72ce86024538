"""Steps of the page's time sliders under load (wrk, four clients), against what their projections cost by themselves."""

import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from benchmarks.measure import PROGRAM, Line
from benchmarks.workspace import Workspace
from salesledger import Ledger

CLIENTS = 4
SECONDS = 15
ROUNDS = 7
_STRIDE = 619
_STEPS_A_LOAD = 4
LIMIT = 300_000
OF_A_QUARTER = {name: {"period": "2025Q4", "interval": "quarter"} for name in ("metrics", "attainment")}
"""Projections that a page asks about one quarter."""

STEPS = (
    ("the pipeline", "/api/projections/pipeline?", ("pipeline",)),
    ("the overview", "/?", ("pipeline", "blocked", "metrics", "attainment")),
    ("the board", "/deals?", ("board",)),
    ("the table of deals", "/deals?view=table&", ("deals",)),
)
"""What is asked for, where, and the projections that it shows."""

PAGES = (
    "/",
    "/deals",
    "/deals?view=table",
    "/accounts",
    "/funnel",
    "/metrics",
    "/walk",
    "/recurring",
    "/log",
    "/query",
)

# Each thread of wrk goes through the days from the first: as many threads as clients ask about the same days, one thread with all
# clients about other ones each time, none of which was asked about before.
_SCRIPT = """
local days = { %s }
local n = 0
function request()
  n = n + 1
  return wrk.format("GET", "%s" .. days[(n - 1) %% #days + 1])
end
"""


def run(work: Workspace) -> Iterator[Line]:
    """A step of each slider, on the pages and through the API, and the size of the pages."""
    path = work.ledger()
    days, last = _days(path)
    for what, place, sql in STEPS:
        by_itself, built = _by_itself(path, days, last, sql)
        own, history = f"asked alone {by_itself * 1000:.0f} ms", f"building the history {built * 1000:.0f} ms"
        for whose, threads in (("the same days", CLIENTS), ("days of their own", 1)):
            with serving(path, last) as address:
                seconds = max(SECONDS, int(_STEPS_A_LOAD * CLIENTS * by_itself))
                as_of = load(address, f"{place}as_of=", days, threads, seconds)
                known_at = load(address, f"{place}known_at=", days, threads, seconds)
            told = f"{what}, {CLIENTS} clients at {whose}, median"
            yield Line(f"as-of step of {told}", f"{as_of * 1000:.0f} ms", own, as_of / by_itself, (3, False))
            yield Line(f"known-at step of {told}", f"{known_at * 1000:.0f} ms", history, known_at / built, (2, False))
    with serving(path, last) as address:
        largest = max(_size(address + page) for page in PAGES)
    yield Line("the largest page", f"{largest / 1000:.0f} KB", f"{LIMIT / 1000:.0f} KB", largest / LIMIT, (1, False))


def _days(path: Path) -> tuple[list[str], date]:
    """The days to ask about, and the last one of the ledger."""
    with Ledger.open(path) as ledger:
        sql = "SELECT min(effective_on), max(effective_on) FROM events WHERE stream = 'deal'"
        ((first, last),) = ledger.engine.ask(sql).rows
    reach = range(60, (last - first).days)
    spread = sorted(
        reach, key=lambda i: i * _STRIDE % len(reach)
    )  # however many are asked about, they lie all over the ledger
    return [str(first + timedelta(days=i)) for i in spread], last


def _by_itself(path: Path, days: Sequence[str], last: date, projections: Sequence[str]) -> tuple[float, float]:
    """The seconds of some projections asked alone, one after the other, at a day; and of building the history of beliefs."""
    with Ledger.open(path, today=last) as ledger:
        asked, known = iter(days), iter(days)

        def ask() -> None:
            day = next(asked)
            for name in projections:
                ledger.answer(name, as_of=day, **OF_A_QUARTER.get(name, {}))

        seconds = _median(ask)
        # All of its columns, held in memory: a count alone would leave out nearly all of the work.
        history = _median(lambda: ledger.query("SELECT * FROM deal_history", known_at=next(known)).materialize())
    return seconds, history


def _median(ask: Callable[[], object]) -> float:
    ask()
    spent = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        ask()
        spent.append(time.perf_counter() - begin)
    return statistics.median(spent)


def _size(address: str) -> int:
    return len(subprocess.run(["curl", "-s", address], check=True, capture_output=True).stdout)


def load(address: str, place: str, days: Sequence[str], threads: int, seconds: int) -> float:
    """The median seconds of a request, as wrk sees it.

    Raises:
        SystemExit: there is no wrk, or a request failed, or none was answered in that time.
    """
    if shutil.which("wrk") is None:
        raise SystemExit("There is no wrk: apt-get install wrk.")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_SCRIPT % (", ".join(f'"{day}"' for day in days), place))
        script.flush()
        words = ["wrk", "-t", str(threads), "-c", str(CLIENTS), "-d", f"{seconds}s", "--timeout", "60s", "--latency"]
        told = subprocess.run([*words, "-s", script.name, address], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in told or re.search(r"\b0 requests in", told):
        raise SystemExit(told)
    found = re.search(r"50%\s+([\d.]+)(us|ms|s|m)\b", told)
    assert found, told
    return float(found[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}[found[2]]


@contextmanager
def serving(path: Path, today: date) -> Iterator[str]:
    """A server on the ledger, as a user starts it; gives its address."""
    words = ["-f", str(path), "--today", today.isoformat(), "serve", "--port", "0", "--read-only"]
    with subprocess.Popen([*PROGRAM, *words], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().partition(" is at ")[2].partition("/ ")[0]
        finally:
            server.terminate()
