"""The fan: what was forecast of a period at the end of each week, drawn."""

from datetime import timedelta
from typing import TYPE_CHECKING

from salesledger.cli.drawing import draw
from salesledger.cli.options import progress

if TYPE_CHECKING:
    from datetime import date, datetime

    from salesledger.api import Ledger
    from salesledger.readmodel.periods import Interval


def draw_fan(
    ledger: "Ledger", model: str, interval: "Interval", ahead: int, at: "datetime", on: "date", file: str
) -> None:
    """Draw what a model said of a period at the end of each week since the one before the present one began, up to the day.

    Args:
        ledger: the ledger.
        model: the model's name.
        interval: the kind of period.
        ahead: which: 0 is that of the day after `on`, 1 the next.
        at: the end of the day, in UTC.
        on: the day.
        file: the file that is written; its ending tells the format.

    Raises:
        UsageError: the extra 'charts' is not installed, there is nothing to draw, or the file can't be written.
        Refused: no lead was ever captured.
        BadValue: there is no such model.
    """
    from salesledger.forecast.backtest import actuals, plan_of
    from salesledger.forecast.calendar import Calendar
    from salesledger.forecast.registry import build
    from salesledger.forecast.resume import Shelf, resumed

    build([model])
    before, span = Calendar(interval).spans_at(on, (-1, ahead))
    plan = plan_of(
        ledger.engine, at, [model], before.begin, on + timedelta(days=1), "week", interval, (ahead, ahead + 1)
    )
    shelf = Shelf.of(ledger.path, ledger.head, (plan, False))
    done, _ = resumed(ledger.engine, plan, shelf, deals=False, progress=progress("Replaying the past, week by week"))
    booked = actuals(ledger.engine, [span], at).get(span.label)
    rows = [
        told.row() | {"actual": booked, "currency": ledger.head.currency}
        for told in done.told
        if told.span.label == span.label
    ]
    draw("fan", rows, f"{span.label} as {model} forecast it, week by week, up to {on}", file)
