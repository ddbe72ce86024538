"""Seals of a ledger: what they cover, when they are made, and what verifying finds."""

import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faults.tamper import TAMPERINGS, dump, flip, sealed_ledger, unguarded
from salesledger import Ledger
from salesledger.errors import BadValue, NoSeal
from salesledger.ledger import seal_key
from salesledger.ledger.checkpoint import Checkpoint, PrivateKey
from salesledger.ledger.leaves import NotStored, StoredTree, leaf_data, reading
from salesledger.ledger.seal import seal
from salesledger.ledger.sealing import seal_again, seal_now
from salesledger.ledger.sqlite_log import SQLiteLog
from salesledger.ledger.sqlite_schema import SEAL_SCHEMA
from salesledger.ledger.verify import verify
from support import examples, twin_merkle
from support.happenings import captured
from support.ledgers import log_of, new_ledger, rows, without_privileges, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with a few deals, never sealed."""
    return write(new_ledger(tmp_path / "sales.ledger"), *((f"deal:{name}", [captured(1)]) for name in "abc"))


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of 700 entries that was sealed at several sizes; to be copied, not to be changed."""
    return sealed_ledger(tmp_path_factory.mktemp("sealed") / "sales.ledger", (20, 256, 300, 700))


@pytest.fixture
def copy(big: Path, tmp_path: Path) -> Path:
    """A copy of that ledger, with its key."""
    for ending in ("", ".seal-key"):
        (tmp_path / f"copy{ending}").write_bytes(Path(f"{big}{ending}").read_bytes())
    return tmp_path / "copy"


def notes(path: Path) -> list[tuple[int, str]]:
    """The seals that a ledger keeps."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT size, note FROM seal_checkpoints ORDER BY size").fetchall()


def rules(path: Path, **options: object) -> set[str]:
    """The rules that a verification finds broken."""
    return {finding.rule for finding in verify(path, **options).findings}  # type: ignore[arg-type]


class TestLeaf:
    """What is hashed of an entry."""

    ROW = (7, bytearray(b"deal:a"), 3, bytearray(b"deal-won/1"), b"{}", 1_000_000, None)

    def test_is_laid_out_as_written_down(self) -> None:
        """docs/decisions/0005-seals.md, byte by byte."""
        assert leaf_data(self.ROW).hex() == (
            "0000000000000006" + b"deal:a".hex() + "0000000000000003" + "000000000000000a" + b"deal-won/1".hex()
            + "0000000000000002" + b"{}".hex() + "00000000000f4240" + "00"
        )  # fmt: skip

    def test_tells_no_key_from_an_empty_one(self) -> None:
        """And has the key's bytes in it."""
        keyed = [leaf_data((*self.ROW[:6], key)) for key in (None, bytearray(), bytearray(b"k"))]
        assert [data[-10:].hex() for data in keyed[1:]] == ["40010000000000000000", "01000000000000000" + "16b"]
        assert len(set(keyed)) == 3

    def test_does_not_hold_the_place(self) -> None:
        """That is where the leaf stands."""
        assert leaf_data(self.ROW) == leaf_data((8, *self.ROW[1:]))

    @pytest.mark.parametrize("place", range(1, 7))
    def test_is_of_the_stored_types_only(self, place: int) -> None:
        """A text that became a blob of the same bytes is not what was stored."""
        other = 5 if isinstance(self.ROW[place], bytes | bytearray) else b"5"
        with pytest.raises(NotStored, match="entry 7 holds a value of the wrong type"):
            leaf_data((*self.ROW[:place], other, *self.ROW[place + 1 :]))


TEXTS = st.binary(max_size=20).map(bytearray)
NUMBERS = st.integers(-(2**63), 2**63 - 1)


@settings(max_examples=examples(60))
@given(stream=TEXTS, version=NUMBERS, topic=TEXTS, state=st.binary(max_size=40), at=NUMBERS, key=st.none() | TEXTS)
def test_a_leaf_can_be_taken_apart_again(
    stream: bytearray, version: int, topic: bytearray, state: bytes, at: int, key: bytearray | None
) -> None:
    """So no two entries that differ have the same leaf."""
    rest = leaf_data((1, stream, version, topic, state, at, key))

    def taken(count: int) -> bytes:
        nonlocal rest
        part, rest = rest[:count], rest[count:]
        assert len(part) == count
        return part

    def number() -> int:
        return int.from_bytes(taken(8), "big", signed=True)

    fields = [taken(number()), number(), taken(number()), taken(number()), number()]
    assert fields == [bytes(stream), version, bytes(topic), state, at]
    assert (taken(number()) if taken(1) == b"\x01" else None) == key
    assert rest == b""


class TestSealing:
    """What a seal does."""

    def test_makes_a_key_where_there_is_none_and_puts_it_on_record(self, path: Path) -> None:
        """Its owner's alone; the entry that names it is sealed too."""
        made, place = seal_now(path, recorded_by="kim")
        assert place == Path(f"{path}.seal-key")
        assert place.stat().st_mode & 0o777 == 0o600
        last = log_of(path)[-1]
        key = seal_key.read(place)
        assert key is not None
        assert (last.event.type_name(), last.entry) == ("seal-key-set", made.size)
        assert last.event.seal_key == str(key.public)  # type: ignore[attr-defined]

    def test_signs_the_root_over_the_stored_bytes(self, path: Path) -> None:
        """As the definition in the RFC gives it."""
        made, _ = seal_now(path, recorded_by="kim")
        leaves = []
        for _, stream, version, topic, state, recorded_at, key in rows(path):
            assert isinstance(stream, str)
            assert isinstance(topic, str)
            leaves.append(leaf_data((0, bytearray(stream.encode()), version, bytearray(topic.encode()), state, recorded_at,
                                     bytearray(str(key).encode()) if key is not None else None)))  # fmt: skip
        assert Checkpoint.parse(made.note).root == twin_merkle.mth(leaves)

    def test_again_without_anything_new_gives_the_same(self, path: Path) -> None:
        """One seal a size."""
        assert seal_now(path, recorded_by="kim")[0] == seal_now(path, recorded_by="kim")[0]
        assert len(notes(path)) == 1

    def test_keeps_every_block_hash_of_every_level(self, big: Path) -> None:
        """What is stored is what the entries come to."""
        with closing(reading(sqlite3.connect(big, factory=SQLiteLog))) as connection:
            stored = connection.execute("SELECT level, number, hash FROM seal_blocks").fetchall()
            assert stored == list(StoredTree(connection, has_blocks=False).unstored(700))
        assert [(level, number) for level, number, _ in stored] == [(1, 0), (1, 1)]

    def test_works_on_a_ledger_from_before_there_were_seals(self, path: Path) -> None:
        """It gets the tables then; until then nothing is amiss."""
        with closing(sqlite3.connect(path)) as connection:
            for statement in SEAL_SCHEMA:
                if statement.split()[1] == "TABLE":
                    connection.execute(f"DROP TABLE {statement.split()[2]}")
        assert verify(path).ok
        seal_now(path, recorded_by="kim")
        assert verify(path).ok
        assert verify(path).sealed == 7

    def test_can_only_be_added(self, copy: Path) -> None:
        """The database refuses to change, delete or replace seals, as it does entries."""
        with closing(sqlite3.connect(copy)) as connection:
            for table in ("seal_blocks", "seal_checkpoints"):
                column = "hash" if table == "seal_blocks" else "note"
                for statement, said in (
                    (f"UPDATE {table} SET {column} = {column}", "never changed"),
                    (f"DELETE FROM {table}", "never deleted"),
                    (f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}", "never replaced"),
                ):
                    with pytest.raises(sqlite3.IntegrityError, match=said):
                        connection.execute(statement)

    def test_is_refused_where_what_was_sealed_has_changed(self, copy: Path) -> None:
        """A forgery isn't made true by the next seal."""
        with unguarded(copy) as connection:
            connection.execute("UPDATE stored_events SET recorded_at = recorded_at + 1 WHERE entry >= 690")
        with Ledger.open(copy, actor="kim", seals=False) as ledger:
            ledger.record("lead-captured", company="Acme")
        with pytest.raises(NoSeal, match=r"What the last seal covers \(700 entries\) is not what the log holds now"):
            seal_again(copy)
        assert notes(copy)[-1][0] == 700

    def test_needs_the_key_that_the_ledger_names(self, copy: Path) -> None:
        """Not another, not a broken file, not none."""
        place = seal_key.place_of(copy)
        with Ledger.open(copy, actor="kim") as ledger:
            ledger.record("lead-captured", company="Acme")
            place.write_text(PrivateKey("other", bytes(32)).to_text())
            with pytest.raises(NoSeal, match="is not the one that the ledger names"):
                ledger.seal()
            place.write_text("nothing")
            with pytest.raises(NoSeal, match="is no seal key"):
                ledger.seal()
            place.unlink()
            with pytest.raises(NoSeal, match="The seal key is not at hand"):
                ledger.seal()
            assert seal_again(copy) is None

    def test_leaves_a_key_where_the_environment_says(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """$SALESLEDGER_SEAL_KEY names the file."""
        elsewhere = path.parent / "keys"
        elsewhere.mkdir()
        monkeypatch.setenv("SALESLEDGER_SEAL_KEY", str(elsewhere / "mine"))
        assert seal_now(path, recorded_by="kim")[1] == elsewhere / "mine"
        assert not Path(f"{path}.seal-key").exists()


class TestNewKey:
    """A key that follows another."""

    def test_seals_from_its_own_entry_on(self, copy: Path) -> None:
        """Old seals stay good under the key of their time."""
        old = seal_key.read(seal_key.place_of(copy))
        made, _ = seal_now(copy, recorded_by="kim", new_key=True)
        new = seal_key.read(seal_key.place_of(copy))
        assert old is not None
        assert new is not None
        assert old.seed != new.seed
        assert made.size == 701
        assert Checkpoint.parse(made.note).signed_by([new.public]) is not None
        assert not seal_key.beside(seal_key.place_of(copy)).exists()
        assert verify(copy).ok
        assert verify(copy, public_keys=[str(old.public), str(new.public)]).ok
        assert rules(copy, public_keys=[str(old.public)]) == {"key"}
        assert rules(copy, public_keys=[str(new.public)]) == {"key"}

    def test_that_stopped_half_way_is_finished_by_the_next_seal(
        self, copy: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The log names it, but its file was not in its place yet."""

        def stop(*_: object) -> None:
            raise OSError(5, "the power went out")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", stop)
            with pytest.raises(OSError, match="the power went out"):
                seal_now(copy, recorded_by="kim", new_key=True)
        assert seal_key.beside(seal_key.place_of(copy)).exists()
        assert seal_again(copy) is not None
        assert not seal_key.beside(seal_key.place_of(copy)).exists()
        assert (verify(copy).ok, verify(copy).sealed) == (True, 701)

    def test_is_taken_where_the_old_one_is_lost(self, copy: Path) -> None:
        """The old one then doesn't seal once more."""
        seal_key.place_of(copy).unlink()
        assert seal_now(copy, recorded_by="kim", new_key=True)[0].size == 701
        assert verify(copy).ok


class TestVerifying:
    """What verifying finds."""

    @pytest.mark.parametrize("kind", TAMPERINGS)
    def test_finds_every_way_to_tamper(self, kind: str, copy: Path) -> None:
        """And says among which entries."""
        with unguarded(copy) as connection:
            entries = TAMPERINGS[kind](connection, random.Random(kind))
        found = verify(copy).findings
        assert found
        assert all(one.problem.endswith(".") and one.remedy.endswith(".") for one in found)
        if entries is not None:
            spans = [(one.first_entry, one.last_entry or one.first_entry) for one in found if one.first_entry]
            assert any(first <= entries[1] and (last or 0) >= entries[0] for first, last in spans)

    @pytest.mark.parametrize("name", ["stored_events_no_update", "stored_events_in_order", "seal_blocks_no_delete"])
    def test_finds_a_trigger_that_is_gone(self, name: str, copy: Path) -> None:
        """Or is another one now."""
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute(f"DROP TRIGGER {name}")
        (finding,) = verify(copy).findings
        assert (finding.rule, name in finding.problem) == ("trigger", True)

    def test_finds_the_end_cut_off_where_the_seals_are_cut_off_too(self, copy: Path) -> None:
        """The database remembers the last number that it gave out."""
        with unguarded(copy) as connection:
            connection.execute("DELETE FROM stored_events WHERE entry > 300")
            connection.execute("DELETE FROM seal_checkpoints WHERE size > 300")
            connection.execute("DELETE FROM seal_blocks WHERE number > 0")
        assert rules(copy) == {"missing"}

    def test_finds_an_order_of_stamps_that_no_ledger_writes(self, path: Path) -> None:
        """Also where nothing was ever sealed."""
        with unguarded(path) as connection:
            connection.execute("UPDATE stored_events SET recorded_at = recorded_at + 10000000000 WHERE entry = 4")
        assert rules(path) == {"order"}

    def test_finds_seals_that_were_all_removed(self, copy: Path) -> None:
        """The log names a key, so there should be some."""
        with unguarded(copy) as connection:
            connection.execute("DELETE FROM seal_checkpoints")
            connection.execute("DELETE FROM seal_blocks")
        assert rules(copy) == {"unsealed"}

    def test_says_how_many_entries_are_sealed(self, copy: Path) -> None:
        """What was recorded since is not covered."""
        with Ledger.open(copy, actor="kim") as ledger:
            ledger.record("lead-captured", company="Acme")
            verdict = ledger.verify()
        assert verdict.ok
        assert (verdict.entries, verdict.sealed, verdict.checkpoints, verdict.blocks) == (701, 700, 5, 2)
        assert (verdict.key_from, verdict.against) == ("ledger", 0)

    def test_holds_a_checkpoint_from_outside_against_the_log(self, copy: Path, path: Path) -> None:
        """One of this ledger, not longer than it, signed by its key."""
        outside = notes(copy)[2][1]
        assert verify(copy, against=[outside]).against == 1
        seal_now(path, recorded_by="kim")
        assert rules(path, against=[outside]) == {"against"}
        stranger = PrivateKey(Checkpoint.parse(outside).origin, bytes(32))
        text = Checkpoint.parse(outside).text
        assert rules(copy, against=[f"{text}\n{stranger.sign(text)}"]) == {"signature"}

    def test_pins_the_keys_that_are_given(self, copy: Path) -> None:
        """A ledger that was sealed anew with another key is found by them, and by nothing else in the file."""
        key = seal_key.read(seal_key.place_of(copy))
        assert key is not None
        assert verify(copy, public_keys=[str(key.public)]).key_from == "outside"
        forged = PrivateKey(key.name, bytes(32))
        with unguarded(copy) as connection:
            connection.execute("DELETE FROM seal_checkpoints")
            connection.execute("DELETE FROM seal_blocks")
            connection.execute(
                "UPDATE stored_events SET state = CAST(replace(state, ?, ?) AS BLOB) WHERE topic = 'seal-key-set/1'",
                (str(key.public), str(forged.public)),
            )
        seal(copy, forged)
        assert verify(copy).ok
        assert rules(copy, public_keys=[str(key.public)]) == {"key"}

    def test_takes_neither_a_key_nor_a_checkpoint_that_is_none(self, copy: Path) -> None:
        """A mistake is not a finding."""
        with pytest.raises(BadValue, match="What was given as public key is none"):
            verify(copy, public_keys=["key"])
        with pytest.raises(BadValue, match="What was given as checkpoint is none"):
            verify(copy, against=["checkpoint"])

    def test_resolves_no_topic(self, copy: Path) -> None:
        """An entry of a type that nobody knows is verified as any other."""
        with closing(sqlite3.connect(copy)) as connection, connection:
            connection.execute(
                "INSERT INTO stored_events SELECT 701, 'deal:z', 1, 'os:system', x'00', recorded_at, NULL "
                "FROM stored_events WHERE entry = 700"
            )
        seal_again(copy)
        verdict = verify(copy)
        assert (verdict.ok, verdict.sealed) == (True, 701)

    def test_works_where_nothing_can_be_written(self, copy: Path, tmp_path: Path) -> None:
        """A read-only file in a read-only folder."""
        copy.chmod(0o444)
        tmp_path.chmod(0o555)
        with without_privileges(tmp_path):
            assert verify(copy).ok
        tmp_path.chmod(0o755)

    def test_tells_how_far_it_is(self, big: Path) -> None:
        """For a progress bar."""
        told: list[tuple[int, int]] = []
        verify(big, progress=lambda done, total: told.append((done, total)))
        assert told[-1] == (700, 700)

    def test_finds_flipped_bits(self) -> None:
        """Whatever changes the log is found, and nothing makes it crash."""
        seen = flip(25, seed=7)
        assert seen["changed"] > 0
        assert (seen["missed"], seen["crashed"]) == (0, 0)


@pytest.fixture(autouse=True)
def _same_big(big: Path) -> Iterator[None]:
    """No test changes the shared ledger."""
    before = dump(big)
    yield
    assert dump(big) == before


def test_several_programs_seal_at_once(path: Path) -> None:
    """While others record: every seal is good, the last one covers everything."""
    seal_now(path, recorded_by="kim")

    def work(name: str) -> None:
        with Ledger.open(path, actor="kim") as ledger:
            for number in range(6):
                ledger.record("lead-captured", company=f"{name} {number}")
                seal_again(path)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("Ann", "Bob", "Cid")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = verify(path)
    assert (verdict.findings, verdict.entries, verdict.sealed) == ([], 25, 25)
