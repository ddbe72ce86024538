"""`check` on the command line: silent and 0 where all is well, else each finding with its entry and its remedy, and 1."""

import json
import sqlite3

from support.console import Console


def broken(console: Console) -> Console:
    """The ledger with the owner of its last entry changed behind its back, and a trigger gone."""
    connection = sqlite3.connect(console.ledger)
    connection.execute("DROP TRIGGER stored_events_no_update")
    connection.execute("UPDATE stored_events SET topic = 'deal-\x1b[31m/9' WHERE entry = 29")
    connection.commit()
    connection.close()
    return console


def test_is_silent_where_all_is_well(console: Console) -> None:
    """Nothing on either stream, exit code 0."""
    assert console.ok("check") == ""
    assert json.loads(console.ok("check -O json")) == []


def test_tells_each_finding_and_its_remedy(console: Console) -> None:
    """In words, what comes from the file escaped."""
    done = broken(console)("check")
    assert done.code == 1
    assert "The ledger: the trigger stored_events_no_update is missing" in done.out
    assert "Entry 29 (deal:acme-gmbh): of the type" in done.out
    assert "Upgrade salesledger" in done.out
    assert "[seal]" in done.out
    assert done.out.endswith("3 findings.\n")
    assert "\x1b" not in done.out


def test_gives_programs_a_row_a_finding(console: Console) -> None:
    """With the same keys in each."""
    done = broken(console)("check -O json")
    found = json.loads(done.out)
    assert done.code == 1
    assert [tuple(row) for row in found] == [("entry", "stream", "rule", "problem", "remedy", "severity")] * 3
    assert [(row["entry"], row["rule"], row["severity"]) for row in found] == [
        (None, "append-only", "error"),
        (29, "topic", "error"),
        (None, "seal", "error"),
    ]


def test_needs_a_ledger(empty: Console) -> None:
    """Where there is none, that is the message."""
    assert "There is no ledger at" in empty.no("check", code=1)
