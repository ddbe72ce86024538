"""What corrections and voids refuse, in words that a person can act on."""

from pathlib import Path

import pytest

from support.console import Console
from support.happenings import advanced, captured
from support.ledgers import new_ledger, write


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """A deal that was captured on the second of January, entry 4, and advanced on the fifth, entry 5."""
    write(new_ledger(tmp_path / "sales.ledger"), ("deal:a", [captured(2, owner="kim"), advanced(5, stage="meeting")]))
    return Console(tmp_path)


@pytest.mark.parametrize("line", ["--set process_version=99", "--set judged=qualified", "--unset process-version"])
def test_what_the_ledger_fills_in_is_not_set(line: str, console: Console) -> None:
    """It would be filled in again, and what was given lost without a word."""
    told = console.no(f"correct 4 --reason slip {line}", code=2)
    assert "can't be set: the ledger fills it in" in told
    assert told.strip().endswith("Nothing was recorded.")


def test_what_is_not_recorded_yet_is_the_new_entry(console: Console, tmp_path: Path) -> None:
    """It has no number that could be told."""
    lines = tmp_path / "lines.jsonl"
    lines.write_text(
        '{"type": "deal-won", "deal": "a", "amount": "3", "on": "2026-01-08"}\n'
        '{"type": "deal-lost", "deal": "a", "reason": "price", "on": "2026-01-07"}\n'
    )
    assert "impossible: the new entry (deal-won on 2026-01-08)" in console.no(f"record {lines}", code=1)


@pytest.mark.parametrize(("entry", "type_name"), [(1, "ledger-opened"), (3, "currency-set")])
def test_what_holds_for_the_whole_ledger_stays(entry: int, type_name: str, console: Console) -> None:
    """Its time zone and its currency."""
    for change in ("--on 2026-01-01", "--set currency=USD"):
        told = console.no(f"correct {entry} --reason slip {change}", code=1)
        assert f"Entry {entry} ({type_name}) holds for the whole ledger and can't be corrected." in told
