"""JSON lines in: given lines, then events, each with the right date, actor and key; all of them or none."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from salesledger import Ledger
from salesledger.errors import BadDate, BadFile, BadValue, KeyReused, Refused, SalesledgerError
from salesledger.exchange.json_lines import MAX_LINE, record_lines
from support.ledgers import log_of, new_ledger


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A new ledger, in Berlin, without a currency."""
    return new_ledger(tmp_path / "sales.ledger", timezone="Europe/Berlin", currency=None)


def told(place: Path, *lines: dict[str, Any] | bytes, actor: str | None = None, dry_run: bool = False) -> list[Any]:
    """Record lines; the events that were recorded, and were recorded before."""
    encoded = [line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines]
    with Ledger.open(place, actor="kim") as ledger:
        outcomes = record_lines(ledger, encoded, actor=actor, dry_run=dry_run)
    return [record for outcome in outcomes for record in outcome.recorded]


def captured(company: str = "Acme", **more: Any) -> dict[str, Any]:
    """A line that captures a lead."""
    return {"type": "lead-captured", "company": company, "on": "2026-01-05"} | more


class TestLines:
    """A line is an event."""

    def test_tell_a_new_deal_from_its_capture_to_its_close(self, place: Path) -> None:
        """Later lines may name the id that an earlier one makes."""
        lines = (
            captured(amount=100, currency="EUR"),
            {"type": "lead-qualified", "deal": "acme", "on": "2026-01-06"},
            {"type": "offer-made", "deal": "acme", "on": "2026-01-07", "amount": "120.50"},
            {"type": "deal-won", "deal": "acme", "on": "2026-01-08"},
        )
        events = [record.event for record in told(place, *lines)]
        assert [event.type_name() for event in events] == [line["type"] for line in lines]
        assert [event.stage for event in events[:3]] == ["lead", "qualified", "proposal"]
        assert (events[3].amount, events[3].currency) == (Decimal("120.50"), "EUR")

    def test_may_be_empty_end_as_on_windows_and_begin_with_a_mark(self, place: Path) -> None:
        """Blank lines, CRLF and a byte order mark are passed over; letters are UTF-8."""
        line = json.dumps(captured("Zoë Öl"), ensure_ascii=False).encode()
        (record,) = told(place, b"\n", b"\xef\xbb\xbf" + line + b"\r\n", b"   \r\n")
        assert (record.event.company, record.id) == ("Zoë Öl", "zoe-ol")

    @pytest.mark.parametrize(
        ("date", "effective_at"),
        [
            ({"on": "2026-01-05"}, "2026-01-04T23:00:00+00:00"),
            ({"effective_at": "2026-01-05"}, "2026-01-04T23:00:00+00:00"),
            ({"on": "2026-01-05T14:30"}, "2026-01-05T13:30:00+00:00"),
            ({"effective_at": "2026-01-05T14:30:00.25Z"}, "2026-01-05T14:30:00.250000+00:00"),
            ({"on": "2026-01-05 14:30+01:00"}, "2026-01-05T13:30:00+00:00"),
            ({"on": 20260105}, "2026-01-04T23:00:00+00:00"),
        ],
    )
    def test_have_dates_as_people_write_them(self, place: Path, date: dict[str, Any], effective_at: str) -> None:
        """A day is its start in the ledger's zone; an instant is itself."""
        (record,) = told(place, {"type": "lead-captured", "company": "Acme"} | date)
        assert record.event.effective_at.isoformat() == effective_at

    def test_without_a_date_happen_now(self, place: Path) -> None:
        """As they do on the command line."""
        (record,) = told(place, {"type": "lead-captured", "company": "Acme"})
        assert abs((record.recorded_at - record.event.effective_at).total_seconds()) < 5

    def test_may_know_when_they_were_known(self, place: Path) -> None:
        """The source system's own stamp."""
        (record,) = told(place, captured(known_at="2026-01-06T08:00:00Z"))
        assert record.known_at.isoformat() == "2026-01-06T08:00:00+00:00"
        assert record.recorded_at > record.known_at

    def test_say_who_records_or_leave_it_to_the_caller(self, place: Path) -> None:
        """The line's own actor, else the caller's, else the ledger's."""
        lines = (captured("A", actor="ann"), captured("B", recorded_by="bob"), captured("C"))
        assert [record.event.recorded_by for record in told(place, *lines, actor="cleo")] == ["ann", "bob", "cleo"]
        assert [record.event.recorded_by for record in told(place, captured("D"))] == ["kim"]

    @pytest.mark.parametrize(
        ("written", "amount"),
        [("100", "100"), ("100.10", "100.10"), ('"0.0001"', "0.0001"), ("1e2", "100"), ("0", "0")],
    )
    def test_have_amounts_that_are_exact(self, place: Path, written: str, amount: str) -> None:
        """A JSON number never passes through a float."""
        line = f'{{"type": "lead-captured", "company": "Acme", "currency": "EUR", "amount": {written}}}'
        (record,) = told(place, line.encode())
        assert record.event.amount == Decimal(amount)

    def test_name_the_currency_once(self, place: Path) -> None:
        """In a ledger without one the first holds for the lines behind it, and for the ledger."""
        records = told(
            place,
            captured("A", amount=1, currency="CHF"),
            captured("B", recurring_amount=2, interval_months=1, term_months=12),
        )
        assert [record.event.currency for record in records] == ["CHF", "CHF"]
        (record,) = told(place, captured("C", amount=3))
        assert record.event.currency == "CHF"

    def test_take_events_of_accounts_and_processes_too(self, place: Path) -> None:
        """Whatever can be recorded."""
        told(
            place,
            {"type": "account-opened", "company": "Acme", "on": "2026-01-01"},
            {"type": "referral-asked", "account": "acme", "names": 3, "on": "2026-01-02"},
            {"type": "process-defined", "process": "short", "process_version": 1, "stages": [{"name": "only", "probability": "1"}],
             "on": "2026-01-01"},
            captured("Beta", referred_by="acme", process="short", attributes={"size": "40"}),
        )  # fmt: skip
        assert [record.stream for record in log_of(place)][-4:] == [
            "account:acme",
            "account:acme",
            "process:short",
            "deal:beta",
        ]


class TestKeys:
    """The same lines again change nothing."""

    LINES = (captured(key="k1"), {"type": "deal-won", "deal": "acme", "on": "2026-01-08", "key": "k2"})

    def test_make_a_second_run_a_repetition(self, place: Path) -> None:
        """All are known already; the log is as long as before."""
        first = told(place, *self.LINES)
        before = place.read_bytes()
        assert [record.entry for record in told(place, *self.LINES)] == [record.entry for record in first]
        assert place.read_bytes() == before

    def test_let_a_longer_file_add_what_is_new(self, place: Path) -> None:
        """Only the lines behind those of the last run are recorded."""
        told(place, *self.LINES[:1])
        told(place, *self.LINES)
        assert [record.key for record in log_of(place, "deal")] == ["k1", "k2"]

    def test_refuse_other_content(self, place: Path) -> None:
        """A changed line isn't silently taken for the old one."""
        told(place, *self.LINES)
        with pytest.raises(KeyReused, match=r"Line 1: The key 'k1' was used for entry 3 .* differs in company"):
            told(place, captured("Other", key="k1"))

    def test_refuse_a_key_that_occurs_twice(self, place: Path) -> None:
        """One key, one line."""
        with pytest.raises(KeyReused, match=r"Line 2: .* occurs twice"):
            told(place, captured("A", key="k"), captured("B", key="k"))


class TestRefusals:
    """One bad line, and nothing is recorded."""

    @pytest.mark.parametrize(
        ("line", "error", "words"),
        [
            (b"nonsense", BadFile, "Line 3 is no JSON"),
            (b'"text"', BadFile, "Line 3 is no JSON object"),
            (b"{" + b" " * MAX_LINE + b"}", BadFile, f"at most {MAX_LINE} are read"),
            ({"company": "x"}, BadValue, 'Line 3: A line needs a "type"'),
            ({"type": "deal-won", "deal": "acme", "recorded_at": "2026-01-01"}, BadValue, "is given by the ledger"),
            ({"type": "deal-won", "deal": "acme", "on": "someday"}, BadDate, "Line 3: 'someday' is not a date"),
            ({"type": "deal-won", "deal": "acme", "amonut": 5}, BadValue, "Did you mean 'amount'"),
            ({"type": "deal-won", "deal": "acme", "on": "2026-01-04"}, Refused, "Line 3: acme: the lead is not captured yet"),
        ],
    )  # fmt: skip
    def test_name_the_line_and_keep_their_kind(
        self, place: Path, line: dict[str, Any] | bytes, error: type[SalesledgerError], words: str
    ) -> None:
        """The number counts blank lines; the error is the ledger's own."""
        before = place.read_bytes()
        with pytest.raises(SalesledgerError, match="Nothing was recorded") as refusal:
            told(place, captured(), b"\n", line)
        assert type(refusal.value) is error
        assert words in str(refusal.value)
        assert place.read_bytes() == before

    def test_come_in_a_dry_run_too_which_records_nothing(self, place: Path) -> None:
        """It decides everything and appends nothing."""
        before = place.read_bytes()
        assert [record.event.company for record in told(place, captured(), dry_run=True)] == ["Acme"]
        with pytest.raises(Refused, match="Line 1"):
            told(place, {"type": "deal-won", "deal": "acme", "on": "2026-01-08"}, dry_run=True)
        assert place.read_bytes() == before
