"""An engine for programs that keep running: all deals' histories stay in memory, and only what new entries touch is redone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from salesledger.readmodel import catalogue
from salesledger.readmodel.catalogue import Projection
from salesledger.readmodel.decode import unfolding
from salesledger.readmodel.engine import STATES, Engine, Question
from salesledger.readmodel.periods import Period

HISTORY = "deal_history"
_HELD = (HISTORY, STATES)
_MADE_OF = (*_HELD, "deal_changes", "deal_entries", "strikes", "events")
_TABLE, _CHOSEN = "resident_history", "resident_chosen"
_NOTHING = "SELECT NULL AS entry WHERE false"
"""In the log's place, where nothing is read of it."""

_FEW = 5_000
"""Deals that are redone one by one; where more were touched, all are, which is then sooner."""

_CARRIED = (
    *("status", "captured_at", "company", "account", "process", "process_version", "stage", "owner", "team", "product"),
    *("segment", "source", "campaign", "amount", "recurring_amount", "interval_months", "term_months", "currency"),
    *("expected_close", "category", "referred_by", "grown_from", "subscription", "growth", "judged"),
)
_ROWS = f"""
    WITH filled AS (
        SELECT
            deal,
            effective_at AS valid_from,
            coalesce(lead(effective_at) OVER w, TIMESTAMP '9999-12-31') AS valid_to,
            {", ".join(f"last_value({name} IGNORE NULLS) OVER w AS {name}" for name in _CARRIED)},
            last_value(CASE WHEN captured_at IS NOT NULL THEN effective_on END IGNORE NULLS) OVER w AS captured_on,
            last_value(
                CASE
                    WHEN status IS NOT NULL
                        THEN struct_pack(at := effective_at, day := effective_on, reason := reason, competitor := competitor)
                END IGNORE NULLS
            ) OVER w AS turned
        FROM deal_changes
        WINDOW w AS (PARTITION BY deal ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
    SELECT
        * EXCLUDE (turned),
        valid_from AS changed_at,
        CASE WHEN status <> 'open' THEN turned.at END AS closed_at,
        CASE WHEN status <> 'open' THEN turned.day END AS closed_on,
        CASE WHEN status <> 'open' THEN turned.reason END AS reason,
        CASE WHEN status <> 'open' THEN turned.competitor END AS competitor
    FROM filled
    WHERE captured_at IS NOT NULL AND valid_from < valid_to
"""
"""What `deal_history` has, and what `deal_states` has besides."""


@dataclass(eq=False)
class Resident(Engine):
    """An engine that answers what is made of deals and their histories from memory; every answer is that of an engine just opened.

    A void, a correction or late news changes the history of the deal that it is recorded for and of no other, so these are all
    that an entry touches. Questions about what was known earlier, or up to an entry, are answered from the log as always.
    """

    _upto: int = 0
    _now: bool = False
    _of: str = ""
    """What is read in place of the mirror and the tail, where that is so."""

    def refresh_history(self) -> None:
        """Take in what was recorded since the last time; questions do so by themselves."""
        self.ask(f"SELECT 1 FROM {HISTORY} LIMIT 1")

    def _settled(self, question: Question) -> Question:
        self._now = question.known_at is None and question.upto is None
        return super()._settled(question)

    def _chained(self, wanted: Sequence[str], question: Question, values: dict[str, object]) -> dict[str, str]:
        needed = {projection.name for projection in catalogue.in_order(self.projections, wanted)}
        is_held = self._now and not any(self.projections[name].own for name in _MADE_OF)
        if not is_held or needed.isdisjoint(_HELD):
            return super()._chained(wanted, question, values)
        self._take_in(question)
        as_always, self.projections = self.projections, {**self.projections, **self._held()}
        log = {"decoded", "rated"} if self.head.rated else {"decoded"}
        needed = {need for p in catalogue.in_order(self.projections, wanted) for need in p.needs}
        self._of = "" if log & (needed | set(wanted)) else _NOTHING
        try:
            return super()._chained(wanted, question, values)
        finally:
            self.projections, self._of = as_always, ""

    def _held(self) -> Mapping[str, Projection]:
        """The two projections, read from memory."""
        found = {}
        for name, condition in ((HISTORY, "true"), (STATES, "valid_from <= $as_of AND $as_of < valid_to")):
            shipped = self.projections[name]
            sql = f"SELECT {', '.join(shipped.columns)} FROM {_TABLE} WHERE {condition}"
            found[name] = replace(shipped, needs=(), sql=sql)
        return found

    def _of_some(self, status: str | None, first: Period | None, states: str) -> str:
        if self.projections[STATES].needs:
            return super()._of_some(status, first, states)
        return f"{states} AND status = '{status}'" if status else states

    def _decoded(self, question: Question, *, open_only: bool) -> tuple[str, bool]:
        if self._of == _NOTHING:
            return _NOTHING, False
        if self._of:
            return unfolding(self._of, self.head.zone.key, details=False), False
        return super()._decoded(question, open_only=open_only and bool(self.projections[STATES].needs))

    def _take_in(self, question: Question) -> None:
        last = self.head.last_entry
        if self._upto == last:
            return
        self._now = False  # what follows asks for the log itself
        known = Question(question.as_of, question.known_at)
        touched = self._touched() if self._upto else None
        if touched is None or len(touched) > _FEW:
            later = self._later(known)
            self._run(f"CREATE OR REPLACE TEMP TABLE {_TABLE} AS {{rows}}", _ROWS, "deal_changes", known)
        else:
            later = self._redo(touched, known) if touched else None
        self._upto = last if later is None else min(last, later - 1)
        self._now = True

    def _run(self, statement: str, rows: str, reads: str, known: Question) -> list[tuple[int | None]]:
        composed, values = self._compose(rows, [reads], known, {})
        found: list[tuple[int | None]] = self.duck.execute(statement.replace("{rows}", composed), values).fetchall()
        return found

    def _later(self, known: Question) -> int | None:
        """The first entry that becomes known only later."""
        return self._run("{rows}", "SELECT min(entry) FROM events WHERE known_at > $known_at", "events", known)[0][0]

    def _touched(self) -> list[str]:
        """The deals of the entries behind those taken in, as streams."""
        asked = "SELECT DISTINCT originator_id FROM stored_events WHERE entry > ? AND entry <= ?"
        with self.using():
            found = self.log.execute(asked, (self._upto, self.head.last_entry)).fetchall()
        return sorted(stream for (stream,) in found if stream.startswith("deal:"))

    def _redo(self, touched: Sequence[str], known: Question) -> int | None:
        """Put the histories of some deals in place of those that are there, all at once or not at all.

        They are folded of their own entries, which the log finds by its index, whatever it has grown to.

        Returns:
            The first of these entries that becomes known only later.
        """
        mirror = self._mirror(touched)
        mirror.tail(_CHOSEN, (0, self.head.last_entry))
        self._of = f"SELECT * FROM {_CHOSEN}"
        self.duck.execute("BEGIN")
        try:
            later = self._later(known)
            self.duck.execute(f"DELETE FROM {_TABLE} WHERE deal IN (SELECT id FROM {_CHOSEN})")
            self._run(f"INSERT INTO {_TABLE} {{rows}}", _ROWS, "deal_changes", known)
            self.duck.execute("COMMIT")
        except duckdb.Error:
            self.duck.execute("ROLLBACK")
            raise
        finally:
            self._of = ""
        return later

    def write_parquet(self, sql: str, file: Path, question: Question | None = None) -> None:
        """Write the rows of a SELECT to a file; see `Engine.write_parquet`."""
        self._upto = 0  # what is in memory belongs to the connection that is given up for it
        super().write_parquet(sql, file, question)
