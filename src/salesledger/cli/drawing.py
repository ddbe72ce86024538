"""An answer drawn into a file: what `-o FILE.svg`, `.png` and `.html` do."""

from collections.abc import Mapping, Sequence
from typing import Any

from salesledger.cli.render import write


def draw(chart: str, rows: Sequence[Mapping[str, Any]], title: str, output: str) -> None:
    """Draw an answer, and write that to a file.

    Args:
        chart: its name in `charts.kinds`.
        rows: what is drawn, by column.
        title: a line above it.
        output: the file.

    Raises:
        UsageError: the extra 'charts' is not installed, there is nothing to draw, or the file can't be written.
    """
    from salesledger.charts.kinds import picture_of

    write(picture_of(chart, rows, title, output), output)
