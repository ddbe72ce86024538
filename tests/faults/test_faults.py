"""Every fault in its short form: nothing acknowledged is lost, nothing is there in part, the ledger goes on."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from faults.__main__ import FAULTS

TESTS = Path(__file__).parent.parent
UNSAFE = {"power-normal", "power-off"}
"""What is run to see that the fault is real: with these settings, which the recorder never uses, something must be lost."""

DONE = {"runs", "moments", "commands", "rounds", "backups", "killed"} | {
    "acknowledged", "accepted", "refused", "jumps_back", "checkpoints", "changed", "cuts",
}  # fmt: skip
"""The figures that say how much was done; all others count what went wrong."""

BY_CHANCE = {"killed", "cp_wrong"}
"""Figures that may be anything in a short run."""


def figures(name: str) -> dict[str, int]:
    """What a fault has shown, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "faults", "--short", name], cwd=TESTS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)["figures"]
    if isinstance(shown, str):
        pytest.skip(shown)
    assert isinstance(shown, dict)
    return shown


@pytest.mark.parametrize("name", sorted(set(FAULTS) - UNSAFE))
def test_nothing_goes_wrong(name: str) -> None:
    """Whatever counts what went wrong is zero, whatever counts what was done is not."""
    seen = figures(name)
    assert {what: count for what, count in seen.items() if what not in DONE | BY_CHANCE and count} == {}
    assert {what for what, count in seen.items() if what in DONE - BY_CHANCE and not count} == set()


def test_the_power_failures_are_real() -> None:
    """Where the recorder didn't wait for the disk, acknowledged entries would be lost."""
    assert figures("power-normal")["lost"] > 0


def test_every_fault_is_told_of() -> None:
    """docs/reliability.md has a line for each."""
    page = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert set(FAULTS) == set(re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE))
