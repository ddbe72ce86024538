"""Rows of a CSV file into the ledger: every row ends as events or among the rejects, and running it again changes nothing."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from salesledger.domain.clocks import EARLIEST
from salesledger.domain.decide import Record
from salesledger.domain.process import Definition, ProcessDefined, Processes
from salesledger.errors import NOTHING_RECORDED, BadDate, Conflict, Refused, SalesledgerError, StoreError
from salesledger.exchange.cells import start_of
from salesledger.exchange.changes import propose
from salesledger.exchange.csv_rows import Row, RowProblem, Table
from salesledger.exchange.facts import Facts, Reader
from salesledger.exchange.rejects import RejectsFile
from salesledger.exchange.report import Reject, Report
from salesledger.exchange.rules import Rules
from salesledger.ledger.batch import Batch, Outcome, Proposal
from salesledger.ledger.store import Group, Store

CHUNK = 2_000
"""Rows that are recorded in one append."""

SHOWN = 10
"""Rejected rows that the report itself names."""

Progress = Callable[[int, int], None]
"""Told how many rows are done, of how many."""


@dataclass
class _Seen:
    """The first row of a deal, to tell a repetition from a contradiction."""

    line: int
    digest: int
    problem: RowProblem | None = None


@dataclass
class _Item:
    """A row on its way: what it says, or why it says nothing; its rival is the row before it that says something else."""

    row: Row
    seen: _Seen | None = None
    facts: Facts | None = None
    problem: RowProblem | None = None
    rival: _Seen | None = None
    new: bool = False


@dataclass
class _Tally:
    """What has come of the rows so far."""

    rejects: RejectsFile | None
    imported: int = 0
    changed: int = 0
    unchanged: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    first: list[Reject] = field(default_factory=list)
    with_currency: bool = False

    @property
    def rows(self) -> int:
        return self.imported + self.changed + self.unchanged + self.reasons.total()

    def count(self, outcomes: Iterable[Outcome]) -> bool:
        """Count what was appended, and say whether anything was."""
        fresh = [record.event for outcome in outcomes if not outcome.already for record in outcome.recorded]
        self.events.update(event.type_name() for event in fresh)
        self.with_currency |= any(getattr(event, "currency", None) is not None for event in fresh)
        return bool(fresh)

    def settle(self, item: _Item, outcomes: Sequence[Outcome]) -> None:
        """Count a row."""
        if item.seen is not None and item.seen.line == item.row.line:
            item.seen.problem = item.problem
        elif item.seen is not None:
            item.problem = item.seen.problem
        if item.problem is not None and item.rival is not None:
            became = "was taken" if item.rival.problem is None else "was rejected too"
            item.problem = RowProblem(item.problem.kind, f"{item.problem.detail}; line {item.rival.line} {became}")
        if item.problem is not None:
            self.reasons[item.problem.kind] += 1
            if len(self.first) < SHOWN:
                self.first.append(Reject(item.row.line, item.problem.reason))
            if self.rejects is not None:
                self.rejects.add(item.row, item.problem.reason)
        elif not self.count(outcomes):
            self.unchanged += 1
        elif item.new:
            self.imported += 1
        else:
            self.changed += 1


OnRefused = Callable[[int, SalesledgerError], None]


class _Sink(Protocol):
    """Where groups of proposals go."""

    def define(self, group: Callable[[Batch], Sequence[Proposal]]) -> list[Outcome]:
        """Settle the process before any row."""

    def put(self, groups: Sequence[Group], streams: Iterable[str], on_refused: OnRefused) -> list[list[Outcome]]:
        """See `Store.record`."""


@dataclass
class _Recording:
    """Into the ledger."""

    store: Store

    def define(self, group: Callable[[Batch], Sequence[Proposal]]) -> list[Outcome]:
        return self.store.record([group])[0]

    def put(self, groups: Sequence[Group], streams: Iterable[str], on_refused: OnRefused) -> list[list[Outcome]]:
        return self.store.record(groups, streams=streams, on_refused=on_refused)


@dataclass
class _Rehearsal:
    """Decided only; the process, the accounts and the currency are remembered from one chunk to the next."""

    batch: Batch

    def define(self, group: Callable[[Batch], Sequence[Proposal]]) -> list[Outcome]:
        self.batch.add(group(self.batch))
        outcomes = self.batch.outcomes(())[-1]
        context = self.batch.context
        made = [
            (r.id, r.event) for outcome in outcomes for r in outcome.recorded if isinstance(r.event, ProcessDefined)
        ]
        versions = (*context.processes.versions, *Processes.of(made).versions)
        self.batch.context = replace(context, processes=Processes(versions))
        return outcomes

    def put(self, groups: Sequence[Group], streams: Iterable[str], on_refused: OnRefused) -> list[list[Outcome]]:
        self.batch = self.batch.follow_up()
        self.batch.load(streams)
        for i, group in enumerate(groups):
            try:
                self.batch.add(group(self.batch) if callable(group) else group)
            except StoreError:
                raise
            except SalesledgerError as e:
                self.batch.skip()
                on_refused(i, e)
        return self.batch.outcomes(())


def import_csv(
    store: Store,
    file: Path,
    rules: Rules,
    *,
    actor: str,
    rejects: Path | None = None,
    dry_run: bool = False,
    undated_on: date | None = None,
    progress: Progress | None = None,
) -> Report:
    """Import the rows of a CSV file.

    A row of a deal that its system never imported becomes events known when they happened (or at the source's stamp, where
    the rules name its column). A row that changed adds only what changed, known as of now: a dated fact is corrected, voided
    or added, an attribute is revised. Rows are recorded in chunks, each row whole or not at all; an import that was
    interrupted goes on where it stopped when it is run again.

    Args:
        store: the ledger.
        file: a CSV file with a header.
        rules: what its columns mean.
        actor: who imports.
        rejects: where rejected rows are written, if there are any; None to have them in the report only.
        dry_run: decide everything, record nothing.
        undated_on: the date of rows that have none; None to reject them.
        progress: told of rows done, of how many.

    Raises:
        BadFile: the file can't be read, or lacks a column that the rules name.
        BadDate: `undated_on` lies in the future.
        Refused: the ledger has another currency, or its process is not what the rules say. Nothing was recorded.
        StoreError: the ledger can't be written. What was recorded until then stays; the message says how many rows.
    """
    table = Table.read(file, rules)
    settings, now = store.settings(), store.now()
    zone = ZoneInfo(rules.timezone or settings.timezone)
    undated_at = None if undated_on is None else start_of(undated_on, zone)
    if undated_on is not None and undated_at is not None and undated_at > now:
        raise BadDate(undated_on.isoformat(), "it lies in the future")
    if rules.currency and settings.currency and rules.currency != settings.currency:
        raise Refused(
            f"The ledger keeps its amounts in {settings.currency}, and the rules say {rules.currency}. "
            f"Convert the file first, or import it into another ledger. {NOTHING_RECORDED}"
        )
    reader = Reader(rules, table, zone=zone, actor=actor, now=now, undated_on=undated_at)
    kept = None if rejects is None else RejectsFile(rejects, table.header, table.delimiter, (file,))
    tally = _Tally(kept)
    sink: _Sink = _Recording(store)
    if dry_run:
        sink = _Rehearsal(Batch(store, store.context()))
    with kept or nullcontext():
        if reader.rows:
            tally.count(sink.define(partial(_define_process, rules=rules, zone=zone, actor=actor)))
        for chunk in _chunks(_items(reader, table)):
            _put(chunk, sink, tally, source=rules.source_system, actor=actor)
            if progress is not None:
                progress(tally.rows, reader.rows)
    if settings.currency is None and tally.with_currency:
        tally.events["currency-set"] += 1
    return Report(
        file=table.file,
        rows=reader.rows,
        imported=tally.imported,
        changed=tally.changed,
        unchanged=tally.unchanged,
        rejected=tally.reasons.total(),
        reasons=dict(tally.reasons),
        events=dict(tally.events),
        first_rejects=tuple(tally.first),
        rejects=kept.path if kept is not None and kept.rows else None,
        date_format=reader.dates.used,
        delimiter=table.delimiter,
        dry_run=dry_run,
    )


def _items(reader: Reader, table: Table) -> Iterator[_Item]:
    """Every row with what it says; of several rows of one deal, only the first says anything."""
    seen: dict[str, _Seen] = {}
    for row in table.rows():
        item = _Item(row, problem=row.problem)
        if row.problem is None:
            try:
                deal, digest = reader.deal_of(row.cells), hash(tuple(row.cells))
                first = seen.get(deal)
                if first is None:
                    item.seen = seen[deal] = _Seen(row.line, digest)
                    item.facts = reader.read(deal, row.cells)
                elif first.digest == digest:
                    item.seen = first
                else:
                    item.rival = first
                    raise RowProblem("the deal occurs twice", f"{deal!r} is on line {first.line} with other values")
            except RowProblem as e:
                # Anew, without the traceback, which would hold on to the row for as long as the import runs.
                item.problem = RowProblem(e.kind, e.detail)
        yield item


def _chunks(items: Iterator[_Item]) -> Iterator[list[_Item]]:
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def _put(chunk: list[_Item], sink: _Sink, tally: _Tally, *, source: str, actor: str) -> None:
    told = [(item, item.facts) for item in chunk if item.facts is not None]

    def proposals(item: _Item, facts: Facts, batch: Batch) -> Sequence[Proposal]:
        item.new, proposed = propose(facts, batch, source=source, actor=actor)
        return proposed

    def on_refused(i: int, error: SalesledgerError) -> None:
        told[i][0].problem = RowProblem("the ledger refuses it", str(error).removesuffix(NOTHING_RECORDED).strip())

    streams = [f"deal:{facts.deal}" for _, facts in told]
    streams += [f"account:{facts.attributes['account']}" for _, facts in told if "account" in facts.attributes]
    try:
        outcomes = sink.put([partial(proposals, item, facts) for item, facts in told], streams, on_refused)
    except (StoreError, Conflict) as e:
        if not tally.rows:
            raise
        message = str(e).removesuffix(NOTHING_RECORDED).strip()
        raise StoreError(f"{message} The rows before that, {tally.rows}, are done; import again to go on.") from e
    of_item = {id(item): outcome for (item, _), outcome in zip(told, outcomes, strict=True)}
    for item in chunk:
        tally.settle(item, of_item.get(id(item), ()))


def _define_process(batch: Batch, *, rules: Rules, zone: ZoneInfo, actor: str) -> list[Proposal]:
    """Define the rules' process where it is not there yet, or its next version where its source says something else now.

    Raises:
        Refused: there is no such process, it lacks a stage that the rules name, or it is somebody else's.
    """
    processes, rule = batch.context.processes, rules.process
    if rule is None or rule.stages is None:
        name = rule.id if rule is not None else next(iter(processes.names()), "b2b")
        version = processes.get(name, None)
        if version is None:
            raise Refused(
                f"There is no process {name!r} in this ledger. Give its stages in the rules ([[process.stages]]), or define "
                f"it first. {NOTHING_RECORDED}"
            )
        _check_stages(rules, name, version.definition)
        return []
    records = batch.records(f"process:{rule.id}")
    defined = [record.event for record in records if isinstance(record.event, ProcessDefined)]
    own = [event for event in defined if event.source_system == rules.source_system]
    last = next(reversed(own or defined), None)
    if last is not None and (last.stages, last.title) == (rule.stages, rule.title):
        return []
    if defined and not own:
        raise Refused(
            f"The process {rule.id!r} is in this ledger already, with other stages, and {rules.source_system} did not define "
            f"it. Give the rules' process another id, or leave its stages out of the rules. {NOTHING_RECORDED}"
        )
    begun = max((event.effective_at for event in defined), default=EARLIEST)
    since = start_of(rule.since, zone) if rule.since else begun
    if since < begun:
        raise Refused(
            f"The process {rule.id!r} changed, and its version {len(defined)} is in force since "
            f"{begun.astimezone(zone):%Y-%m-%d}; a later version can't begin before that, on {rule.since}. "
            f"Give process.since another day in the rules. {NOTHING_RECORDED}"
        )
    event = ProcessDefined(
        effective_at=since,
        recorded_by=actor,
        source_system=rules.source_system,
        process_version=len(defined) + 1,
        title=rule.title,
        stages=rule.stages,
    )
    key = f"{rules.source_system}:process/{rule.id}:{event.process_version}"
    return [Proposal(f"process:{rule.id}", Record(event), key)]


def _check_stages(rules: Rules, name: str, definition: Definition) -> None:
    for i, rule in enumerate(rules.events, 1):
        if rule.stage is not None and rule.stage not in definition.names:
            raise Refused(
                f"The process {name!r} has no stage {rule.stage!r} (events.{i}.stage of the rules); its stages are "
                f"{', '.join(definition.names)}. {NOTHING_RECORDED}"
            )
