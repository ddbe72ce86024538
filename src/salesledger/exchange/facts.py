"""What one row of a file says of its deal: the events that it stands for, and the attributes that have no date."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from salesledger.domain.clocks import day
from salesledger.domain.deal import CLOSED
from salesledger.domain.deal_events import ATTRIBUTES, DealEvent, DealWon, LeadCaptured
from salesledger.domain.values import slug, to_id, to_text
from salesledger.exchange.cells import Amounts, Dates, shown, to_short_id
from salesledger.exchange.csv_rows import RowProblem, Table
from salesledger.exchange.rules import CAPTURED, MONEY, EventRule, Rules, tidy

SHORT_IDS = ("owner", "account", "stage", "handed_to", "referred_by")
"""Fields whose ids are made of names."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a row says.

    Attributes:
        deal: the deal's id.
        events: by slot, in the order in which they happened; the first captures the lead and carries the attributes.
        attributes: what is known of the deal without a date of its own; blank cells are left out.
        stage: the stage of an open deal, where a column of its own says so.
        company_given: whether the company's name comes from a column of its own.
        account_name: the account's name, where the row names one.
        known_at: when the source system knew the row.
        dated: False where the row has no date, and the one of its first event was given from outside.
        closed_at: when the deal was closed; None while it is open.
        won: whether it was won.
    """

    deal: str
    events: dict[str, DealEvent]
    attributes: dict[str, Any]
    stage: str | None
    company_given: bool
    account_name: str | None
    known_at: datetime | None
    dated: bool
    closed_at: datetime | None
    won: bool


class Reader:
    """Reads the rows of one file by its rules.

    Args:
        rules: what the columns mean.
        table: the file.
        zone: the zone of its dates.
        actor: who imports.
        now: the ledger's clock.
        undated_on: when rows without any date began; None where such rows are refused.
    """

    def __init__(
        self, rules: Rules, table: Table, *, zone: ZoneInfo, actor: str, now: datetime, undated_on: datetime | None
    ) -> None:
        self.rules, self.actor, self.now, self.undated_on = rules, actor, now, undated_on
        self._places = {column: table.places[tidy(column)] for _, column in rules.needed()}
        self._columns = {n: c for n in type(rules.columns).model_fields if (c := getattr(rules.columns, n)) is not None}
        self._constants = rules.constants.model_dump(exclude_none=True)
        self._converters: dict[str, Callable[[str, str], Any]] = {
            **dict.fromkeys(SHORT_IDS, to_short_id),
            **dict.fromkeys(MONEY, Amounts(rules).read),
        }
        dated = {rule.date for rule in rules.events} | {c for c in [rules.columns.expected_close] if c}
        stamp = {c for c in [rules.columns.known_at] if c}
        texts: dict[str, set[str]] = {name: set() for name in dated | stamp}
        self.rows = 0
        for row in table.rows():
            self.rows += 1
            if row.problem is None:
                for name, seen in texts.items():
                    seen.add(self._cell(name, row.cells))
        self._zone = zone
        self._made: Counter[str] = Counter()
        read = partial(Dates, rules.date_formats, zone)
        self.dates = read({text for name in dated for text in texts[name] if text})
        self._stamps = read({text for name in stamp for text in texts[name] if text})

    def _cell(self, column: str, cells: list[str]) -> str:
        return cells[self._places[column]].strip()

    def deal_of(self, cells: list[str]) -> str:
        """The id of the next row's deal; to be asked once for each row, since rows that are alike are numbered.

        Raises:
            RowProblem: it has none.
        """
        column = self.rules.columns.deal
        if column is None:
            return self._made_id(cells)
        text = self._cell(column, cells)
        if not text:
            raise RowProblem(f"no deal: {column} is empty")
        text = self.rules.values.get("deal", {}).get(text, text)
        try:
            return to_id(text)
        except ValueError:
            raise RowProblem(
                f"{column} is not an id", f"{shown(text)}; use letters, digits, '.', '_' and '-', at most 80 of them"
            ) from None

    def _made_id(self, cells: list[str]) -> str:
        texts = [self._cell(column, cells) for column in self.rules.deal_from]
        if not any(texts):
            raise RowProblem(f"no deal: {', '.join(self.rules.deal_from)} are empty")
        made = "-".join(slug(text) for text in texts)
        self._made[made] += 1
        name = made if self._made[made] == 1 else f"{made}-no{self._made[made]}"
        try:
            return to_id(name)
        except ValueError as e:
            raise RowProblem("no id can be made for the deal", str(e)) from None

    def read(self, deal: str, cells: list[str]) -> Facts:
        """What a row says.

        Args:
            deal: the id of its deal.
            cells: the row.

        Raises:
            RowProblem: it says nothing that can be recorded.
        """
        account_name = self._account_name(cells)
        given_attributes = dict(self._attributes(cells))
        dates = list(self._dates(cells))
        captured_at, stamp = dates[0][2], self._stamp(cells)
        given = self._value("company", cells)
        company = given or account_name or self._constants.get("company") or deal
        events: dict[str, DealEvent] = {}
        for column, rule, at in dates:
            if at < captured_at:
                first = dates[0][0]
                raise RowProblem(
                    f"{column} is before {first}", f"{day(at, self._zone)} and {day(captured_at, self._zone)}"
                )
            if rule.place in events:
                raise RowProblem("two rules fit this row", f"both give it the event {rule.place!r}")
            fields = dict(self._fields(rule, cells, given_attributes))
            if rule.event is LeadCaptured:
                fields |= {"company": company, "process": self.rules.process.id if self.rules.process else None}
                fields |= given_attributes
            events[rule.place] = self._event(rule, at, fields)
        captured = events[CAPTURED]
        attributes = {name: value for name in ATTRIBUTES if (value := getattr(captured, name)) is not None}
        closing = [e for e in events.values() if e.STATUS is not None][-1]
        closed = closing.STATUS in CLOSED
        stage = None if closed else self._value("stage", cells)
        if stage is not None:
            events[CAPTURED] = captured.model_copy(update={"stage": stage})
        return Facts(
            deal=deal,
            events=events,
            attributes=attributes,
            stage=stage,
            company_given=given is not None,
            account_name=account_name,
            known_at=stamp,
            dated=any(self._cell(rule.date, cells) for _, rule, _ in dates),
            closed_at=closing.effective_at if closed else None,
            won=isinstance(closing, DealWon),
        )

    def _value(self, name: str, cells: list[str]) -> str | None:
        column = self._columns.get(name)
        text = self._cell(column, cells) if column else ""
        text = self.rules.values.get(name, {}).get(text, text)
        if name == "stage" and text:
            return to_short_id(str(column), text)
        return text or None

    def _account_name(self, cells: list[str]) -> str | None:
        name = self._value("account", cells)
        try:
            return name if name is None else to_text(name)
        except ValueError as e:
            raise RowProblem(f"{self._columns['account']} can't be recorded", str(e)) from None

    def _attributes(self, cells: list[str]) -> Iterator[tuple[str, Any]]:
        for name in ATTRIBUTES:
            if name in self._columns and name != "currency":
                text = self._value(name, cells)
                if text is None:
                    continue
                column = self._columns[name]
                if name == "expected_close":
                    yield name, self.dates.local_date(column, text)
                else:
                    yield name, self._converted(name, column, text)
                if name in MONEY:
                    yield "currency", self._currency(cells)
            elif name in self._constants:
                value = self._constants[name]
                yield name, to_short_id(f"constants.{name}", value) if name in SHORT_IDS else value

    def _converted(self, name: str, column: str, text: str) -> Any:
        convert = self._converters.get(name)
        return convert(column, text) if convert else text

    def _currency(self, cells: list[str]) -> str:
        text = self._value("currency", cells) or self.rules.currency
        if text is None:
            raise RowProblem(f"an amount without a currency: {self._columns['currency']} is empty")
        return text

    def _dates(self, cells: list[str]) -> Iterator[tuple[str, EventRule, datetime]]:
        """The column, the rule and the instant of each event, the capture first, then as they happened."""
        rules = [r for r in self.rules.events if self._applies(r, cells)]
        starts = [rule for rule in rules if rule.event is LeadCaptured]
        if not starts:
            columns = sorted({c for r in self.rules.events if r.event is LeadCaptured for c in r.when})
            seen = ", ".join(f"{c} is {shown(self._cell(c, cells))}" for c in columns)
            raise RowProblem("no rule for such a row", seen)
        undated = not any(self._cell(rule.date, cells) for rule in rules)
        found: list[tuple[str, EventRule, datetime]] = []
        for rule in rules:
            text = self._cell(rule.date, cells)
            if text:
                at = self.dates.read(rule.date, text)
                if at > self.now:
                    raise RowProblem(f"{rule.date} lies in the future", shown(text))
                found.append((rule.date, rule, at))
            elif undated and rule.event is LeadCaptured and self.undated_on is not None:
                found.append(("the given date", rule, self.undated_on))
            elif not rule.optional:
                raise RowProblem(f"no date: {rule.date} is empty")
        yield from sorted(found, key=lambda f: (f[1].event is not LeadCaptured, f[2]))

    def _applies(self, rule: EventRule, cells: list[str]) -> bool:
        return all(self._cell(column, cells) in texts for column, texts in rule.when.items())

    def _fields(self, rule: EventRule, cells: list[str], attributes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        if rule.stage is not None:
            yield "stage", rule.stage
        money = False
        for name, column in rule.fields.items():
            text = self._cell(column, cells)
            text = self.rules.values.get(name, {}).get(text, text)
            if text:
                money |= name in MONEY
                yield name, self._converted(name, column, text)
        for name, value in rule.constants.items():
            money |= name in MONEY
            yield name, self._converted(name, f"constants.{name}", value)
        if rule.event is DealWon and not money and "amount" in attributes:
            yield "amount", attributes["amount"]
            money = True
        if money:
            yield "currency", self._currency(cells)

    def _event(self, rule: EventRule, at: datetime, fields: dict[str, Any]) -> DealEvent:
        try:
            return rule.event(effective_at=at, recorded_by=self.actor, source_system=self.rules.source_system, **fields)
        except ValidationError as e:
            first = e.errors(include_url=False, include_context=False)[0]
            name = str(first["loc"][0]) if first["loc"] else rule.type
            column = rule.fields.get(name) or self._columns.get(name) or name
            message = str(first["msg"]).removeprefix("Value error, ")
            raise RowProblem(f"{column} can't be recorded", f"{message} (it is {shown(str(first['input']))})") from None

    def _stamp(self, cells: list[str]) -> datetime | None:
        column = self.rules.columns.known_at
        text = self._cell(column, cells) if column else ""
        if not column or not text:
            return None
        at = self._stamps.read(column, text)
        if at > self.now:
            raise RowProblem(f"{column} lies in the future", shown(text))
        return at
