"""Pictures of a backtest: a period's forecasts week by week, errors and coverage by weeks to the end, calibration of chances."""

from collections.abc import Mapping, Sequence
from typing import Any

from salesledger.charts.pictures import drawn, load_altair, titled
from salesledger.errors import UsageError
from salesledger.shown.escape import safe_text

Row = Mapping[str, Any]

PICTURES = ("fan", "error", "coverage", "calibration")
"""What can be drawn, in the order in which all of them are."""

_WIDE, _HIGH = 420, 260
_BLUE, _INK, _GREY = "#4c78a8", "#20262c", "#8a949e"
_LATEST = 4
_SQUASHED = 1.6


def draw_backtest(
    file: str,
    title: str,
    picture: str | None,
    *,
    fans: Sequence[Row],
    by_weeks: Sequence[Row],
    chances: Sequence[Row],
) -> bytes:
    """A backtest as an SVG, PNG or HTML file.

    Args:
        file: its name; the ending tells the format.
        title: a line above it.
        picture: one of PICTURES; all that there is something to draw of, where absent.
        fans: rows of a backtest, of one model and of the periods that the origins lie in.
        by_weeks: scores by model and weeks to the end.
        chances: the calibration of deals' chances, by model.

    Raises:
        UsageError: the extra 'charts' is not installed, or there is nothing to draw.
    """
    altair = load_altair("Without -o it is a table.")
    made = charts_of(fans, by_weeks, chances)
    charts = [made[name] for name in PICTURES if made[name] is not None and picture in (None, name)]
    if not charts:
        raise UsageError(
            f"There is nothing to draw{f' as {picture!r}' if picture else ''}: no period of these is over."
        )
    page = titled(altair, altair.vconcat(*charts), safe_text(title))
    page = page.resolve_scale(color="independent", size="independent", shape="independent")
    return drawn(page.configure_view(stroke=None).configure_axis(gridColor="#e8ebee", domainColor=_GREY), file)


def charts_of(fans: Sequence[Row], by_weeks: Sequence[Row], chances: Sequence[Row]) -> dict[str, Any]:
    """The pictures of a backtest by name, each None where there is nothing to draw of it; see `draw_backtest`."""
    altair = load_altair("The table says the same.")
    names = list(dict.fromkeys(row["model"] for row in (*by_weeks, *chances)))  # a model has the same colour everywhere
    return {
        "fan": _fan(altair, fans),
        "error": _error(altair, [row for row in by_weeks if row["crps"] is not None], names),
        "coverage": _coverage(altair, by_weeks, names),
        "calibration": _calibration(altair, chances, names),
    }


def fan_of(rows: Sequence[Row]) -> Any:
    """One period's forecasts week by week: both intervals and the median; None where no model told one.

    Args:
        rows: rows of a backtest, of one model and one period.
    """
    told = [
        {name.replace("-", "_"): _plain(value) for name, value in row.items()}
        for row in rows
        if row["lo-95"] is not None
    ]
    if not told:
        return None
    altair = load_altair("The table says the same.")
    base = altair.Chart().encode(x=altair.X("origin:T", title=None, axis=altair.Axis(format="%d %b", labelAngle=0)))
    return altair.layer(*_fan_layers(altair, base, told), data=altair.Data(values=told)).properties(height=_HIGH)


def _fan_layers(altair: Any, base: Any, told: Sequence[Row]) -> list[Any]:
    y = altair.Y("lo_95:Q", title=f"bookings, {told[0]['currency']}", axis=altair.Axis(format="~s"))
    layers = [
        base.mark_area(color=_BLUE, opacity=0.18).encode(y=y, y2="hi_95:Q"),
        base.mark_area(color=_BLUE, opacity=0.32).encode(y="lo_80:Q", y2="hi_80:Q"),
        base.mark_line(color=_BLUE, strokeWidth=2).encode(y="median:Q"),
    ]
    if any(row["actual"] is not None for row in told):
        layers.append(base.mark_line(color=_INK, strokeDash=[5, 4]).encode(y="actual:Q"))
    return layers


def _fan(altair: Any, rows: Sequence[Row]) -> Any:
    """The latest periods: both intervals and the median week by week, and what came to be."""
    over = [row for row in rows if row["actual"] is not None and row["lo-95"] is not None]
    latest = list(dict.fromkeys(row["period"] for row in over))[-_LATEST:]
    told = [
        {name.replace("-", "_"): _plain(value) for name, value in row.items()}
        for row in over
        if row["period"] in latest
    ]
    if not told:
        return None
    base = altair.Chart().encode(
        x=altair.X("origin:T", title=None, axis=altair.Axis(format="%d %b", labelAngle=0, tickCount=4))
    )
    layers = _fan_layers(altair, base, told)
    model = safe_text(str(told[0]["model"]))
    return (
        altair.layer(*layers, data=altair.Data(values=told))
        .properties(width=_WIDE // 2, height=_HIGH)
        .facet(facet=altair.Facet("period:N", title=None, sort=latest), columns=_LATEST)
        .resolve_scale(x="independent")
        .properties(
            title=_title(altair, f"What {model} said, week by week", "median, 80 % and 95 %; dashed: what came to be")
        )
    )


def _error(altair: Any, rows: Sequence[Row], names: Sequence[str]) -> Any:
    """The CRPS of every model by weeks to the period's end; points that are far off are cut at the picture's edge."""
    if not rows:
        return None
    spread = [row["crps"] for row in rows if row["coverage_80"] is not None] or [row["crps"] for row in rows]
    top = _SQUASHED * sorted(spread)[int(0.8 * (len(spread) - 1))]
    values = [_values(row, "crps") for row in rows]
    scale = altair.Scale(domain=[0, top])
    return (
        altair.Chart(altair.Data(values=values))
        .mark_line(point=altair.OverlayMarkDef(size=18), clip=True)
        .encode(
            x=_weeks(altair),
            y=altair.Y(
                "value:Q",
                title="CRPS, share of bookings",
                axis=altair.Axis(format="%"),
                scale=scale,
            ),
            color=_models(altair, names),
        )
        .properties(width=2 * _WIDE, height=_HIGH, title=_title(altair, "Error by weeks to the end", "lower is better"))
    )


def _coverage(altair: Any, rows: Sequence[Row], names: Sequence[str]) -> Any:
    """How often each model's intervals held what came to be, beside how often they should."""
    rows = [row for row in rows if row["coverage_80"] is not None]
    if not rows:
        return None
    sides = []
    for name, share in (("coverage_80", 0.8), ("coverage_95", 0.95)):
        y = altair.Y("value:Q", title=None, axis=altair.Axis(format="%"), scale=altair.Scale(domain=[0, 1]))
        line = altair.Chart(altair.Data(values=[_values(row, name) for row in rows])).mark_line(
            point=altair.OverlayMarkDef(size=18)
        )
        rule = altair.Chart(altair.Data(values=[{"value": share}])).mark_rule(color=_INK, strokeDash=[5, 4])
        chart = altair.layer(line.encode(x=_weeks(altair), y=y, color=_models(altair, names)), rule.encode(y="value:Q"))
        sides.append(chart.properties(width=_WIDE - 30, height=_HIGH, title=f"{share:.0%} intervals"))
    return altair.hconcat(*sides).properties(
        title=_title(altair, "How often the intervals held what came to be", "dashed: how often they should")
    )


def _calibration(altair: Any, rows: Sequence[Row], names: Sequence[str]) -> Any:
    """Chances of deals by tenths: how many were won of those that were given each."""
    if not rows:
        return None
    axis = altair.Axis(format="%")
    scale = altair.Scale(domain=[0, 1])
    points = altair.Chart(altair.Data(values=[dict(row) for row in rows]))
    encoded = points.encode(
        x=altair.X("expected_share:Q", title="chance", axis=axis, scale=scale),
        y=altair.Y("won_share:Q", title="won", axis=axis, scale=scale),
        color=_models(altair, names),
    )
    line = altair.Chart(altair.Data(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(
        color=_INK, strokeDash=[5, 4]
    )
    layers = [
        encoded.mark_line(),
        encoded.mark_point(filled=True).encode(
            size=altair.Size("deals:Q", scale=altair.Scale(type="log", range=[15, 220]))
        ),
        line.encode(x="x:Q", y="y:Q"),
    ]
    return altair.layer(*layers).properties(
        width=_WIDE, height=_WIDE, title=_title(altair, "Chances of deals and what became of them", "dashed: right")
    )


def _weeks(altair: Any) -> Any:
    return altair.X("weeks_left:Q", title="weeks to the end", scale=altair.Scale(reverse=True, nice=False))


def _models(altair: Any, names: Sequence[str]) -> Any:
    scale = altair.Scale(domain=list(names), scheme="tableau20")
    return altair.Color("model:N", sort=list(names), scale=scale, legend=altair.Legend(title=None))


def _title(altair: Any, text: str, subtitle: str) -> Any:
    return altair.Title(text, subtitle=subtitle, anchor="start", fontSize=13)


def _values(row: Row, name: str) -> dict[str, Any]:
    return {"model": row["model"], "weeks_left": row["weeks_left"], "value": row[name]}


def _plain(value: Any) -> Any:
    from datetime import date
    from decimal import Decimal

    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value
