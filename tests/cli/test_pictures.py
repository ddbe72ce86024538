"""Reports as pictures: each of the page's charts is written by its command."""

import sys

import pytest

from support.console import Console

DRAWN = {
    "pipeline": ("qualified", "open, EUR", "Pipeline as of"),
    "metrics -M": ("2026-01", "bookings, EUR", "days to win"),
    "funnel -p 2026-01": ("leads that entered the stage", "qualified"),
    "diff 2026-01-31 2026-03-31": ("opening", "closing", "Pipeline from the end of 2026-01-31"),
    "history acme": ("was known", "struck out", "History of acme"),
    "query 'SELECT stage, count(*) AS deals FROM deals GROUP BY 1 ORDER BY 2, 1'": ("stage", "deals"),
}


@pytest.mark.parametrize("line", DRAWN)
def test_a_report_is_drawn_into_a_file(console: Console, line: str) -> None:
    """Nothing is printed; the picture names what it shows."""
    assert console.ok(f"{line} -o drawn.svg") == ""
    svg = (console.folder / "drawn.svg").read_text(encoding="utf-8")
    assert svg.startswith("<svg")
    for words in DRAWN[line]:
        assert words in svg


def test_targets_are_drawn_beside_what_is_booked(console: Console) -> None:
    """One period or several, in which each has its own bars."""
    console.ok("target set 9000 -p 2026-02 --owner kim")
    console.ok("target set 3000 -p 2026-03 --owner lee")
    console.ok("attainment -p 2026-03 -o one.svg")
    assert ">quota<" in (console.folder / "one.svg").read_text(encoding="utf-8")
    console.ok("attainment -M -p 2026Q1 -o more.svg")
    svg = (console.folder / "more.svg").read_text(encoding="utf-8")
    assert all(f">{month}<" in svg for month in ("2026-02", "2026-03"))


def test_recurring_revenue_is_drawn(console: Console) -> None:
    """What moved it, and what it came to."""
    console.ok("account open Ax --on 2026-01-01")
    console.ok("subscription start ax --recurring 100 --every month --on 2026-01-05")
    console.ok("recurring -M -p 2026Q1 -o mrr.svg")
    svg = (console.folder / "mrr.svg").read_text(encoding="utf-8")
    assert "MRR at the end" in svg
    assert "2026-02" in svg


def test_the_ending_tells_the_format_and_a_named_format_wins(console: Console) -> None:
    """PNG and a page that needs no network; with -O the file holds what it says, whatever it is called."""
    console.ok("pipeline -o p.PNG")
    assert (console.folder / "p.PNG").read_bytes().startswith(b"\x89PNG")
    console.ok("pipeline -O json -o p.svg")
    assert (console.folder / "p.svg").read_text(encoding="utf-8").startswith("[")


def test_no_text_of_the_ledger_ends_the_script_of_a_page(console: Console) -> None:
    """A stage, a company or an answer may hold anything; it is data in an HTML file too."""
    console.ok("query \"SELECT '</script><script>alert(1)</script>' AS a, x FROM range(2) t(x)\" -o q.html")
    page = (console.folder / "q.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert r"\u003c/script>\u003cscript>alert(1)" in page
    console.ok("map -o map.html")
    assert "vegaEmbed" in (console.folder / "map.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "deals -o deals.svg",
            "There is no picture of this for 'deals.svg'. End it in .json, .jsonl, .csv, .md, .txt; the",
        ),
        ("lead capture Zeta -o z.png", "There is no picture of this for 'z.png'"),
        ("forecast acme -o f.svg", "leave out the deal"),
        ("forecast --issue -o f.svg", "leave out --issue"),
        ("forecast --by owner -o f.svg", "leave out --by"),
        ("metrics -o m.svg", "There is nothing to draw. It is drawn over time"),
        ("metrics owner:nobody -Q -o m.svg", "There is nothing to draw"),
        ("pipeline --as-of 2020-01-01 -o p.svg", "There is nothing to draw"),
        ("pipeline --by owner -o p.svg", "no place for several groups. Leave out --by"),
        ("funnel -M -p 2026Q1 -o f.svg", "no place for several periods. Ask for one period"),
        ('query "SELECT 1" -o q.svg', "It takes two rows"),
        ("pipeline -o none/p.svg", "'none/p.svg' can't be written"),
    ],
)
def test_what_cannot_be_drawn_is_refused(console: Console, line: str, told: str) -> None:
    """With what to do; nothing is written."""
    assert told in console.no(line, code=2)
    assert not list(console.folder.glob("*.svg"))


def test_a_projection_of_ones_own_may_lack_what_is_drawn(console: Console) -> None:
    """Then the command says which column."""
    folder = console.folder / "projections"
    folder.mkdir()
    (folder / "pipeline.sql").write_text(
        "-- pipeline: mine\n-- grain: one row\n-- needs: none\n-- parameters: none\n-- columns:\n--   a: a\nSELECT 1 AS a\n",
        encoding="utf-8",
    )
    assert "the column 'process', which your own projection doesn't have" in console.no("pipeline -o p.svg", code=2)


def test_a_date_in_the_future_is_told_beside_a_picture(console: Console) -> None:
    """As beside a table."""
    assert "in the future" in console("pipeline --as-of 2027-01-01 -o p.svg").err


def test_without_the_extra_the_message_says_how_to_get_it(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is written."""
    monkeypatch.setitem(sys.modules, "altair", None)
    assert "pip install 'salesledger[charts]'" in console.no("pipeline -o p.svg", code=2)
    assert not (console.folder / "p.svg").exists()
