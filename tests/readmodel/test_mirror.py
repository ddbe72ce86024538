"""The mirror is a cache that nobody can tell from the log: full, missing, raced for, unwritable, or with events of old versions."""

import json
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from salesledger import Ledger
from salesledger.errors import BadQuery, DamagedLedger, NewerLedger
from salesledger.ledger import mapper
from salesledger.ledger.place import mirror_of
from salesledger.readmodel import mirror as mirror_module
from salesledger.readmodel.check import check
from salesledger.readmodel.engine import Engine
from salesledger.readmodel.mirror import Mirror, ranges, replaced
from support.happenings import captured, contacted, revised
from support.ledgers import new_ledger, without_privileges, write

EVENTS = "SELECT * FROM events ORDER BY entry"


@pytest.fixture
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_module, "BIG", 20)
    monkeypatch.setattr(mirror_module, "SMALL", 5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of 48 entries: its beginning (3), and nine deals of five events."""
    deals = [
        (
            f"deal:d{n}",
            [
                captured(1 + n, company=f"Company {n}", amount="12.5", attributes={"sector": "é", "size": "10"}),
                *(contacted(2 + n + i / 8, channel="phone", known_at=3.5 + n + i) for i in range(3)),
                revised(4 + n, expected_close="2026-03-31"),
            ],
        )
        for n in range(9)
    ]
    return write(new_ledger(tmp_path / "sales.ledger", timezone="Europe/Berlin"), *deals)


def rows(path: Path) -> list[tuple[Any, ...]]:
    """Every row of `events`, as a newly opened engine sees them."""
    with Engine.open(path) as engine:
        return engine.ask(EVENTS).rows


def append(path: Path, topic: str, key: str | None = None, number: int = 1, **fields: object) -> None:
    """Put entries into the log past all rules, as another version of salesledger might have."""
    state = json.dumps({"effective_at": "2026-01-20T00:00:00Z", "recorded_by": "kim", **fields}).encode()
    connection = sqlite3.connect(path)
    with connection:
        (last, version) = connection.execute(
            "SELECT max(recorded_at), (SELECT count(*) FROM stored_events WHERE originator_id = 'deal:z') FROM stored_events"
        ).fetchone()
        connection.executemany(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state, recorded_at, key) "
            "VALUES ('deal:z', ?, ?, ?, ?, ?)",
            [(version + 1 + i, topic, state, last, key) for i in range(number)],
        )
    connection.close()


def segments(path: Path) -> list[str]:
    """The names of the files in the mirror, hidden ones included; what is kept of open deals beside."""
    files = (file for file in path.with_name(f"{path.name}.mirror").rglob("*") if file.is_file())
    return sorted(file.name for file in files if not file.name.startswith("open-"))


def entries(names: list[str]) -> list[tuple[int, int]]:
    """What the segments of these names hold."""
    return [(int(after), int(upto)) for after, upto, _ in (name.split("-") for name in names)]


def test_ranges() -> None:
    """Big segments as far as the log fills them, then small ones, without a gap; a small ledger has none."""
    assert ranges(4_999) == []
    assert ranges(14_999) == [(0, 5_000), (5_000, 10_000)]
    assert ranges(205_000) == [(0, 100_000), (100_000, 200_000), (200_000, 205_000)]


def test_small_ledgers_have_no_mirror(path: Path) -> None:
    """A few entries are read from the log, and nothing is written."""
    assert len(rows(path)) == 48
    assert not path.with_name("sales.ledger.mirror").exists()


def test_segments_and_tail_are_the_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written in segments of whatever size, the rows are those of decoding everything at once."""
    whole = rows(path)
    assert [row[0] for row in whole] == list(range(1, 49))
    for big, small in ((20, 5), (48, 7), (100, 48), (2, 1)):
        monkeypatch.setattr(mirror_module, "BIG", big)
        monkeypatch.setattr(mirror_module, "SMALL", small)
        assert rows(path) == whole
        assert rows(path) == whole
        assert set(ranges(48)) <= set(entries(segments(path)))


@pytest.mark.usefixtures("_small_segments")
def test_deleting_the_mirror_changes_nothing(path: Path) -> None:
    """It is made anew: all of it, or the segment that is missing."""
    first = rows(path)
    folder = next(path.with_name("sales.ledger.mirror").iterdir())
    names = segments(path)
    assert entries(names) == [(0, 20), (20, 40), (40, 45)]
    (folder / names[1]).unlink()
    assert rows(path) == first
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert rows(path) == first
    assert segments(path) == names


@pytest.mark.usefixtures("_small_segments")
def test_a_log_that_went_another_way_never_meets_the_segments_of_the_old_one(path: Path, tmp_path: Path) -> None:
    """A copy is put back beside a mirror that had gone on; nor does it meet what is kept of open deals."""
    early = tmp_path / "early.ledger"
    shutil.copy(path, early)
    pipeline, deals = "SELECT sum(deals) FROM pipeline", "SELECT count(*) FROM deals"
    for number, companies in enumerate((40, 30)):
        shutil.copy(early, path)
        with Ledger.open(path, actor="kim") as ledger:
            for n in range(companies):
                ledger.record("lead-captured", company=f"Company {number} {n}", on="2026-01-05")
            if number:
                ledger.record("deal-lost", deal="company-1-0", reason="price", on="2026-01-06")
        with Engine.open(path) as engine:
            answers = [engine.ask(sql).rows for sql in (pipeline, deals)]
        shutil.rmtree(mirror_of(path)) if number else None
        with Engine.open(path) as engine:
            assert [engine.ask(sql).rows for sql in (pipeline, deals)] == answers


@pytest.mark.usefixtures("_small_segments")
def test_the_mirror_may_be_deleted_at_any_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also between looking for the segments and reading them."""
    prepared = Engine._prepared
    deleted: list[Path] = []

    def delete_then(*asked: Any) -> Any:
        statement = prepared(*asked)
        if not deleted:
            deleted.append(path.with_name("sales.ledger.mirror"))
            shutil.rmtree(deleted[0])
        return statement

    monkeypatch.setattr(Engine, "_prepared", delete_then)
    assert len(rows(path)) == 48
    assert deleted


@pytest.mark.usefixtures("_small_segments")
def test_an_open_engine_sees_what_was_just_recorded(path: Path) -> None:
    """New entries show at the next question; what they fill up becomes a segment, and the big one takes the small ones' place."""
    with Engine.open(path) as engine:
        assert len(engine.ask(EVENTS).rows) == 48
        for number in (49, 50, 51):
            append(path, "lead-touched/1", channel="podcast")
            assert [row[0] for row in engine.ask(EVENTS).rows] == list(range(1, number + 1))
        assert entries(segments(path)) == [(0, 20), (20, 40), (40, 45), (45, 50)]
        append(path, "lead-touched/1", number=12, channel="podcast")
        assert len(engine.ask(EVENTS).rows) == 63
        assert entries(segments(path)) == [(0, 20), (20, 40), (40, 45), (40, 60), (45, 50)]
        append(path, "lead-touched/1", number=20, channel="podcast")
        assert len(engine.ask(EVENTS).rows) == 83
        assert entries(segments(path)) == [(0, 20), (20, 40), (40, 60), (60, 80)]


@pytest.mark.usefixtures("_small_segments")
def test_progress_counts_what_is_missing(path: Path) -> None:
    """Who builds is told how far it is; who finds everything there is told nothing."""
    told: list[tuple[int, int]] = []
    for _ in range(2):
        with Engine.open(path, progress=lambda done, of: told.append((done, of))) as engine:
            engine.ask(EVENTS)
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


_RACE = """
import sys, time
from pathlib import Path
from salesledger.readmodel import mirror
from salesledger.readmodel.engine import Engine
mirror.BIG, mirror.SMALL = 4, 2
with Engine.open(Path(sys.argv[1])) as engine:
    sys.stdin.readline()
    print(len(engine.ask("SELECT * FROM events").rows))
"""


def test_processes_that_race_write_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits, nobody fails, nobody leaves anything behind."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACE, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdin
        racer.stdin.write(b"go\n")
        racer.stdin.flush()
    for racer in racers:
        answer, trouble = racer.communicate(timeout=60)
        assert (answer.strip(), trouble, racer.returncode) == (b"48", b"", 0)
    whole = rows(path)
    monkeypatch.setattr(mirror_module, "BIG", 4)
    monkeypatch.setattr(mirror_module, "SMALL", 2)
    assert entries(segments(path)) == ranges(48)
    assert rows(path) == whole


@pytest.mark.usefixtures("_small_segments")
def test_where_no_mirror_can_be_written_the_log_is_read(path: Path) -> None:
    """Somebody else's ledger in a folder that nobody may write in, and a file where the mirror's folder should be."""
    path.parent.chmod(0o555)
    path.chmod(0o444)
    with without_privileges(path.parent):
        assert len(rows(path)) == 48
    path.parent.chmod(0o755)
    assert segments(path) == []
    path.with_name("sales.ledger.mirror").write_text("in the way")
    assert len(rows(path)) == 48


@pytest.mark.usefixtures("_small_segments")
def test_where_the_mirror_is_somebody_elses_the_log_is_read(path: Path) -> None:
    """Of folders and of segments that one may not read; `check` finds nothing wrong with either."""
    assert len(rows(path)) == 48
    path.chmod(0o444)
    segment = next(iter(mirror_of(path).rglob("*.parquet")))
    for closed in (segment, segment.parent, segment.parent.parent):
        mode = closed.stat().st_mode
        closed.chmod(0)
        with without_privileges(path.parent):
            assert len(rows(path)) == 48
            assert closed == segment or "mirror" not in {finding.rule for finding in check(path)}
        closed.chmod(mode)


@pytest.mark.parametrize(("told", "folder", "file"), [(0o2770, 0o2770, 0o640), (0o755, 0o755, 0o644)])
def test_a_shared_folder_says_who_may_read(tmp_path: Path, told: int, folder: int, file: int) -> None:
    """What is made below it has its permissions, and no file is written by others."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(told)
    made = shared / "a.mirror" / "0123" / "x.parquet"
    with replaced(made, shared) as target:
        Path(target.strip("'")).write_text("whole")
    assert [stat.S_IMODE(part.stat().st_mode) for part in (made.parent.parent, made.parent)] == [folder, folder]
    assert stat.S_IMODE(made.stat().st_mode) == file
    with replaced(tmp_path / "own" / "x.parquet", tmp_path / "nowhere") as target:
        Path(target.strip("'")).write_text("whole")
    assert stat.S_IMODE((tmp_path / "own").stat().st_mode) == 0o700


@pytest.mark.usefixtures("_small_segments")
def test_a_full_disk_ends_the_mirror_where_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The segments before it are used, the rest is read from the log, and no draft stays."""
    decode = Mirror._decode

    def full(self: Mirror, statement: str, entries: tuple[int, int]) -> None:
        if statement.startswith("COPY") and entries == (20, 40):
            raise duckdb.IOException("No space left on device")
        decode(self, statement, entries)

    monkeypatch.setattr(Mirror, "_decode", full)
    assert [row[0] for row in rows(path)] == list(range(1, 49))
    assert entries(segments(path)) == [(0, 20)]


@pytest.mark.usefixtures("_small_segments")
def test_a_half_written_draft_is_passed_over(path: Path) -> None:
    """What a killed process left is neither read nor in the way."""
    whole = rows(path)
    folder = next(path.with_name("sales.ledger.mirror").iterdir())
    for file in sorted(folder.iterdir()):
        file.with_name(f".{file.name}.1.2").write_bytes(file.read_bytes()[:100])
        file.unlink()
    assert rows(path) == whole


@pytest.fixture
def _noted_became_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(mapper.UPCASTERS, "lead-noted/1", ("lead-noted/2", lambda fields: fields | {"channel": "note"}))
    monkeypatch.setitem(
        mapper.UPCASTERS, "lead-noted/2", ("lead-touched/1", lambda f: {k: v for k, v in f.items() if k != "draft"})
    )


@pytest.mark.usefixtures("_noted_became_touched")
@pytest.mark.parametrize("big", [100_000, 25, 2])
def test_old_events_pass_the_upcasters(path: Path, monkeypatch: pytest.MonkeyPatch, big: int) -> None:
    """SQL knows only current versions: in the tail and in a segment, an old event reads as what it has become."""
    append(path, "lead-noted/1", key="note", content="a booth", draft=True)
    append(path, "lead-noted/2", content="a talk", channel="event")
    monkeypatch.setattr(mirror_module, "BIG", big)
    monkeypatch.setattr(mirror_module, "SMALL", big // 2)
    for _ in range(2):
        with Engine.open(path) as engine:
            answer = engine.ask(
                "SELECT type, channel, content, key, version FROM events WHERE entry > 48 ORDER BY entry"
            )
            assert answer.rows == [
                ("lead-touched", "note", "a booth", "note", 1),
                ("lead-touched", "event", "a talk", None, 2),
            ]
            assert engine.ask("SELECT count(*) FROM events").rows == [(50,)]


@pytest.mark.parametrize("big", [100_000, 14])
def test_an_unknown_type_says_that_a_newer_salesledger_wrote_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, big: int
) -> None:
    """Its entry and its type are named, and no segment is written that would hide it."""
    append(path, "lead-enchanted/1", wand=True)
    monkeypatch.setattr(mirror_module, "BIG", big)
    monkeypatch.setattr(mirror_module, "SMALL", big // 2)
    for _ in range(2):
        with pytest.raises(NewerLedger, match="entry 49 is of the unknown type 'lead-enchanted/1'"):
            rows(path)
    assert (43, 49) not in entries(segments(path))
    assert not any(name.startswith(".") for name in segments(path))


@pytest.mark.parametrize("big", [100_000, 14])
def test_bytes_that_are_no_event_are_damage(path: Path, monkeypatch: pytest.MonkeyPatch, big: int) -> None:
    """The message says where."""
    append(path, "lead-touched/1", channel="podcast")
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DROP TRIGGER stored_events_no_update")
        connection.execute("UPDATE stored_events SET state = CAST('{\"eff' AS BLOB) WHERE entry = 49")
    connection.close()
    monkeypatch.setattr(mirror_module, "BIG", big)
    monkeypatch.setattr(mirror_module, "SMALL", big // 2)
    with pytest.raises(DamagedLedger, match=r"entries \d+ to 49 can't be decoded"):
        rows(path)


def test_keys_are_text_wherever_the_first_one_comes(path: Path) -> None:
    """The driver takes a column's type from its first rows, which may hold no key at all."""
    append(path, "lead-touched/1", number=1500, channel="podcast")
    append(path, "lead-touched/1", key="0123", channel="podcast")
    append(path, "lead-touched/1", key="=", channel="podcast")
    with Engine.open(path) as engine:
        assert engine.ask("SELECT entry, key FROM events WHERE key IS NOT NULL ORDER BY entry").rows == [
            (1549, "0123"),
            (1550, "="),
        ]


def test_days_are_those_of_the_ledgers_zone(tmp_path: Path) -> None:
    """Half past midnight in Berlin is still the day before in UTC; objects and lists come as JSON text."""
    path = new_ledger(tmp_path / "berlin.ledger", timezone="Europe/Berlin")
    append(path, "lead-captured/1", company="ACME", attributes={"sector": "é"}, effective_at="2026-06-30T22:30:00Z")
    append(path, "meeting-held/1", kind="demo", pain_points=["a", "b"], effective_at="2026-12-31T22:59:59.999999Z")
    with Engine.open(path) as engine:
        asked = (
            "SELECT CAST(effective_on AS VARCHAR), attributes, pain_points FROM events WHERE id = 'z' ORDER BY entry"
        )
        assert engine.ask(asked).rows == [("2026-07-01", '{"sector":"é"}', None), ("2026-12-31", None, '["a","b"]')]


def test_a_mirror_that_stays_broken_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is thrown away and written anew once, not for ever."""
    tries: list[str] = []

    def thrown_away(_engine: Engine, error: Exception) -> bool:
        tries.append(str(error))
        return True

    monkeypatch.setattr(Engine, "_heal", thrown_away)
    with Engine.open(path) as engine:
        for ask in (engine.query, engine.ask):
            tries.clear()
            with pytest.raises(BadQuery, match="No files found"):
                ask(f"SELECT * FROM read_parquet('{mirror_of(path)}/nowhere.parquet')")
            assert len(tries) <= 1
