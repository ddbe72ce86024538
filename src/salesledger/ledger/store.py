"""Commands into the log: each decided on what the log holds now, appended once, and decided anew where others were faster."""

import random
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from eventsourcing.persistence import PersistenceError, RecordConflictError
from pydantic_core import from_json

from salesledger.domain.account import AccountOpened
from salesledger.domain.clocks import from_micros
from salesledger.domain.decide import CLOCK_SKEW, Context
from salesledger.domain.person import PersonForgotten
from salesledger.domain.process import B2B, ProcessDefined, Processes
from salesledger.domain.settings import CurrencySet, LedgerOpened, SettingsState
from salesledger.domain.settings import evolve as evolve_settings
from salesledger.domain.timeline import UNRECORDED, Recorded, standing
from salesledger.errors import (
    NOTHING_RECORDED,
    Conflict,
    LostKeys,
    NotFound,
    SalesledgerError,
    StoreError,
)
from salesledger.ledger.application import LedgerApplication
from salesledger.ledger.batch import Batch, Outcome, Proposal
from salesledger.ledger.format import SETTINGS_STREAM
from salesledger.ledger.keys import PersonKeys
from salesledger.ledger.mapper import Pending
from salesledger.ledger.place import Place, Where, place_of

Group = Sequence[Proposal] | Callable[[Batch], Sequence[Proposal]]
"""Proposals that are recorded together or not at all, or what makes them of the batch so far."""

TRIES = 4
"""The first try and three more, each decided anew."""

PAUSE_SECONDS = 0.02
"""The pause before the second try is about twice this long, and doubles with each further one."""


@dataclass
class Store:
    """A ledger that can be written to.

    Attributes:
        path: where it is.
        app: the eventsourcing application over it.
        appended: how many events were recorded through it.
        stamped: when the last of them was recorded; None before.
    """

    path: Place
    app: LedgerApplication
    appended: int = 0
    stamped: datetime | None = None

    @classmethod
    def open(cls, path: Where) -> Self:
        """Open a ledger for recording.

        Raises:
            NoLedger, NotALedger, NewerLedger, LockedLedger, DamagedLedger: as their names say.
        """
        place = place_of(path)
        with place.opening() as log:
            keys = PersonKeys(place)
            with suppress(LostKeys):
                keys.forget_again(log)
        return cls(place, LedgerApplication(place, keys))

    @classmethod
    def create(
        cls,
        path: Where,
        *,
        timezone: str,
        currency: str | None,
        recorded_by: str,
        seal_key: Callable[[str], str] | None = None,
        roles: bool = False,
    ) -> Self:
        """Make a ledger: its identity, its time zone, its currency if that is known already, and the B2B process.

        It appears in one step, whole or not at all.

        Args:
            path: where it is to be made.
            timezone: the IANA zone of its days.
            currency: ISO code of its amounts, if that is known already.
            recorded_by: who makes it.
            seal_key: gives the public key of its seals, for the new ledger's id; None where it isn't sealed.
            roles: make the roles of its users, which only a ledger on a server has.

        Raises:
            LedgerExists: there is something at that place already.
            StoreError: it can't be made there.
        """
        place = place_of(path)
        with place.making(roles=roles) as draft, cls(draft, LedgerApplication(draft)) as store:
            store._begin(timezone, currency, recorded_by, seal_key)
        return cls.open(place)

    def _begin(
        self, timezone: str, currency: str | None, recorded_by: str, seal_key: Callable[[str], str] | None
    ) -> None:
        now, ledger_id = datetime.now(UTC), uuid.uuid4().hex
        opened = LedgerOpened(
            effective_at=now,
            recorded_by=recorded_by,
            ledger_id=ledger_id,
            timezone=timezone,
            seal_key=seal_key(ledger_id) if seal_key else None,
        )
        defined = ProcessDefined(
            effective_at=now, recorded_by=recorded_by, process_version=1, title="B2B", stages=B2B.stages
        )
        pending = [Pending(SETTINGS_STREAM, 1, opened), Pending("process:b2b", 1, defined)]
        if currency:
            pending.append(
                Pending(SETTINGS_STREAM, 2, CurrencySet(effective_at=now, recorded_by=recorded_by, currency=currency))
            )
        with self._translated():
            self.app.append(pending)

    def close(self) -> None:
        """Let go of the ledger."""
        self.app.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except RecordConflictError:
            raise
        except (PersistenceError, sqlite3.Error) as e:
            raise self.path.translate(str(e)) from e

    def records(self, stream: str) -> list[Recorded]:
        """Everything that a stream holds, in the log's order; empty where there is no such stream."""
        with self._translated():
            return self.app.records(stream)

    def records_of(self, streams: Sequence[str]) -> dict[str, list[Recorded]]:
        """Everything that each of many streams holds, read at once."""
        found: dict[str, list[Recorded]] = {stream: [] for stream in streams}
        with self._translated():
            for logged in self.app.recorder.select_many(streams):
                found[str(logged.originator_id)].append(self.app.to_recorded(logged))
        return found

    def exists(self, stream: str) -> bool:
        """Whether anything was ever recorded in a stream."""
        with self._translated():
            return bool(self.app.recorder.select_events(stream, limit=1))

    def streams_holding(self, names: Collection[str]) -> list[str]:
        """The streams of which an entry holds one of some texts in quotes; it reads the whole log."""
        with self._translated():
            return self.app.recorder.select_holding(names)

    def named_by_accounts(self) -> dict[tuple[str, str], set[str]]:
        """The accounts that name a deal or an entry, by ('deal', its id) and ('evidence', its number)."""
        found: dict[tuple[str, str], set[str]] = {}
        with self._translated():
            for stream, field, value in self.app.recorder.select_named_by("account", ("deal", "evidence")):
                found.setdefault((field, value), set()).add(stream)
        return found

    def entry(self, number: int) -> Recorded:
        """One entry of the log.

        Raises:
            NotFound: the log has no such entry.
        """
        with self._translated():
            logged = self.app.recorder.select_entry(number) if number < UNRECORDED else None
        if logged is None:
            raise NotFound(f"The ledger has no entry {number}; 'salesledger log' lists them. {NOTHING_RECORDED}")
        return self.app.to_recorded(logged)

    def keyed(self, key: str) -> Recorded | None:
        """What was recorded under an idempotency key."""
        with self._translated():
            logged = self.app.recorder.select_keyed(key)
        return self.app.to_recorded(logged) if logged else None

    def accounts_called(self, company: str, on: datetime) -> list[str]:
        """The accounts that bear a company's name, in whatever case, and are open at an instant."""
        wanted = company.strip().casefold()
        with self._translated():
            opened = self.app.recorder.select_states("account", AccountOpened.TOPIC)
        named = {stream for stream, state in opened if str(from_json(state).get("company")).casefold() == wanted}
        found = []
        for stream in sorted(named):
            names = [
                r.event.company for r in standing(self.records(stream), as_of=on) if isinstance(r.event, AccountOpened)
            ]
            if names and names[-1].casefold() == wanted:
                found.append(stream.partition(":")[2])
        return found

    def settings(self) -> SettingsState:
        """What holds for the whole ledger."""
        state = SettingsState()
        for record in self.records(SETTINGS_STREAM):
            state = evolve_settings(state, record.event)
        return state

    def processes(self) -> Processes:
        """Every version of every process."""
        with self._translated():
            streams = self.app.recorder.select_streams("process:", "process;")
        defined = [(r.id, r.event) for stream in streams for r in self.records(stream)]
        return Processes.of((name, event) for name, event in defined if isinstance(event, ProcessDefined))

    def users_of(self, currency: str) -> list[str]:
        """The streams that may hold amounts in a currency, its rates left out: every event is searched for it."""
        with self._translated():
            found = self.app.recorder.select_holding([currency])
        return [stream for stream in found if not stream.startswith("rate:")]

    def context(self) -> Context:
        """What decisions may look at, as it stands."""
        settings = self.settings()
        return Context(self.processes(), settings.currency, self.now(), ZoneInfo(settings.timezone))

    def now(self) -> datetime:
        """The ledger's clock: the machine's, but never before the last entry."""
        with self._translated():
            last = self.app.recorder.select_entry(self.app.recorder.max_notification_id())
        return max(datetime.now(UTC), from_micros(last.recorded_at if last else 0))

    def present(self) -> datetime:
        """When what is recorded without a date happened: the ledger's clock, unless that has run ahead by more than a skew.

        Then it is the machine's: only `recorded_at` must follow a clock that was wrong once.
        """
        machines, ledgers = datetime.now(UTC), self.now()
        return machines if ledgers - machines > CLOCK_SKEW else ledgers

    def runs_ahead(self) -> datetime | None:
        """How the last event that was recorded is stamped, where the machine's clock is behind that by more than a skew."""
        ahead = self.stamped is not None and self.stamped - datetime.now(UTC) > CLOCK_SKEW
        return self.stamped if ahead else None

    def record(
        self,
        groups: Sequence[Group],
        *,
        streams: Iterable[str] = (),
        on_refused: Callable[[int, SalesledgerError], None] | None = None,
        dry_run: bool = False,
    ) -> list[list[Outcome]]:
        """Decide and append: all groups in one append, each group whole or not at all.

        Args:
            groups: what belongs together; later groups are judged as if the earlier ones had been recorded. A function
                makes its group from the batch so far, and makes it anew where others were faster.
            streams: what will be looked at, to be read at once.
            on_refused: told of each group that the ledger refuses; without it the first refusal ends the call.
            dry_run: decide only.

        Returns:
            An outcome for each proposal; an empty list for a group that was refused.

        Raises:
            Refused, NotFound, KeyReused: the ledger says no. Nothing was recorded.
            Conflict: others kept writing to the same streams; nothing was recorded.
        """
        for attempt in range(TRIES):
            if attempt:
                # Others are writing to the same streams: wait a little, and not all equally long, before deciding anew.
                time.sleep(random.uniform(0.5, 1.5) * PAUSE_SECONDS * 2**attempt)  # noqa: S311
            # The last try takes the write lock before it looks: nobody can overtake it then.
            last = attempt == TRIES - 1
            try:
                with self._translated(), self.app.recorder.exclusively() if last else nullcontext():
                    batch, refusals = self._decided(groups, on_refused, streams)
                    recorded = [] if dry_run or not batch.pending else self._append(batch.pending)
            except RecordConflictError:
                continue
            self._forget(recorded)
            for i, error in refusals:
                assert on_refused is not None
                on_refused(i, error)
            return batch.outcomes(recorded)
        raise Conflict(
            f"Other programs kept writing to the same place; {TRIES} tries were overtaken. Try again. {NOTHING_RECORDED}"
        )

    def _decided(
        self,
        groups: Sequence[Group],
        on_refused: Callable[[int, SalesledgerError], None] | None,
        streams: Iterable[str],
    ) -> tuple[Batch, list[tuple[int, SalesledgerError]]]:
        """What the groups come to, on the log as it stands, and which of them are refused."""
        batch = Batch(self, self.context())
        batch.load(streams)
        refusals: list[tuple[int, SalesledgerError]] = []
        for i, group in enumerate(groups):
            try:
                batch.add(group(batch) if callable(group) else group)
            except SalesledgerError as e:
                if on_refused is None or isinstance(e, StoreError):
                    e.group = i
                    raise
                batch.skip()
                refusals.append((i, e))
        return batch, refusals

    def _append(self, pending: list[Pending]) -> list[Recorded]:
        with self._translated():
            recorded = self.app.append(pending)
        self.appended += len(recorded)
        self.stamped = recorded[-1].recorded_at if recorded else self.stamped
        return recorded

    def _forget(self, recorded: Sequence[Recorded]) -> None:
        """Destroy the keys of persons whose forgetting is committed, and what was derived from the ledger.

        The next opening does it where this is cut short.
        """
        if gone := [r.stream for r in recorded if isinstance(r.event, PersonForgotten)]:
            self.app.keys.forget(gone)
            shutil.rmtree(self.path.mirror, ignore_errors=True)
