"""What a page is made with: the ledger, where in time the visitor stands, and questions whose answers are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from salesledger.errors import BadFilter
from salesledger.readmodel.catalogue import named
from salesledger.readmodel.engine import Answer, Question
from salesledger.readmodel.periods import parse_period, split
from salesledger.shown.reports import for_people, narrowed
from salesledger.shown.tables import Table
from salesledger.shown.values import Rows, read_by_people
from salesledger.web.grid import ROOM, Cell, Grid, fitting
from salesledger.web.roles import Right

if TYPE_CHECKING:
    from salesledger.api import Ledger
    from salesledger.web.desk import Desk
    from salesledger.web.jobs import Job
    from salesledger.web.roles import Visitor
    from salesledger.web.settings import Settings
    from salesledger.web.state import State


class View:
    """A page's view of the ledger.

    Args:
        desk: where it is looked at.
        ledger: the ledger, for this thread alone.
        state: what the address says.
        visitor: who looks.
        extra: what else the address says.
    """

    def __init__(self, desk: Desk, ledger: Ledger, state: State, visitor: Visitor, extra: Mapping[str, str]) -> None:
        self.desk = desk
        self.ledger = ledger
        self.state = state
        self.visitor = visitor
        self.extra = extra
        self.room = ROOM
        self.ledger.engine.refresh()

    @property
    def settings(self) -> Settings:
        """What the server was started with."""
        return self.desk.settings

    @property
    def last_entry(self) -> int:
        """The ledger's position."""
        return self.ledger.engine.head.last_entry

    @property
    def currency(self) -> str:
        """The ledger's currency."""
        return self.ledger.engine.head.currency or ""

    def may(self, right: Right) -> bool:
        """Whether the visitor has a right here."""
        return right in self.visitor.rights and not (right is Right.RECORD and self.settings.read_only)

    @cached_property
    def question(self) -> Question:
        """The dates and filters of the address, without periods."""
        return self.ledger.question(**self.state.dates, filters=self.state.terms)

    @cached_property
    def plain_question(self) -> Question:
        """The dates of the address alone, for what filters don't choose among."""
        return replace(self.question, filters=())

    def periods(self, period: str, interval: str, *, reach: tuple[str, ...] | None = None) -> Question:
        """The question with periods: those of the address, else the ones given; none is longer than what the address asks for."""
        return self.ledger.question(
            **self.state.dates,
            filters=self.state.terms,
            period=self.state.period or period,
            interval=self.state.interval or (interval if self._holds(interval) else None),
            by=self.state.by or None,
            reach=reach,
        )

    def _holds(self, interval: str) -> bool:
        """Whether rows of that length hold just the period that the address names, if it does."""
        if not (interval and self.state.period):
            return bool(interval)
        span, said = parse_period(self.state.period, self.ledger.today)
        if said or span.begin is None or span.end is None:
            return not said
        rows = split(span, interval)
        return (rows[0].begin, rows[-1].end) == (span.begin, span.end)

    def ask(self, sql: str, question: Question | None = None, values: Mapping[str, object] | None = None) -> Answer:
        """The rows of a SELECT over the projections; the same question at the same position is asked once."""
        return self.desk.ask(self.ledger, sql, question or self.question, values)

    def job(self, words: Sequence[str]) -> Job:
        """The answer of a command that takes long, or a job that isn't over yet."""
        return self.desk.job(self.ledger, words)

    def project(self, name: str, question: Question | None = None, order: str = "") -> Answer:
        """The rows of a projection."""
        return self.ask(*self.asked(name, question, order))

    def asked(self, name: str, question: Question | None = None, order: str = "") -> tuple[str, Question]:
        """The statement and the question that a projection is asked with."""
        named(self.ledger.engine.projections, name)
        return f'SELECT * FROM "{name}"{order}', question or self.question

    def ahead(self, asked: Sequence[tuple[str, Question]]) -> None:
        """Have several questions that the page will ask answered at the same time."""
        self.desk.ahead(self.ledger, asked)

    def narrowed(self, sql: str) -> tuple[str, dict[str, object], str]:
        """A statement whose rows pass the filters on its own columns, and its values; where they can't, all rows, and why.

        Raises:
            BadFilter: the filter is none anywhere.
        """
        terms = self.state.terms
        try:
            return (*narrowed(self.ledger, sql, self.plain_question, terms), "")
        except BadFilter as e:
            return sql, {}, str(e)

    def grid(
        self,
        answer: Answer,
        table: Table | None = None,
        question: Question | None = None,
        *,
        caption: str = "",
        total: int | None = None,
        rest: str = "",
    ) -> Grid:
        """An answer as a table on the page, with links to what its ids name, as far as the page still has room for it.

        Args:
            answer: the rows.
            table: how people read them.
            question: what was asked, where it isn't the page's own question.
            caption: what the table shows.
            total: how many rows there are, where the answer hasn't all of them.
            rest: where the others are, as the end of a sentence.
        """
        rows = Rows(answer.columns, answer.types, answer.rows)
        if table is not None and set(answer.columns) & set(table.columns):
            rows = for_people(rows, table, question or self.question)
            if not (question or self.question).by:
                rows = Rows(*_without(rows, "group"))
        columns = read_by_people(rows, self.ledger.zone)
        heads = [(table.header(c.header) if table else c.header, c.is_number) for c in columns]
        links = [LINKS.get(c.header) for c in columns]
        cells = [
            [Cell(text, self.link(kind, text) if kind and text else "") for kind, text in zip(links, line, strict=True)]
            for line in zip(*(c.cells for c in columns), strict=True)
        ]
        grid = Grid([(head.replace("_", " "), number) for head, number in heads], cells, caption)
        grid, self.room = fitting(grid, self.room, total, rest)
        return grid

    def link(self, kind: str, identifier: str) -> str:
        """The address of the page of a deal or an account, at the same place in time."""
        if self.settings.incognito:
            return ""
        return f"/{kind}/{quote(identifier, safe='')}{self.state.but(filter='', since='', known_since='').query()}"

    def to(self, path: str, **changes: str) -> str:
        """The address of a page, with the state changed."""
        return path + self.state.but(**changes).query()


LINKS = {"deal": "deals", "account": "accounts", "grown_from": "deals", "lead": "deals", "referrer": "accounts"}
"""The columns that name what has a page, and where that page is."""


def _without(rows: Rows, name: str) -> tuple[list[str], list[str], list[tuple[object, ...]]]:
    kept = [i for i, column in enumerate(rows.columns) if column != name]
    return (
        [rows.columns[i] for i in kept],
        [rows.types[i] for i in kept],
        [tuple(row[i] for i in kept) for row in rows.rows],
    )
