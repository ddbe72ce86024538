"""A CSV file as rows with the line that each starts on, where nothing is lost in silence: what is broken is a row that says so.

The file is read once and held in memory, so that a file that changes meanwhile can't make two passes differ.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from salesledger.domain.values import to_id
from salesledger.errors import NOTHING_RECORDED, BadFile
from salesledger.exchange.rules import BLANKS, Rules, tidy

DELIMITERS = (",", ";", "\t", "|")
"""What is tried where the rules name no delimiter."""

MOST_LINES = 1_000
MOST_CHARACTERS = 1_000_000
"""A quoted cell that goes on for longer counts as a quote that was never closed."""

_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_UNDECODED = re.compile("[\ud800-\udfff]")


class RowProblem(Exception):
    """Why a row can't be imported.

    Args:
        kind: what is wrong, in words that are the same for all such rows.
        detail: which value.
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind, self.detail = kind, detail

    @property
    def reason(self) -> str:
        """The whole of it."""
        return str(self)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file.

    Attributes:
        line: the physical line that it starts on, from 1 (the header's).
        cells: as they stand in the file; of a line that can't be split into cells, the whole line.
        problem: why it is no row; None where it is one.
    """

    line: int
    cells: list[str]
    problem: RowProblem | None = None


@dataclass(frozen=True)
class Table:
    """The rows of a CSV file.

    Attributes:
        file: its name.
        delimiter: between cells.
        header: the names of the columns, as they stand.
        places: where each needed column is, by its tidied name.
        key: the place of the column that names the deal, or of the first of those that its id is made from.
    """

    file: str
    delimiter: str
    header: list[str]
    places: dict[str, int]
    key: int
    _lines: list[str]
    _first: int

    @classmethod
    def read(cls, file: Path, rules: Rules) -> "Table":
        """Read a file.

        Raises:
            BadFile: it can't be read, is empty or in another encoding, or lacks a column that the rules name.
        """
        lines = _decode(file, rules.encoding)
        start = next((i for i, line in enumerate(lines) if line.strip()), None)
        if start is None:
            raise BadFile(f"{str(file)!r} is empty: it has no header that names its columns. {NOTHING_RECORDED}")
        needed = list(rules.needed())
        tried: list[tuple[int, int, str, list[str], int]] = []
        for delimiter in (rules.delimiter,) if rules.delimiter else DELIMITERS:
            header, after = _header(lines, start, delimiter)
            known = {tidy(name) for name in header}
            tried.append((sum(tidy(c) in known for _, c in needed), len(header), delimiter, header, after))
        _, _, delimiter, header, after = max(tried, key=lambda t: t[:2])
        places = _find(file, needed, header)
        return cls(
            str(file), delimiter, header, places, places[tidy(rules.columns.deal or rules.deal_from[0])], lines, after
        )

    def rows(self) -> Iterator[Row]:
        """Every row in the file's order; blank lines are none."""
        i, lines = self._first, self._lines
        while i < len(lines):
            line = lines[i]
            if not line.strip() and (self.delimiter == BLANKS or self.delimiter not in line):
                i += 1
                continue
            cells, taken = _split(lines, i, self.delimiter)
            if cells is None:
                yield Row(i + 1, [line], RowProblem("a quote is opened and not closed properly", f"line {i + 1}"))
            else:
                yield Row(i + 1, cells, self._problem(i, taken, cells))
            i += taken

    def _problem(self, i: int, taken: int, cells: list[str]) -> RowProblem | None:
        span = f"lines {i + 1} to {i + taken}" if taken > 1 else f"line {i + 1}"
        if len(cells) != len(self.header):
            few = "few" if len(cells) < len(self.header) else "many"
            return RowProblem(f"too {few} cells", f"{len(cells)}, and the header has {len(self.header)} ({span})")
        if taken > 1 and any(self._is_row(line) for line in self._lines[i + 1 : i + taken]):
            return RowProblem("a quote runs over what looks like other rows", span)
        for cell in cells:
            if "\0" in cell:
                return RowProblem("a cell holds a NUL byte", span)
            if not cell.isascii() and (bad := _UNDECODED.search(cell)):
                return RowProblem("a cell is not in the file's encoding", f"byte 0x{ord(bad[0]) & 0xFF:02x}, {span}")
        return None

    def _is_row(self, line: str) -> bool:
        cells = line.split(self.delimiter)
        if len(cells) < 2 or len(cells) != len(self.header):
            return False
        try:
            return bool(to_id(cells[self.key].strip()))
        except ValueError:
            return False


def _decode(file: Path, encoding: str) -> list[str]:
    """The file's physical lines; a byte that the encoding doesn't know stands as half a surrogate pair."""
    try:
        data = file.read_bytes()
    except OSError as e:
        raise BadFile(f"{str(file)!r} can't be read: {e.strerror}. {NOTHING_RECORDED}") from e
    if encoding in ("utf-8", "utf-8-sig"):
        encoding = "utf-8"
        other = _OTHER_BOMS.get(data[:2])
        if other:
            raise BadFile(
                f'{str(file)!r} is {other.upper()}; write encoding = "{other}" in the rules. {NOTHING_RECORDED}'
            )
        data = data.removeprefix(_BOM)
    try:
        text = data.decode(encoding, "surrogateescape")
    except (UnicodeError, LookupError) as e:
        raise BadFile(
            f"{str(file)!r} is not in {encoding}: {e}; name its encoding in the rules. {NOTHING_RECORDED}"
        ) from e
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _header(lines: list[str], start: int, delimiter: str) -> tuple[list[str], int]:
    cells, taken = _split(lines, start, delimiter)
    return (cells, start + taken) if cells is not None else ([lines[start]], start + 1)


def _split(lines: list[str], i: int, delimiter: str) -> tuple[list[str] | None, int]:
    """The cells of the row that starts at a line, and how many lines it takes; None where its quotes are broken.

    Broken quotes cost one line only: whatever they would have swallowed is looked at anew.
    """
    line = lines[i]
    if '"' not in line:
        return line.split() if delimiter == BLANKS else line.split(delimiter), 1
    blanks = delimiter == BLANKS
    told = (line.rstrip(BLANKS + "\n") for line in _lines_of_a_row(lines, i)) if blanks else _lines_of_a_row(lines, i)
    reader = csv.reader(told, delimiter=delimiter, strict=True, skipinitialspace=blanks)
    try:
        return next(reader), reader.line_num
    except (csv.Error, StopIteration):
        return None, 1


def _lines_of_a_row(lines: list[str], i: int) -> Iterator[str]:
    length = 0
    for line in islice(lines, i, i + MOST_LINES):
        length += len(line)
        if length > MOST_CHARACTERS:
            return
        yield line + "\n"


def _find(file: Path, needed: Iterable[tuple[str, str]], header: list[str]) -> dict[str, int]:
    names = [tidy(name) for name in header]
    places: dict[str, int] = {}
    for key, column in needed:
        name = tidy(column)
        if names.count(name) == 1:
            places[name] = names.index(name)
            continue
        if name in names:
            problem = f"the column {column!r} occurs {names.count(name)} times; keep one"
        else:
            close = get_close_matches(name, names, 1)
            columns = ", ".join(repr(h.strip()[:40]) for h in header[:30])
            hint = (
                f"perhaps {header[names.index(close[0])].strip()!r} is meant"
                if close
                else f"its columns are: {columns}"
            )
            problem = f"there is no column {column!r} ({key} of the rules); {hint}"
        raise BadFile(f"{str(file)!r}: {problem}. {NOTHING_RECORDED}")
    return places
