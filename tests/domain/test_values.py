"""The values that events hold: what is taken, what is refused, and with which words."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from salesledger.domain.clocks import EARLIEST, LATEST, from_micros, to_micros, to_utc
from salesledger.domain.values import (
    Amount,
    Count,
    Currency,
    Date,
    Id,
    Months,
    Text,
    format_plain,
    slug,
    to_amount,
    to_id,
)
from support.happenings import at

AMOUNTS, TEXTS, IDS = TypeAdapter(Amount), TypeAdapter(Text), TypeAdapter(Id)


class TestAmount:
    @pytest.mark.parametrize(
        ("given", "exact"),
        [
            ("1250.50", "1250.50"),
            (" 7 ", "7"),
            (0, "0"),
            ("0.0001", "0.0001"),
            ("99999999999999.9999", "99999999999999.9999"),
            (10**14 - 1, "99999999999999"),
            (Decimal("1E+3"), "1000"),
            (Decimal("1.5"), "1.5"),
        ],
    )
    def test_is_exact(self, given: object, exact: str) -> None:
        """Whole numbers, plain text and decimals are taken digit by digit."""
        assert str(AMOUNTS.validate_python(given)) == exact

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ("-1", "'-1' is negative; an amount is zero or more"),
            ("-0.01", "is negative"),
            (Decimal("-0"), "is negative"),
            (-5, "is negative"),
            ("1E+1000000", "'1E+1000000' is not an amount; write it like 1250 or 1250.50"),
            ("1e3", "is not an amount"),
            (Decimal("1E+1000000"), "is not an amount"),
            (Decimal("1E-1000000"), "is not an amount"),
            ("NaN", "is not an amount"),
            (Decimal("NaN"), "is not an amount"),
            (Decimal("sNaN"), "is not an amount"),
            ("Infinity", "is not an amount"),
            (Decimal("Infinity"), "is not an amount"),
            ("", "is not an amount"),
            ("1,250.50", "is not an amount"),
            ("1_000", "is not an amount"),
            ("٣", "is not an amount"),
            ("1.", "is not an amount"),
            (".5", "is not an amount"),
            ("1.00001", "at most 14 digits and 4 decimals"),
            ("100000000000000", "at most 14 digits and 4 decimals"),
            ("1\x00", "is not an amount"),
            ("9" * 5000, "is not an amount"),
            (12.5, "12.5 may be inexact; write the amount as text, such as '1250.50'"),
            (True, "may be inexact"),
            ([1], "is not an amount"),
        ],
    )
    def test_that_could_be_misread_is_refused(self, given: object, why: str) -> None:
        """Nothing is rounded, expanded or guessed."""
        with pytest.raises(ValidationError) as refusal:
            AMOUNTS.validate_python(given)
        message = refusal.value.errors()[0]["msg"]
        assert why in message
        assert len(message) < 200

    @given(st.decimals(0, Decimal("99999999999999.9999"), places=4))
    def test_is_written_plainly_and_read_back(self, amount: Decimal) -> None:
        """JSON holds the digits as text."""
        written = AMOUNTS.dump_json(AMOUNTS.validate_python(amount))
        assert b"E" not in written
        assert AMOUNTS.validate_json(written) == amount

    @given(st.one_of(st.text(), st.integers(), st.decimals(), st.floats()))
    def test_refuses_with_a_value_error_or_gives_a_plain_amount(self, value: object) -> None:
        """Whatever comes in."""
        try:
            amount = to_amount(value)
        except ValueError:
            return
        assert 0 <= amount < 10**14
        assert amount == round(amount, 4)

    def test_formatting_never_expands_what_is_absurd(self) -> None:
        """It would take forever."""
        assert format_plain(Decimal("1E+1000000")) == "1E+1000000"
        assert format_plain(Decimal("1E+3")) == "1000"


class TestText:
    def test_is_trimmed(self) -> None:
        """Blanks around it mean nothing."""
        assert TEXTS.validate_python("  Acme \n") == "Acme"
        assert TEXTS.validate_python(2026) == "2026"

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ("", "empty"),
            (" \t\n", "empty"),
            ("a\x00b", "NUL byte"),
            ("\ud800", "half a surrogate pair"),
            ("x" * 501, "501 characters; at most 500"),
            (True, "valid string"),
            (1.5, "valid string"),
            (None, "valid string"),
        ],
    )
    def test_that_no_database_can_hold_is_refused(self, given: object, why: str) -> None:
        """NUL bytes poison PostgreSQL; lone surrogates aren't Unicode."""
        with pytest.raises(ValidationError, match=why):
            TEXTS.validate_python(given)

    def test_of_500_characters_is_kept(self) -> None:
        """The longest one."""
        assert len(TEXTS.validate_python(" " + "é" * 500)) == 500


class TestId:
    @pytest.mark.parametrize("given", ["a", "acme-gmbh", "Kim.Lee_2", "7", "münchen", "x" * 80])
    def test_is_what_people_can_type(self, given: str) -> None:
        """Letters, digits, dot, underscore and hyphen."""
        assert IDS.validate_python(given) == given

    @pytest.mark.parametrize(
        "given", ["", "-a", ".a", "a b", "a:b", "a/b", "a\x00", "a'b", 'a"', "x" * 81, "[/red]", "a\x1b[31m"]
    )
    def test_of_anything_else_is_refused(self, given: str) -> None:
        """A stream's name is kind and id, and a colon between."""
        with pytest.raises(ValidationError, match="is not an id; use letters, digits"):
            IDS.validate_python(given)


class TestSlug:
    @pytest.mark.parametrize(
        ("name", "made"),
        [
            ("ACME GmbH & Co.", "acme-gmbh-co"),
            ("Müller & Söhne", "muller-sohne"),
            ("Straße", "strasse"),
            ("  --  ", "unnamed"),
            ("", "unnamed"),
            ("株式会社", "株式会社"),
            ("a_b", "a-b"),
            ("x" * 100, "x" * 60),
        ],
    )
    def test_is_an_id_made_from_a_name(self, name: str, made: str) -> None:
        """Short, small, without accents."""
        assert slug(name) == made

    @given(st.text())
    def test_is_always_an_id(self, name: str) -> None:
        """Whatever the company is called."""
        assert to_id(slug(name)) == slug(name)


@pytest.mark.parametrize("bad", ["eur", "EURO", "EU", "€", "E R", "EUR\n", ""])
def test_a_currency_is_three_capital_letters(bad: str) -> None:
    """As ISO 4217 writes it."""
    with pytest.raises(ValidationError, match="write three capital letters, such as EUR"):
        TypeAdapter(Currency).validate_python(bad)


@pytest.mark.parametrize(
    "bad", ["2026-1-1", "20260101", "2026-02-30", "2026-01-01T00:00", "01.02.2026", 86400, 0, 20454.0, "٢٠٢٦-٠١-٠١"]
)
def test_a_date_is_written_in_full(bad: object) -> None:
    """A number of days since 1970 is no date that anybody meant."""
    with pytest.raises(ValidationError):
        TypeAdapter(Date).validate_python(bad)


def test_a_date_may_be_a_date() -> None:
    """Or its ISO text."""
    dates = TypeAdapter(Date)
    assert dates.validate_python("2026-02-28") == dates.validate_python(date(2026, 2, 28)) == date(2026, 2, 28)


@pytest.mark.parametrize(("kind", "bad"), [(Count, -1), (Count, 1_000_001), (Count, 1.5), (Months, 0), (Months, 1201)])
def test_counts_and_months_are_whole_numbers_within_reason(kind: Any, bad: object) -> None:
    """They have to fit the columns."""
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(bad)


class TestInstants:
    @given(st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None)))
    def test_survive_as_microseconds(self, naive: datetime) -> None:
        """Before 1970, too."""
        instant = naive.replace(tzinfo=UTC)
        assert from_micros(to_micros(instant)) == instant

    def test_are_turned_to_utc(self) -> None:
        """The instant stays the same."""
        assert to_utc(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == at(1)

    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            (datetime(2026, 1, 1), "an instant needs an offset"),  # noqa: DTZ001
            (datetime(1900, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), "between 1900 and 2199"),
            (datetime(2200, 1, 1, tzinfo=UTC), "between 1900 and 2199"),
            (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "between 1900 and 2199"),
            (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))), "between 1900 and 2199"),
        ],
    )
    def test_that_are_unclear_or_absurd_are_refused(self, bad: datetime, why: str) -> None:
        """Also at the very ends of the calendar."""
        with pytest.raises(ValueError, match=why):
            to_utc(bad)
