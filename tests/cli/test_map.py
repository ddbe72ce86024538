"""The map as a picture, and what is said where it can't be drawn; the periods that 'falling' takes."""

import re
import sys

import pytest

from salesledger.charts.process_map import COLOURS
from support.console import Console


def test_the_map_can_be_drawn(console: Console) -> None:
    """As SVG or PNG, as the file's ending says; nothing is printed."""
    assert console.ok("map -o map.svg") == ""
    svg = (console.folder / "map.svg").read_text(encoding="utf-8")
    assert svg.startswith("<svg")
    for words in ("qualified", "2,500.00 EUR", "defined: lead &gt; qualified", "1 lost, 26 d"):
        assert words in svg
    assert console.ok("map b2b -o MAP.PNG") == ""
    assert (console.folder / "MAP.PNG").read_bytes().startswith(b"\x89PNG")


def test_a_picture_shows_deviations_moves_and_odd_names(console: Console) -> None:
    """Back, skipped, reopened; other processes; names are text and nothing else."""
    console.ok("deal advance delta negotiation --on 2026-02-03")
    console.ok("deal advance delta meeting --on 2026-02-08")
    console.ok("deal reopen gamma --on 2026-02-20")
    console.ok("process define licence.toml --on 2026-01-01")
    console.ok('lead capture "Theta" --process licence --on 2026-02-01')
    console.ok("map -o map.svg")
    svg = (console.folder / "map.svg").read_text(encoding="utf-8")
    assert "1 reopened (lost)" in svg
    assert "inquiry" in svg


def test_deals_that_are_won_before_the_last_stage_are_counted(console: Console) -> None:
    """They stand with the steps off the defined order; a win from the last stage doesn't."""
    assert "won before" not in console.ok("map")
    console.ok("deal win epsilon --amount 100 --on 2026-03-20")
    assert "1 won before the last stage." in console.ok("map")


def test_the_legend_has_every_colour_that_is_used(console: Console) -> None:
    """Moves to another process are words in a colour of their own."""
    console.ok("process define licence.toml --on 2026-01-01")
    console.ok("deal move delta licence --on 2026-02-20")
    console.ok("map -o map.svg")
    svg = (console.folder / "map.svg").read_text(encoding="utf-8")
    assert re.search(rf'fill="{COLOURS["moved"]}"[^>]*>1 moved to licence<', svg)
    for kind in COLOURS:
        assert f">{kind}</text>" in svg


def test_without_the_extra_the_message_says_how_to_get_it(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is written."""
    monkeypatch.setitem(sys.modules, "altair", None)
    assert console.no("map -o map.svg", code=2) == (
        "A picture needs the extra 'charts', and 'altair' isn't installed: pip install 'salesledger[charts]'. "
        "Without -o the map is a table."
    )
    assert not (console.folder / "map.svg").exists()
    assert console.ok("map").startswith("The process as walked")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("map -o map.pdf", "'map.pdf' doesn't end in a format's name"),
        ("map -M -o map.svg", "A picture shows one period"),
        ("map source:none -o map.svg", "There is no step to draw"),
        ("map nothing", "There is no process 'nothing'"),
        ("map 2026Q1", "'2026Q1' is a period, not a filter"),
        ("map -o none/map.svg", "'none/map.svg' can't be written"),
        ("falling -p 2026", "'2026' is not a period: one quarter is needed here"),
        ("falling -M -p 2026Q1", "'2026Q1' is not a period: one month is needed here"),
        ("falling -p 2026Q1..", "'2026Q1..' is not a period: one quarter is needed here"),
        ("falling -p 2026Q3", "it begins after 2026-03-31, the day asked about"),
    ],
)
def test_what_cannot_be_answered_is_refused(console: Console, line: str, told: str) -> None:
    """With what to do."""
    assert told in console.no(line, code=None)


def test_falling_looks_at_the_last_period_that_is_over(console: Console) -> None:
    """On its last day it is, the day before it is not."""
    assert "Steps that fell in 2026Q1," in console.ok("falling")
    assert "Steps that fell in 2025Q4," in console.ok("falling --as-of 2026-03-30")
    assert "Steps that fell in 2026-02," in console.ok("falling -M --as-of 2026-03-30")


@pytest.mark.parametrize(("name", "command"), [("process_map", "map"), ("step_ratios", "falling")])
def test_an_own_projection_that_lacks_columns_is_refused(console: Console, name: str, command: str) -> None:
    """By name, with what it lacks."""
    (console.folder / "projections").mkdir()
    head = f"-- {name}: mine\n-- grain: one row\n-- needs: none\n-- parameters: none\n-- columns:\n--   period: x\n"
    (console.folder / "projections" / f"{name}.sql").write_text(f"{head}SELECT 'all' AS period\n")
    assert f"Your own projection '{name}' lacks " in console.no(command)
