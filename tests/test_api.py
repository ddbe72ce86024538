"""`Ledger`, the face for Python: record, ask about any past date, take the answer as frames."""

import doctest
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import salesledger
from salesledger import Ledger, api
from salesledger.errors import (
    BadValue,
    KeyReused,
    LedgerExists,
    NoLedger,
    NotFound,
    Refused,
    SalesledgerError,
    UsageError,
)
from support.ledgers import file_of, log_of, new_ledger, rows
from support.quarter import first_quarter


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A new ledger in euros, in Berlin."""
    return new_ledger(tmp_path / "sales.ledger", timezone="Europe/Berlin")


@pytest.fixture
def ledger(place: Path) -> Ledger:
    """The ledger after a first quarter."""
    return first_quarter(place)


class TestSealing:
    """Closing seals what was recorded, as each command does."""

    @pytest.fixture
    def sealed(self, tmp_path: Path) -> Path:
        """A ledger with a key, sealed from its first entry on."""
        Ledger.create(tmp_path / "sealed.ledger", currency="EUR", sealed=True).close()
        return tmp_path / "sealed.ledger"

    @staticmethod
    def unsealed(path: Path) -> int:
        """How many entries no seal covers."""
        with Ledger.open(path) as ledger:
            verdict = ledger.verify()
            return verdict.entries - verdict.sealed

    def test_is_done_once_at_the_end(self, sealed: Path) -> None:
        """Of whatever was recorded; of nothing, nothing."""
        with Ledger.open(sealed) as ledger:
            ledger.record("lead-captured", company="Acme")
            ledger.record("lead-captured", company="Beta")
            assert self.unsealed(sealed) == 2
        assert self.unsealed(sealed) == 0
        before = sealed.stat().st_mtime_ns
        with Ledger.open(sealed) as ledger:
            ledger.project("deals").fetchall()
        assert sealed.stat().st_mtime_ns == before

    def test_is_done_earlier_for_who_asks(self, sealed: Path) -> None:
        """Programs that never end; it gives the seal, and none where there is nothing new."""
        with Ledger.open(sealed) as ledger:
            entry = ledger.record("lead-captured", company="Acme").recorded[0].entry
            seal = ledger.seal_recorded()
            assert seal is not None
            assert seal.size == entry
            assert self.unsealed(sealed) == 0
            assert ledger.seal_recorded() is None

    def test_can_be_switched_off(self, sealed: Path) -> None:
        """Then it is whoever calls `seal`."""
        with Ledger.open(sealed, seals=False) as ledger:
            ledger.record("lead-captured", company="Acme")
        assert self.unsealed(sealed) == 1

    def test_that_fails_is_a_warning(self, sealed: Path) -> None:
        """What is recorded is recorded."""
        sealed.with_name("sealed.ledger.seal-key").write_text("spoilt")
        with (
            pytest.warns(UserWarning, match="recorded, but not sealed: .* is no seal key"),
            Ledger.open(sealed) as ledger,
        ):
            ledger.record("lead-captured", company="Acme")
        assert "acme" in {r.id for r in log_of(sealed)}

    def test_without_a_key_there_is_none(self, place: Path) -> None:
        """And no warning."""
        with Ledger.open(place) as ledger:
            ledger.record("lead-captured", company="Acme")


class TestOpening:
    """A ledger is made once, opened often, and let go."""

    def test_creates_a_private_file_that_another_opens(self, tmp_path: Path) -> None:
        """What was chosen at the start holds; a path may be text."""
        with Ledger.create(str(tmp_path / "new.ledger"), timezone="Asia/Tokyo", currency="JPY", actor="kim") as ledger:
            assert (ledger.head.currency, str(ledger.zone)) == ("JPY", "Asia/Tokyo")
        assert (tmp_path / "new.ledger").stat().st_mode & 0o777 == 0o600
        with Ledger.open(tmp_path / "new.ledger") as again:
            assert again.head.ledger_id == ledger.head.ledger_id
            assert {stage[0] for stage in again.head.stages} == {"b2b"}

    @pytest.mark.parametrize(
        ("options", "words"), [({"timezone": "Berlin"}, "time zone"), ({"currency": "euro"}, "currency code")]
    )
    def test_makes_nothing_of_what_it_does_not_understand(
        self, tmp_path: Path, options: dict[str, str], words: str
    ) -> None:
        """No file is left behind."""
        with pytest.raises(BadValue, match=words):
            Ledger.create(tmp_path / "new.ledger", **options)  # type: ignore[arg-type]
        assert not list(tmp_path.iterdir())

    def test_refuses_what_is_there_and_what_is_not(self, place: Path) -> None:
        """Create needs a free place, open a ledger, neither a server's address nor a NUL byte."""
        with pytest.raises(LedgerExists):
            Ledger.create(place)
        with pytest.raises(NoLedger):
            Ledger.open(place.with_name("other"))
        with pytest.raises(UsageError):
            Ledger.open("mysql://server/sales")
        with pytest.raises(UsageError):
            Ledger.open("a\x00b")

    def test_is_left_by_its_context_and_may_be_used_again(self, place: Path) -> None:
        """Closing lets go of the file; the next call takes it up again; closing twice is nothing."""
        with Ledger.open(place, actor="kim") as ledger:
            ledger.record("lead-captured", company="Acme")
            assert ledger.project("deals").fetchall()
        ledger.close()
        assert len(ledger.project("deals").fetchall()) == 1
        ledger.record("lead-captured", company="Beta")
        assert len(ledger.project("deals").fetchall()) == 2
        ledger.close()
        assert (
            not place.with_name(place.name + "-wal").exists() or not place.with_name(place.name + "-wal").stat().st_size
        )

    def test_example_of_the_docstring_works(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the module opens with can be typed as it stands."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("SALESLEDGER_ACTOR", "kim")
        tests = doctest.DocTestFinder(recurse=False).find(api, "api")
        assert sum(len(test.examples) for test in tests) >= 2
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        for test in tests:
            runner.run(test)
        assert runner.summarize().failed == 0
        with Ledger.open(tmp_path / "sales.ledger") as ledger:
            assert len(ledger.project("deals").fetchall()) == 1

    def test_comes_from_the_package_itself(self) -> None:
        """`from salesledger import Ledger`, and nothing that isn't there."""
        assert salesledger.Ledger is Ledger
        with pytest.raises(AttributeError, match="Nothing"):
            salesledger.Nothing  # noqa: B018


class TestRecording:
    """An event is decided, then appended."""

    def test_gives_what_was_recorded(self, place: Path) -> None:
        """The outcome holds the entries as the log has them."""
        with Ledger.open(place, actor="kim") as ledger:
            outcome = ledger.record("lead-captured", company="Acme GmbH", amount=5000, on="2026-01-05", source=None)
        (record,) = outcome.recorded
        assert (outcome.stream, record.entry, outcome.already) == ("deal:acme-gmbh", 4, False)
        assert record.event.amount == Decimal(5000)  # type: ignore[attr-defined]
        assert record == log_of(place)[-1]

    @pytest.mark.parametrize(
        ("on", "effective_at"),
        [
            ("2026-01-05", datetime(2026, 1, 4, 23, tzinfo=UTC)),
            (date(2026, 1, 5), datetime(2026, 1, 4, 23, tzinfo=UTC)),
            (datetime(2026, 1, 5, 8, tzinfo=UTC), datetime(2026, 1, 5, 8, tzinfo=UTC)),
            ("yesterday", datetime(2026, 3, 29, 22, tzinfo=UTC)),
            (None, datetime(2026, 3, 30, 22, tzinfo=UTC)),
        ],
    )
    def test_takes_dates_in_any_form(self, place: Path, on: Any, effective_at: datetime) -> None:
        """Text, a date, an instant; without one, today."""
        with Ledger.open(place, actor="kim", today=date(2026, 3, 31)) as ledger:
            (record,) = ledger.record("lead-captured", company="Acme", on=on).recorded
        assert record.event.effective_at == effective_at

    def test_takes_today_for_now_unless_a_key_is_given(self, place: Path) -> None:
        """What happened this morning lies before what is recorded 'today'; with a key the day is its start, today and tomorrow."""
        with Ledger.open(place, actor="kim") as ledger:
            today = ledger.today
            (captured,) = ledger.record("lead-captured", company="Acme").recorded
            (qualified,) = ledger.record("lead-qualified", deal="acme", on="today").recorded
            (won,) = ledger.record("deal-won", deal="acme", on=today).recorded
            (keyed,) = ledger.record("lead-captured", company="Beta", on=today, key="k").recorded
        if today == ledger.today:  # unless midnight has passed in between
            assert captured.event.effective_at <= qualified.event.effective_at <= won.event.effective_at
            start = datetime.combine(today, datetime.min.time(), ledger.zone)
            assert keyed.event.effective_at == start

    def test_refuses_a_day_that_has_not_begun(self, place: Path) -> None:
        """Tomorrow's date in the ledger's zone, however near it is."""
        with Ledger.open(place, actor="kim") as ledger:
            tomorrow = ledger.today + timedelta(days=1)
            with pytest.raises(Refused, match=f"{tomorrow} lies in the future"):
                ledger.record("lead-captured", company="Acme", on=tomorrow)

    def test_refuses_an_instant_without_an_offset(self, place: Path) -> None:
        """Nobody knows which instant that is."""
        with Ledger.open(place, actor="kim") as ledger, pytest.raises(BadValue, match="has no offset"):
            ledger.record("lead-captured", company="Acme", on=datetime(2026, 1, 5))  # noqa: DTZ001

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"type": "deal-wonn", "deal": "acme"}, "Did you mean 'deal-won'"),
            ({"type": "deal-won", "deal": "acme", "amout": 5}, "Did you mean 'amount'"),
            ({"type": "deal-won", "deal": "acme", "amount": 5.5}, "may be inexact"),
            ({"type": "deal-won", "deal": "acme", "amount": Decimal("NaN")}, "not an amount"),
            ({"type": "deal-won", "deal": "acme", "amount": Decimal("1E+1000000")}, "not an amount"),
            ({"type": "deal-won"}, "needs the id of its deal"),
            ({"type": "deal-won", "deal": "a b"}, "is not an id"),
            ({"type": "account-opened"}, "needs 'company'"),
            ({"type": "lead-captured", "company": "x", "self": 1}, "no field 'self'"),
            ({"type": "lead-captured", "company": "x", "actor": ""}, "Who records"),
        ],
    )
    def test_refuses_what_an_event_cannot_hold(self, place: Path, arguments: dict[str, Any], words: str) -> None:
        """And records nothing."""
        before = rows(place)
        with Ledger.open(place, actor="kim") as ledger, pytest.raises(BadValue, match=words):
            ledger.record(arguments.pop("type"), **arguments)
        assert rows(place) == before

    def test_names_who_records(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The call's actor, else the ledger's, else the environment's, else the login name."""

        def recorded_by(opened_by: str | None, actor: str | None = None) -> str:
            with Ledger.open(place, actor=opened_by) as ledger:
                (record,) = ledger.record("lead-captured", company="Acme", dry_run=True, actor=actor).recorded
            return record.event.recorded_by

        monkeypatch.setenv("SALESLEDGER_ACTOR", "env")
        assert [recorded_by("kim", "ann"), recorded_by("kim"), recorded_by(None)] == ["ann", "kim", "env"]
        monkeypatch.delenv("SALESLEDGER_ACTOR")
        monkeypatch.setattr("getpass.getuser", lambda: "Jo Smith")
        assert recorded_by(None) == "jo-smith"

    def test_of_a_dry_run_decides_and_leaves_the_file_alone(self, place: Path) -> None:
        """Refusals come, entries don't."""
        before = place.read_bytes()
        with Ledger.open(place, actor="kim") as ledger:
            assert ledger.record("lead-captured", company="Acme", dry_run=True).recorded
            with pytest.raises(Refused):
                ledger.record("deal-won", deal="acme", dry_run=True)
        assert place.read_bytes() == before

    def test_of_several_is_all_or_nothing(self, place: Path) -> None:
        """Proposals are judged one after the other, and appended together."""
        with Ledger.open(place, actor="kim") as ledger:
            captured = ledger.proposal("lead-captured", company="Acme", deal="acme", on="2026-01-05")
            won = ledger.proposal("deal-won", deal="acme", on="2026-01-09")
            too_early = ledger.proposal("deal-lost", deal="acme", on="2026-01-01")
            before = rows(place)
            with pytest.raises(Refused) as refusal:
                ledger.record_all([[captured], [too_early]])
            assert refusal.value.group == 1
            assert rows(place) == before
            outcomes = ledger.record_all([[captured, won]])
        assert [record.entry for outcome in outcomes[0] for record in outcome.recorded] == [4, 5]

    def test_of_a_referral_makes_the_lead_and_the_thanks(self, place: Path) -> None:
        """One call, two entries, once for a key."""
        with Ledger.open(place, actor="kim") as ledger:
            ledger.record("account-opened", company="Acme", on="2026-01-01")
            lead, thanks = ledger.refer("acme", "Beta", on="2026-01-05", amount="10", key="r1", actor="ann")
            assert (lead.stream, thanks.stream) == ("deal:beta", "account:acme")
            event: Any = lead.recorded[0].event
            assert (event.referred_by, event.source, event.recorded_by) == ("acme", "referral", "ann")
            again = ledger.refer("acme", "Beta", on="2026-01-05", amount="10", key="r1", actor="ann")
            assert [outcome.already for outcome in again] == [True, True]
            with pytest.raises(NotFound, match="There is no account 'nobody'"):
                ledger.refer("nobody", "Gamma")
            assert ledger.project("accounts").select("referrals_given").fetchall() == [(1,)]


class TestVoidsAndCorrections:
    """A mistake is struck out or put right; both stay on record."""

    def test_strike_out_and_take_back(self, ledger: Ledger) -> None:
        """A void of a void restores the entry."""
        with ledger:
            void = ledger.void(9, "was a test")
            assert len(ledger.project("deals").fetchall()) == 2
            ledger.void(void.recorded[0].entry, "was none")
            assert len(ledger.project("deals").fetchall()) == 3

    def test_put_right_what_is_given_and_keep_the_rest(self, ledger: Ledger) -> None:
        """What was believed before stays answerable."""
        with ledger:
            before = datetime.now(UTC)
            outcome = ledger.correct(6, "typing error", {"amount": "950"}, on="2026-02-03")
            assert [record.event.type_name() for record in outcome.recorded] == ["event-voided", "deal-won"]
            query = "SELECT amount, closed_on FROM deals WHERE deal = 'acme'"
            assert ledger.query(query).fetchall() == [(Decimal(950), date(2026, 2, 3))]
            assert ledger.query(query, known_at=before).fetchall() == [(Decimal("900.50"), date(2026, 2, 1))]

    def test_take_a_field_away(self, ledger: Ledger) -> None:
        """None means that it isn't known."""
        with ledger:
            ledger.correct(4, "not his", {"owner": None})
            assert ledger.query("SELECT owner FROM deals WHERE deal = 'acme'").fetchall() == [(None,)]

    @pytest.mark.parametrize(
        ("entry", "changes", "error"),
        [
            (99, {"amount": 5}, NotFound),
            (10**30, {"amount": 5}, NotFound),
            (6, {}, BadValue),
            (6, {"amuont": 5}, BadValue),
            (6, {"amount": -5}, BadValue),
            (4, {"stage": "nowhere"}, Refused),
            (1, {"timezone": "UTC"}, Refused),
        ],
    )
    def test_refuse_what_is_impossible(
        self, ledger: Ledger, entry: int, changes: dict[str, Any], error: type[Exception]
    ) -> None:
        """And record nothing."""
        before = rows(file_of(ledger))
        with ledger, pytest.raises(error, match="Nothing was recorded"):
            ledger.correct(entry, "x", changes)
        assert rows(file_of(ledger)) == before

    def test_are_done_once_for_a_key(self, ledger: Ledger) -> None:
        """A retry after a lost answer changes nothing."""
        with ledger:
            first = ledger.void(9, "x", key="v1")
            assert ledger.void(9, "x", key="v1").already
            assert ledger.correct(4, "y", {"owner": "lee"}, key="c1").recorded
            assert ledger.correct(4, "y", {"owner": "lee"}, key="c1").already
            with pytest.raises(KeyReused):
                ledger.void(4, "x", key="v1")
        assert [record.key for record in log_of(file_of(ledger))].count("v1") == 1
        assert first.recorded[0].key == "v1"


class TestTwoAtOnce:
    """Several programs work on one ledger."""

    def test_one_sees_at_once_what_the_other_records(self, place: Path) -> None:
        """No question is answered from an old state."""
        with Ledger.open(place, actor="kim") as one, Ledger.open(place, actor="ann") as two:
            for number in range(1, 4):
                one.record("lead-captured", company=f"Deal {number}")
                assert len(two.project("deals").fetchall()) == number
                two.record("lead-contacted", deal=f"deal-{number}", channel="call")
                assert one.query("SELECT count(*) FROM events WHERE type = 'lead-contacted'").fetchall() == [(number,)]

    def test_a_relation_is_read_before_the_next_question(self, ledger: Ledger) -> None:
        """Two questions in turn have two answers, also after something was recorded in between."""
        with ledger:
            first = ledger.project("deals").fetchall()
            ledger.record("lead-captured", company="Delta", on="2026-03-30")
            assert len(ledger.project("deals").fetchall()) == len(first) + 1

    def test_both_are_judged_on_what_the_other_has_recorded(self, place: Path) -> None:
        """Only one of two closes a deal; only one of two new leads gets the plain id."""
        with Ledger.open(place, actor="kim") as one, Ledger.open(place, actor="ann") as two:
            one.record("lead-captured", company="Acme", on="2026-01-05")
            assert two.record("lead-captured", company="Acme", on="2026-01-06").stream == "deal:acme-2"
            one.record("deal-won", deal="acme", on="2026-01-10")
            with pytest.raises(Refused, match="the deal is won since 2026-01-10"):
                two.record("deal-lost", deal="acme", on="2026-01-11")

    def test_many_threads_lose_nothing_and_break_nothing(self, place: Path) -> None:
        """Each has its own ledger object; every key is recorded once, and the log stays in order."""
        problems: list[SalesledgerError] = []

        def work(number: int) -> None:
            try:
                with Ledger.open(place, actor=f"w{number}") as ledger:
                    for i in range(8):
                        ledger.record("lead-captured", company="Same", key=f"shared-{i}", on="2026-01-05")
                        ledger.record("lead-captured", company=f"Own {number} {i}")
            except SalesledgerError as e:
                problems.append(e)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not problems
        log = log_of(place, "deal")
        assert sorted(record.key for record in log if record.key) == [f"shared-{i}" for i in range(8)]
        assert len(log) == 8 + 4 * 8
        assert len({record.stream for record in log}) == len(log)
        assert [record.recorded_at for record in log] == sorted(record.recorded_at for record in log)


class TestKeeping:
    """A program keeps its ledger safe as the command line does."""

    def test_checks_and_backs_up(self, ledger: Ledger, tmp_path: Path) -> None:
        """Nothing is found in a sound ledger, and the copy holds as many entries."""
        assert ledger.check() == []
        copied = ledger.backup(tmp_path / "monday.ledger")
        assert (copied.path.name, copied.keys) == ("monday.ledger", 0)
        with Ledger.open(copied.path) as copy:
            assert copy.verify().entries == ledger.verify().entries == copied.entries
        with pytest.raises(LedgerExists):
            ledger.backup(tmp_path / "monday.ledger")

    def test_tells_what_somebody_changed(self, place: Path) -> None:
        """Each finding with its rule and its remedy."""
        with sqlite3.connect(place) as connection:
            connection.execute("DROP TRIGGER stored_events_no_update")
        with Ledger.open(place) as ledger:
            (found,) = ledger.check()
        assert found.rule == "append-only"
        assert found.remedy


def test_what_others_record_between_questions_is_never_lost(tmp_path: Path) -> None:
    """A program that asks and records in turns with others leaves their entries alone, and sees them."""
    place = tmp_path / "sales.ledger"
    command = str(Path(sys.executable).with_name("salesledger"))
    other = [command, "-f", str(place), "lead", "capture", "--source", "pr"]
    with Ledger.create(place, currency="EUR") as ledger:
        for number in range(3):
            ledger.record("lead-captured", company=f"Ours {number}", source="pr")
            assert len(ledger.project("leads").fetchall()) == 2 * number + 1
            subprocess.run([*other, f"Theirs {number}"], check=True, capture_output=True)

    with Ledger.open(place) as ledger:
        assert len(ledger.project("leads").fetchall()) == 6
        assert ledger.check() == []
