"""Charts of reports over time: metrics, recurring revenue, the walk of the pipeline, the funnel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from salesledger.charts.pictures import load_altair
from salesledger.charts.reports import BLUE, GREY, INSTEAD, Row, drawable
from salesledger.shown.escape import safe_text

GREEN, RED = "#54a24b", "#e45756"
_FALLING = frozenset(("mrr_contraction", "mrr_churn"))
_MOVES = ("mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churn", "mrr_exchange")


def metrics(rows: Sequence[Row]) -> Any:
    """Leads, bookings, close ratio and lifetime, a small chart each; None where there is one period only.

    Args:
        rows: the rows of `metrics`.
    """
    if len({row["period"] for row in rows}) < 2:
        return None
    altair = load_altair(INSTEAD)
    order = list(dict.fromkeys(row["period"] for row in rows))
    charts = []
    for name, title, format_ in (
        ("leads", "leads", "d"),
        ("bookings", f"bookings, {rows[0]['currency'] or ''}", "~s"),
        ("close_ratio", "close ratio", "%"),
        ("average_deal_lifetime_days", "days to win", "~s"),
    ):
        told = [
            {"period": row["period"], "value": drawable(row[name]), "group": safe_text(row["group"] or "")}
            for row in rows
        ]
        base = altair.Chart(altair.Data(values=told)).mark_line(point=True)
        colour = altair.Color("group:N", title=None) if any(row["group"] for row in rows) else altair.value(BLUE)
        charts.append(
            base.encode(
                x=altair.X("period:O", sort=order, title=None, axis=altair.Axis(labelAngle=0, labelOverlap=True)),
                y=altair.Y(
                    "value:Q", title=title, axis=altair.Axis(format=format_, tickCount=4), scale=altair.Scale(zero=True)
                ),
                color=colour,
                tooltip=["period:O", altair.Tooltip("value:Q", title=title, format=",.2f"), "group:N"],
            ).properties(width=360, height=150)
        )
    return altair.concat(*charts, columns=2)


def recurring(rows: Sequence[Row]) -> Any:
    """What moved recurring revenue in each period, and what it came to; None where there is none.

    Args:
        rows: the rows of `recurring`.
    """
    if not any(row["mrr_opening"] or row["mrr_closing"] for row in rows):
        return None
    altair = load_altair(INSTEAD)
    order = list(dict.fromkeys(row["period"] for row in rows))
    told = [
        {
            "period": row["period"],
            "move": name.removeprefix("mrr_"),
            "amount": float(row[name] or 0) * (-1 if name in _FALLING else 1),
        }
        for row in rows
        for name in _MOVES
        if row[name]
    ]
    closing = [{"period": row["period"], "closing": float(row["mrr_closing"] or 0)} for row in rows]
    x = altair.X("period:O", sort=order, title=None, axis=altair.Axis(labelAngle=0, labelOverlap=True))
    axis = altair.Axis(format="~s")
    colours = altair.Scale(
        domain=["new", "expansion", "contraction", "churn", "exchange"], range=[BLUE, GREEN, "#f58518", RED, GREY]
    )
    bars = (
        altair.Chart(altair.Data(values=told))
        .mark_bar()
        .encode(
            x=x,
            y=altair.Y("amount:Q", title=f"moved, {rows[0]['currency'] or ''}", axis=axis),
            color=altair.Color("move:N", scale=colours, legend=altair.Legend(title=None, orient="bottom")),
            tooltip=["period:O", "move:N", altair.Tooltip("amount:Q", format=",.2f")],
        )
        .properties(width=760, height=180)
    )
    line = (
        altair.Chart(altair.Data(values=closing))
        .mark_line(point=True, color=BLUE)
        .encode(x=x, y=altair.Y("closing:Q", title="MRR at the end", axis=axis), tooltip=["period:O", "closing:Q"])
        .properties(width=760, height=160)
    )
    return altair.vconcat(line, bars)


def walk(rows: Sequence[Row]) -> Any:
    """The pipeline's walk as a waterfall; None where nothing is in it.

    Args:
        rows: the rows of `pipeline_walk`, in order, of one group.
    """
    if not any(row["amount"] for row in rows):
        return None
    altair = load_altair(INSTEAD)
    told, level = [], 0.0
    for row in rows:
        amount = float(row["amount"] or 0)
        is_end = row["line"] in ("opening", "closing")
        if not (row["deals"] or is_end):
            continue
        begin, end = (0.0, amount) if is_end else (level, level + amount)
        level = end
        kind = "total" if is_end else "more" if amount >= 0 else "less"
        told.append(
            {"line": row["line"], "begin": begin, "end": end, "amount": amount, "deals": row["deals"], "kind": kind}
        )
    scale = altair.Scale(domain=["total", "more", "less"], range=[BLUE, GREEN, RED])
    return (
        altair.Chart(altair.Data(values=told))
        .mark_bar()
        .encode(
            x=altair.X("line:N", sort=[row["line"] for row in told], title=None, axis=altair.Axis(labelAngle=0)),
            y=altair.Y("begin:Q", title=f"pipeline, {rows[0]['currency'] or ''}", axis=altair.Axis(format="~s")),
            y2="end:Q",
            color=altair.Color("kind:N", scale=scale, legend=None),
            tooltip=["line:N", "deals:Q", altair.Tooltip("amount:Q", format=",.2f")],
        )
        .properties(height=260)
    )


def funnel(rows: Sequence[Row]) -> Any:
    """Of the leads that entered each stage, those that are won, still open and lost; None where there are none.

    Args:
        rows: the rows of `funnel`, of one period.
    """
    if not rows:
        return None
    altair = load_altair(INSTEAD)
    several = len({row["process"] for row in rows}) > 1
    told = []
    for row in rows:
        stage = safe_text(f"{row['process']}: {row['stage']}" if several else row["stage"])
        told += [
            {"stage": stage, "outcome": name, "leads": row[name], "order": i}
            for i, name in enumerate(("won", "open", "lost"))
        ]
    stages = list(dict.fromkeys(row["stage"] for row in told))
    scale = altair.Scale(domain=["won", "open", "lost"], range=[GREEN, BLUE, GREY])
    return (
        altair.Chart(altair.Data(values=told))
        .mark_bar()
        .encode(
            y=altair.Y("stage:N", sort=stages, title=None),
            x=altair.X("sum(leads):Q", title="leads that entered the stage"),
            color=altair.Color("outcome:N", scale=scale, legend=altair.Legend(title=None, orient="bottom")),
            order=altair.Order("order:Q"),
            tooltip=["stage:N", "outcome:N", "sum(leads):Q"],
        )
        .properties(height={"step": 30})
    )


def attainment(rows: Sequence[Row]) -> Any:
    """What was booked beside the target and the last calls, for the whole business and for each who has one; None where nothing is.

    Args:
        rows: the rows of `attainment`.
    """
    promised = ("quota", "commit", "best_case")
    told = [
        {
            "period": row["period"] or "",
            "who": safe_text(row["who"] or "all"),
            **{name: drawable(row[name]) for name in ("bookings", *promised)},
        }
        for row in rows
        if any(row[name] for name in ("bookings", *promised))
    ]
    if not told:
        return None
    altair = load_altair(INSTEAD)
    base = altair.Chart().encode(
        y=altair.Y("who:N", sort=list(dict.fromkeys(row["who"] for row in told)), title=None),
        tooltip=[
            "period:N",
            "who:N",
            *(
                altair.Tooltip(f"{name}:Q", title=name.replace("_", " "), format=",.2f")
                for name in ("bookings", *promised)
            ),
        ],
    )
    axis = altair.Axis(format="~s")
    bars = base.mark_bar(color=BLUE, opacity=0.6).encode(
        x=altair.X("bookings:Q", title=f"booked, {rows[0]['currency'] or ''}; what was promised as a line", axis=axis)
    )
    ends = [name for name in promised if any(row[name] is not None for row in told)]
    lines = (
        base.transform_fold(ends, as_=["promise", "amount"])
        .transform_filter("isValid(datum.amount)")
        .transform_calculate(told="replace(datum.promise, '_', ' ')")
        .mark_tick(thickness=3, height={"band": 0.8})
        .encode(
            x=altair.X("amount:Q", axis=axis),
            color=altair.Color(
                "told:N",
                scale=altair.Scale(domain=["quota", "commit", "best case"], range=[RED, GREEN, "#f58518"]),
                legend=altair.Legend(title=None, orient="bottom"),
            ),
        )
    )
    data = altair.Data(values=told)
    shown = altair.layer(bars, *([lines] if ends else []))
    periods = list(dict.fromkeys(row["period"] for row in told))
    if len(periods) == 1:
        return shown.properties(height={"step": 34}, data=data)
    return shown.properties(height={"step": 26}, width=420).facet(
        facet=altair.Facet("period:N", sort=periods, title=None), columns=2, data=data
    )
