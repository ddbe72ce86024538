"""The keys of persons: without hers, no text of a person can be read; and no byte of it lies anywhere once she is forgotten."""

import base64
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keyring
import pytest
from eventsourcing.persistence import IntegrityError
from keyring.backend import KeyringBackend

from salesledger import Ledger
from salesledger.errors import Conflict, LostKeys, NotFound, Refused
from salesledger.ledger import store as store_module
from salesledger.ledger.keys import SEALED, PersonKeys
from salesledger.ledger.sqlite_recorder import SQLiteRecorder
from salesledger.readmodel.check import check
from support.ledgers import new_ledger

NAME, MAIL = "Zaphod Beeblebrox", "zaphod@example.org"
OTHER = "Trillian Astra"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with two persons, of whom one is a contact."""
    place = new_ledger(tmp_path / "sales.ledger")
    with Ledger.open(place, actor="kim") as ledger:
        ledger.open_account("Acme")
        ledger.add_person(NAME, email=MAIL, account="acme", role="champion")
        ledger.add_person(OTHER)
        ledger.record("person-revised", person="p-1", remark=f"{NAME} has two heads", key="heads")
    return place


def names(path: Path) -> list[tuple[str, str]]:
    """Who is who."""
    with Ledger.open(path) as ledger:
        return ledger.project("persons").select("person, name").fetchall()


def bytes_beside(path: Path) -> bytes:
    """Every byte of every file in the ledger's folder, WAL, keys and mirror included."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.rglob("*")) if file.is_file())


def forms(text: str) -> list[bytes]:
    """The text as it could lie in a file."""
    raw = text.encode()
    return [raw, raw.lower(), text.encode("utf-16-le"), base64.b64encode(raw)[:-4], raw.hex().encode()]


class TestAtRest:
    def test_no_text_lies_anywhere_even_before(self, path: Path) -> None:
        """Not in the log, its WAL, the keys or the mirror, also while the ledger is open and after it was asked."""
        with Ledger.open(path) as ledger:
            ledger.record("person-revised", person="p-1", phone=MAIL)
            assert ledger.project("persons").fetchall()
            held = bytes_beside(path)
        assert SEALED.encode() in held
        assert [form for text in (NAME, MAIL, OTHER, "two heads") for form in forms(text) if form in held] == []

    def test_the_files_are_private(self, path: Path) -> None:
        """Nobody else may read the keys, nor the key that wraps them."""
        for ending in (".keys", ".master"):
            assert stat.S_IMODE(path.with_name(path.name + ending).stat().st_mode) == 0o600

    def test_a_key_is_wrapped(self, path: Path) -> None:
        """The file of keys alone opens nothing."""
        path.with_name(path.name + ".master").unlink()
        assert names(path) == [("p-1", "(no key)"), ("p-2", "(no key)")]

    def test_a_text_is_bound_to_its_place(self, path: Path) -> None:
        """Moved to another person, event or field, it can't be read."""
        keys = PersonKeys(path)
        sealed = keys.seal("person:p-1", 3, "name", "Ann")
        assert keys.opened([("person:p-1", 3, "name", sealed)]) == ["Ann"]
        for place in (("person:p-2", 3, "name"), ("person:p-1", 4, "name"), ("person:p-1", 3, "email")):
            assert keys.opened([(*place, sealed)]) == [None]
        damaged = sealed[:-3] + ("AA=" if not sealed.endswith("AA=") else "BB=")
        assert keys.opened([("person:p-1", 3, "name", damaged), ("person:p-1", 3, "name", SEALED + "?")]) == [
            None,
            None,
        ]

    def test_the_same_text_never_looks_the_same(self, path: Path) -> None:
        """Nobody can tell from the log that two persons share a name."""
        keys = PersonKeys(path)
        assert len({keys.seal("person:p-1", 1, "name", "Ann") for _ in range(50)}) == 50


class TestForgetting:
    def test_erases_one_person_and_nobody_else(self, path: Path) -> None:
        """At once, for whoever asks."""
        with Ledger.open(path) as ledger:
            ledger.record("person-forgotten", person="p-1", reason="asked to")
            assert ledger.project("persons").select("name, remark").fetchall()[0] == ("(erased)", "(erased)")
            assert [r.event.type_name() for r in ledger.store.records("person:p-1")][-1] == "person-forgotten"
        assert names(path) == [("p-1", "(erased)"), ("p-2", OTHER)]

    def test_leaves_no_byte_of_the_key(self, path: Path) -> None:
        """Not as free space of the file either."""
        with sqlite3.connect(f"{path}.keys") as connection:
            wrapped = dict(connection.execute("SELECT person, wrapped FROM keys").fetchall())
        assert wrapped["person:p-1"] in bytes_beside(path)
        with Ledger.open(path) as ledger:
            ledger.record("person-forgotten", person="p-1", reason="asked to")
            held = bytes_beside(path)
        for place in range(len(wrapped["person:p-1"]) - 8):
            assert wrapped["person:p-1"][place : place + 8] not in held
        assert wrapped["person:p-2"] in held

    def test_purges_the_mirror(self, path: Path) -> None:
        """What was derived from the ledger is derived anew."""
        mirror = path.with_name(path.name + ".mirror")
        (mirror / "old").mkdir(parents=True)
        with Ledger.open(path) as ledger:
            ledger.record("person-forgotten", person="p-1", reason="asked to")
        assert not mirror.exists()

    def test_is_done_again_where_old_keys_are_restored(self, path: Path, tmp_path: Path) -> None:
        """Before anybody can read with them: whether the ledger is opened to ask or to record."""
        keys, saved = path.with_name(path.name + ".keys"), tmp_path / "saved"
        shutil.copy(keys, saved)
        with Ledger.open(path) as ledger:
            ledger.record("person-forgotten", person="p-1", reason="asked to")
        for ask in (names, lambda place: Ledger.open(place).store.close()):
            shutil.copy(saved, keys)
            assert PersonKeys(path).persons() == ["person:p-1", "person:p-2"]
            ask(path)
            assert PersonKeys(path).persons() == ["person:p-2"]

    def test_counts_where_restored_keys_cannot_be_destroyed(
        self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They aren't used at least."""
        keys, saved = path.with_name(path.name + ".keys"), tmp_path / "saved"
        shutil.copy(keys, saved)
        with Ledger.open(path) as ledger:
            ledger.record("person-forgotten", person="p-1", reason="asked to")
        shutil.copy(saved, keys)

        def refuse(*_: object) -> None:
            raise LostKeys(str(keys), "read-only")

        monkeypatch.setattr(PersonKeys, "forget", refuse)
        assert names(path) == [("p-1", "(erased)"), ("p-2", OTHER)]

    def test_that_is_cut_short_is_finished_later(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The event is on record before the key is destroyed: the next program that opens the ledger does the rest."""

        def dies(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, Ledger.open(path) as ledger:
            store = ledger.store
            patch.setattr(PersonKeys, "forget", dies)
            with pytest.raises(KeyboardInterrupt):
                ledger.record("person-forgotten", person="p-1", reason="asked to")
            store.close()
        assert "person:p-1" in PersonKeys(path).persons()
        assert names(path) == [("p-1", "(erased)"), ("p-2", OTHER)]
        assert PersonKeys(path).persons() == ["person:p-2"]

    def test_is_final(self, path: Path) -> None:
        """Neither more about the person, nor a meeting with them; but another person may bear the name."""
        with Ledger.open(path) as ledger:
            ledger.record("person-forgotten", person="p-1", reason="asked to")
            ledger.record("lead-captured", company="Acme")
            for wish in (
                {"type": "person-revised", "person": "p-1", "phone": "1"},
                {"type": "contact-added", "account": "acme", "person": "p-1"},
                {"type": "meeting-held", "deal": "acme", "persons": ["p-1"]},
            ):
                with pytest.raises(Refused, match="the person was forgotten"):
                    ledger.record(wish.pop("type"), **wish)  # type: ignore[arg-type]
            with pytest.raises(NotFound, match="There is no person 'p-9'"):
                ledger.record("contact-added", account="acme", person="p-9")
            assert ledger.add_person(NAME)[0].stream == "person:p-3"
        assert names(path)[-1] == ("p-3", NAME)


class TestTrouble:
    def test_lost_keys_stop_only_what_needs_them(self, path: Path) -> None:
        """Everything else can be asked and recorded; what is recorded about persons waits until the keys are back."""
        keys, away = path.with_name(path.name + ".keys"), path.with_name("away")
        keys.rename(away)
        with Ledger.open(path) as ledger:
            ledger.record("lead-captured", company="Acme")
            with pytest.raises(LostKeys, match="there is no key for 'p-1'"):
                ledger.record("person-revised", person="p-1", phone="1")
        assert names(path)[0] == ("p-1", "(no key)")
        away.replace(keys)
        assert names(path)[0] == ("p-1", NAME)

    def test_a_master_key_of_another_ledger_is_told(self, path: Path) -> None:
        """Instead of texts that can't be read."""
        master = path.with_name(path.name + ".master")
        master.write_text(base64.b64encode(os.urandom(32)).decode(), "ascii")
        with Ledger.open(path) as ledger, pytest.raises(LostKeys, match="is another one's"):
            ledger.record("person-revised", person="p-1", phone="1")
        master.write_text("nonsense", "ascii")
        with Ledger.open(path) as ledger, pytest.raises(LostKeys, match="is no key"):
            ledger.record("person-revised", person="p-1", phone="1")

    def test_no_key_is_made_under_another_master_key(self, path: Path) -> None:
        """It would be lost with the right one, and the others would seem to be."""
        master, good = path.with_name(path.name + ".master"), path.with_name("good")
        shutil.copy(master, good)
        master.write_text(base64.b64encode(os.urandom(32)).decode(), "ascii")
        with Ledger.open(path) as ledger, pytest.raises(LostKeys, match="is another one's"):
            ledger.add_person("Bob")
        good.replace(master)
        assert names(path) == [("p-1", NAME), ("p-2", OTHER)]

    def test_one_broken_key_hides_one_person(self, path: Path) -> None:
        """Each is opened apart."""
        with sqlite3.connect(f"{path}.keys") as connection:
            connection.execute("UPDATE keys SET wrapped = randomblob(60) WHERE person = 'person:p-1'")
        assert names(path) == [("p-1", "(no key)"), ("p-2", OTHER)]

    def test_no_new_file_takes_the_place_of_a_lost_one(self, path: Path) -> None:
        """Keys of two files can't be put together again; whoever is lost for good is forgotten first."""
        path.with_name(path.name + ".keys").unlink()
        with Ledger.open(path) as ledger:
            with pytest.raises(
                LostKeys, match="there are none, though the ledger holds persons \\(p-1, p-2; forget them"
            ):
                ledger.add_person("Bob")
            for person in ("p-1", "p-2"):
                ledger.record("person-forgotten", person=person, reason="the keys are lost")
            ledger.add_person("Bob")
        assert [name for _, name in names(path)] == ["(erased)", "(erased)", "Bob"]

    def test_a_file_of_keys_that_is_none_stops_only_what_needs_it(self, path: Path) -> None:
        """Whatever lies there."""
        path.with_name(path.name + ".keys").write_bytes(os.urandom(5000))
        with Ledger.open(path) as ledger:
            ledger.record("lead-captured", company="Acme")
            with pytest.raises(LostKeys, match="can't be read"):
                ledger.record("person-revised", person="p-1", phone="1")
        assert names(path) == [("p-1", "(no key)"), ("p-2", "(no key)")]

    def test_a_key_outlives_a_forgetting_that_is_not_committed(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where nothing was recorded, nobody was forgotten."""
        held = SQLiteRecorder.exclusively

        @contextmanager
        def cut_short(recorder: SQLiteRecorder) -> Iterator[None]:
            with held(recorder):
                yield
                raise IntegrityError("the connection was lost, and nothing was recorded")

        monkeypatch.setattr(store_module, "TRIES", 1)
        monkeypatch.setattr(SQLiteRecorder, "exclusively", cut_short)
        with Ledger.open(path) as ledger, pytest.raises(Conflict, match="Nothing was recorded"):
            ledger.record("person-forgotten", person="p-1", reason="asked to")
        assert names(path)[0] == ("p-1", NAME)

    def test_an_open_ledger_learns_that_somebody_was_forgotten(self, path: Path) -> None:
        """At its next question, and tells it from a key that isn't there."""
        with Ledger.open(path) as reader, Ledger.open(path) as ledger:
            assert reader.project("persons").select("name").fetchall()[0] == (NAME,)
            ledger.record("person-forgotten", person="p-1", reason="asked to")
            assert reader.project("persons").select("name").fetchall()[0] == ("(erased)",)

    def test_what_was_forgotten_is_not_the_same_under_its_key(self, path: Path) -> None:
        """A key of an entry that can't be read any more can't be told to hold the same; no text is told."""
        with Ledger.open(path) as ledger:
            again: dict[str, Any] = {"person": "p-1", "remark": f"{NAME} has two heads", "key": "heads"}
            assert ledger.record("person-revised", **again).already
            ledger.record("person-forgotten", person="p-1", reason="asked to")
            with pytest.raises(Exception, match="differs in remark") as refusal:
                ledger.record("person-revised", **again)
        assert NAME not in str(refusal.value)

    def test_two_programs_add_persons_at_once(self, path: Path) -> None:
        """Each has a key of their own, whoever was first."""
        code = (
            "import sys; from salesledger import Ledger\n"
            "with Ledger.open(sys.argv[1]) as ledger:\n"
            "    for n in range(10): ledger.add_person(f'{sys.argv[2]} {n}')"
        )
        writers = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in ("Ann", "Bob")]
        assert [writer.wait(60) for writer in writers] == [0, 0]
        told = sorted(name for _, name in names(path))
        assert told == sorted([NAME, OTHER, *(f"{name} {n}" for name in ("Ann", "Bob") for n in range(10))])
        assert len(PersonKeys(path).persons()) == 22


class Pocket(KeyringBackend):
    """A keyring in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password


class TestMaster:
    def test_may_lie_in_the_systems_keyring(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Under the ledger's id: no file beside the ledger then opens anything."""
        pocket, before = Pocket(), keyring.get_keyring()
        monkeypatch.setenv("SALESLEDGER_MASTER_KEY", "keyring")
        keyring.set_keyring(pocket)
        try:
            path = new_ledger(tmp_path / "sales.ledger")
            with Ledger.open(path) as ledger:
                ledger.add_person(NAME)
                assert list(pocket.held) == [("salesledger", ledger.head.ledger_id)]
            assert names(path) == [("p-1", NAME)]
            assert not path.with_name(path.name + ".master").exists()
            pocket.held.clear()
            assert names(path) == [("p-1", "(no key)")]
        finally:
            keyring.set_keyring(before)

    def test_may_lie_in_another_place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """That a variable names."""
        (tmp_path / "safe").mkdir()
        monkeypatch.setenv("SALESLEDGER_MASTER_KEY", str(tmp_path / "safe" / "master"))
        path = new_ledger(tmp_path / "sales.ledger")
        with Ledger.open(path) as ledger:
            ledger.add_person(NAME)
        assert (tmp_path / "safe" / "master").exists()
        assert names(path) == [("p-1", NAME)]


class TestDependants:
    def test_a_person_who_is_named_elsewhere_is_not_struck_out(self, path: Path) -> None:
        """Before what names them is."""
        with Ledger.open(path) as ledger:
            added = ledger.add_person("Ann", account="acme")[0].recorded[0]
            with pytest.raises(Refused, match=r"as this depends on it: entry \d+ \(contact-added of account:acme"):
                ledger.void(added.entry, "a slip")

    def test_a_meeting_with_somebody_forgotten_can_still_be_put_right(self, path: Path) -> None:
        """What was on record before names them still; only what is new can't."""
        with Ledger.open(path) as ledger:
            ledger.record("lead-captured", company="Acme")
            meeting = ledger.record("meeting-held", deal="acme", persons=["p-1"], attendees=3).recorded[0]
            ledger.record("person-forgotten", person="p-1", reason="asked to")
            ledger.correct(meeting.entry, "counted wrongly", {"attendees": "4"})
            assert ledger.project("persons").select("person, meetings").fetchall()[0] == ("p-1", 1)


class TestCheck:
    """The files of keys, held against the log."""

    def found(self, path: Path) -> list[str]:
        return [finding.problem for finding in check(path) if finding.rule == "keys"]

    def test_finds_nothing_where_all_is_well_or_no_keys_are_at_hand(self, path: Path) -> None:
        """A ledger may be shared without them."""
        assert self.found(path) == []
        path.with_name(path.name + ".keys").unlink()
        assert self.found(path) == []

    def test_finds_files_that_everybody_can_read(self, path: Path) -> None:
        """Each of them."""
        for ending in (".keys", ".master"):
            path.with_name(path.name + ending).chmod(0o644)
        assert [problem.rpartition("' ")[2] for problem in self.found(path)] == ["can be read by everybody"] * 2

    def test_finds_keys_that_should_not_be_there_and_those_that_should(self, path: Path, tmp_path: Path) -> None:
        """Restored ones, lost ones, and those that the master key doesn't open."""
        keys, saved = path.with_name(path.name + ".keys"), tmp_path / "saved"
        shutil.copy(keys, saved)
        with Ledger.open(path) as ledger:
            ledger.record("person-forgotten", person="p-1", reason="asked to")
        shutil.copy(saved, keys)
        assert self.found(path) == ["there is a key of somebody who was forgotten (p-1)"]
        with sqlite3.connect(keys) as connection:
            connection.execute("DELETE FROM keys")
        assert self.found(path) == ["there is no key of p-2"]
        shutil.copy(saved, keys)
        assert names(path)[1] == ("p-2", OTHER)
        path.with_name(path.name + ".master").unlink()
        assert self.found(path) == ["the master key doesn't open the key of p-2"]
        keys.write_bytes(os.urandom(5000))
        assert "can't be read" in self.found(path)[0]
