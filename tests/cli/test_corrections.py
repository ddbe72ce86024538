"""What corrections and voids refuse, in words that a person can act on."""

import json
import re
from pathlib import Path

import pytest

from support.console import Console
from support.happenings import advanced, at, captured
from support.ledgers import new_ledger, write


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """A deal that was captured on the second of January, entry 4, and advanced on the fifth, entry 5."""
    deal = ("deal:a", [captured(2, owner="kim"), advanced(5, stage="meeting")])
    write(new_ledger(tmp_path / "sales.ledger"), deal, now=at(6))
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


def test_a_void_that_was_taken_back_is_shown_as_struck(console: Console) -> None:
    """By the void of it, in the table and for machines; asked as of before that was known it stands."""
    console.ok('void 5 --reason "another deal"')
    console.ok('void 6 --reason "no, this one"')
    told = console.ok("history a")
    assert re.search(r"6 +event-voided .*STRUCK OUT by 7 on [0-9-]+: no, this one", told)
    assert told.count("STRUCK OUT") == 1
    rows = {row["entry"]: row for row in json.loads(console.ok("history a -O json"))}
    assert [rows[n].get("struck_by") for n in (4, 5, 6, 7)] == [None, None, 7, None]
    console.ok('void 7 --reason "another deal after all"')
    rows = {row["entry"]: row for row in json.loads(console.ok("log stream:deal -O json"))}
    assert [rows[n].get("struck_by") for n in (4, 5, 6, 7, 8)] == [None, 8, 7, 8, None]
    rows = {row["entry"]: row for row in json.loads(console.ok("log stream:deal -O json --upto 6"))}
    assert [rows[n].get("struck_by") for n in (4, 5, 6)] == [None, 6, None]


@pytest.mark.parametrize(("entry", "type_name"), [(1, "ledger-opened"), (3, "currency-set")])
def test_what_holds_for_the_whole_ledger_stays(entry: int, type_name: str, console: Console) -> None:
    """Its time zone and its currency."""
    for change in ("--on 2026-01-01", "--set currency=USD"):
        told = console.no(f"correct {entry} --reason slip {change}", code=1)
        assert f"Entry {entry} ({type_name}) holds for the whole ledger and can't be corrected." in told
