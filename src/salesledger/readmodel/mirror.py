"""The columnar copy of the log: immutable Parquet segments beside the ledger, and the tail read straight from the log.

A segment holds a range of entries and is written once the log has passed its end, under a temporary name and then renamed. The
range fixes the content, so processes that race to write it write the same, and need no lock. Its name bears a hash of the last
entry, so that a log that was put back and went another way since never meets the segments of the old one. The folder is a cache: it
may be deleted at any time. Its name follows from what decodes the log, so a new decoding starts anew.
"""

import hashlib
import importlib
import json
import os
import re
import stat
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import adbc_driver_manager
import duckdb

from salesledger.errors import DamagedLedger, NewerLedger
from salesledger.ledger.format import Head
from salesledger.ledger.log import ArrowSource, Log
from salesledger.ledger.place import Place, Where, connect_to_read, mirror_of, place_of
from salesledger.ledger.raw import marks
from salesledger.readmodel.decode import TOPICS, UNKNOWN_TOPIC, decoding

BIG, SMALL = 100_000, 5_000
"""Entries in a segment: big ones as far as the log fills them, small ones behind those, and what is left is the tail."""

BACKTESTS = "backtests"
"""The folder beside the decodings' in which backtests are kept; it may be deleted as well."""

Progress = Callable[[int, int], None]
"""Told how many segments are written, of how many."""

Range = tuple[int, int]
"""Entries: behind the first number, up to and with the second."""


def ranges(last_entry: int) -> list[Range]:
    """What the segments of a log hold, in order and without a gap."""
    found: list[Range] = []
    after = 0
    for size in (BIG, SMALL):
        while after + size <= last_entry:
            found.append((after, after + size))
            after += size
    return found


def filled(last_entry: int) -> int:
    """The last entry of the last big segment that a log fills."""
    return last_entry // BIG * BIG


@contextmanager
def _raw_rows(place: Place, source: ArrowSource, entries: Range) -> Iterator[object]:
    """A range of the log as an Arrow stream to be read once; each has its own connection, as a reused one can serve stale rows."""
    driver = importlib.import_module(source.driver)._driver_path()
    held = ExitStack()
    try:
        database = held.enter_context(adbc_driver_manager.AdbcDatabase(driver=driver, uri=source.uri))
        connection = held.enter_context(adbc_driver_manager.AdbcConnection(database))
        statement = held.enter_context(adbc_driver_manager.AdbcStatement(connection))
        statement.set_options(**source.options)
        statement.set_sql_query(source.rows.format(after=entries[0], upto=entries[1]))
        handle, _ = statement.execute_query()
        yield handle.__arrow_c_stream__()
    finally:
        with place.letting_go():
            held.close()


@dataclass
class Mirror:
    """The log as a relation of typed rows.

    Args:
        path: where the ledger is.
        head: what is known of it.
        log: gives the connection that reads it, which may be closed whenever the file's locks are let go of.
        duck: the engine's connection.
        streams: whose rows alone are read, for a tail of some; all where there are none.
        grown: whether `segments` has just written a big one.
    """

    path: Where
    head: Head
    log: Callable[[], Log]
    duck: duckdb.DuckDBPyConnection
    streams: Sequence[str] = ()
    grown: bool = False

    @cached_property
    def source(self) -> ArrowSource:
        """How the log's rows are read as Arrow."""
        source = self.log().arrow()
        return source.of_streams(self.streams) if self.streams else source

    @cached_property
    def _marks(self) -> dict[int, str]:
        with place_of(self.path).using():
            return marks(self.log(), [upto for _, upto in ranges(self.head.last_entry)])

    def mark(self, entry: int) -> str:
        """The hash of an entry that names of files bear; empty where the log hasn't got it."""
        if entry not in self._marks:
            with place_of(self.path).using():
                self._marks.update({entry: ""} | marks(self.log(), [entry]))
        return self._marks[entry]

    def file_of(self, entries: Range) -> Path:
        """The file of a segment of this log."""
        after, upto = entries
        return self.folder / f"{after:012d}-{upto:012d}-{self.mark(upto)}.parquet"

    @cached_property
    def folder(self) -> Path:
        """Where the segments of this decoding lie."""
        told = json.dumps([self.head.ledger_id, decoding("log"), "named by the last entry"])
        return mirror_of(self.path) / hashlib.sha256(told.encode()).hexdigest()[:16]

    def segments(self, progress: Progress | None = None) -> tuple[list[Path], int]:
        """The segments that the log fills, written now where they are missing; up to the first that can't be written.

        Returns:
            Their files, and the last entry that they hold.
        """
        wanted = [(entries, self.file_of(entries)) for entries in ranges(self.head.last_entry)]
        there = {file for _, file in wanted if is_readable(file)}
        missing = len(wanted) - len(there)
        files: list[Path] = []
        written = 0
        with ExitStack() as held:
            for entries, file in wanted:
                if file not in there and not is_readable(file):  # another program may have written it by now
                    if progress:
                        progress(written, missing)
                    if not written:
                        held.enter_context(self._one_thread())
                    if not self._write(entries, file):
                        return files, entries[0]
                    written += 1
                    self.grown |= entries[1] - entries[0] == BIG
                files.append(file)
        if progress and missing:
            progress(missing, missing)
        return files, wanted[-1][0][1] if wanted else 0

    def tail(self, name: str, entries: Range) -> None:
        """Decode a range of the log into a table of that name, which is held in memory.

        Raises:
            NewerLedger: an entry is of a type that this version doesn't know.
            DamagedLedger: an entry's bytes are not what its type promises.
        """
        with self._one_thread():
            self._decode(f"CREATE OR REPLACE TEMP TABLE {name} AS {{rows}}", entries)

    def _write(self, entries: Range, file: Path) -> bool:
        # Snappy costs a third more room than zstd, and saves a tenth of every question's time. No dictionary is tried for
        # what hardly ever comes twice, such as keys.
        options = "FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1000"
        try:
            with replaced(file, place_of(self.path).shared) as target:
                self._decode(f"COPY ({{rows}}) TO {target} ({options})", entries)
            self._drop_overtaken(entries, file)
        except (duckdb.IOException, OSError):
            return False
        return True

    def _drop_overtaken(self, entries: Range, file: Path) -> None:
        """Delete the small segments of the big one before this, and this range's of another log.

        Those of a big one's own range may be being read just now.
        """
        after, upto = entries
        overtaken = {entries}
        if upto - after == BIG:
            overtaken |= {(start, start + SMALL) for start in range(after - BIG, after, SMALL)}
        for old in self.folder.glob("*.parquet"):
            if old != file and segment_of(old) in overtaken:
                with suppress(OSError):  # somebody else's, in a folder that several share
                    old.unlink()

    def _decode(self, statement: str, entries: Range) -> None:
        """Run a statement over a range of the log, as {rows} of `events`."""
        rows = decoding("log_rows")
        try:
            with _raw_rows(place_of(self.path), self.source, entries) as stream, self._registered("log_rows", stream):
                self.duck.execute(statement.replace("{rows}", rows))
            return
        except adbc_driver_manager.Error as e:
            raise place_of(self.path).translate(str(e)) from e
        except UnicodeDecodeError as e:  # an entry's text, which the engine quotes in its complaint
            raise DamagedLedger(str(self.path), f"entries {entries[0] + 1} to {entries[1]} are no text") from e
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error as e:
            if UNKNOWN_TOPIC not in str(e):
                raise DamagedLedger(
                    str(self.path), f"entries {entries[0] + 1} to {entries[1]} can't be decoded ({e})"
                ) from e
        self._upcast("log_rows", entries)
        self.duck.execute(statement.replace("{rows}", rows))
        self.duck.execute("DROP TABLE log_rows")

    @contextmanager
    def _one_thread(self) -> Iterator[None]:
        """Have DuckDB read streams with one thread: a stream has one end, and more would fight for it at twice the cost.

        Held for all segments at once: with each change of the number, DuckDB gives its memory back, to ask for it again.
        """
        self.duck.execute("SET threads = 1")
        try:
            yield
        finally:
            self.duck.execute("RESET threads")

    @contextmanager
    def _registered(self, name: str, stream: object) -> Iterator[None]:
        self.duck.register(name, stream)
        try:
            yield
        finally:
            self.duck.unregister(name)

    def _upcast(self, name: str, entries: Range) -> None:
        """Make a table of a range's raw rows the slow way: events of old versions pass the upcasters first."""
        from salesledger.ledger.mapper import UPCASTERS, upcast

        rows = []
        with closing(connect_to_read(self.path)) as log:
            raw = log.execute(self.source.rows.format(after=entries[0], upto=entries[1]))
            for entry, stream, version, topic, state, recorded_at, key in raw:
                current, fields = upcast(str(self.path), entry, topic, state.encode(), UPCASTERS)
                if current not in TOPICS:
                    raise NewerLedger(str(self.path), f"entry {entry} is of the unknown type {topic!r}")
                rows.append([entry, stream, version, current, fields.decode(), recorded_at, key])
        self.duck.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT "
            "CAST(r[1] AS BIGINT) AS entry, r[2] ->> '$' AS originator_id, CAST(r[3] AS INTEGER) AS originator_version, "
            "r[4] ->> '$' AS topic, r[5] ->> '$' AS state, CAST(r[6] AS BIGINT) AS recorded_at, r[7] ->> '$' AS marked_key "
            "FROM (SELECT unnest(from_json(?, '[[\"JSON\"]]')) AS r)",
            [json.dumps(rows)],
        )


@contextmanager
def replaced(file: Path, shared: Path | None = None) -> Iterator[str]:
    """Have a file written under a temporary name, given in SQL's quotes, and renamed once it is whole.

    Args:
        file: the file; its folder is made where it isn't there.
        shared: a folder above it whose permissions say who else may read it; without one only its owner may.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}.{uuid.uuid4().hex}")
    try:
        mode = _made(file.parent, shared)
        draft.touch(mode=0o600)
        yield "'" + str(draft).replace("'", "''") + "'"
        _to_disk(draft)
        draft.chmod(mode)
        draft.replace(file)
    finally:
        with suppress(OSError):
            draft.unlink()


def _made(folder: Path, shared: Path | None) -> int:
    """Make a folder, with the permissions of one above it where that is told; what they are for a file in it."""
    if shared is None or not shared.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return 0o600
    mode = stat.S_IMODE(shared.stat().st_mode)
    for part in reversed([part for part in (folder, *folder.parents) if part.is_relative_to(shared)]):
        with suppress(FileExistsError):
            part.mkdir(mode=0o700)
            part.chmod(mode)
    return mode & 0o444 | 0o600


def is_readable(file: Path) -> bool:
    """Whether a file is there and may be read: a folder that several share may hold what only its owner may."""
    try:
        file.open("rb").close()
    except OSError:
        return False
    return True


def _to_disk(file: Path) -> None:
    """Have a file's bytes on the disk before its name says that it is whole."""
    with file.open("r+b") as written:
        os.fsync(written.fileno())


def segment_of(file: Path) -> Range | None:
    """The entries that a file holds by its name; None where that is no segment's."""
    found = re.fullmatch(r"(\d{12})-(\d{12})-[0-9a-f]{8}\.parquet", file.name)
    return (int(found[1]), int(found[2])) if found else None


def rows_of(segments: Sequence[Path], tail: str | None) -> str:
    """The SQL of the rows of segments and of the tail, which have the same columns; empty where there are none."""
    parts = []
    if segments:
        files = ", ".join("'" + str(file).replace("'", "''") + "'" for file in segments)
        parts.append(f"SELECT * FROM read_parquet([{files}])")
    if tail:
        parts.append(f"SELECT * FROM {tail}")
    return " UNION ALL ".join(parts)
