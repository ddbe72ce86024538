"""DuckDB's connection for the questions put to one ledger, which reads nothing else, whatever SQL it is given."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from salesledger.ledger.place import Where, mirror_of
from salesledger.readmodel.bases import MACROS

NO_ACCESS = "file system operations are disabled"
"""What DuckDB says of a file that it may not read."""


def connected(
    path: Where,
    *,
    memory: str | None = None,
    spill: Path | None = None,
    also: Sequence[Path] = (),
    folders: Sequence[Path] = (),
) -> duckdb.DuckDBPyConnection:
    """Open DuckDB for questions to a ledger, and lock it.

    SQL may come from anybody: from a script, from a projection that lies beside the ledger. It reads the files of the mirror, and
    no other file, no network and no variable of the program that asks; it can't undo that.

    Args:
        path: the ledger's file.
        memory: the memory limit, such as '2GB'.
        spill: the folder for what memory can't hold, in one that nobody else can read; it is made where it is needed. Where there
            is none, nothing is put on the disk.
        also: further files that may be read and written.
        folders: further folders in which files may be.
    """
    duck = duckdb.connect(":memory:")
    duck.execute("SET TimeZone = 'UTC'")
    duck.execute("SET enable_progress_bar = false")  # it would be drawn on the standard output, into the answer
    duck.execute("SET temp_directory = $folder", {"folder": str(spill or "")})
    if memory:
        duck.execute("SET memory_limit = $limit", {"limit": memory})
    # Joins are written with the small side on the right. DuckDB's guess is wrong by a factor of a hundred where a deal's
    # status decides, and on ten million events it then builds its table of the big side.
    duck.execute("SET disabled_optimizers = 'build_side_probe_side'")
    duck.execute(MACROS)
    duck.execute(
        "SET allowed_directories = $folders", {"folders": [str(folder) for folder in (mirror_of(path), *folders)]}
    )
    if also:
        duck.execute("SET allowed_paths = $files", {"files": [str(file) for file in also]})
    duck.execute("SET python_enable_replacements = false")
    duck.execute("SET enable_external_access = false")  # the last, as the others can't be changed any more then
    return duck


def check_zone(name: str) -> None:
    """Make sure that the engine knows a time zone, as Python does.

    Raises:
        ValueError: it doesn't, so a ledger in that zone could never be asked anything.
    """
    with duckdb.connect(":memory:") as duck:
        if (
            duck.execute(
                "SELECT 1 FROM pg_timezone_names() WHERE lower(name) = lower($name)", {"name": name}
            ).fetchone()
            is None
        ):
            raise ValueError(f"{name!r} is not a time zone that reports can use; write one like Europe/Berlin or UTC")
