"""SQL that is put to a ledger sees the ledger alone, whoever wrote it."""

import tempfile
from pathlib import Path

import duckdb
import pytest

from salesledger.errors import BadQuery, TooLittleMemory
from salesledger.ledger.place import mirror_of
from salesledger.readmodel.engine import Engine
from support.happenings import captured
from support.ledgers import new_ledger, write

HEADER = "-- spy: what it should not see\n-- grain: one row\n-- needs: none\n-- parameters: none\n-- columns:\n--   content: text\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger whose mirror has segments, in a folder with a file that is none of its business."""
    monkeypatch.setattr("salesledger.readmodel.mirror.SMALL", 2)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.csv").write_text("secret\n42\n")
    return write(new_ledger(tmp_path / "sales.ledger"), ("deal:a", [captured(1)]), ("deal:b", [captured(2)]))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_csv('other.csv')",
        "SELECT * FROM 'other.csv'",
        "SELECT * FROM glob('*')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "SELECT * FROM read_text('sales.ledger.mirror/../other.csv')",
        "SELECT * FROM query('FROM read_blob(''other.csv'')')",
    ],
)
def test_files_and_the_network_are_out_of_reach(path: Path, sql: str) -> None:
    """The message names what was to be read."""
    with Engine.open(path) as engine:
        for ask in (engine.ask, engine.query):
            with pytest.raises(BadQuery, match=r"it reads '.*', and questions see nothing but the ledger"):
                ask(sql)


def test_so_they_are_for_a_projection_that_lies_beside_the_ledger(path: Path) -> None:
    """It came with the ledger, maybe from somebody else."""
    folder = path.with_name("projections")
    folder.mkdir()
    (folder / "spy.sql").write_text(HEADER + "SELECT content FROM read_text('other.csv')\n")
    with Engine.open(path) as engine, pytest.raises(BadQuery, match=r"it reads 'other\.csv'"):
        engine.answer("spy")


def test_variables_of_the_program_are_no_tables(path: Path) -> None:
    """Not those of whoever asks, nor of what answers."""
    rows = [(1,)]
    with Engine.open(path) as engine:
        for name in ("rows", "sql", "question"):
            with pytest.raises(BadQuery, match=f"Table with name {name} does not exist"):
                engine.ask(f"SELECT * FROM {name}")
    assert rows


def test_what_is_recorded_later_is_seen_through_the_lock(path: Path) -> None:
    """Segments that come once it is locked."""
    with Engine.open(path) as engine:
        count = "SELECT count(*) FROM events"
        ((before,),) = engine.ask(count).rows
        files = set(mirror_of(path).rglob("*.parquet"))
        write(path, *((f"deal:c{n}", [captured(3)]) for n in range(4)))
        assert engine.ask(count).rows == [(before + 4,)]
        assert set(mirror_of(path).rglob("*.parquet")) > files


def test_what_is_known_of_persons_is_never_swapped_to_a_disk(path: Path) -> None:
    """What memory can't hold is an error from then on."""
    large = "SELECT max(text) FROM (SELECT repeat('x', 50) || i AS text FROM range(6000000) t (i) ORDER BY hash(i))"
    with Engine.open(path, memory="120MB") as engine:
        assert engine.ask(large).rows == [("x" * 50 + "999999",)]
        assert engine.ask("SELECT count(*) FROM persons").rows == [(0,)]
        with pytest.raises(TooLittleMemory):
            engine.ask(large)


def test_a_file_that_is_written_is_the_only_other_one(path: Path) -> None:
    """Nothing beside it is within reach."""
    with Engine.open(path) as engine:
        engine.write_parquet("SELECT deal FROM deals ORDER BY deal", path.with_name("out.parquet"))
        assert engine.ask(f"SELECT * FROM read_parquet('{path.with_name('out.parquet')}')").rows == [("a",), ("b",)]
        with pytest.raises(BadQuery, match=r"it reads 'other\.csv'"):
            engine.ask("SELECT * FROM read_csv('other.csv')")


def test_what_memory_can_not_hold_lies_where_nobody_else_reads_it(path: Path) -> None:
    """In a folder of the engine's own, which is gone with it; nothing lies where the program was started."""
    with Engine.open(path, memory="60MB") as engine:
        sql = "SELECT count(DISTINCT md5(CAST(a.x * 1000 + b.x AS VARCHAR))) FROM range(1000) a(x), range(1000) b(x)"
        assert engine.ask(sql).rows == [(1_000_000,)]
        folder = engine.folder
        assert folder.stat().st_mode & 0o777 == 0o700
        assert list((folder / "spill").iterdir())
    assert not folder.exists()
    assert not list(Path.cwd().glob(".tmp*"))


def test_an_engine_that_can_not_start_leaves_no_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as with memory that is none."""
    folder = path.with_name("scratch")
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(duckdb.Error):
        Engine.open(path, memory="much")
    assert not list(folder.iterdir())


@pytest.mark.parametrize("sql", ["SELECT * FROM events", "SELECT deal FROM deals"])
def test_too_little_memory_to_write_a_file_is_told_as_such(path: Path, sql: str) -> None:
    """Though it doesn't even suffice to read what the mirror hasn't yet."""
    with Engine.open(path, memory="1MB") as engine, pytest.raises(TooLittleMemory):
        engine.write_parquet(sql, path.with_name("out.parquet"))
    assert not path.with_name("out.parquet").exists()


def test_nothing_is_drawn_into_an_answer_that_takes_long(path: Path) -> None:
    """DuckDB would show on the standard output how far it is, from two seconds on."""
    with Engine.open(path) as engine:
        assert engine.ask("SELECT current_setting('enable_progress_bar')").rows == [(False,)]
