"""What was believed of each deal from moment to moment, as arrays, and what of it holds at the ends of weeks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from salesledger.forecast.week import UNKNOWN_DAY, Names, Whole
from salesledger.readmodel.engine import Engine, Question

NOWHERE = -1
"""The place of a row that there is none of."""

_TOLD = """
    SELECT
        h.deal,
        h.valid_from,
        h.valid_to,
        CASE h.status WHEN 'open' THEN 0 WHEN 'won' THEN 1 WHEN 'lost' THEN 2 ELSE 3 END AS status,
        coalesce(h.process, '') || chr(31) || coalesce(h.stage, '') AS stage,
        coalesce(h.stage_set_at, h.captured_at) AS stage_set_at,
        CAST(coalesce(s.probability, 0) AS DOUBLE) AS chance,
        CAST(worth(h.amount, h.recurring_amount, h.interval_months, h.term_months) AS DOUBLE) AS value,
        CAST(worth(CAST(0 AS DECIMAL(18, 4)), h.recurring_amount, h.interval_months, h.term_months) AS DOUBLE) AS recurring,
        CASE WHEN h.currency IS NULL OR h.currency = $currency THEN '' ELSE h.currency END AS currency,
        date_diff('day', DATE '1970-01-01', h.expected_close) AS expected,
        h.captured_at,
        h.closed_at,
        {words}
    FROM deal_history_as_known h
    LEFT JOIN process_stages s ON s.process = h.process AND s.process_version = h.process_version AND s.stage = h.stage
"""


@dataclass(frozen=True)
class Spans:
    """Rows of what was believed, by deal and then by time; those that hold at no week's end are left out.

    Attributes:
        columns: the columns of `Deals` but for `weeks`, and `status` (0 open, 1 won, 2 lost, 3 disqualified), `since` (when it
            came into its stage, in microseconds) and `currency` (0 for the ledger's own, else the place in `currencies`).
        first: the first week at whose end a row holds.
        last: the first week after that at whose end it doesn't.
        renewal: the code of renewals in `growth`.
    """

    columns: Mapping[str, NDArray[np.generic]]
    first: Whole
    last: Whole
    currencies: Sequence[str]
    renewal: int
    weeks: int

    def of(self, column: str, rows: Whole) -> NDArray[np.generic]:
        """What a column says in some rows."""
        return self.columns[column][rows]

    def whole(self, column: str) -> Whole:
        """A column of whole numbers."""
        return self.columns[column]  # type: ignore[return-value]

    @cached_property
    def _key(self) -> Whole:
        return self.whole("deal") * (self.weeks + 1) + self.first

    @cached_property
    def _opened(self) -> tuple[Whole, Whole]:
        """The open rows that hold at the end of each week: row after row, and where each week begins."""
        rows = np.flatnonzero(self.whole("status") == 0)
        counts = self.last[rows] - self.first[rows]
        row = np.repeat(rows, counts)
        step = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        week = self.first[row] + step
        order = np.argsort(week, kind="stable")
        return row[order], np.searchsorted(week[order], np.arange(self.weeks + 1))

    @cached_property
    def _won(self) -> Whole:
        return np.flatnonzero(self.whole("status") == 1)

    @cached_property
    def _firsts(self) -> tuple[Whole, Whole]:
        """The first row of each deal, by week."""
        deal = self.whole("deal")
        rows = np.flatnonzero(np.diff(deal, prepend=-1) != 0)
        order = np.argsort(self.first[rows], kind="stable")
        return rows[order], np.searchsorted(self.first[rows][order], np.arange(self.weeks + 1))

    def open_at(self, week: int) -> Whole:
        """The rows of the deals that are open at the end of a week."""
        rows, begins = self._opened
        return rows[begins[week] : begins[week + 1]]

    def won_at(self, week: int) -> Whole:
        """The rows of the deals that are won by then."""
        return self._won[(self.first[self._won] <= week) & (self.last[self._won] > week)]

    def first_at(self, week: int) -> Whole:
        """The rows of the deals that are there for the first time."""
        rows, begins = self._firsts
        return rows[begins[week] : begins[week + 1]]

    def row_at(self, deals: Whole, week: int) -> Whole:
        """The row that holds for each of some deals, or NOWHERE."""
        place = np.searchsorted(self._key, deals * (self.weeks + 1) + week, side="right") - 1
        safe = np.maximum(place, 0)
        holds = (place >= 0) & (self.whole("deal")[safe] == deals) & (self.last[safe] > week)
        return np.where(holds, place, NOWHERE)


@dataclass(frozen=True)
class Told:
    """What was believed, read from the ledger and not yet cut into weeks.

    Attributes:
        now: with what was known at each moment.
        late: with what was known some days later.
        first: the first moment at which anything was believed, in microseconds.
        names: what the codes mean.
        first_seen: for each kind of code, when each became known, in microseconds; rising.
    """

    now: Mapping[str, NDArray[np.generic]]
    late: Mapping[str, NDArray[np.generic]]
    first: int
    names: Names
    first_seen: Mapping[str, Whole]
    currencies: Sequence[str]

    def spans(self, told: Mapping[str, NDArray[np.generic]], grid: Whole) -> Spans:
        """What holds at the ends of weeks."""
        first = np.searchsorted(grid, told["valid_from"], side="left")
        last = np.searchsorted(grid, told["valid_to"], side="left")
        seen = first < last
        columns = {name: values[seen] for name, values in told.items() if name not in ("valid_from", "valid_to")}
        growths = list(self.names.words["growth"])
        renewal = growths.index("renewal") if "renewal" in growths else NOWHERE
        return Spans(columns, first[seen], last[seen], self.currencies, renewal, len(grid))


def read_told(engine: Engine, question: Question, late_days: int, words: Sequence[str]) -> Told | None:
    """Read what was believed of deals; None where no deal was known.

    Codes are given in the order in which words became known, and in the order of the alphabet within one moment.
    """
    duck = engine.duck
    sql = _TOLD.format(words=",\n        ".join(f"coalesce(h.{word}, '') AS {word}" for word in words))
    for table, lateness in (("forecast_now", 0), ("forecast_late", late_days)):
        duck.execute(f"DROP TABLE IF EXISTS {table}")
        engine.query(sql, replace(question, late_days=lateness)).create(table)
    seen: dict[str, Whole] = {}
    names: dict[str, list[str]] = {}
    for kind in ("deal", "stage", "currency", *words):
        duck.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE forecast_code_{kind} AS
            SELECT word, CAST(row_number() OVER (ORDER BY word <> '', seen_at, word) - 1 AS BIGINT) AS code, seen_at
            FROM (
                SELECT word, min(seen_at) AS seen_at
                FROM (
                    SELECT {kind} AS word, min(valid_from) AS seen_at FROM forecast_now GROUP BY 1
                    UNION ALL
                    SELECT {kind}, min(valid_from) + INTERVAL {late_days} DAY FROM forecast_late GROUP BY 1
                    {"" if kind in ("deal", "stage") else "UNION ALL SELECT '', TIMESTAMP '1900-01-01'"}
                )
                GROUP BY word
            )
            """
        )
        rows = duck.execute(f"SELECT word, epoch_us(seen_at) FROM forecast_code_{kind} ORDER BY code").fetchall()
        names[kind] = [row[0] for row in rows]
        seen[kind] = np.array([row[1] for row in rows], dtype=np.int64)
    if not names["deal"]:
        return None
    positions: dict[tuple[str, str], int] = {}
    for process, _version, stage, position, *_ in engine.head.stages:
        positions.setdefault((process, stage), position)
    stages = [tuple(name.split("\x1f", 1)) for name in names["stage"]]
    now, late = (_fetched(engine, table, words) for table in ("forecast_now", "forecast_late"))
    for table in ("forecast_now", "forecast_late"):
        duck.execute(f"DROP TABLE {table}")
    return Told(
        now=now,
        late=late,
        first=int(min(seen["deal"])),
        names=Names(
            names["deal"],
            [(process, stage, positions.get((process, stage), 0)) for process, stage in stages],
            {word: names[word] for word in words},
        ),
        first_seen={kind: times for kind, times in seen.items() if kind not in ("deal", "currency")},
        currencies=names["currency"],
    )


def _fetched(engine: Engine, table: str, words: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """The rows by deal and time, as numbers."""
    kinds = ("deal", "stage", "currency", *words)
    codes = ", ".join(f"c_{kind}.code AS {kind}" for kind in kinds)
    joins = " ".join(f"JOIN forecast_code_{kind} c_{kind} ON c_{kind}.word = h.{kind}" for kind in kinds)
    zone = str(engine.head.zone).replace("'", "''")

    def day(column: str) -> str:
        local = f"timezone('{zone}', timezone('UTC', {column}))"
        return f"coalesce(date_diff('day', DATE '1970-01-01', CAST({local} AS DATE)), {UNKNOWN_DAY})"

    found = engine.duck.execute(
        f"""
        SELECT
            epoch_us(h.valid_from) AS valid_from,
            epoch_us(h.valid_to) AS valid_to,
            CAST(h.status AS BIGINT) AS status,
            epoch_us(h.stage_set_at) AS set_at,
            h.chance,
            coalesce(h.value, CAST('nan' AS DOUBLE)) AS value,
            CASE WHEN h.value IS NULL THEN CAST('nan' AS DOUBLE) ELSE coalesce(h.recurring, 0) END AS recurring,
            CAST(coalesce(h.expected, {UNKNOWN_DAY}) AS BIGINT) AS expected,
            {day("h.captured_at")} AS captured,
            {day("h.closed_at")} AS closed,
            {codes}
        FROM {table} h {joins}
        ORDER BY c_deal.code, h.valid_from
        """
    ).fetchnumpy()
    columns = {name: np.asarray(values) for name, values in found.items()}
    set_at = columns.pop("set_at")
    # A stay in a stage goes on over rows that say the same stage and status again.
    anew = np.ones(len(set_at), dtype=bool)
    anew[1:] = False
    for name in ("deal", "stage", "status"):
        anew[1:] |= columns[name][1:] != columns[name][:-1]
    begins = np.flatnonzero(anew)
    columns["since"] = np.repeat(set_at[begins], np.diff(np.append(begins, len(set_at))))
    return columns
