"""A check finds what is not as it should be, each thing by its rule and its entry, and is silent where all is well."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from salesledger import Ledger
from salesledger.cli.demo import build
from salesledger.domain.decide import Correct, Void
from salesledger.errors import DamagedLedger
from salesledger.ledger.backup import back_up
from salesledger.ledger.findings import Finding
from salesledger.ledger.leaves import reading
from salesledger.ledger.sqlite_log import SQLiteLog
from salesledger.ledger.verify import held_against_seals, verify
from salesledger.readmodel import mirror as mirror_module
from salesledger.readmodel.check import check
from salesledger.readmodel.engine import Engine
from support.books import books
from support.happenings import advanced, captured, lost, noted, opened, rate_set, revised, subscribed, won
from support.ledgers import without_privileges


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in which all is well: entries 1 to 3 are its beginning, 4 to 18 what follows."""
    made = books(tmp_path_factory.mktemp("sound"))
    made.record("account:x", opened(1))  # 4
    made.record("a", captured(2, account="x", amount="5"), won(3))  # 5, 6
    made.record("a", Correct(5, "slip", captured(2, account="x", amount="7")))  # 7 voids 5, 8 replaces it
    made.record("b", captured(2, grown_from="a"), lost(4), Void(10, "was not", "kim"))  # 9, 10, 11
    made.record("account:x", noted(3, evidence=6), subscribed(4))  # 12, 13
    made.record("c", captured(5, account="x", subscription="pro", growth="upsell"))  # 14
    made.record("rate:USD", rate_set(1))  # 15
    made.record("c", revised(6, amount="9", currency="USD"), advanced(7, stage="meeting"))  # 16, 17
    return made.path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copy(sound, tmp_path / "sales.ledger"))


def findings(path: Path) -> list[Finding]:
    """What a check finds."""
    return list(check(path))


def tampered(path: Path, *statements: str) -> Path:
    """The ledger after somebody has taken its triggers away, written to it, and put them back."""
    connection = sqlite3.connect(path)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()
    return path


def without_entry(path: Path, *indexes: int) -> None:
    """Give entry 9 a key, and take it out of some of the log's two unique indexes: the keys' is the first."""
    tampered(path, "UPDATE stored_events SET key = 'k-9' WHERE entry = 9")
    whole = path.with_name("whole.ledger")
    shutil.copy(path, whole)
    names = [f"sqlite_autoindex_stored_events_{index}" for index in indexes]
    with sqlite3.connect(path) as connection:
        pages = dict(connection.execute("SELECT name, rootpage FROM sqlite_master"))
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    tampered(whole, "DELETE FROM stored_events WHERE entry = 9")
    with whole.open("rb") as other, path.open("r+b") as file:
        for name in names:
            other.seek((pages[name] - 1) * size)
            file.seek((pages[name] - 1) * size)
            file.write(other.read(size))


def told(entry: int, field: str, value: str) -> str:
    """The statement that has an entry say something else."""
    return (
        f"UPDATE stored_events SET state = CAST(json_set(CAST(state AS TEXT), '$.{field}', {value}) AS BLOB) "
        f"WHERE entry = {entry}"
    )


def column(entry: int, name: str, value: str) -> str:
    """The statement that puts something else in a column of the log."""
    return f"UPDATE stored_events SET {name} = {value} WHERE entry = {entry}"


BROKEN: dict[str, tuple[str, int, str, str]] = {
    "a gap": ("gap", 11, "DELETE FROM stored_events WHERE entry = 10", "entry 10 is missing before this one"),
    "an end cut off": ("gap", 16, "DELETE FROM stored_events WHERE entry = 17", "entry 17 is missing at the end"),
    "a stamp that goes back": ("recorded-at", 9, column(9, "recorded_at", "1"), "before the entry ahead of it"),
    "a stamp ahead": ("recorded-at", 17, column(17, "recorded_at", "7000000000000000"), "in the future"),
    "a stamp at the end of time": ("recorded-at", 17, column(17, "recorded_at", "253402300780000000"), "in the future"),
    "a stamp beyond all": ("content", 17, column(17, "recorded_at", "9000000000000000000"), "no calendar"),
    "a version too many": (
        "version",
        13,
        column(13, "originator_version", "9"),
        "version 9 of its stream, where 3 is due",
    ),
    "a newer type": ("topic", 13, column(13, "topic", "'subscription-started/9'"), "'subscription-started/9'"),
    "no JSON": ("content", 13, column(13, "state", "CAST('{' AS BLOB)"), "no subscription-started/1: Invalid JSON"),
    "no text": ("content", 13, column(13, "state", "x'ff00'"), "no subscription-started/1"),
    "a field too many": ("content", 13, told(13, "colour", "'red'"), "colour: Extra inputs are not permitted"),
    "an amount too long": ("content", 8, told(8, "amount", "'1e99'"), "amount: '1e99' is not an amount"),
    "a negative amount": ("content", 8, told(8, "amount", "'-7'"), "is negative"),
    "an unknown kind of stream": ("stream", 9, column(9, "originator_id", "'dael:b'"), "'dael:b' is no stream"),
    "an event of another kind": ("stream", 15, column(15, "originator_id", "'deal:usd'"), "rate-set is no event"),
    "known too late": ("known-at", 9, told(9, "known_at", "'2027-01-01T00:00:00Z'"), "after it was recorded"),
    "long ago": ("effective-at", 9, told(9, "effective_at", "'1950-01-01T00:00:00Z'"), "happened in 1950"),
    "not yet": ("effective-at", 10, told(10, "effective_at", "'2150-01-01T00:00:00Z'"), "happened on 2150-01-01"),
    "a currency without a rate": ("currency", 16, told(16, "currency", "'GBP'"), "an amount in GBP"),
    "a void of nothing": ("void", 11, told(11, "voids", "16"), "voids entry 16, which is no earlier entry"),
    "a void of another root": ("void", 11, told(11, "void_root", "9"), "tells entry 9"),
    "a void that restores": ("void", 11, told(11, "strikes", "json('false')"), "restores entry 10, which is standing"),
    "a replacement of nothing": ("replaces", 8, told(8, "replaces", "9"), "replaces entry 9"),
    "a replacement elsewhere": ("replaces", 8, told(8, "rank", "6"), "has the rank 6; that of entry 5"),
    "an account that is not there": ("reference", 8, told(8, "account", "'y'"), "names the account 'y' as its account"),
    "a deal that is not there": ("reference", 9, told(9, "grown_from", "'y'"), "names the deal 'y' as its grown_from"),
    "a subscription that is not there": ("reference", 14, told(14, "subscription", "'max'"), "the subscription 'max'"),
    "evidence that is not there": ("reference", 12, told(12, "evidence", "99"), "gives entry 99 as its evidence"),
    "a process that is not there": ("process", 9, told(9, "process", "'art'"), "no process 'art/1'"),
    "a version that is not there": ("process", 9, told(9, "process_version", "7"), "no process 'b2b/7'"),
    "a stage that is not there": ("stage", 17, told(17, "stage", "'moon'"), "the process 'b2b' has no stage 'moon'"),
}


class TestTheLog:
    def test_is_silent_where_all_is_well(self, path: Path) -> None:
        """A ledger with corrections, voids and references, and the made-up company's."""
        assert findings(path) == []
        build(path.with_name("demo.ledger"))
        assert findings(path.with_name("demo.ledger")) == []

    @pytest.mark.parametrize("name", BROKEN)
    def test_finds_what_somebody_changed(self, name: str, path: Path) -> None:
        """By its rule, with its entry, what is wrong and what to do."""
        rule, entry, statement, words = BROKEN[name]
        found = [f for f in findings(tampered(path, statement)) if (f.rule, f.entry) == (rule, entry)]
        assert len(found) == 1
        assert words in found[0].problem
        assert found[0].severity == "error"
        assert found[0].remedy.endswith(".")

    def test_finds_only_that(self, path: Path) -> None:
        """One change, one finding, where nothing else depends on it."""
        assert len(findings(tampered(path, told(12, "evidence", "99")))) == 1

    def test_finds_a_void_of_what_can_not_be_voided(self, path: Path) -> None:
        """A process is there for good."""
        void = (
            '{"effective_at":"2026-01-01T00:00:00Z","recorded_by":"kim","voids":2,"void_root":2,"strikes":true,'
            '"void_reason":"no"}'
        )
        add = (
            "INSERT INTO stored_events (originator_id, originator_version, topic, state, recorded_at) "
            f"SELECT 'process:b2b', 2, 'event-voided/1', CAST('{void}' AS BLOB), recorded_at FROM stored_events WHERE entry = 17"
        )
        assert ("void", 18) in [(f.rule, f.entry) for f in findings(tampered(path, add))]

    def test_finds_a_key_that_stands_for_two(self, path: Path) -> None:
        """Where the table was laid out anew without its constraint."""
        copy = "CREATE TABLE other AS SELECT * FROM stored_events"
        statements = (copy, "DROP TABLE stored_events", "ALTER TABLE other RENAME TO stored_events")
        found = findings(tampered(path, *statements, "UPDATE stored_events SET key = 'k' WHERE entry IN (5, 9)"))
        assert ("key", 9) in [(f.rule, f.entry) for f in found]
        assert "the table stored_events is not the one" in next(f.problem for f in found if f.rule == "append-only")

    def test_finds_missing_triggers(self, path: Path) -> None:
        """Each by its name."""
        with sqlite3.connect(path) as connection:
            connection.execute("DROP TRIGGER stored_events_no_update")
        (found,) = findings(path)
        assert (found.rule, found.entry) == ("append-only", None)
        assert "the trigger stored_events_no_update is missing" in found.problem

    @pytest.mark.parametrize("index", [1, 2])
    def test_finds_an_index_that_misses_an_entry(self, path: Path, index: int) -> None:
        """Through it a key or a version could be recorded a second time."""
        without_entry(path, index)
        assert ("file", True) in {(f.rule, "missing from index" in f.problem) for f in findings(path)}
        assert not verify(path).ok

    def test_finds_twice_what_a_damaged_index_let_in(self, path: Path) -> None:
        """The rows are compared, not the index."""
        without_entry(path, 1, 2)
        with sqlite3.connect(path) as connection:
            connection.execute(
                "INSERT INTO stored_events (originator_id, originator_version, topic, state, recorded_at, key) "
                "SELECT originator_id, originator_version, topic, state, recorded_at, key FROM stored_events WHERE entry = 9"
            )
        assert {("key", 18), ("version", 18)} <= {(f.rule, f.entry) for f in findings(path)}

    @pytest.mark.parametrize(
        ("name", "statement"),
        [
            ("trigger 'evil'", "CREATE TRIGGER evil BEFORE INSERT ON stored_events BEGIN SELECT RAISE(IGNORE); END"),
            ("trigger 'stored_events'", "CREATE TRIGGER stored_events AFTER INSERT ON seal_blocks BEGIN SELECT 1; END"),
            ("table 'notes'", "CREATE TABLE notes (note TEXT)"),
            ("view 'deals'", "CREATE VIEW deals AS SELECT * FROM stored_events"),
            ("index 'by_topic'", "CREATE INDEX by_topic ON stored_events (topic)"),
        ],
    )
    def test_finds_what_is_not_salesledgers(self, path: Path, name: str, statement: str) -> None:
        """Tables, triggers, views and indexes alike; verifying finds them too, and no backup is made."""
        with sqlite3.connect(path) as connection:
            connection.execute(statement)
        (found,) = findings(path)
        assert (found.rule, name in found.problem) == ("schema", True)
        (told,) = verify(path).findings
        assert (told.rule, name in told.problem) == ("schema", True)
        with pytest.raises(DamagedLedger, match=name):
            back_up(path, path.with_name("b.ledger"))

    def test_leaves_sqlites_own_tables_alone(self, path: Path) -> None:
        """Such as the statistics of ANALYZE."""
        with sqlite3.connect(path) as connection:
            connection.execute("ANALYZE")
        assert findings(path) == []

    def test_notices_a_step_that_the_rules_refuse_today(self, path: Path) -> None:
        """It may have been allowed when it was recorded, so this is a notice."""
        (found,) = findings(
            tampered(path, told(17, "stage", "'lead'"), told(16, "category", "'commit'"), told(17, "process", "'b2b'"))
        )
        assert (found.rule, found.entry, found.severity) == ("replay", 17, "notice")
        assert "the deal is in the stage 'lead' already" in found.problem

    def test_notices_a_reference_to_what_was_struck_out(self, path: Path) -> None:
        """What it names was there once."""
        (found,) = findings(tampered(path, told(12, "evidence", "5")))
        assert (found.rule, found.entry, found.severity) == ("reference", 12, "notice")

    def test_goes_on_where_the_file_is_damaged(self, path: Path) -> None:
        """Pages overwritten with rubbish are findings, no crash."""
        with path.open("r+b") as file:
            size = path.stat().st_size
            file.seek(size // 2)
            file.write(b"\xa5" * (size // 4))
        found = findings(path)
        assert "file" in {f.rule for f in found}

    def test_goes_on_where_the_beginning_is_broken(self, path: Path) -> None:
        """Reports can't be asked then, but what is wrong can be told."""
        found = findings(tampered(path, column(1, "state", "CAST('[' AS BLOB)")))
        assert ("content", 1) in [(f.rule, f.entry) for f in found]

    def test_tells_where_not_even_the_schema_can_be_read(self, path: Path) -> None:
        """The first page overwritten behind its header."""
        with path.open("r+b") as file:
            file.seek(100)
            file.write(b"\xa5" * 3000)
        (found,) = findings(path)
        assert (found.rule, found.entry) == ("file", None)

    def test_works_on_what_can_only_be_read(self, path: Path) -> None:
        """A file and a folder without the right to write."""
        path.chmod(0o444)
        path.parent.chmod(0o555)
        try:
            with without_privileges(path.parent):
                assert findings(path) == []
        finally:
            path.parent.chmod(0o755)


class TestTheSeals:
    @pytest.fixture
    def sealed(self, tmp_path: Path) -> Path:
        """A ledger of a few entries, the last of them recorded since the seal."""
        with Ledger.create(tmp_path / "sales.ledger", sealed=True, seals=False) as ledger:
            ledger.record("lead-captured", company="Acme", owner="kim")  # 3
            ledger.seal()
            ledger.record("lead-captured", company="Beta", owner="kim")  # 4
        return tmp_path / "sales.ledger"

    def test_find_a_change_that_breaks_no_rule(self, sealed: Path) -> None:
        """An owner changed, the triggers put back: the seals say among which entries."""
        assert findings(sealed) == []
        found = findings(tampered(sealed, told(3, "owner", "'eve'")))
        assert [(f.rule, f.entry) for f in found] == [("seal", 3)]
        assert "doesn't fit the log: entry 3 was changed" in found[0].problem
        assert "verify" in found[0].remedy

    def test_that_were_taken_away_are_missed(self, sealed: Path) -> None:
        """The ledger still names the key."""
        (found,) = findings(tampered(sealed, "DELETE FROM seal_checkpoints"))
        assert found.rule == "seal"
        assert "keeps no seal" in found.problem

    def test_are_not_asked_for_what_was_never_sealed(self, path: Path) -> None:
        """A ledger without a key has nothing to be held against."""
        with sqlite3.connect(path, factory=SQLiteLog) as connection:
            assert held_against_seals(reading(connection)) == []


class TestTheMirror:
    @pytest.fixture
    def folder(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The mirror of the ledger, in segments of ten and of five entries."""
        monkeypatch.setattr(mirror_module, "BIG", 10)
        monkeypatch.setattr(mirror_module, "SMALL", 5)
        with Engine.open(path) as engine:
            engine.answer("deals")
        (folder,) = path.with_name(f"{path.name}.mirror").iterdir()
        assert sorted(file.name[:25] for file in folder.glob("0*")) == [
            "000000000000-000000000010",
            "000000000010-000000000015",
        ]
        return folder

    def test_is_what_the_log_says(self, path: Path, folder: Path) -> None:
        """Then there is nothing to tell."""
        assert findings(path) == []

    def test_that_says_otherwise_is_found(self, path: Path, folder: Path) -> None:
        """With the segment and the first entry, and what to delete."""
        (found,) = findings(tampered(path, told(12, "weight", "4")))
        assert (found.rule, found.entry) == ("mirror", 12)
        assert found.remedy == f"Delete the folder {str(folder)!r}: the next report writes it anew from the log."

    def test_that_cannot_be_read_is_found(self, path: Path, folder: Path) -> None:
        """Rubbish in the place of a segment."""
        next(folder.glob("000000000000-000000000010-*")).write_bytes(b"rubbish")
        (found,) = findings(path)
        assert (found.rule, found.entry) == ("mirror", 1)
        assert "can't be read" in found.problem

    def test_beside_which_other_files_lie_is_found(self, path: Path, folder: Path) -> None:
        """By name; what is just being written is part of it, and so are backtests."""
        (folder.parent / "backtests").mkdir()
        (folder / "notes.txt").write_text("hello")
        (folder.parent / "more.txt").write_text("hello")
        (folder / ".000000000015-000000000020.parquet.1.a").touch()
        found = findings(path)
        assert {f.rule for f in found} == {"mirror"}
        assert [name for name in ("more.txt", "notes.txt") if any(name in f.problem for f in found)] == [
            "more.txt",
            "notes.txt",
        ]
        assert len(found) == 2

    def test_of_another_log_is_found(self, path: Path, folder: Path) -> None:
        """One that had another entry at a segment's end."""
        shutil.copy(next(folder.glob("000000000010-*")), folder / "000000000010-000000000015-01234567.parquet")
        (found,) = findings(path)
        assert "is of another log, which had another entry 15" in found.problem

    def test_that_is_longer_than_the_log_is_found(self, path: Path, folder: Path) -> None:
        """As of another, longer copy of the same ledger."""
        shutil.copy(next(folder.glob("000000000010-*")), folder / "000000000015-000000000020-01234567.parquet")
        (found,) = findings(path)
        assert "holds entries up to 20; the log ends with 17" in found.problem
