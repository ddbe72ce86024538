"""A query's answer as text: a table to read, or JSON, CSV and Markdown to pass on; and where that text goes."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal
from math import isfinite
from typing import TYPE_CHECKING

# pathlib, json, csv and prettytable are imported where they are used: every command pays for what stands here.
from salesledger.cli.escape import markdown_text, safe_text
from salesledger.domain.iso4217 import THOUSANDTHS
from salesledger.errors import UsageError
from salesledger.readmodel.plain import in_utc, json_text, plain, spreadsheet_text, two_decimals

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

FORMATS = ("table", "json", "csv", "jsonl", "md")

_ENDINGS = {".json": "json", ".jsonl": "jsonl", ".csv": "csv", ".md": "md", ".txt": "table"}
_INTEGERS = {f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")}
_NUMBERS = _INTEGERS | {"DECIMAL", "NUMERIC", "DOUBLE", "FLOAT", "REAL"}
_NEVER_CUT = _NUMBERS | {"DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "BOOLEAN"}
_RATIOS = (
    *("_ratio", "_rate", "share", "attainment", "nrr", "grr", "logo_churn", "chance", "noise_floor"),
    *("wape", "bias", "crps", "pinball", "coverage_80", "coverage_95", "_se", "_skill"),
)
_OF_MONEY = 4
"""The decimals of money; what has more, such as a rate, is none."""
_GAP = 2
_NARROWEST = 6


@dataclass(frozen=True)
class Rows:
    """A query's answer.

    Attributes:
        columns: The names, in order; where one returns, it is shown as DuckDB would name it: `a`, `a_1`.
        types: DuckDB's type names, one a column: `VARCHAR`, `DECIMAL(38,4)`, `TIMESTAMP`, ...
        rows: One tuple a row, as long as `columns`. A datetime without a zone means UTC.
        sparse: Whether the rows are of different kinds: JSON then leaves out what a row has no value for.
        whole: Whether a table shows every column, those without a value too.
    """

    columns: list[str]
    types: list[str]
    rows: list[tuple[object, ...]]
    sparse: bool = False
    whole: bool = False


@dataclass(frozen=True)
class _Column:
    """A column as a reader sees it: every cell is one line of safe text."""

    header: str
    cells: list[str]
    is_number: bool
    may_be_cut: bool


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
    if ending not in _ENDINGS:
        raise UsageError(
            f"{out!r} doesn't end in a format's name. End it in {', '.join(_ENDINGS)}, or name the format with -O."
        )
    return _ENDINGS[ending]


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
            return _markdown(_read_by_people(rows, zone), title, notes, empty=not rows.rows)
        case _:
            return _table(_read_by_people(rows, zone), title, notes, width, empty=not rows.rows)


def column_widths(rows: Rows, zone: "ZoneInfo") -> dict[str, int]:
    """How many columns of a terminal each column of the table takes that nothing is cut from, without the gaps."""
    return {c.header: max(map(_width, (c.header, *c.cells))) for c in _read_by_people(rows, zone)}


def number(value: Decimal) -> str:
    """A decimal to read, such as `-12,500.00`: more decimals than two only up to the last that isn't zero. Never rounds."""
    whole, _, fraction = two_decimals(f"{value:,f}").partition(".")
    return f"{whole}.{fraction[:2]}{fraction[2:].rstrip('0')}"


def money(value: Decimal, currency: object = None) -> str:
    """An amount to read, rounded half up to the decimals that its currency has, or two.

    More are shown only as far as the first four significant digits need: `12,500.57`, but `0.0035`. What adds up exactly may
    thus look off by a last digit; JSON and CSV have every decimal.
    """
    digits = max(3 if currency in THOUSANDTHS else 2, 3 - value.adjusted())
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -digits:
        value = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, Context(prec=60))
    return number(value)


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


def _local(moment: datetime, zone: "ZoneInfo") -> datetime:
    if moment.year in (1, 9999):  # an open end, the same in any zone
        return in_utc(moment)
    return in_utc(moment).replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def _dumped(value: object) -> str:
    import json

    return json_text(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _text(value: object) -> str:
    shown = plain(value)
    if shown is None:
        return ""
    return shown if isinstance(shown, str) else _dumped(shown)


def _unique(names: Iterable[str]) -> list[str]:
    taken: dict[str, None] = {}
    for name in names:
        unique, count = name, 0
        while unique in taken:
            count += 1
            unique = f"{name}_{count}"
        taken[unique] = None
    return list(taken)


def _json_objects(rows: Rows) -> Iterator[str]:
    names = _unique(rows.columns)
    for row in rows.rows:
        told = zip(names, row, strict=True)
        yield _dumped({name: plain(cell) for name, cell in told if cell is not None or not rows.sparse})


def _json(rows: Rows) -> str:
    objects = ",\n".join(f"  {line}" for line in _json_objects(rows))
    return f"[\n{objects}\n]\n" if objects else "[]\n"


def _csv(rows: Rows) -> str:
    import csv
    from io import StringIO

    file = StringIO(newline="")
    writer = csv.writer(file)
    for row in ([*_unique(rows.columns)], *rows.rows):
        writer.writerow([spreadsheet_text(cell) if isinstance(cell, str) else _text(cell) for cell in row])
    return file.getvalue()


def _read_by_people(rows: Rows, zone: "ZoneInfo") -> list[_Column]:
    values = list(zip(*rows.rows, strict=True)) or [()] * len(rows.columns)
    columns = list(zip(_unique(rows.columns), rows.types, values, strict=True))
    if rows.rows and not rows.whole:
        # An answer of nothing but NULLs is an answer: it keeps its columns.
        columns = [column for column in columns if any(cell is not None for cell in column[2])] or columns
    # What is money has its currency beside it.
    currencies = next((cells for name, _, cells in columns if name == "currency"), None)
    return [
        _Column(
            header=safe_text(name),
            cells=_cells(name, cells, zone, None if _decimals(type_name) > _OF_MONEY else currencies),
            is_number=_is_one_of(_NUMBERS, type_name),
            may_be_cut=not _is_one_of(_NEVER_CUT, type_name),
        )
        for name, type_name, cells in columns
    ]


def _is_one_of(names: set[str], type_name: str) -> bool:
    base = re.split(r"[( ]", type_name.upper(), maxsplit=1)[0]
    return base in names and not type_name.endswith("]")


def _decimals(type_name: str) -> int:
    found = re.fullmatch(r"DECIMAL\(\d+, ?(\d+)\)", type_name.upper())
    return int(found[1]) if found else 0


def _cells(
    name: str, values: Sequence[object], zone: "ZoneInfo", currencies: Sequence[object] | None = None
) -> list[str]:
    local = [_local(value, zone) if isinstance(value, datetime) else value for value in values]
    days_only = all(value.time() == time.min for value in local if isinstance(value, datetime))
    percents = name.lower().endswith(_RATIOS)

    def shown(value: object, currency: object) -> str:
        match value:
            case str():
                return safe_text(value)
            case Decimal():
                if not value.is_finite():
                    return ""
                return number(value) if currencies is None else money(value, currency)
            case float():
                return (f"{value:z.1%}" if percents else f"{value:z.1f}") if isfinite(value) else ""
            case datetime():
                return value.date().isoformat() if days_only else value.isoformat(" ", "minutes")
            case _:
                return safe_text(_text(value))

    return [shown(*told) for told in zip(local, currencies or [None] * len(local), strict=True)]


def _table(columns: list[_Column], title: str, notes: Sequence[str], width: int | None, *, empty: bool) -> str:
    lines = [safe_text(title), ""] if title else []
    if columns:
        lines += _grid(columns if width is None else _fitted(columns, width))
    if empty:
        lines.append("(none)")
    lines += [safe_text(note) for note in notes]
    return "".join(f"{line}\n" for line in lines)


def _grid(columns: list[_Column]) -> list[str]:
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
    return [line.rstrip(" ") for line in (header, "-" * (_width(header) - _GAP), *body)]


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():  # wcwidth, for the others, takes 10 ms to import
        return len(text)
    from wcwidth import wcswidth

    return wcswidth(text)


def _fitted(columns: list[_Column], width: int) -> list[_Column]:
    """The columns with the widest text cut, column by column, until the table fits or no text may be cut further."""
    widths = [max(map(_width, (column.header, *column.cells))) for column in columns]
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


def cut(text: str, limit: int) -> str:
    """The text in at most so many columns of a terminal, an ellipsis in the place of what doesn't fit."""
    if _width(text) <= limit:
        return text
    kept = text[: limit - 1]
    while _width(kept) > limit - 1:
        kept = kept[:-1]
    return f"{kept}…"


def _markdown(columns: list[_Column], title: str, notes: Sequence[str], *, empty: bool) -> str:
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
