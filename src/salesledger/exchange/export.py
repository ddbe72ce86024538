"""Every event out: as JSON lines, CSV or Parquet."""

import csv
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from salesledger.errors import UsageError
from salesledger.ledger.guard import check_may_write
from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.plain import json_text, plain, spreadsheet_text

FORMATS = ("jsonl", "csv", "parquet")

_NESTED = ("attributes", "pain_points", "persons", "stages", "criteria", "disqualify_reasons", "loss_reasons")
_EVERY = "FROM events WHERE known_at <= $known_at"


def export(engine: Engine, format_: str, output: Path | IO[str], question: Question) -> int:
    """Write the events known at the question's date, in the ledger's order.

    Args:
        engine: the ledger.
        format_: 'jsonl' (an entry's own fields only), 'csv' (every column) or 'parquet' (every column, typed).
        output: a file, which appears whole or not at all; or a stream of text, for what isn't Parquet.
        question: its `known_at` and `upto` count.

    Returns:
        How many entries were written.

    Raises:
        UsageError: the file can't be written, or a ledger lives on it.
    """
    if format_ == "parquet":
        assert isinstance(output, Path)
        with _draft(output, in_place=False) as draft:
            engine.write_parquet(f"SELECT * {_EVERY} ORDER BY entry", draft, question)
        return int(engine.ask(f"SELECT count(*) {_EVERY}", question).rows[0][0])
    columns, rows = engine.stream(f"SELECT * {_EVERY} ORDER BY entry", question)
    if not isinstance(output, Path):
        return _write(output, format_, columns, rows)
    with _draft(output, in_place=True) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        return _write(file, format_, columns, rows)


def _write(file: IO[str], format_: str, columns: list[str], rows: Iterator[tuple[Any, ...]]) -> int:
    writer = csv.writer(file, lineterminator="\n")
    if format_ == "csv":
        writer.writerow(columns)
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 - it is what is returned
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
    return json_text(json.dumps(fields, ensure_ascii=False))


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return spreadsheet_text(value) if isinstance(value, str) else plain(value)


@contextmanager
def _draft(output: Path, *, in_place: bool) -> Iterator[Path]:
    """A file beside the wanted one, which takes its place when all is written.

    A device or a pipe is written to in place, where that is possible: to replace one would destroy it.
    """
    check_may_write(output)
    target = Path(os.path.realpath(output))
    draft = target.with_name(f".{target.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
    try:
        if target.exists() and not target.is_file():
            if not in_place or target.is_dir():
                raise UsageError(f"{str(output)!r} is no file. Name another one with -o.")
            yield target
            return
        yield draft
        if target.exists():
            draft.chmod(target.stat().st_mode & 0o777)
        draft.replace(target)
    except BrokenPipeError:
        raise
    except OSError as e:
        raise UsageError(f"{str(output)!r} can't be written: {e.strerror or e}. Name another file with -o.") from e
    finally:
        with suppress(OSError):
            draft.unlink()
