"""Which columns a table shows: those that people read, and of these as many as the terminal has room for."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from salesledger.cli.render import Rows, column_widths

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_GAP = 2
_READABLE = 16
_WRAPPED = 40


def chosen(rows: Rows, names: Sequence[str], *, unless_zero: Sequence[str] = ()) -> Rows:
    """The rows with the named columns only, in this order.

    Args:
        rows: an answer; names that it has no column for are passed over.
        names: what to show.
        unless_zero: columns among them that are shown only if one of their cells is neither empty nor zero.
    """
    place = {name: i for i, name in enumerate(rows.columns)}
    kept = [
        place[name]
        for name in names
        if name in place and (name not in unless_zero or any(row[place[name]] for row in rows.rows))
    ]
    return Rows(
        [rows.columns[i] for i in kept],
        [rows.types[i] for i in kept],
        [tuple(row[i] for i in kept) for row in rows.rows],
        rows.sparse,
    )


def fitted(rows: Rows, width: int, expendable: Sequence[str], *, zone: "ZoneInfo") -> tuple[Rows, list[str]]:
    """The rows without the expendable columns that would make their table wider than the terminal.

    A text counts as no wider than 16 columns: the table can cut it, which is better than to do without another column.

    Returns:
        The rows, and the names of the columns that were left out, in the table's order.
    """
    texts = {name for name, type_name in zip(rows.columns, rows.types, strict=True) if type_name == "VARCHAR"}
    wide = {n: min(w, _READABLE) if n in texts else w for n, w in column_widths(rows, zone).items()}
    return _without(rows, wide, width + _GAP, expendable)


def wrapped(
    rows: Rows, column: str, width: int, expendable: Sequence[str], *, zone: "ZoneInfo"
) -> tuple[Rows, list[str]]:
    """The rows with the texts of their last column continued on rows of their own, as wide as the others leave it room.

    Returns:
        As `fitted`.
    """
    assert rows.columns[-1] == column
    wide = column_widths(rows, zone)
    others = {name: w for name, w in wide.items() if name != column}
    kept, gone = _without(rows, others, width - min(wide[column], _WRAPPED), expendable)
    room = max(width - sum(w + _GAP for name, w in others.items() if name not in gone), _READABLE)
    continued: list[tuple[object, ...]] = []
    for *cells, text in kept.rows:
        first, *more = _wrap(str(text), room)
        continued.append((*cells, first))
        continued += [(*(None for _ in cells), line) for line in more]
    return Rows(kept.columns, kept.types, continued), gone


def _without(rows: Rows, wide: dict[str, int], room: int, expendable: Sequence[str]) -> tuple[Rows, list[str]]:
    needed = dict(wide)
    for name in expendable:
        if sum(w + _GAP for w in needed.values()) <= room:
            break
        needed.pop(name, None)
    gone = [name for name in rows.columns if name in wide and name not in needed]
    return chosen(rows, [name for name in rows.columns if name not in gone]), gone


def _wrap(text: str, room: int) -> list[str]:
    """The text in lines of at most so many columns, broken between fields, else between words, else anywhere."""
    from wcwidth import wcswidth

    from salesledger.cli.escape import safe_text

    lines = [""]
    for field in safe_text(text).split("  "):
        words = [field] if wcswidth(field) <= room else re.findall(r"\S+", field)
        for i, word in enumerate(words):
            gap = "  " if i == 0 else " "
            if lines[-1] and wcswidth(lines[-1] + gap + word) > room:
                lines.append("")
            lines[-1] += (gap if lines[-1] else "") + word
            while wcswidth(lines[-1]) > room:
                cut = next(n for n in range(room, 0, -1) if wcswidth(lines[-1][:n]) <= room)
                lines[-1:] = [lines[-1][:cut], lines[-1][cut:]]
    return lines
