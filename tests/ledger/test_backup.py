"""Copies of a ledger: exactly what it holds, made while others write, and never in the place of anything."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from salesledger import Ledger
from salesledger.errors import DamagedLedger, LedgerExists, NoLedger, NotALedger, StoreError
from salesledger.ledger import files
from salesledger.ledger.backup import back_up, restore
from salesledger.ledger.log import Log
from salesledger.ledger.raw import RawEntry, raw_entries
from salesledger.ledger.sqlite_schema import SCHEMA
from salesledger.ledger.store import Store
from salesledger.ledger.verify import verify
from salesledger.readmodel import mirror as mirror_module
from salesledger.readmodel.engine import Engine
from support.console import Console
from support.happenings import captured, contacted
from support.ledgers import new_ledger, record, rows, without_privileges, write


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger with two deals."""
    path = new_ledger(tmp_path / "sales.ledger")
    return write(path, ("deal:a", [captured(1), contacted(2)]), ("deal:b", [captured(3)]))


def beside(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()}


def without_keys(path: Path) -> Path:
    """The file with the index of its keys emptied, which a check of its pages alone doesn't find."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_stored_events_1'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes([10, 0, 0, 0, 0, size >> 8, size & 255, 0]))
    return path


class TestBackup:
    def test_of_a_damaged_index_is_refused(self, ledger: Path, tmp_path: Path) -> None:
        """So is restoring one: what an index misses could be recorded twice."""
        copy = without_keys(back_up(ledger, tmp_path / "b.ledger").path)
        with pytest.raises(DamagedLedger, match=r"missing from index|wrong # of entries in index"):
            back_up(copy, tmp_path / "c.ledger")
        with pytest.raises(DamagedLedger, match=r"No ledger was made\.$"):
            restore(copy, tmp_path / "d.ledger")
        assert not (tmp_path / "d.ledger").exists()

    def test_holds_every_entry(self, ledger: Path, tmp_path: Path) -> None:
        """Byte for byte, in a private file, with nothing left beside it."""
        done = back_up(ledger, tmp_path / "b.ledger")
        assert rows(done.path) == rows(ledger)
        assert (done.entries, done.size) == (6, done.path.stat().st_size)
        assert done.path.stat().st_mode & 0o777 == 0o600
        assert beside(ledger) == {"sales.ledger", "b.ledger"}

    def test_holds_what_stands_in_the_write_ahead_log_alone(self, ledger: Path, tmp_path: Path) -> None:
        """While a program that writes has the ledger open, that is where the last entries are."""
        with Store.open(ledger) as store:
            record(store, "deal:c", captured(4))
            assert ledger.with_name("sales.ledger-wal").stat().st_size
            assert back_up(ledger, tmp_path / "b.ledger").entries == 7

    def test_is_a_ledger_that_goes_on(self, ledger: Path, tmp_path: Path) -> None:
        """Append-only, as its original is."""
        copy = back_up(ledger, tmp_path / "b.ledger").path
        with Store.open(copy) as store:
            record(store, "deal:c", captured(4))
        with sqlite3.connect(copy) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("DELETE FROM stored_events")

    def test_is_one_moment_while_others_write(self, ledger: Path, tmp_path: Path) -> None:
        """Commands of three events are in it whole or not at all, and every later backup has all of an earlier one."""
        stop = threading.Event()

        def counted(name: str) -> Callable[[], None]:
            def run() -> None:
                number = 0
                with Store.open(ledger) as store:
                    while not stop.is_set():
                        number += 1
                        record(store, f"deal:{name}-{number}", captured(1), contacted(2), contacted(3))

            return run

        writers = [threading.Thread(target=counted(name)) for name in "xy"]
        for writer in writers:
            writer.start()
        copies = [back_up(ledger, tmp_path / f"{i}.ledger") for i in range(8)]
        stop.set()
        for writer in writers:
            writer.join()
        everything = rows(ledger)
        for copied in copies:
            held = rows(copied.path)
            assert held == everything[: copied.entries]
            assert (len(held) - 6) % 3 == 0
        assert copies[-1].entries > copies[0].entries

    @pytest.mark.parametrize("content", [b"", b"precious"])
    def test_never_replaces_a_file(self, content: bytes, ledger: Path, tmp_path: Path) -> None:
        """Not even an empty one, nor a link that leads nowhere, nor the ledger itself."""
        (tmp_path / "b").write_bytes(content)
        (tmp_path / "link").symlink_to(tmp_path / "gone")
        before = ledger.read_bytes()
        for place in (tmp_path / "b", tmp_path / "link", ledger, tmp_path):
            with pytest.raises(LedgerExists, match=r"exists already.*Name another file.*No backup was made\.$"):
                back_up(ledger, place)
        assert (tmp_path / "b").read_bytes() == content
        assert not (tmp_path / "gone").exists()
        assert ledger.read_bytes() == before

    def test_never_replaces_what_appeared_meanwhile(
        self, ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also on a file system that knows no second names."""

        def late(self: Path, target: Path) -> None:
            self.write_text("precious")
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(Path, "hardlink_to", late)
        with pytest.raises(LedgerExists):
            back_up(ledger, tmp_path / "b")
        assert (tmp_path / "b").read_text() == "precious"
        assert beside(ledger) == {"sales.ledger", "b"}

    def test_works_without_second_names(self, ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As on a memory stick."""

        def refuse(self: Path, target: Path) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
        assert rows(back_up(ledger, tmp_path / "b").path) == rows(ledger)
        assert beside(ledger) == {"sales.ledger", "b"}

    def test_leaves_nothing_where_it_fails(self, ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The disk refuses, or the folder is missing."""

        def full(path: Path) -> None:
            raise OSError(28, "No space left on device")

        with pytest.raises(StoreError, match=r"can't be made: No such file.*No backup was made\.$"):
            back_up(ledger, tmp_path / "nowhere" / "b")
        monkeypatch.setattr(files, "to_disk", full)
        with pytest.raises(StoreError, match=r"can't be made: No space left on device.*No backup was made\.$"):
            back_up(ledger, tmp_path / "b")
        assert beside(ledger) == {"sales.ledger"}

    def test_of_a_read_only_ledger_can_be_made(self, ledger: Path, tmp_path: Path) -> None:
        """Whoever may read it may keep a copy."""
        shared, own = tmp_path / "shared", tmp_path / "own"
        shared.mkdir()
        own.mkdir()
        own.chmod(0o777)
        ledger = ledger.rename(shared / "sales.ledger")
        ledger.chmod(0o444)
        shared.chmod(0o555)
        with without_privileges(own):
            assert back_up(ledger, own / "b").entries == 6
        shared.chmod(0o755)

    def test_that_reads_back_as_something_else_is_none(
        self, ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where the disk gives back other bytes than were written."""
        asked: list[Log] = []

        def lying(connection: Log) -> Iterator[RawEntry]:
            asked.append(connection)
            spoilt = len(asked) == 2
            return (row._replace(state=b"{}") if spoilt else row for row in raw_entries(connection))

        monkeypatch.setattr("salesledger.ledger.backup.raw_entries", lying)
        with pytest.raises(DamagedLedger, match="what was read back from its copy is something else"):
            back_up(ledger, tmp_path / "b")
        assert len(asked) == 2
        assert beside(ledger) == {"sales.ledger"}


NO_DELETE = next(statement for statement in SCHEMA if "stored_events_no_delete" in statement)


def execute(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


UNSOUND: dict[str, tuple[Callable[[Path], object], str]] = {
    "an entry is gone": (
        lambda path: execute(path, "DROP TRIGGER stored_events_no_delete", "DELETE FROM stored_events WHERE entry = 5"),
        "no longer refuses every change",
    ),
    "a rule is gone": (
        lambda path: execute(path, "DROP TRIGGER stored_events_no_update"),
        "no longer refuses every change",
    ),
    "a number was passed over": (
        lambda path: execute(
            path,
            "INSERT INTO stored_events SELECT 9, 'deal:z', 1, topic, state, recorded_at, NULL "
            "FROM stored_events WHERE entry = 6",
        ),
        "entries 7 to 8 are missing",
    ),
    "half of it is gone": (lambda path: os.truncate(path, 12288), "could not be read or written"),
    "its last entry is gone": (
        lambda path: execute(
            path, "DROP TRIGGER stored_events_no_delete", "DELETE FROM stored_events WHERE entry = 6", NO_DELETE
        ),
        "entry 6 is missing",
    ),
}


@pytest.mark.parametrize(("spoil", "why"), UNSOUND.values(), ids=UNSOUND)
def test_what_is_not_sound_is_neither_backed_up_nor_restored(
    spoil: Callable[[Path], object], why: str, ledger: Path, tmp_path: Path
) -> None:
    """The message says what is wrong with it; nothing is made."""
    spoil(ledger)
    with pytest.raises(DamagedLedger, match=f"{why}.*No backup was made"):
        back_up(ledger, tmp_path / "b")
    with pytest.raises(DamagedLedger, match=f"{why}.*No ledger was made"):
        restore(ledger, tmp_path / "r")
    assert {name for name in beside(ledger) if not name.startswith("sales.ledger")} == set()


class TestSeals:
    """A ledger whose entries are sealed."""

    @pytest.fixture
    def sealed(self, tmp_path: Path) -> Path:
        """With one deal, and its key beside it."""
        with Ledger.create(tmp_path / "sealed.ledger", sealed=True, actor="kim") as ledger:
            ledger.record("lead-captured", company="Acme", on="2026-01-05")
            ledger.seal()
        return tmp_path / "sealed.ledger"

    def test_are_in_a_backup_and_the_key_is_not(self, sealed: Path, tmp_path: Path) -> None:
        """What was recorded since the last seal is in it, too."""
        with Ledger.open(sealed, actor="kim", seals=False) as ledger:
            ledger.record("lead-captured", company="Beta", on="2026-01-06")
            last = ledger.head.last_entry + 1
        (tmp_path / "elsewhere").mkdir()
        copied = back_up(sealed, tmp_path / "elsewhere" / "b.ledger")
        assert (copied.entries, copied.sealed) == (last, last - 1)
        assert verify(copied.path).ok
        assert beside(copied.path) == {"b.ledger"}

    def test_that_do_not_fit_stop_a_backup(self, sealed: Path, tmp_path: Path) -> None:
        """Else the last good backup would one day be thrown away for one that was tampered with."""
        trigger = next(statement for statement in SCHEMA if "stored_events_no_update" in statement)
        execute(
            sealed,
            "DROP TRIGGER stored_events_no_update",
            "UPDATE stored_events SET state = CAST(replace(state, 'Acme', 'Evil') AS BLOB) WHERE topic = 'lead-captured/1'",
            trigger,
        )
        with pytest.raises(DamagedLedger, match=r"'salesledger verify' says more.*No backup was made\.$"):
            back_up(sealed, tmp_path / "b.ledger")
        with pytest.raises(DamagedLedger, match=r"'salesledger verify' says more.*No ledger was made\.$"):
            restore(sealed, tmp_path / "r.ledger")
        assert not (tmp_path / "b.ledger").exists()
        assert not (tmp_path / "r.ledger").exists()

    def test_go_on_in_the_restored_ledger_where_the_key_is_at_hand(self, sealed: Path, tmp_path: Path) -> None:
        """The key stayed where it was when the ledger was moved away."""
        backup = back_up(sealed, tmp_path / "b.ledger").path
        sealed.rename(tmp_path / "old.ledger")
        restore(backup, sealed)
        with Ledger.open(sealed, actor="kim") as ledger:
            ledger.record("lead-captured", company="Beta", on="2026-01-06")
            ledger.seal()
        verdict = verify(sealed)
        assert verdict.ok
        assert verdict.sealed == verdict.entries


class TestKeys:
    """The keys of persons, one each, wrapped by a master key."""

    @pytest.fixture
    def console(self, tmp_path: Path) -> Console:
        """A ledger that knows two persons."""
        console = Console(tmp_path, {"SALESLEDGER_ACTOR": "kim"})
        console.ok("init --currency EUR")
        console.ok('account open "Acme" --on 2026-01-05')
        for name in ("Ann Example", "Bob Example"):
            console.ok(f'person add "{name}" --account acme --on 2026-01-05')
        return console

    def test_are_in_no_backup_unless_asked_for(self, console: Console) -> None:
        """Without them names can't be read in what is restored; with them they can."""
        console.ok("backup b.ledger")
        assert {f.name for f in console.folder.glob("b.ledger*")} == {"b.ledger"}
        console.ok("restore b.ledger -f without.ledger")
        assert "Ann Example" not in console.ok("account show acme -f without.ledger")
        assert "with the keys of 2 persons" in console.ok("backup c.ledger --keys")
        for file in console.folder.glob("c.ledger*"):
            assert file.stat().st_mode & 0o777 == 0o600
        console.ok("restore c.ledger --keys -f with.ledger")
        assert "Ann Example" in console.ok("account show acme -f with.ledger")

    def test_of_somebody_who_was_forgotten_are_never_copied(self, console: Console) -> None:
        """Not even where old keys were put back beside the ledger behind its back."""
        keys = console.ledger.with_name("sales.ledger.keys")
        old = keys.read_bytes()
        console.ok("person forget 'Ann Example' --reason 'asked to' --yes")
        keys.write_bytes(old)
        assert back_up(console.ledger, console.folder / "b.ledger", keys=True).keys == 1
        console.ok("restore b.ledger --keys -f r.ledger")
        shown = console.ok("account show acme -f r.ledger")
        assert "Ann Example" not in shown
        assert "Bob Example" in shown

    def test_never_take_the_place_of_others(self, console: Console) -> None:
        """The ledger isn't made either; the same master key may be there already."""
        console.ok("backup b.ledger --keys")
        (console.folder / "r.ledger.keys").write_bytes(b"precious")
        assert "'r.ledger.keys' exists already" in console.no("restore b.ledger --keys -f r.ledger", code=1)
        (console.folder / "r.ledger.keys").unlink()
        (console.folder / "r.ledger.master").write_bytes(b"precious")
        assert "'r.ledger.master' exists already" in console.no("restore b.ledger --keys -f r.ledger", code=1)
        assert not (console.folder / "r.ledger").exists()
        shutil.copyfile(console.folder / "b.ledger.master", console.folder / "r.ledger.master")
        console.ok("restore b.ledger --keys -f r.ledger")

    def test_without_their_master_key_are_no_backup(self, console: Console) -> None:
        """They would be of no use."""
        console.ledger.with_name("sales.ledger.master").unlink()
        message = console.no("backup b.ledger --keys", code=1)
        assert "the master key" in message
        assert message.endswith("No backup was made.")
        assert not list(console.folder.glob("b.ledger*"))

    def test_that_are_not_where_they_should_be_are_missed(self, console: Console) -> None:
        """A backup that claims to have them would be found out too late; who was forgotten has none."""
        for ending in ("keys", "master"):
            console.ledger.with_name(f"sales.ledger.{ending}").unlink()
        message = console.no("backup b.ledger --keys", code=1)
        assert "there are none, though the ledger holds persons (p-1, p-2;" in message
        assert message.endswith("No backup was made.")
        assert not list(console.folder.glob("b.ledger*"))

    def test_that_are_in_the_keyring_stay_there(self, console: Console) -> None:
        """Only the wrapped keys are copied."""
        console.env["SALESLEDGER_MASTER_KEY"] = "keyring"
        console.ok("backup b.ledger --keys")
        assert {f.name for f in console.folder.glob("b.ledger*")} == {"b.ledger", "b.ledger.keys"}

    def test_that_there_are_none_of_is_said_by_a_nought(self, ledger: Path, tmp_path: Path) -> None:
        """A ledger without persons."""
        assert back_up(ledger, tmp_path / "b", keys=True).keys == 0
        assert beside(ledger) == {"sales.ledger", "b"}


class TestRestore:
    def test_makes_the_ledger_that_was_backed_up(self, ledger: Path, tmp_path: Path) -> None:
        """Private, with the same entries, and ready to go on; the backup stays as it was."""
        backup = back_up(ledger, tmp_path / "b").path
        before = backup.read_bytes()
        restored = restore(backup, tmp_path / "r.ledger").path
        assert restored.stat().st_mode & 0o777 == 0o600
        assert rows(restored) == rows(ledger)
        with Store.open(restored) as store:
            record(store, "deal:c", captured(4))
        assert backup.read_bytes() == before

    @pytest.mark.parametrize("name", ["r.ledger", "r.ledger-wal", "r.ledger-journal"])
    def test_never_replaces_a_ledger_or_what_is_left_of_one(self, name: str, ledger: Path, tmp_path: Path) -> None:
        """A write-ahead log that was left behind would be read into the new one."""
        (tmp_path / name).write_bytes(b"precious")
        with pytest.raises(LedgerExists, match=r"Move it away first.*No ledger was made\.$"):
            restore(ledger, tmp_path / "r.ledger")
        assert (tmp_path / name).read_bytes() == b"precious"
        assert beside(ledger) == {"sales.ledger", name}

    def test_forgets_the_mirror_of_the_ledger_that_was_there(
        self, ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is recorded after the backup differs from what was recorded after it the first time."""
        monkeypatch.setattr(mirror_module, "SMALL", 8)
        backup = back_up(ledger, tmp_path / "b").path

        def deals() -> list[str]:
            with Engine.open(ledger) as engine:
                return sorted(row["deal"] for row in engine.answer("deals").dicts())

        write(ledger, ("deal:first", [captured(4), contacted(5)]))
        assert deals() == ["a", "b", "first"]
        assert list(tmp_path.glob("*.mirror/*/*.parquet"))
        ledger.unlink()
        restore(backup, ledger)
        write(ledger, ("deal:second", [captured(4), contacted(5)]))
        assert deals() == ["a", "b", "second"]

    def test_says_what_is_no_backup(self, ledger: Path, tmp_path: Path) -> None:
        """Nothing at all, or some other file."""
        with pytest.raises(NoLedger, match=r"Name a file that 'salesledger backup' has made. No ledger was made\.$"):
            restore(tmp_path / "nothing", tmp_path / "r")
        (tmp_path / "text").write_text("deal,stage")
        with pytest.raises(NotALedger, match=r"it is no SQLite file.*No ledger was made\.$"):
            restore(tmp_path / "text", tmp_path / "r")
        assert not (tmp_path / "r").exists()


class TestWhatABackupLacks:
    def test_keys_that_are_not_there_are_refused_before_anything_is_made(self, ledger: Path, tmp_path: Path) -> None:
        """The remedy is in the message."""
        backup = back_up(ledger, tmp_path / "b").path
        with pytest.raises(StoreError, match=r"there is no file '.*b\.keys'.*without --keys\. No ledger was made\."):
            restore(backup, tmp_path / "r.ledger", keys=True)
        assert not list(tmp_path.glob("r.ledger*"))

    def test_the_seal_key_is_asked_for_where_it_is_missing(self, tmp_path: Path) -> None:
        """Where to put it; nothing where the ledger names none or the key lies there."""
        console = Console(tmp_path, {"SALESLEDGER_ACTOR": "kim"})
        console.ok("init")
        console.ok("backup b.ledger")
        assert "put it at r.ledger.seal-key, or what is" in console.ok("-f r.ledger restore b.ledger")
        assert "put it at q.ledger.seal-key" in console("-f q.ledger restore b.ledger -O json").err
        shutil.copyfile(tmp_path / "sales.ledger.seal-key", tmp_path / "s.ledger.seal-key")
        assert "seal key" not in console.ok("-f s.ledger restore b.ledger")
        console.ok("-f plain.ledger init --no-seal-key")
        console.ok("-f plain.ledger backup p.ledger")
        assert "seal key" not in console.ok("-f p2.ledger restore p.ledger")
