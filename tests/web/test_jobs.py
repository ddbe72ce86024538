"""What long work does when the ledger goes on."""

import sys
import time
from pathlib import Path

from salesledger.web.jobs import Job, Jobs

_SCRIPT = """
import pathlib, sys, time
folder, word = pathlib.Path(sys.argv[1]), sys.argv[2]
(folder / f"{word}-{len(list(folder.glob(word + '-*')))}").touch()
while not (folder / "go").exists():
    time.sleep(0.02)
print("[]")
"""


def _over(job: Job) -> bool:
    for _ in range(500):
        if job.is_over:
            return True
        time.sleep(0.02)
    return False


def test_what_waits_for_an_older_position_is_given_up(tmp_path: Path) -> None:
    """However often the ledger grows while a forecast is worked out, only the latest one follows."""
    jobs = Jobs([sys.executable, "-c", _SCRIPT, str(tmp_path)], {})
    try:
        first = jobs.ask(1, ["forecast"])
        while not (tmp_path / "forecast-0").exists():
            time.sleep(0.02)
        other = jobs.ask(1, ["backtest"])
        waiting = [jobs.ask(position, ["forecast"]) for position in range(2, 9)]
        assert jobs.ask(8, ["forecast"]) is waiting[-1]
        (tmp_path / "go").touch()
        assert all(_over(job) for job in (first, other, waiting[-1]))
        assert not any(job.is_over for job in waiting[:-1])
        assert sorted(file.name for file in tmp_path.iterdir()) == ["backtest-0", "forecast-0", "forecast-1", "go"]
    finally:
        jobs.close()


def test_a_forecast_does_not_wait_for_a_backtest(tmp_path: Path) -> None:
    """Commands of another name are run beside each other, and all are stopped in the end."""
    jobs = Jobs([sys.executable, "-c", _SCRIPT, str(tmp_path)], {})
    try:
        asked = [jobs.ask(1, [word]) for word in ("backtest", "forecast")]
        for word in ("backtest", "forecast"):
            while not (tmp_path / f"{word}-0").exists():
                time.sleep(0.02)
        assert not any(job.is_over for job in asked)
    finally:
        jobs.close()
    assert all(job.rows is None for job in asked)
