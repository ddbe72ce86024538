"""Pictures: the process as it is walked, drawn with Altair, which is only there with the extra 'charts'."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import atan2, degrees
from typing import Any

from salesledger.charts.pictures import drawn, load_altair, titled
from salesledger.errors import UsageError
from salesledger.shown.escape import safe_text
from salesledger.shown.values import cut, money

Row = Mapping[str, Any]
Point = tuple[float, float]

OUTCOMES = ("won", "lost", "disqualified")
COLOURS = {
    "forward": "#4c78a8",
    "skip": "#2a8f85",
    "back": "#f58518",
    "undefined": "#b279a2",
    "moved": "#9c755f",
    "won": "#54a24b",
    "lost": "#e45756",
    "disqualified": "#77777d",
}
"""A colour for each kind of step, for moves between processes, and for each outcome."""

_UNIT = 190
_HALF = 0.31
_TALL = 0.26
_LONGEST = 18
_WIDEST = 12.0
_BEND = 24


@dataclass
class _Drawing:
    """What is drawn of one process, in units of the distance between two stages; y grows upwards.

    Attributes:
        lines: points of arrows, each with its arrow's number, colour and width.
        heads: the ends of arrows, each with its angle.
        boxes: stages and ends.
        texts: words, each with its size and colour.
    """

    lines: list[dict[str, Any]] = field(default_factory=list)
    heads: list[dict[str, Any]] = field(default_factory=list)
    boxes: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)
    arrows: int = 0

    def arrow(self, start: Point, end: Point, kind: str, width: float, rise: float = 0.0) -> None:
        """An arrow from point to point, bent upwards by `rise`."""
        self.arrows += 1
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 2 * rise)
        steps = _BEND if rise else 1
        path = [_on_curve(start, middle, end, i / steps) for i in range(steps + 1)]
        for i, (x, y) in enumerate(path):
            self.lines.append({"arrow": self.arrows, "order": i, "x": x, "y": y, "kind": kind, "width": width})
        (x0, y0), (x1, y1) = path[-2:]
        turn = 90 - degrees(atan2(y1 - y0, x1 - x0))
        self.heads.append({"x": x1, "y": y1, "kind": kind, "turn": turn, "size": 0.6 * (9 + 1.6 * width) ** 2})

    def text(self, x: float, y: float, words: str, size: int = 11, kind: str | None = None) -> None:
        """Words around a point."""
        self.texts.append({"x": x, "y": y, "text": safe_text(words), "size": size, "kind": kind})


def draw_map(
    rows: Sequence[Row], defined: Mapping[str, Sequence[str]], title: str, file: str, process: str | None = None
) -> bytes:
    """The walked process as an SVG, PNG or HTML file, a drawing a process.

    Args:
        rows: the rows of `process_map`, of one period.
        defined: the stages of each process, in order.
        title: a line above it.
        file: the file's name; its ending tells the format.
        process: the only one to draw.

    Raises:
        UsageError: the extra 'charts' is not installed, or there is nothing to draw.
    """
    altair = load_altair("Without -o the map is a table.")
    if not rows:
        raise UsageError("There is no step to draw: no lead that was captured passes.")
    picture = titled(altair, map_of(rows, defined, process), safe_text(title))
    return drawn(picture.configure_view(stroke=None).configure_axis(grid=False), file)


def map_of(rows: Sequence[Row], defined: Mapping[str, Sequence[str]], process: str | None = None) -> Any:
    """The walked process as a chart; see `draw_map`."""
    altair = load_altair("The table says the same.")
    charts = []
    for name in dict.fromkeys(row["process"] for row in rows) if process is None else [process]:
        walked = [row for row in rows if name in (row["process"], row["to_process"])]
        charts.append(_chart(altair, walked, list(defined.get(name, ())), str(name)))
    return altair.vconcat(*charts)


def _chart(altair: Any, rows: Sequence[Row], stages: list[str], process: str) -> Any:
    named = [row["from_stage"] for row in rows if row["process"] == process]
    named += [row["to_stage"] for row in rows if row["to_process"] == process]
    others = [name for name in dict.fromkeys(named) if name not in (*stages, *OUTCOMES, "start")]
    drawing, places = _Drawing(), _places(stages, others)
    _draw_boxes(drawing, rows, process, places, others)
    top = _draw_steps(drawing, rows, places)
    bottom = _draw_losses(drawing, rows, process, places)
    right = max(x for x, _ in places.values()) + 0.5
    x = altair.X("x:Q", axis=None, scale=altair.Scale(domain=[-0.5, right], nice=False))
    y = altair.Y("y:Q", axis=None, scale=altair.Scale(domain=[bottom, top], nice=False))
    scale = altair.Scale(domain=list(COLOURS), range=list(COLOURS.values()))  # the same for every process
    colour = altair.Color("kind:N", scale=scale, legend=altair.Legend(title=None, orient="bottom"))
    return altair.layer(
        *_lines(altair, drawing, x, y, colour), *_boxes(altair, drawing, x, y), *_texts(altair, drawing, x, y)
    ).properties(
        width=int((right + 0.5) * _UNIT),
        height=int((top - bottom) * _UNIT),
        title=altair.Title(safe_text(process), anchor="start", fontSize=13, subtitle=f"defined: {' > '.join(stages)}"),
    )


def _lines(altair: Any, drawing: _Drawing, x: Any, y: Any, colour: Any) -> list[Any]:
    width = altair.StrokeWidth("width:Q", scale=None)
    line = altair.Chart(altair.Data(values=drawing.lines)).mark_line(opacity=0.75)
    head = altair.Chart(altair.Data(values=drawing.heads)).mark_point(shape="triangle", filled=True, opacity=1)
    return [
        line.encode(x=x, y=y, detail="arrow:N", order="order:Q", color=colour, strokeWidth=width),
        head.encode(
            x=x,
            y=y,
            color=colour,
            angle=altair.Angle("turn:Q", scale=None),
            size=altair.Size("size:Q", scale=None),
        ),
    ]


def _boxes(altair: Any, drawing: _Drawing, x: Any, y: Any) -> list[Any]:
    box = altair.Chart(altair.Data(values=drawing.boxes)).mark_rect(
        cornerRadius=5, fill="#f4f6f8", stroke="#5a6570", strokeWidth=1.2
    )
    dashes = altair.condition("datum.is_defined", altair.value([1, 0]), altair.value([4, 3]))
    return [box.encode(x=x, y=y, x2="x2:Q", y2="y2:Q", strokeDash=dashes)]


def _texts(altair: Any, drawing: _Drawing, x: Any, y: Any) -> list[Any]:
    layers = []
    for size, kind in dict.fromkeys((text["size"], text["kind"]) for text in drawing.texts):
        values = [text for text in drawing.texts if (text["size"], text["kind"]) == (size, kind)]
        mark = altair.Chart(altair.Data(values=values)).mark_text(
            fontSize=size, color=COLOURS[kind] if kind else "#20262c", baseline="middle"
        )
        layers.append(mark.encode(x=x, y=y, text="text:N"))
    return layers


def _places(stages: Sequence[str], others: Sequence[str]) -> dict[str, Point]:
    """Where each stage is: the defined ones in a row between start and won, the others in one above."""
    places: dict[str, Point] = {"start": (0.0, 0.0)}
    places |= {stage: (float(i + 1), 0.0) for i, stage in enumerate(stages)}
    places["won"] = (float(len(stages) + 1), 0.0)
    return places | {stage: (i + 1.5, 1.7) for i, stage in enumerate(others)}


def _draw_boxes(
    drawing: _Drawing, rows: Sequence[Row], process: str, places: Mapping[str, Point], others: Sequence[str]
) -> None:
    for name, (x, y) in places.items():
        came = sum(row["times"] for row in rows if (row["to_process"], row["to_stage"]) == (process, name))
        went = sum(row["times"] for row in rows if (row["process"], row["from_stage"]) == (process, name))
        ends = {"x": x - _HALF, "x2": x + _HALF, "y": y - _TALL, "y2": y + _TALL}
        drawing.boxes.append({**ends, "is_defined": name not in others})
        drawing.text(x, y + 0.09, cut(safe_text(name), _LONGEST), 13)
        if name == "start":
            drawing.text(x, y - 0.11, f"{went:,} leads")
        elif name == "won":
            drawing.text(x, y - 0.11, f"{came:,} times" if went else f"{came:,} deals")
        else:
            drawing.text(x, y - 0.11, f"{came:,} came, {came - went:,} here")


def _draw_steps(drawing: _Drawing, rows: Sequence[Row], places: Mapping[str, Point]) -> float:
    """The steps between stages and to won; gives the height that they take."""
    most = max(row["times"] for row in rows)
    top = max(y for _, y in places.values()) + 0.6
    for row in rows:
        if row["kind"] in ("reopen", "move") or row["to_stage"] in ("lost", "disqualified"):
            continue
        kind = "won" if row["kind"] == "close" else row["kind"]
        (x0, y0), (x1, y1) = places[row["from_stage"]], places[row["to_stage"]]
        width = max(1.0, _WIDEST * row["times"] / most)
        if x1 - x0 == 1 and y0 == y1:
            drawing.arrow((x0 + _HALF, y0), (x1 - _HALF - 0.06, y1), kind, width)
            drawing.text((x0 + x1) / 2, y0 + 0.16, f"{row['times']:,}", 12)
            drawing.text((x0 + x1) / 2, y0 - 0.16, _days(row))
            continue
        lean = 0.14 if x1 > x0 else -0.14
        rise = 0.2 + 0.22 * abs(x1 - x0) + (0.14 if kind == "back" else 0.0)
        drawing.arrow((x0 + lean, y0 + _TALL), (x1 - lean, y1 + _TALL + 0.05), kind, width, rise)
        height = (y0 + y1) / 2 + _TALL + rise
        drawing.text((x0 + x1) / 2, height + 0.1, " · ".join(filter(None, (f"{row['times']:,}", _days(row)))), 11, kind)
        top = max(top, height + 0.3)
    return top


def _draw_losses(drawing: _Drawing, rows: Sequence[Row], process: str, places: Mapping[str, Point]) -> float:
    """What leaves the process below each stage, and what comes back; gives how deep that reaches."""
    most = max(row["times"] for row in rows)
    deepest = -0.5
    for name, (x, y) in places.items():
        depth = y - _TALL - 0.5
        losses = [row for row in rows if row["from_stage"] == name and row["to_stage"] in ("lost", "disqualified")]
        if losses and name not in OUTCOMES:
            times = sum(row["times"] for row in losses)
            kind = str(max(losses, key=lambda row: row["times"])["to_stage"])
            drawing.arrow((x, y - _TALL), (x, depth + 0.12), kind, max(1.0, _WIDEST * times / most))
        for words, kind in _told_below(name, process, rows):
            drawing.text(x, depth, words, 11, kind)
            depth -= 0.13
        deepest = min(deepest, depth)
    return deepest - 0.05


def _told_below(name: str, process: str, rows: Sequence[Row]) -> list[tuple[str, str]]:
    told = []
    for row in rows:
        if row["from_stage"] == name and row["to_stage"] in ("lost", "disqualified"):
            told.append((f"{row['times']:,} {row['to_stage']}, {_days(row)}", str(row["to_stage"])))
            if row["amount_lost"] is not None:
                told.append((f"{money(row['amount_lost'], row['currency'])} {row['currency']}", str(row["to_stage"])))
        elif (row["kind"], row["process"], row["from_stage"]) == ("move", process, name):
            told.append((f"{row['times']:,} moved to {cut(safe_text(row['to_process']), _LONGEST)}", "moved"))
        elif (row["kind"], row["to_process"], row["to_stage"]) == ("move", process, name):
            told.append((f"{row['times']:,} moved here from {cut(safe_text(row['process']), _LONGEST)}", "moved"))
        elif row["to_stage"] == name and row["kind"] == "reopen":
            told.append((f"{row['times']:,} reopened ({row['from_stage']})", "back"))
    return told


def _days(row: Row) -> str:
    days = row["median_days"]
    return "" if days is None else f"{days:,.0f} d" if days == int(days) else f"{days:,.1f} d"


def _on_curve(start: Point, control: Point, end: Point, t: float) -> Point:
    """The point at `t` from 0 to 1 of the quadratic curve that the control point bends."""
    a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
    return a * start[0] + b * control[0] + c * end[0], a * start[1] + b * control[1] + c * end[1]
