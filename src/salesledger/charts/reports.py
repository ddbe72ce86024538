"""Charts of reports: the pipeline by stage, a deal's two clocks, and whatever a query gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from salesledger.charts.pictures import load_altair
from salesledger.shown.escape import safe_text
from salesledger.shown.values import cut

Row = Mapping[str, Any]

BLUE, ORANGE, GREY = "#4c78a8", "#f58518", "#8a949e"
INSTEAD = "The table says the same."
_LONGEST = 40


def drawable(value: Any) -> Any:
    """A value as a chart takes it: what is drawn needs no exact decimals."""
    match value:
        case Decimal():
            return float(value)
        case datetime():
            return f"{value.replace(tzinfo=None).isoformat()}Z"
        case date():
            return value.isoformat()
        case str():
            return safe_text(value)
        case int() | float() | None:
            return value
        case _:
            return safe_text(str(value))


def data_of(altair: Any, rows: Sequence[Row], names: Sequence[str]) -> Any:
    """Some columns of rows, as a chart's data."""
    return altair.Data(values=[{name: drawable(row[name]) for name in names} for row in rows])


def pipeline(rows: Sequence[Row]) -> Any:
    """Open money by stage, and what of it the stages' probabilities leave; None where no deal is open.

    Args:
        rows: the rows of `pipeline`.
    """
    if not any(row["amount"] for row in rows):
        return None
    altair = load_altair(INSTEAD)
    several = len({row["process"] for row in rows}) > 1
    told = [
        {
            "stage": safe_text(f"{row['process']}: {row['stage']}" if several else row["stage"]),
            "amount": float(row["amount"] or 0),
            "weighted": float(row["weighted_amount"] or 0),
            "deals": row["deals"],
        }
        for row in rows
    ]
    stages = [row["stage"] for row in told]
    base = altair.Chart(altair.Data(values=told)).encode(
        y=altair.Y("stage:N", sort=stages, title=None),
        tooltip=[
            "stage:N",
            "deals:Q",
            altair.Tooltip("amount:Q", format=",.2f"),
            altair.Tooltip("weighted:Q", format=",.2f"),
        ],
    )
    x = altair.X("amount:Q", title=f"open, {rows[0]['currency'] or ''}", axis=altair.Axis(format="~s"))
    bars = base.mark_bar(color=BLUE, opacity=0.35).encode(x=x)
    inner = base.mark_bar(color=BLUE, height={"band": 0.45}).encode(x="weighted:Q")
    return altair.layer(bars, inner).properties(height={"step": 34})


def clocks(rows: Sequence[Row]) -> Any:
    """Each entry at the time at which it happened, and at which it was known; None where there is nothing to compare.

    Args:
        rows: entries, with `effective_at`, `known_at`, `type`, `entry` and `struck_by`.
    """
    if len(rows) < 2:
        return None
    altair = load_altair(INSTEAD)
    told = [
        {
            "entry": row["entry"],
            "type": safe_text(row["type"]),
            "happened": drawable(row["effective_at"]),
            "known": drawable(row["known_at"]),
            "is struck": "struck out" if row["struck_by"] is not None else "stands",
        }
        for row in rows
    ]
    base = altair.Chart(altair.Data(values=told)).encode(
        tooltip=["entry:Q", "type:N", "happened:T", "known:T", "is struck:N"]
    )
    happened = altair.X("happened:T", title="happened")
    known = altair.Y("known:T", title="was known")
    colour = altair.Color(
        "is struck:N",
        scale=altair.Scale(domain=["stands", "struck out"], range=[BLUE, ORANGE]),
        legend=altair.Legend(title=None, orient="bottom"),
    )
    return base.mark_point(filled=True, size=90).encode(x=happened, y=known, color=colour).properties(height=200)


def query(rows: Sequence[Row]) -> Any:
    """The first column that is no number against the first that is one; None where there is no such pair.

    Args:
        rows: any rows.
    """
    if len(rows) < 2:
        return None
    number = next((name for name in rows[0] if _is_numeric(rows, name)), None)
    name = next((name for name in rows[0] if not _is_numeric(rows, name) and _is_simple(rows, name)), None)
    if number is None or name is None:
        return None
    altair = load_altair(INSTEAD)
    told = altair.Data(values=[{"x": _label(row[name]), "y": drawable(row[number])} for row in rows])
    order = list(dict.fromkeys(_label(row[name]) for row in rows))
    is_time = all(isinstance(row[name], date | None) for row in rows)
    tips = [altair.Tooltip("x:N", title=safe_text(name)), altair.Tooltip("y:Q", title=safe_text(number))]
    base = altair.Chart(told).encode(tooltip=tips)
    if is_time:
        return base.mark_line(point=True, color=BLUE).encode(
            x=altair.X("x:T", title=safe_text(name)), y=altair.Y("y:Q", title=safe_text(number))
        )
    return base.mark_bar(color=BLUE).encode(
        y=altair.Y("x:N", sort=order, title=safe_text(name)), x=altair.X("y:Q", title=safe_text(number))
    )


def _label(value: Any) -> Any:
    told = drawable(value)
    return cut(told, _LONGEST) if isinstance(told, str) else told


def _is_numeric(rows: Sequence[Row], name: str) -> bool:
    values = [row[name] for row in rows if row[name] is not None]
    return bool(values) and all(isinstance(v, int | float | Decimal) and not isinstance(v, bool) for v in values)


def _is_simple(rows: Sequence[Row], name: str) -> bool:
    return all(isinstance(row[name], str | date | int | None) for row in rows)
