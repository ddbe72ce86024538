"""Every event out: as JSON lines, CSV or Parquet."""

import csv
import json
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from salesledger.errors import UsageError
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.plain import plain

_NESTED = ("attributes", "pain_points", "stages")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(engine: Engine, format_: str, output: Path | None, question: Question) -> int:
    """Write the events known at the question's date, in the ledger's order.

    Args:
        engine: the ledger.
        format_: 'jsonl' (an entry's own fields only), 'csv' (every column) or 'parquet' (every column, typed).
        output: the file, which appears whole or not at all; standard output where absent.
        question: its `known_at` and `upto` count.

    Returns:
        How many entries were written.

    Raises:
        UsageError: the file can't be written.
    """
    every = "SELECT * FROM events WHERE known_at <= $known_at ORDER BY entry"
    if format_ == "parquet":
        assert output is not None
        with _draft(output) as draft:
            engine.query(every, question).to_parquet(str(draft), compression="zstd")
        return int(engine.ask("SELECT count(*) FROM events WHERE known_at <= $known_at", question).rows[0][0])
    count = 0
    with _text(output) as file:
        writer = csv.writer(file, lineterminator="\n")
        columns, rows = engine.stream(every, question)
        if format_ == "csv":
            writer.writerow(columns)
        for row in rows:
            count += 1
            if format_ == "csv":
                writer.writerow([_cell(value) for value in row])
            else:
                file.write(_line(columns, row) + "\n")
    return count


def _line(columns: list[str], row: tuple[Any, ...]) -> str:
    fields: dict[str, Any] = {}
    for name, value in zip(columns, row, strict=True):
        if value is not None:
            fields[name] = json.loads(value) if name in _NESTED else plain(value)
    return json.dumps(fields, ensure_ascii=False)


def _cell(value: Any) -> Any:
    shown = "" if value is None else plain(value)
    # A spreadsheet would run such a text as a formula.
    return f"'{shown}" if isinstance(value, str) and value.startswith(_FORMULA) else shown


@contextmanager
def _text(output: Path | None) -> Iterator[IO[str]]:
    if output is None:
        yield sys.stdout
        return
    with _draft(output) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def _draft(output: Path) -> Iterator[Path]:
    """A file beside the wanted one, which takes its place when all is written."""
    draft = output.with_name(f".{output.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
    try:
        yield draft
        draft.replace(output)
    except OSError as e:
        raise UsageError(f"{str(output)!r} can't be written: {e.strerror}.") from e
    finally:
        with suppress(OSError):
            draft.unlink()
