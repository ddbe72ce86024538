"""A query's answer as text: a table to read, or JSON, CSV and Markdown to pass on; and where that text goes."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from salesledger.errors import UsageError
from salesledger.readmodel.plain import plain, spreadsheet_text

# pathlib, json, csv and prettytable are imported where they are used: every command pays for what stands here.
from salesledger.shown.escape import markdown_text, safe_text
from salesledger.shown.values import Column, Rows, cut, dumped, read_by_people, text_of, unique, width_of

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

FORMATS = ("table", "json", "csv", "jsonl", "md")

PICTURES = (".svg", ".png", ".html")
"""The endings of a picture's file."""

DRAWN = (
    *("pipeline", "metrics", "funnel", "map", "recurring", "attainment", "diff"),
    *("forecast", "backtest", "history", "query"),
)
"""The commands that draw one."""

_ENDINGS = {".json": "json", ".jsonl": "jsonl", ".csv": "csv", ".md": "md", ".txt": "table"}
_GAP = 2
_NARROWEST = 6


def format_for(explicit: str | None, out: str | None) -> str:
    """The format asked for with `-O`, else the one that the ending of `-o FILE` names, else `table`.

    Raises:
        UsageError: There is no such format, or the ending names none.
    """
    if explicit is not None:
        if explicit not in FORMATS:
            raise UsageError(f"{explicit!r} is not a format. Write one of {', '.join(FORMATS)}.")
        return explicit
    if out is None or out == "-":
        return "table"
    from pathlib import Path

    ending = Path(out).suffix.lower()
    if ending in PICTURES:
        raise UsageError(
            f"There is no picture of this for {out!r}. End it in {', '.join(_ENDINGS)}; the commands that draw are "
            f"{', '.join(DRAWN)}."
        )
    if ending not in _ENDINGS:
        raise UsageError(
            f"{out!r} doesn't end in a format's name. End it in {', '.join(_ENDINGS)}, or name the format with -O."
        )
    return _ENDINGS[ending]


def is_picture(explicit: str | None, out: str | None) -> bool:
    """Whether the ending of `-o FILE` asks for a picture, as no format is named."""
    return explicit is None and (out or "").lower().endswith(PICTURES)


def render(
    rows: Rows,
    format: str,
    *,
    zone: "ZoneInfo",
    title: str = "",
    notes: Sequence[str] = (),
    width: int | None = None,
) -> str:
    r"""The answer as text that ends with a newline (an answer without rows is no text at all in `jsonl`).

    `json`, `jsonl` and `csv` hold values: amounts as plain decimals, instants as ISO 8601 UTC, every column. `table`
    and `md` are for reading: thousands separators, percents, instants in `zone`, no column that is NULL throughout.

    Args:
        rows: What to show.
        format: One of `FORMATS`.
        zone: The ledger's time zone; only `table` and `md` use it.
        title: A line above; only in `table` and `md`.
        notes: Lines below; only in `table` and `md`.
        width: The terminal's columns. A wider table has its longest texts cut, never below 6 columns; only in `table`.

    Raises:
        UsageError: There is no such format.
    """
    match format_for(format, None):
        case "json":
            return _json(rows)
        case "jsonl":
            return "".join(f"{line}\n" for line in _json_objects(rows))
        case "csv":
            return _csv(rows)
        case "md":
            return _markdown(read_by_people(rows, zone), title, notes, empty=not rows.rows)
        case _:
            return _table(read_by_people(rows, zone), title, notes, width, empty=not rows.rows)


def write(text: str | bytes, out: str | None, *, private: bool = False) -> None:
    """Print `text`, or make it the content of the file `out`, wholly or not at all; `-` is standard output.

    What isn't a terminal gets UTF-8. A device or a pipe is written to, any other file is replaced and keeps its mode;
    where the text is `private` it is the owner's alone (0600), whatever was there.

    Raises:
        UsageError: It can't be written, or a ledger lives on it; a file that was there is as it was.
    """
    if out is not None and out != "-":
        from salesledger.ledger.guard import check_may_write

        check_may_write(out)
    with writing_to(out):
        if isinstance(text, str) and (out is None or out == "-"):
            _print(text)
        else:
            from pathlib import Path

            content = text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text
            _replace_file(Path(os.path.realpath(out or "-")), content, private=private)


@contextmanager
def writing_to(out: str | None) -> Iterator[None]:
    """Turn what the system says against writing to a file, or to standard output, into the ledger's own error.

    Raises:
        UsageError: it can't be written.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        why = error.strerror or error
        if out is None or out == "-":
            raise UsageError(f"Standard output can't be written: {why}.") from error
        raise UsageError(f"{out!r} can't be written: {why}. Name another file with -o.") from error


def _print(text: str) -> None:
    stream = sys.stdout
    encoding = (stream.encoding if stream.isatty() else None) or "utf-8"
    content = text.encode(encoding, "backslashreplace")
    if not hasattr(stream, "buffer"):
        stream.write(content.decode(encoding))
        return
    # Bytes, because Windows would turn CSV's line ends into \r\r\n and JSON into its code page.
    stream.flush()
    stream.buffer.write(content)
    stream.buffer.flush()


def _replace_file(target: "Path", content: bytes, *, private: bool) -> None:
    if target.exists() and not target.is_file() and not target.is_dir():
        target.write_bytes(content)  # replacing /dev/null or a named pipe would destroy it
        return
    temporary = target.with_name(f".salesledger-{os.urandom(8).hex()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o666)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        if target.is_file() and not private:
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _json_objects(rows: Rows) -> Iterator[str]:
    names = unique(rows.columns)
    for row in rows.rows:
        told = zip(names, row, strict=True)
        yield dumped({name: plain(cell) for name, cell in told if cell is not None or not rows.sparse})


def _json(rows: Rows) -> str:
    objects = ",\n".join(f"  {line}" for line in _json_objects(rows))
    return f"[\n{objects}\n]\n" if objects else "[]\n"


def _csv(rows: Rows) -> str:
    import csv
    from io import StringIO

    file = StringIO(newline="")
    writer = csv.writer(file)
    for row in ([*unique(rows.columns)], *rows.rows):
        writer.writerow([spreadsheet_text(cell) if isinstance(cell, str) else text_of(cell) for cell in row])
    return file.getvalue()


def _table(columns: list[Column], title: str, notes: Sequence[str], width: int | None, *, empty: bool) -> str:
    lines = [safe_text(title), ""] if title else []
    if columns:
        lines += _grid(columns if width is None else _fitted(columns, width))
    if empty:
        lines.append("(none)")
    lines += [safe_text(note) for note in notes]
    return "".join(f"{line}\n" for line in lines)


def _grid(columns: list[Column]) -> list[str]:
    # Together with wcwidth, which it loads for its first cell, about 12 ms: not for JSON, CSV or --help.
    from prettytable import PrettyTable

    # The header goes in as a row: as field names, two that are cut to the same text would be refused.
    table = PrettyTable([str(place) for place in range(len(columns))])
    table.header = table.border = False
    table.left_padding_width, table.right_padding_width = 0, _GAP
    for place, column in enumerate(columns):
        table.align[str(place)] = "r" if column.is_number else "l"
    table.add_row([column.header for column in columns])
    table.add_rows([list(row) for row in zip(*(column.cells for column in columns), strict=True)])
    header, *body = table.get_string().split("\n")
    return [line.rstrip(" ") for line in (header, "-" * (width_of(header) - _GAP), *body)]


def _fitted(columns: list[Column], width: int) -> list[Column]:
    """The columns with the widest text cut, column by column, until the table fits or no text may be cut further."""
    widths = [max(map(width_of, (column.header, *column.cells))) for column in columns]
    room = width - _GAP * (len(columns) - 1)
    texts = [place for place in reversed(range(len(columns))) if columns[place].may_be_cut]
    limits = [min(wide, max(width, _NARROWEST)) if place in texts else wide for place, wide in enumerate(widths)]
    while sum(limits) > room and any(limits[place] > _NARROWEST for place in texts):
        limits[max(texts, key=limits.__getitem__)] -= 1
    return [
        replace(column, header=cut(column.header, limit), cells=[cut(cell, limit) for cell in column.cells])
        if limit < wide
        else column
        for column, limit, wide in zip(columns, limits, widths, strict=True)
    ]


def _markdown(columns: list[Column], title: str, notes: Sequence[str], *, empty: bool) -> str:
    blocks = [f"**{markdown_text(title)}**"] if title.strip() else []
    if columns:
        lines = [
            [markdown_text(column.header) for column in columns],
            ["---:" if column.is_number else "---" for column in columns],
            *zip(*([markdown_text(cell) for cell in column.cells] for column in columns), strict=True),
        ]
        blocks.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    if empty:
        blocks.append("(none)")
    # Emphasis, so that a note that begins like a heading or a list stays a line of text.
    blocks += [f"*{markdown_text(note)}*" for note in notes if note.strip()]
    return "\n\n".join(blocks) + "\n"
