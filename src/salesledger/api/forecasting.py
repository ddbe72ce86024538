"""Forecasts and backtests for Python programs, in the shape of statsforecast's frames."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from salesledger.api.steps import Steps
from salesledger.errors import Refused, UsageError

if TYPE_CHECKING:
    import duckdb

    from salesledger.forecast.rows import Told
    from salesledger.readmodel.periods import Interval

SERIES = "bookings"
"""The `unique_id` of every row: there is one series, of the whole business."""

_SHOWN = ("lo-95", "lo-80", "hi-80", "hi-95")


class Forecasting(Steps):
    """What will be booked, and what would have been forecast."""

    def forecast(
        self,
        models: Sequence[str] = ("best",),
        *,
        as_of: str | date | None = None,
        interval: Interval = "quarter",
        h: int = 2,
        upto: int | None = None,
    ) -> duckdb.DuckDBPyRelation:
        """The bookings of the period that the day after `as_of` lies in, and of the next ones.

        Args:
            models: their names; `salesledger.forecast.registry.MODELS` has them.
            as_of: the day at whose end is asked; today where absent. Nothing that was known later is looked at.
            interval: 'week', 'month', 'quarter' or 'year'.
            h: how many periods.
            upto: nothing behind this entry of the log is looked at.

        Returns:
            A relation (`.df()`, `.pl()`, `.arrow()`, `.fetchall()`) of `unique_id`, `cutoff` (the day), `ds` (a period's first day)
            and for each model its mean under its name, with `MODEL-lo-95`, `MODEL-lo-80`, `MODEL-hi-80` and `MODEL-hi-95`; amounts
            in the ledger's currency, rounded to cents, NULL where a model can't tell.

        Raises:
            BadDate, BadValue: there is no such day or model.
            UsageError: h is less than 1.
            Refused: no lead was known by then.
        """
        from salesledger.forecast.ask import ask
        from salesledger.forecast.rows import told_in

        names = _checked(models, h)
        on = self.today if as_of is None else self.day(str(as_of))
        at = self.moment(on, end_of_day=True)
        assert at is not None
        asked = ask(self.engine, at, names, interval, h - 1, upto=upto, progress=self._progress)
        if asked is None:
            raise Refused(f"There is nothing to forecast from: no lead was known on {on}.")
        told = [each for each in told_in(asked.said, names) if each.span.offset < h]
        return self._frame(told, names, {}, scored=False)

    def backtest(
        self,
        models: Sequence[str] = ("best",),
        *,
        begin: str | date | None = None,
        end: str | date | None = None,
        step: Interval = "week",
        interval: Interval = "quarter",
        h: int = 2,
        known_at: str | date | datetime | None = None,
    ) -> duckdb.DuckDBPyRelation:
        """What models would have forecast at each origin, beside what came to be: statsforecast's `cross_validation`.

        Args:
            models: their names.
            begin: the first day that may be an origin; that of the first lead where absent.
            end: the day after the last one; tomorrow where absent.
            step: origins are the last days of each 'day', 'week', 'month' or 'quarter'.
            interval: 'week', 'month', 'quarter' or 'year'.
            h: how many periods at each origin, that of its next day first.
            known_at: what came to be, as known at the end of this day; today where absent.

        Returns:
            The columns of `forecast`, with the actual as `y` (NULL where the period was not over); `cutoff` is the origin.

        Raises:
            BadDate, BadValue: there is no such day or model.
            UsageError: there is no origin, or h is less than 1.
            Refused: no lead was ever captured.
        """
        from salesledger.forecast.backtest import actuals, plan_of, run

        names = _checked(models, h)
        at = self.moment(self.today if known_at is None else known_at, end_of_day=True)
        assert at is not None
        first, last = (None if day is None else self.day(str(day)) for day in (begin, end))
        plan = plan_of(self.engine, at, names, first, last, step, interval, range(h))
        told = [each for said in run(self.engine, plan) for each in said]
        told.sort(key=lambda each: (each.origin, each.span.begin))
        booked = actuals(self.engine, [*{each.span.label: each.span for each in told}.values()], at)
        return self._frame(told, names, booked, scored=True)

    def _frame(
        self, told: Sequence[Told], names: Sequence[str], booked: Mapping[str, Any], *, scored: bool
    ) -> duckdb.DuckDBPyRelation:
        """Rows by origin and period, a column a model and end of an interval."""
        kinds = {"unique_id": "VARCHAR", "cutoff": "DATE", "ds": "DATE"} | ({"y": "DECIMAL(38,2)"} if scored else {})
        for name in names:
            kinds |= dict.fromkeys((name, *(f"{name}-{end}" for end in _SHOWN)), "DECIMAL(38,2)")
        rows: dict[tuple[date, date], dict[str, str | None]] = {}
        for each in told:
            given: dict[str, str | None] = {
                "unique_id": SERIES,
                "cutoff": each.origin.isoformat(),
                "ds": each.span.begin.isoformat(),
            }
            if scored and each.span.label in booked:
                given["y"] = str(booked[each.span.label])
            row = rows.setdefault((each.origin, each.span.begin), given)
            said = each.row()
            row[each.model] = _text(said["mean"])
            row |= {f"{each.model}-{end}": _text(said[end]) for end in _SHOWN}
        columns = ", ".join(f'CAST(r ->> {_quoted(name)} AS {kind}) AS "{name}"' for name, kind in kinds.items())
        return self.engine.duck.sql(
            f"SELECT {columns} FROM (SELECT unnest(from_json($rows, '[\"JSON\"]')) AS r)",
            params={"rows": json.dumps([*rows.values()])},
        )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _quoted(name: str) -> str:
    return f"'$.\"{name}\"'"


def _checked(models: Sequence[str], h: int) -> tuple[str, ...]:
    from salesledger.forecast.registry import build

    names = (models,) if isinstance(models, str) else tuple(dict.fromkeys(models))
    build(names)
    if h < 1:
        raise UsageError(f"h is {h}; ask for at least one period.")
    return names
