"""The charts of reports by name: what the page shows and what the command line writes to a file are the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from salesledger.charts import over_time, reports
from salesledger.charts.backtest import fan_of
from salesledger.charts.pictures import drawn, load_altair, titled
from salesledger.errors import UsageError
from salesledger.shown.escape import safe_text

Row = Mapping[str, Any]

_WIDE = 640


@dataclass(frozen=True)
class Kind:
    """A chart that can be drawn of some report's rows.

    Attributes:
        draw: makes it; gives None where there is nothing to draw.
        needs: the columns that it reads.
        single: columns in which all rows must have the same value, as it has no place for several.
        nothing: what to do where there is nothing to draw, as a sentence.
    """

    draw: Callable[[Sequence[Row]], Any]
    needs: tuple[str, ...] = ()
    single: tuple[str, ...] = ()
    nothing: str = "Ask for another date, or leave filters out."


KINDS = {
    "pipeline": Kind(
        reports.pipeline, ("process", "stage", "deals", "amount", "weighted_amount", "currency"), ("group",)
    ),
    "metrics": Kind(
        over_time.metrics,
        ("period", "group", "leads", "bookings", "close_ratio", "average_deal_lifetime_days", "currency"),
        nothing="It is drawn over time: ask for several periods, such as with -Q.",
    ),
    "recurring": Kind(
        over_time.recurring,
        (
            "period",
            *("mrr_opening", "mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churn", "mrr_exchange", "mrr_closing"),
            "currency",
        ),
        ("group",),
    ),
    "walk": Kind(over_time.walk, ("line", "deals", "amount", "currency"), ("group",)),
    "funnel": Kind(over_time.funnel, ("process", "stage", "won", "open", "lost"), ("period", "group")),
    "attainment": Kind(
        over_time.attainment,
        ("period", "scope", "who", "quota", "bookings", "commit", "best_case", "currency"),
        nothing="Ask for a period for which there is a target, or in which something was won.",
    ),
    "clocks": Kind(
        reports.clocks,
        ("entry", "type", "effective_at", "known_at", "struck_by"),
        nothing="It takes two entries to compare.",
    ),
    "query": Kind(
        reports.query, nothing="It takes two rows, a column of numbers, and one that is none to draw it against."
    ),
    "fan": Kind(
        fan_of,
        ("origin", "median", "lo-80", "hi-80", "lo-95", "hi-95", "actual", "currency"),
        ("model", "period"),
        "No model could tell a distribution at any week's end.",
    ),
}


def chart_of(name: str, rows: Sequence[Row]) -> Any:
    """A report as a chart; None where there is nothing to draw, or where its rows aren't those that the chart is made for.

    Args:
        name: one of KINDS.
        rows: the report's rows, by column.
    """
    kind = KINDS[name]
    if not rows or not set(kind.needs) <= set(rows[0]) or _several(kind, rows):
        return None
    return kind.draw(rows)


def _several(kind: Kind, rows: Sequence[Row]) -> str | None:
    return next((column for column in kind.single if len({row.get(column) for row in rows}) > 1), None)


def picture_of(name: str, rows: Sequence[Row], title: str, file: str) -> bytes:
    """A report as the bytes of a picture.

    Args:
        name: one of KINDS.
        rows: the report's rows, by column.
        title: a line above it.
        file: the file's name; its ending tells the format.

    Raises:
        UsageError: the extra 'charts' is not installed, or there is nothing that could be drawn.
    """
    altair = load_altair(reports.INSTEAD)
    kind = KINDS[name]
    if rows and (column := _several(kind, rows)):
        remedy = "Leave out --by" if column == "group" else f"Ask for one {column}"
        raise UsageError(
            f"The picture has no place for several {column}s. {remedy}, or write a table: end the file in .csv or .json."
        )
    if rows and (missing := [column for column in kind.needs if column not in rows[0]]):
        raise UsageError(
            f"The picture needs the column {missing[0]!r}, which your own projection doesn't have. Write a table: end the file in "
            ".csv or .json."
        )
    picture = chart_of(name, rows)
    if picture is None:
        raise UsageError(f"There is nothing to draw. {kind.nothing}")
    if getattr(picture, "width", None) is altair.Undefined:
        picture = picture.properties(width=_WIDE)
    return drawn(titled(altair, picture, safe_text(title)).configure_view(stroke=None), file)
