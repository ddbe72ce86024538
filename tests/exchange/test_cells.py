"""What the text of a cell means: exactly one thing, or nothing."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.importing import rules
from salesledger.exchange.cells import Amounts, Dates, shown, to_short_id
from salesledger.exchange.csv_rows import RowProblem

ZONE = ZoneInfo("UTC")
US, EUROPE = "%m/%d/%Y", "%d/%m/%Y"


def amount(text: str, **changes: Any) -> Decimal:
    """An amount, written as the rules say."""
    return Amounts(rules(**changes)).read("price", text)


@pytest.mark.parametrize("text", ["0", "7", "007", "1250", "1250.5", "12345678901234.1234"])
def test_plain_amounts_are_read_to_the_last_digit(text: str) -> None:
    """Without any rule."""
    assert amount(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "1E+1000000",
        "1e3",
        "NaN",
        "nan",
        "Infinity",
        "-5",
        "+5",
        "1,234",
        "1.234,56",
        "$5",
        "5 €",
        "1_000",
        "٣",
        "1.23456",
        "1" * 15,
        ".5",
        "5.",
        "0x1F",
        "1 000",
        "1/2",
        "9" * 5000,
    ],
)
def test_whatever_else_looks_like_a_number_is_refused(text: str) -> None:
    """At once, and by its column."""
    with pytest.raises(RowProblem, match="price is not an amount"):
        amount(text)


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("1.234,50", {"decimal": ",", "thousands": "."}, "1234.50"),
        ("1234,5", {"decimal": ",", "thousands": "."}, "1234.5"),
        ("1,234,567.89", {"thousands": ","}, "1234567.89"),
        ("1'234", {"thousands": "'"}, "1234"),
        ("$1,234", {"thousands": ",", "currency_symbols": ["$"]}, "1234"),
        ("12,50 €", {"decimal": ",", "currency_symbols": ["$", "€"]}, "12.50"),
        ("EUR 12", {"currency_symbols": ["EUR"]}, "12"),
    ],
)
def test_marks_and_symbols_count_only_by_rule(text: str, changes: dict[str, Any], expected: str) -> None:
    """Then they are exact."""
    assert amount(text, **changes) == Decimal(expected)


@pytest.mark.parametrize("text", ["1.23", "12.345.6", "1.234.", ".123", "1234.567", "1,2,3"])
def test_grouped_digits_must_be_in_threes(text: str) -> None:
    """'1.23' where '.' groups is a mistake, never 123."""
    with pytest.raises(RowProblem):
        amount(text, decimal=",", thousands=".")


@given(st.decimals(min_value=0, max_value=10**13, places=2, allow_nan=False, allow_infinity=False))
def test_amounts_survive_every_way_of_writing_them(value: Decimal) -> None:
    """With marks of any kind."""
    english = f"{value:,.2f}"
    swapped = english.translate({ord(","): ".", ord("."): ","})
    assert (
        amount(english, thousands=",") == amount(swapped, decimal=",", thousands=".") == amount(f"{value:.2f}") == value
    )


def dates(formats: list[str], *texts: str, zone: ZoneInfo = ZONE) -> Dates:
    """How a file with these dates reads its dates."""
    return Dates(tuple(formats), zone, texts)


def days(formats: list[str], *texts: str) -> list[str]:
    """What each date means, or why it means nothing."""
    read = dates(formats, *texts)
    found = []
    for text in texts:
        try:
            found.append(f"{read.read('begun', text):%Y-%m-%d}")
        except RowProblem as problem:
            found.append(problem.kind)
    return found


def test_the_first_format_that_fits_all_dates_is_used() -> None:
    """One date that only the second fits decides for all."""
    assert days([US, EUROPE], "01/02/2026", "03/04/2026") == ["2026-01-02", "2026-03-04"]
    assert days([US, EUROPE], "01/02/2026", "31/12/2025") == ["2026-02-01", "2025-12-31"]
    assert dates([US, EUROPE], "01/02/2026", "31/12/2025").used == EUROPE


def test_what_no_format_fits_decides_nothing() -> None:
    """A day that doesn't exist spoils its own row."""
    assert days([US, EUROPE], "01/02/2026", "31/02/2026", "n/a") == [
        "2026-01-02",
        "begun is not a date",
        "begun is not a date",
    ]


def test_mixed_formats_leave_no_room_for_guesses() -> None:
    """Where no format fits all, a date counts only if it can mean one day."""
    read = ["01/02/2026", "31/12/2025", "12/31/2025", "05/05/2026"]
    assert days([US, EUROPE], *read) == ["begun is ambiguous", "2025-12-31", "2025-12-31", "2026-05-05"]
    with pytest.raises(RowProblem, match="'01/02/2026' could be 2026-01-02 or 2026-02-01"):
        dates([US, EUROPE], *read).read("begun", "01/02/2026")


def test_two_digits_of_a_year_are_this_century_up_to_68() -> None:
    """As strptime has it."""
    assert days(["%d-%m-%y"], "20-10-16", "01-01-68", "01-01-69") == ["2016-10-20", "2068-01-01", "1969-01-01"]


def test_iso_dates_may_have_a_time_and_an_offset() -> None:
    """Without an offset the time is the file's zone's."""
    read = dates(["iso"], zone=ZoneInfo("Europe/Berlin"))
    assert read.read("begun", "2026-03-31") == datetime(2026, 3, 30, 22, tzinfo=UTC)
    assert read.read("begun", "2026-03-31 08:30") == datetime(2026, 3, 31, 6, 30, tzinfo=UTC)
    assert read.read("begun", "2026-03-31T08:30:00.5Z") == datetime(2026, 3, 31, 8, 30, 0, 500000, tzinfo=UTC)
    assert read.read("begun", "2026-03-31T08:30+02:00") == datetime(2026, 3, 31, 6, 30, tzinfo=UTC)
    assert read.local_date("begun", "2026-03-31") == date(2026, 3, 31)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0001-01-01",
        "1899-12-31",
        "2200-01-02",
        "9999-12-31",
        "2026-13-01",
        "20260331",
        "2026-W05-1",
        "x" * 1000,
        "2026-02-30",
    ],
)
def test_other_texts_are_no_dates(text: str) -> None:
    """However long or far away."""
    with pytest.raises(RowProblem, match="begun is not a date"):
        dates(["iso"]).read("begun", text)


@given(st.dates(date(1970, 1, 1), date(2060, 1, 1)), st.sampled_from(["iso", "%Y-%m-%d", "%d.%m.%y", US]))
def test_a_date_means_the_start_of_its_day(day: date, form: str) -> None:
    """In any format."""
    text = day.isoformat() if form == "iso" else day.strftime(form)
    assert dates([form], text).read("begun", text) == datetime(day.year, day.month, day.day, tzinfo=UTC)


def test_short_ids_are_made_of_letters_and_digits() -> None:
    """A name without any would share its id with all others of the kind."""
    assert to_short_id("rep", "Zoë  O'Hara") == "zoe-o-hara"
    with pytest.raises(RowProblem, match="no id can be made of rep: '!!!' has no letter or digit"):
        to_short_id("rep", "!!!")


def test_cells_are_shown_short_and_inert() -> None:
    """Nothing in a message steers a terminal."""
    assert shown("\x1b[31m\u202e") == r"'\x1b[31m\u202e'"
    assert len(shown("x" * 1_000)) < 60
