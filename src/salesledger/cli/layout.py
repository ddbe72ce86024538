"""Which columns a table shows: those that people read, and of these as many as the terminal has room for."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from salesledger.shown.escape import safe_text
from salesledger.shown.values import Rows, chosen, column_widths, cut

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_GAP = 2
_READABLE = 16
_WRAPPED = 40

TYPED = frozenset(("deal", "account", "case_id", "person", "subscription", "lead", "referrer", "period", "currency"))
"""Columns that are never cut: who reads such a cell types it again, or can't tell it from the next one."""


def fitted(rows: Rows, width: int, expendable: Sequence[str], *, zone: "ZoneInfo") -> tuple[Rows, list[str]]:
    """The rows without the expendable columns that would make their table wider than the terminal.

    Texts are cut to 16 columns before a column goes; never the first column, which names the row, nor an id. Where all that is
    expendable is not enough, the last columns go too.

    Returns:
        The rows, and the names of the columns that were left out, in the table's order.
    """
    texts = {name for name, type_name in zip(rows.columns[1:], rows.types[1:], strict=True) if type_name == "VARCHAR"}
    texts -= TYPED
    wide = column_widths(rows, zone)
    least = {name: min(w, _READABLE) if name in texts else w for name, w in wide.items()}
    needed = [name for name in rows.columns[:0:-1] if name not in expendable and name != "currency"]
    kept, gone = _without(rows, least, width + _GAP, [*expendable, *needed])
    if "currency" in kept.columns and not any(kind.startswith("DECIMAL") for kind in kept.types):
        kept, gone = chosen(kept, [name for name in kept.columns if name != "currency"]), [*gone, "currency"]
    limits = {name: w for name, w in wide.items() if name not in gone}
    while sum(limits.values()) + _GAP * (len(limits) - 1) > width:
        longest = max(texts & set(limits), key=lambda name: limits[name], default=None)
        if longest is None or limits[longest] <= _READABLE:
            break
        limits[longest] -= 1
    return _shortened(kept, {name: limits[name] for name in texts & set(limits) if limits[name] < wide[name]}), gone


def _shortened(rows: Rows, limits: dict[str, int]) -> Rows:
    def short(name: str, cell: object) -> object:
        return cut(safe_text(cell), limits[name]) if name in limits and isinstance(cell, str) else cell

    shorter = [tuple(short(name, cell) for name, cell in zip(rows.columns, row, strict=True)) for row in rows.rows]
    return Rows(rows.columns, rows.types, shorter, rows.sparse, rows.whole)


def wrapped(
    rows: Rows, column: str, width: int, expendable: Sequence[str], *, zone: "ZoneInfo"
) -> tuple[Rows, list[str]]:
    """The rows with the texts of their last column continued on rows of their own, as wide as the others leave it room.

    Returns:
        As `fitted`.
    """
    assert rows.columns[-1] == column
    wide = column_widths(rows, zone)
    if column not in wide:  # nothing is in it, so it isn't shown
        return fitted(rows, width, expendable, zone=zone)
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
    def total(names: set[str]) -> int:
        return sum(wide[name] + _GAP for name in names)

    kept, dropped = set(wide), []
    for name in expendable:
        if total(kept) <= room:
            break
        if name in kept:
            kept.remove(name)
            dropped.append(name)
    for name in reversed(dropped):  # a narrow column may fit after all where a wide one had to go
        if total({*kept, name}) <= room:
            kept.add(name)
    gone = [name for name in rows.columns if name in wide and name not in kept]
    return chosen(rows, [name for name in rows.columns if name not in gone]), gone


def _wrap(text: str, room: int) -> list[str]:
    """The text in lines of at most so many columns, broken between fields, else between words, else anywhere."""
    from wcwidth import wcswidth

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
