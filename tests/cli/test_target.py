"""Targets and calls on the command line: what is wrong is said, and nothing is recorded."""

import pytest

from support.console import Console, unchanged


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("target set -p 2026Q1.. 100", "'2026Q1..' is not a period: one period is needed here, with both its ends."),
        ("target set -p monthly 100", "'monthly' is not a period: one period is needed here"),
        ("target set -p spring 100", "'spring' is not a period"),
        ("target set 100", "Missing option '-p'"),
        ("target set -p 2026Q1", "Missing argument 'AMOUNT'"),
        ("target set -p 2026Q1 -- -5", "'-5' is negative"),
        ("target set -p 2026Q1 1e9", "'1e9' is not an amount"),
        ("target set -p 2026Q1 100 USD", "The ledger keeps its amounts in EUR"),
        ("target set -p 2026Q1 '100 EUR' USD", "One event has one currency, not USD and EUR."),
        ("target set -p 2026Q1 --owner kim --team North 100", "it is a person's or a team's, not both"),
        ("target set -p 2026Q1 --owner 'k m' 100", "'k m' is not an id"),
        ("target set -p 2026Q1 --on 2030-01-01 100", "lies in the future"),
        ("forecast call -p 2026Q1 --category sure 100", "'sure' is not one of 'commit', 'best-case', 'pipeline'"),
    ],
)
def test_what_cannot_be_promised_is_refused(console: Console, line: str, told: str) -> None:
    """With the value, the remedy, and that nothing was recorded."""
    with unchanged(console):
        message = console.no(line)
    assert told in message
    assert "Nothing was recorded." in message


def test_a_voided_target_is_replaced_by_the_one_before(console: Console) -> None:
    """And the history of who it is for shows both."""
    console.ok("target set --owner kim -p 2026Q1 100 --on 2026-01-05")
    console.ok("target set --owner kim -p 2026Q1 200 --on 2026-01-06")
    assert "2026Q1,2026-01-01,2026-04-01,owner,kim,200.00" in console.ok("attainment -O csv")
    console.ok("void 31 --reason 'not agreed'")
    assert "2026Q1,2026-01-01,2026-04-01,owner,kim,100.00" in console.ok("attainment -O csv")
    assert console.ok("history target:kim").count("target-set") == 2
    assert "'salesledger attainment' lists them" in console.no("history target:lee")


def test_programs_record_targets_as_json_lines(console: Console) -> None:
    """The event says whose it is; a key makes it safe to repeat."""
    line = (
        '{"type": "target-set", "team": "Nord Süd", "begins_on": "2026-01-01", "ends_on": "2026-04-01", '
        '"amount": "100", "on": "2026-01-05", "key": "t1"}'
    )
    (console.folder / "more.jsonl").write_text(f"{line}\n", encoding="utf-8")
    console.ok("record more.jsonl")
    console.ok("record more.jsonl")
    assert console.ok("attainment -O csv").count("team,Nord Süd,100.00") == 1
