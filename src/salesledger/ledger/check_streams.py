"""The invariants of what the log says: every entry, every stream, and what they name of each other."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from salesledger.domain.account import SubscriptionStarted
from salesledger.domain.clocks import EPOCH, from_micros
from salesledger.domain.deal_events import DealMoved, LeadCaptured, Moving
from salesledger.domain.decide import CLOCK_SKEW, KINDS, Context, fold, kind_of, violations
from salesledger.domain.events import TOPICS, Event, EventVoided
from salesledger.domain.process import ProcessDefined, Processes
from salesledger.domain.rate import RateSet, first_rate
from salesledger.domain.settings import CurrencySet, SettingsState
from salesledger.domain.timeline import Recorded, standing
from salesledger.errors import DamagedLedger
from salesledger.ledger.findings import RESTORE, Finding
from salesledger.ledger.format import SETTINGS_STREAM
from salesledger.ledger.log import Log
from salesledger.ledger.mapper import UPCASTERS, upcast
from salesledger.ledger.raw import RawEntry, raw_streams
from salesledger.ledger.references import Reference, evidence_of, references_of

_UPGRADE = "Upgrade salesledger: a newer version has recorded it."
_STEP = 1000
"""Entries between two reports of progress."""


@dataclass
class _Named:
    """What is needed to follow references, collected stream by stream.

    Attributes:
        standing: the streams in which something stands.
        struck: the entries that are struck out, and the streams in which nothing else is left.
        subscriptions: those that each account has begun.
        references: what each entry names that stands.
        evidence: the entry that each entry gives as evidence.
    """

    standing: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)
    struck: set[int] = field(default_factory=set)
    subscriptions: set[tuple[str, str]] = field(default_factory=set)
    references: list[tuple[Recorded, Reference]] = field(default_factory=list)
    evidence: list[tuple[Recorded, int]] = field(default_factory=list)


def check_streams(connection: Log, progress: Callable[[int, int], None] | None = None) -> Iterator[Finding]:
    """Everything that is not as it should be in what the entries say.

    Raises:
        sqlite3.Error: the file can't be read.
    """
    context = _context(connection)
    named = _Named()
    (total,) = connection.execute("SELECT count(*) FROM stored_events").fetchone()
    done = 0
    for stream, rows in groupby(raw_streams(connection), key=attrgetter("originator_id")):
        entries = list(rows)
        if not isinstance(stream, str):  # a damaged file may hold anything
            yield Finding("file", "the entry belongs to no stream", RESTORE, entries[0].entry)
            continue
        yield from _check_stream(stream, entries, context, named)
        if progress and (done + len(entries)) // _STEP > done // _STEP:
            progress(done + len(entries), total)
        done += len(entries)
    if progress and total:
        progress(total, total)
    yield from _check_references(named)


def _context(connection: Log) -> Context:
    """What decisions look at besides a stream, as far as it can be read."""

    def events(kind: str) -> list[Recorded]:
        found = (_recorded(raw) for raw in raw_streams(connection, kind))
        return [record for record in found if isinstance(record, Recorded)]

    settings = [record for record in events("settings") if record.stream == SETTINGS_STREAM]
    state: SettingsState = fold(SETTINGS_STREAM, settings)
    defined = [(r.id, r.event) for r in events("process") if isinstance(r.event, ProcessDefined)]
    rates = events("rate")
    first = {code: first_rate(r for r in rates if r.id == code) for code in {r.id for r in rates}}
    zone = ZoneInfo(state.timezone)
    return Context(Processes.of(defined), state.currency, datetime.now(UTC), zone, first.get)


def _recorded(raw: RawEntry) -> Recorded | Finding:
    """The event of a row, or why it is none."""
    topic, state = raw.topic, raw.state
    try:
        if topic not in TOPICS:
            topic, state = upcast("", raw.entry, topic, state, UPCASTERS)
        cls = TOPICS.get(topic)
        if cls is None:
            problem = f"of the type {topic!r}, which this version doesn't know"
            return Finding("topic", problem, _UPGRADE, raw.entry, raw.originator_id)
        event = cls.__pydantic_validator__.validate_json(state)
    except ValidationError as e:
        first = e.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = f"no {topic}: {where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}"
        return Finding("content", problem, RESTORE, raw.entry, raw.originator_id)
    except (DamagedLedger, TypeError):
        return Finding("content", f"no {topic}: it is no JSON", RESTORE, raw.entry, raw.originator_id)
    try:
        recorded_at = from_micros(raw.recorded_at)
    except OverflowError:
        problem = f"recorded at microsecond {raw.recorded_at}, which no calendar has"
        return Finding("content", problem, RESTORE, raw.entry, raw.originator_id)
    return Recorded(raw.originator_id, raw.originator_version, event, raw.entry, recorded_at, raw.key)


def _check_stream(stream: str, rows: list[RawEntry], context: Context, named: _Named) -> Iterator[Finding]:
    yield from _versions(stream, rows)
    if kind_of(stream) not in KINDS:
        remedy = f"{_UPGRADE} Or restore the last backup without it."
        yield Finding("stream", f"{stream!r} is no stream that this version knows", remedy, rows[0].entry, stream)
        return
    records: list[Recorded] = []
    for raw in rows:
        found = _recorded(raw)
        if isinstance(found, Finding):
            yield found
        else:
            records.append(found)
    problems = list(_entries(records, context))
    told = {finding.entry for finding in problems}
    yield from problems
    timeline = _collect(stream, records, named)
    if len(records) == len(rows):
        yield from _replayed(stream, timeline, context, told)


def _versions(stream: str, rows: list[RawEntry]) -> Iterator[Finding]:
    """Versions 1, 2, 3, ... in the order of the log."""
    last = 0
    for version, raw in enumerate(rows, start=1):
        if raw.originator_version != version:
            problem = f"version {raw.originator_version} of its stream, where {version} is due"
            yield Finding("version", problem, RESTORE, raw.entry, stream)
            return
        if raw.entry <= last:
            problem = f"version {version} of its stream stands before version {version - 1} (entry {last})"
            yield Finding("version", problem, RESTORE, raw.entry, stream)
        last = raw.entry


def _entries(records: list[Recorded], context: Context) -> Iterator[Finding]:
    """What each entry says by itself and of the entries ahead of it in its stream."""
    ahead: dict[int, Recorded] = {}
    last: dict[int, Recorded] = {}
    for record in records:
        event = record.event
        problems = [*_clocks(record), *_belongs(record, context)]
        if isinstance(event, EventVoided):
            problems += _void(event, ahead, last)
            last[event.void_root] = record
        elif event.replaces is not None or event.rank is not None:
            problems += _correction(event, ahead, last)
        for rule, problem, remedy in problems:
            yield Finding(rule, problem, remedy, record.entry, record.stream)
        ahead[record.entry] = record


_Problem = tuple[str, str, str]
"""Rule, problem and remedy."""


def _clocks(record: Recorded) -> Iterator[_Problem]:
    event = record.event
    if event.known_at is not None and event.known_at > record.recorded_at:
        problem = f"known at {event.known_at:%Y-%m-%d %H:%M:%S}, after it was recorded ({record.recorded_at:%Y-%m-%d %H:%M:%S})"
        yield "known-at", problem, RESTORE
    redate = f"Correct it: 'correct {record.entry} --on DATE'." if event.VOIDABLE else RESTORE
    if event.effective_at < EPOCH and not isinstance(event, ProcessDefined):  # a process may be from the beginning
        yield "effective-at", f"said to have happened in {event.effective_at.year}", redate
    elif event.effective_at - record.recorded_at > CLOCK_SKEW:
        problem = f"said to have happened on {event.effective_at:%Y-%m-%d}, after it was recorded ({record.recorded_at:%Y-%m-%d})"
        yield "effective-at", problem, redate


def _belongs(record: Recorded, context: Context) -> Iterator[_Problem]:
    """The stream is of the event's kind, its currency has a rate, its stage is one of its process."""
    event = record.event
    kind = kind_of(record.stream)
    if event.STREAM not in (None, kind):
        yield "stream", f"{event.type_name()} is no event of a stream of the kind {kind!r}", RESTORE
    currency = None if isinstance(event, RateSet | CurrencySet) else getattr(event, "currency", None)
    if currency not in (None, context.currency) and context.first_rate(currency) is None:
        yield (
            "currency",
            f"an amount in {currency}, which has no exchange rate",
            f"Set one: 'salesledger rate set {currency} RATE --on {event.effective_at:%Y-%m-%d}'.",
        )
    if isinstance(event, Moving) and event.process is not None:
        yield from _stage(record.entry, event, context.processes)


def _stage(entry: int, event: Moving, processes: Processes) -> Iterator[_Problem]:
    """Where the event says which version it follows, that decides; else any version that has the stage."""
    version = event.process_version if isinstance(event, LeadCaptured | DealMoved) else None
    versions = [v for v in processes.versions if v.process == event.process and version in (None, v.version)]
    told = event.process if version is None else f"{event.process}/{version}"
    if not versions:
        yield "process", f"there is no process {told!r}", f"Define it with 'process define', or void entry {entry}."
    elif event.stage is not None and all(v.definition.position(event.stage) < 0 for v in versions):
        yield (
            "stage",
            f"the process {told!r} has no stage {event.stage!r}",
            f"Correct it: 'correct {entry} --set stage=STAGE'.",
        )


def _void(event: EventVoided, ahead: dict[int, Recorded], last: dict[int, Recorded]) -> Iterator[_Problem]:
    """A void names an entry ahead of it, tells its root, and strikes or restores as the chain has come to that."""
    target = ahead.get(event.voids)
    if target is None:
        yield "void", f"voids entry {event.voids}, which is no earlier entry of its stream", RESTORE
        return
    if not target.event.VOIDABLE:
        yield "void", f"voids entry {event.voids} ({target.event.type_name()}), which can't be voided", RESTORE
    root = target.event.void_root if isinstance(target.event, EventVoided) else target.entry
    if event.void_root != root:
        yield "void", f"tells entry {event.void_root} as what it is about in the end, which is {root}", RESTORE
        return
    before = last.get(root)
    is_struck = before is not None and isinstance(before.event, EventVoided) and before.event.strikes
    if event.strikes == is_struck:
        does, is_so = ("strikes", "struck out") if event.strikes else ("restores", "standing")
        yield "void", f"{does} entry {root}, which is {is_so} already", RESTORE


def _correction(event: Event, ahead: dict[int, Recorded], last: dict[int, Recorded]) -> Iterator[_Problem]:
    """What replaces an entry follows its strike, and takes its rank."""
    target = ahead.get(event.replaces) if event.replaces is not None else None
    if target is None or isinstance(target.event, EventVoided):
        yield "replaces", f"replaces entry {event.replaces}, which is no earlier event of its stream", RESTORE
        return
    rank = target.event.rank or target.entry
    if event.rank != rank:
        yield (
            "replaces",
            f"has the rank {event.rank}; that of entry {target.entry}, which it replaces, is {rank}",
            RESTORE,
        )
    void = last.get(target.entry)
    if void is None or not (isinstance(void.event, EventVoided) and void.event.strikes):
        yield "replaces", f"replaces entry {target.entry}, which was not struck out", f"Void entry {target.entry}."


def _collect(stream: str, records: list[Recorded], named: _Named) -> list[Recorded]:
    """The stream's standing timeline; what it names, and what others may name of it, is remembered."""
    timeline = standing(records)
    if timeline:
        named.standing.add(stream)
    else:
        named.emptied.add(stream)
    kept = {record.entry for record in timeline}
    named.struck.update(r.entry for r in records if r.entry not in kept and not isinstance(r.event, EventVoided))
    for record in timeline:
        named.references += [(record, reference) for reference in references_of(record.event)]
        if isinstance(record.event, SubscriptionStarted):
            named.subscriptions.add((stream, record.event.subscription))
        if (evidence := evidence_of(record.event)) is not None:
            named.evidence.append((record, evidence))
    return timeline


def _replayed(stream: str, timeline: list[Recorded], context: Context, told: Iterable[int | None]) -> Iterator[Finding]:
    """The timeline holds no step that the rules would refuse today; what was told of already is not told again."""
    for entry, (record, problem) in violations(stream, timeline, context).items():
        if entry not in told:
            remedy = f"Correct or void entry {entry}, or leave it: it was allowed when it was recorded."
            yield Finding("replay", problem, remedy, entry, record.stream, "notice")


def _check_references(named: _Named) -> Iterator[Finding]:
    for record, reference in named.references:
        kind, _, name = reference.stream.partition(":")
        if reference.subscription is not None:
            if (reference.stream, reference.subscription) in named.subscriptions:
                continue
            what = f"the subscription {reference.subscription!r} of the account {name!r}"
        elif reference.stream in named.standing:
            continue
        else:
            what = f"the {kind} {name!r}"
        gone = reference.stream in named.emptied
        problem = f"names {what} as its {reference.field}, which {'is struck out' if gone else 'is not in the ledger'}"
        remedy = f"Record what it names, or correct it: 'correct {record.entry} --unset {reference.field}'."
        yield Finding("reference", problem, remedy, record.entry, record.stream, "notice" if gone else "error")
    for record, evidence in named.evidence:
        if evidence >= record.entry or evidence in named.struck:
            why = "is struck out" if evidence in named.struck else "is no earlier entry"
            problem = f"gives entry {evidence} as its evidence, which {why}"
            remedy = f"Correct it: 'correct {record.entry} --set evidence=ENTRY'."
            gone = evidence in named.struck
            yield Finding("reference", problem, remedy, record.entry, record.stream, "notice" if gone else "error")
