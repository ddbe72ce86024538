"""Weekly snapshots of open deals by stage with nothing but numpy: columns in memory, put in order, cumulative deltas.

What any program must do at the least that knows the events of all deals in no order; `pipeline_by_period` is held against it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from salesledger.readmodel.engine import Engine, Question
from salesledger.readmodel.periods import Period

Ints = npt.NDArray[np.int64]
Row = tuple[str, str, str, int, Decimal | None]

_UNSET = -(2**62)
_PARTS = 10_000
_COLUMNS = """
    WITH stages AS (
        SELECT process, stage, row_number() OVER (ORDER BY process, stage) - 1 AS number
        FROM (SELECT DISTINCT process, stage FROM deal_changes WHERE stage IS NOT NULL)
    ),
    numbered AS (
        SELECT deal, row_number() OVER (ORDER BY deal) AS number FROM (SELECT DISTINCT deal FROM deal_changes)
    )
    SELECT
        n.number AS deal, epoch_us(c.effective_at) AS at, c.rank, CAST(coalesce(s.number, {unset}) AS BIGINT) AS stage,
        CAST(CASE WHEN c.status IS NULL THEN {unset} WHEN c.status = 'open' THEN 1 ELSE 0 END AS BIGINT) AS status,
        {money}
    FROM deal_changes c
    JOIN numbered n ON n.deal = c.deal
    LEFT JOIN stages s ON s.process = c.process AND s.stage = c.stage
"""
_STAGES = "SELECT DISTINCT process, stage FROM deal_changes WHERE stage IS NOT NULL ORDER BY process, stage"
_MONEY = {"amount": 10_000, "recurring_amount": 10_000, "interval_months": 1, "term_months": 1}


@dataclass(frozen=True)
class Columns:
    """What the events of deals set.

    Attributes:
        of: a number an event: deal, at (microseconds since 1970), rank, status (1 where open), stage, and the amounts in units of
            1/10,000; where an event sets nothing, a number that is none.
        stages: process and stage, by number.
    """

    of: Mapping[str, Ints]
    stages: Sequence[tuple[str, str]]


def in_memory(engine: Engine) -> Columns:
    """The columns of a ledger of one currency."""
    money = ", ".join(
        f"CAST(coalesce(CAST(c.{name} * {units} AS BIGINT), {_UNSET}) AS BIGINT) AS {name}"
        for name, units in _MONEY.items()
    )
    held: Any = engine.query(_COLUMNS.format(unset=_UNSET, money=money), Question()).fetchnumpy()
    stages = [(str(process), str(stage)) for process, stage in engine.ask(_STAGES).rows]
    return Columns({name: np.asarray(values, np.int64) for name, values in held.items()}, stages)


def floor(columns: Columns, periods: Sequence[Period], zone: tzinfo) -> list[Row]:
    """Open deals by stage at the end of each period: period, process, stage, deals, amount."""
    of = columns.of
    order = np.lexsort((of["rank"], of["at"], of["deal"]))
    deal = of["deal"][order]
    begins = np.append(True, deal[1:] != deal[:-1])
    ends = np.array([_microseconds(period.ends_at(zone)) for period in periods])
    enters = np.searchsorted(ends, of["at"][order], side="right")
    leaves = np.append(enters[1:], len(ends))
    leaves[np.append(begins[1:], True)] = len(ends)
    rows = np.arange(len(order))

    def carried(name: str) -> Ints:
        """The last value that was set, in each deal."""
        values = of[name][order]
        places = np.where((values != _UNSET) | begins, rows, 0)
        return values[np.maximum.accumulate(places)]

    seen = (carried("status") == 1) & (enters < leaves)
    enters, leaves, stage = enters[seen], leaves[seen], carried("stage")[seen]
    worth, is_known = _worth({name: carried(name)[seen] for name in _MONEY})
    width = len(columns.stages)
    into, out = enters * width + stage, leaves * width + stage

    def standing(weights: Ints | None) -> npt.NDArray[Any]:
        size = (len(ends) + 1) * width
        deltas = np.bincount(into, weights, size) - np.bincount(out, weights, size)
        return deltas.reshape(-1, width).cumsum(axis=0)[:-1].round().astype(np.int64)

    deals, known, amounts = standing(None), standing(is_known), standing(worth)
    return sorted(
        (
            periods[i].label,
            *columns.stages[j],
            int(deals[i, j]),
            Decimal(int(amounts[i, j])) / _PARTS if known[i, j] else None,
        )
        for i, j in np.argwhere(deals > 0)
    )


def _worth(money: Mapping[str, Ints]) -> tuple[Ints, Ints]:
    """One-off amount and the first term's recurring ones, and whether either is known."""
    once, each = money["amount"], money["recurring_amount"]
    is_once, is_each = once != _UNSET, each != _UNSET
    terms = money["term_months"] // np.where(is_each, money["interval_months"], 1)
    return np.where(is_once, once, 0) + np.where(is_each, each * terms, 0), (is_once | is_each).astype(np.int64)


def _microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // datetime.resolution
