"""An engine for programs that keep running: all deals' histories stay in memory, and only what new entries touch is redone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from salesledger.readmodel.engine import Engine, Question

HISTORY = "deal_history"
_MADE_OF = (HISTORY, "deal_changes", "deal_entries", "strikes", "events")
_TABLE = "resident_history"
_FEW = 5_000
"""Deals that are redone one by one; where more were touched, all are, which is then sooner."""


@dataclass(eq=False)
class Resident(Engine):
    """An engine that answers what reads `deal_history` from memory; every answer is that of an engine just opened.

    A void, a correction or late news changes the history of the deal that it is recorded for and of no other, so these are all
    that an entry touches. Questions about what was known earlier, or up to an entry, are answered from the log as always.
    """

    _upto: int = 0
    _now: bool = False

    def refresh_history(self) -> None:
        """Take in what was recorded since the last time; questions do so by themselves."""
        self.ask(f"SELECT count(*) FROM {HISTORY}")

    def _settled(self, question: Question) -> Question:
        self._now = question.known_at is None and question.upto is None
        return super()._settled(question)

    def _chained(self, wanted: Sequence[str], question: Question, values: dict[str, object]) -> dict[str, str]:
        chain = super()._chained(wanted, question, values)
        if self._now and HISTORY in chain and not any(self.projections[name].own for name in _MADE_OF):
            self._now = False  # what follows asks for the histories themselves
            self._take_in(question)
            chain[HISTORY] = f"SELECT * FROM {_TABLE}"
        return chain

    def _take_in(self, question: Question) -> None:
        last = self.head.last_entry
        if self._upto == last:
            return
        known = Question(question.as_of, question.known_at)
        touched, is_known = self._touched(known) if self._upto else (None, True)
        if touched is None or len(touched) > _FEW:
            statement, values = self._compose(f"SELECT * FROM {HISTORY}", [HISTORY], known, {})
            self.duck.execute(f"CREATE OR REPLACE TEMP TABLE {_TABLE} AS {statement}", values)
        elif touched:
            self._redo(touched, known)
        if is_known:
            self._upto = last

    def _touched(self, known: Question) -> tuple[list[str], bool]:
        """The deals of the entries behind those taken in, and whether all of these are known by now."""
        sql = (
            "SELECT coalesce(list(DISTINCT id ORDER BY id) FILTER (WHERE stream = 'deal'), []), "
            "coalesce(max(known_at) <= $known_at, true) FROM events WHERE entry > $taken_in"
        )
        statement, values = self._compose(sql, ["events"], known, {"taken_in": self._upto})
        ((touched, is_known),) = self.duck.execute(statement, values).fetchall()
        return touched, is_known

    def _redo(self, touched: Sequence[str], known: Question) -> None:
        """Put the histories of some deals in place of those that are there, all at once or not at all."""
        ids: dict[str, object] = {f"deal_{i}": deal for i, deal in enumerate(touched)}
        chosen = f"deal IN ({', '.join(f'${name}' for name in ids)})"
        statement, values = self._compose(f"SELECT * FROM {HISTORY} WHERE {chosen}", [HISTORY], known, ids)
        self.duck.execute("BEGIN")
        try:
            self.duck.execute(f"DELETE FROM {_TABLE} WHERE {chosen}", ids)
            self.duck.execute(f"INSERT INTO {_TABLE} {statement}", values)
            self.duck.execute("COMMIT")
        except duckdb.Error:
            self.duck.execute("ROLLBACK")
            raise

    def write_parquet(self, sql: str, file: Path, question: Question | None = None) -> None:
        """Write the rows of a SELECT to a file; see `Engine.write_parquet`."""
        self._upto = 0  # what is in memory belongs to the connection that is given up for it
        super().write_parquet(sql, file, question)
