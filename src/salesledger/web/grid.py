"""Tables on the page, and what a page has room for: 300 KB at most, however long the texts in a ledger are, and however many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from markupsafe import escape

from salesledger.shown.values import cut
from salesledger.web.templates import inert

ROOM = 200_000
"""Bytes of a page for what the ledger tells."""

_EMPTY_BYTES = 20
_MARKUP_BYTES = 25
_LONGEST = 1_000


@dataclass(frozen=True)
class Cell:
    """A cell of a table on the page.

    Attributes:
        text: what it says.
        href: where it leads.
    """

    text: str
    href: str = ""


@dataclass(frozen=True)
class Grid:
    """A table on the page.

    Attributes:
        heads: each column's name and whether it holds numbers.
        rows: the cells.
        caption: what it shows, for who can't see it.
        note: a line below.
        sorts: where a column's head leads that sorts by it.
        sorted_by: the head that it is sorted by, and which way: ascending or descending.
    """

    heads: list[tuple[str, bool]]
    rows: list[list[Cell]]
    caption: str = ""
    note: str = ""
    sorts: Mapping[str, str] = field(default_factory=dict)
    sorted_by: tuple[str, str] = ("", "")


def fitting(grid: Grid, room: int, total: int | None = None, rest: str = "") -> tuple[Grid, int]:
    """A table with the first of its rows for which there is room, long texts cut, and a line that says so.

    Args:
        grid: the table.
        room: bytes.
        total: how many rows there are, where the table hasn't all of them.
        rest: where the others are, as the end of a sentence.

    Returns:
        The table, and the room that is left.
    """
    rows, is_cut = [], False
    for row in grid.rows:
        shown = [replace(cell, text=shortened(cell.text)) for cell in row]
        size = sum(_written(cell) for cell in shown)
        if size > room:
            break
        room -= size
        is_cut = is_cut or shown != row
        rows.append(shown)
    notes = [grid.note] if grid.note else []
    if len(rows) < (total := max(total or 0, len(grid.rows))):
        notes.append(f"The first {len(rows):,} of {total:,} rows{f'; {rest}' if rest else ''}.")
    if is_cut:
        notes.append(f"Texts of more than {_LONGEST:,} characters are cut.")
    return replace(grid, rows=rows, note=" ".join(notes)), room


def shortened(text: str) -> str:
    """A text as far as a page shows it."""
    return cut(text, _LONGEST)


def size_of(text: str) -> int:
    """The bytes of a text as it is written into a page."""
    return len(escape(inert(text)).encode("utf-8", "replace"))


def _written(cell: Cell) -> int:
    if not cell.text:
        return _EMPTY_BYTES
    return sum(_MARKUP_BYTES + size_of(text) for text in ([cell.text, cell.href] if cell.href else [cell.text]))
