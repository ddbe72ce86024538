"""Where questions are answered: a few clerks, each with a thread and an engine of its own, and what was answered lately."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from salesledger.api import Ledger
from salesledger.errors import SalesledgerError
from salesledger.ledger.place import place_of
from salesledger.readmodel import catalogue
from salesledger.web.blur import blurred
from salesledger.web.jobs import Job, Jobs

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from salesledger.readmodel.engine import Answer, Engine, Question
    from salesledger.web.commands import Commands
    from salesledger.web.settings import Settings

T = TypeVar("T")

MOST_KEPT = 400
LONGEST_KEPT = 20_000
"""Rows: what is longer isn't kept."""


class TooSlow(SalesledgerError):
    """A question took too long."""


class Kept:
    """The answers of lately, by question and position of the ledger; the ones asked for longest ago go first."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Any:
        """What is kept under a key; None where nothing is."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        """Keep something."""
        with self._lock:
            self._answers[key] = value
            self._answers.move_to_end(key)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)


class Clerk:
    """Answers one question at a time, in a thread of its own: neither SQLite's nor DuckDB's connections are shared."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clerk")
        self._ledger: Ledger | None = None
        self._folder = place_of(settings.ledger).projections
        self._mark: Hashable = ()
        self._threads = 0

    def _opened(self) -> Ledger:
        if self._ledger is None:
            self._mark = catalogue.mark_of(self._folder)
            self._ledger = Ledger.open(self._settings.ledger, today=self._settings.today, seals=False)
        else:
            self._ledger.refresh()
            self._look_at_projections(self._ledger)
        return self._ledger

    def _look_at_projections(self, ledger: Ledger) -> None:
        """Take the user's own projections anew where a file has changed; one that is broken says so when it is asked for."""
        mark = catalogue.mark_of(self._folder)
        if mark != self._mark:
            ledger.engine.projections = catalogue.load(self._folder)
            self._mark = mark

    def _work(self, work: Callable[[Ledger], T], threads: int) -> T:
        ledger = self._opened()
        if threads != self._threads:
            ledger.engine.duck.execute(f"SET threads = {threads}")
            self._threads = threads
        try:
            return work(ledger)
        finally:
            ledger.rest()

    async def do(self, work: Callable[[Ledger], T], seconds: float, threads: int) -> T:
        """Do some work with the ledger, in so many threads at most.

        Raises:
            TooSlow: it took too long, and was stopped.
        """
        doing = asyncio.get_running_loop().run_in_executor(self._thread, self._work, work, threads)
        done, _ = await asyncio.wait([doing], timeout=seconds)
        if done:
            return doing.result()
        if self._ledger is not None:
            self._ledger.interrupt()
        with suppress(SalesledgerError):
            await doing
        raise TooSlow(f"That took longer than {seconds:g} s and was stopped. Ask for less: fewer days, or a filter.")

    async def close(self) -> None:
        """Let go of the ledger."""
        if self._ledger is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._ledger.close)
        self._thread.shutdown()


class Desk:
    """The clerks, of whom the next free one takes the next question.

    Attributes:
        kept: what was answered lately.
        jobs: what takes longer, done elsewhere.
        commands: the command line, as far as it is handed down.
    """

    def __init__(self, settings: Settings, commands: Commands) -> None:
        self.settings = settings
        self.commands = commands
        self._asking = Lock()
        self._turns: WeakValueDictionary[Hashable, Lock] = WeakValueDictionary()
        self._helping: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.jobs = Jobs(commands.program(), commands.environment())
        self.kept = Kept()
        self._clerks = [Clerk(settings) for _ in range(settings.clerks)]
        self._free: asyncio.Queue[Clerk] | None = None

    def open(self) -> None:
        """Begin to serve, in the loop that runs."""
        self._loop = asyncio.get_running_loop()
        self._free = asyncio.LifoQueue()  # whoever worked last has everything at hand
        for clerk in self._clerks:
            self._free.put_nowait(clerk)

    async def do(self, work: Callable[[Ledger], T]) -> T:
        """Have some work with the ledger done.

        Raises:
            TooSlow: it took too long.
        """
        assert self._free is not None
        clerk = await self._free.get()
        try:
            return await clerk.do(work, self.settings.seconds, self._threads())
        finally:
            self._free.put_nowait(clerk)

    def _threads(self) -> int:
        """How many threads a clerk gets now: those who are at work share the processors, which is less work for all of them."""
        assert self._free is not None
        return max(1, (os.cpu_count() or 1) // (len(self._clerks) - self._free.qsize()))

    def job(self, ledger: Ledger, words: Sequence[str]) -> Job:
        """What takes longer: the answer of a command to the ledger as it is, with the user's own projections as they are."""
        own = catalogue.mark_of(place_of(self.settings.ledger).projections)
        return self.jobs.ask((ledger.engine.head.last_entry, ledger.today, own), words)

    def ask(self, ledger: Ledger, sql: str, question: Question, values: Mapping[str, object] | None = None) -> Answer:
        """The rows of a SELECT over the projections, in a clerk's thread.

        The same question at the same position of the ledger is asked once, also where several ask it at the same time.
        """
        engine = ledger.engine
        if self._is_personal(engine, sql):
            return self._answered(engine, sql, question, values)
        key = self._key(engine, sql, question, values)
        with self._turn(key):
            answer: Answer | None = self.kept.get(key)
            if answer is None:
                answer = self._answered(engine, sql, question, values)
                if len(answer.rows) <= LONGEST_KEPT:
                    self.kept.put(key, answer)
        return answer

    def ahead(self, ledger: Ledger, asked: Sequence[tuple[str, Question]]) -> None:
        """Have what a page is about to ask answered at the same time, by clerks who are free just now and by whoever asks the same.

        Args:
            ledger: that of this thread.
            asked: each statement with its question.
        """
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._share, asked)
        self._go_through(ledger, asked)

    def _share(self, asked: Sequence[tuple[str, Question]]) -> None:
        assert self._free is not None
        for _ in range(min(len(asked), os.cpu_count() or 1) - 1):
            if self._free.empty():
                return
            helping = asyncio.ensure_future(self._help(self._free.get_nowait(), asked[::-1]))
            self._helping.add(helping)
            helping.add_done_callback(self._helping.discard)

    async def _help(self, clerk: Clerk, asked: Sequence[tuple[str, Question]]) -> None:
        assert self._free is not None
        try:
            with suppress(SalesledgerError):  # whoever asks it himself is told
                work = partial(self._go_through, asked=asked)
                await clerk.do(work, self.settings.seconds, self._threads())
        finally:
            self._free.put_nowait(clerk)

    def _go_through(self, ledger: Ledger, asked: Sequence[tuple[str, Question]]) -> None:
        """Answer what nobody else is at, so that it is kept."""
        for sql, question in asked:
            if self._is_personal(ledger.engine, sql):
                continue
            turn = self._turn(self._key(ledger.engine, sql, question, None))
            if not turn.locked():
                self.ask(ledger, sql, question)

    @staticmethod
    def _key(engine: Engine, sql: str, question: Question, values: Mapping[str, object] | None) -> Hashable:
        minute = None if question.as_of and question.known_at else int(time.time() / 60)
        told = json.dumps(values or {}, sort_keys=True, default=str)
        own = tuple((p.name, p.sql, p.needs, p.problem) for p in engine.projections.values() if p.own)
        return (engine.head.last_entry, minute, sql, repr(question), told, own)

    def _turn(self, key: Hashable) -> Lock:
        """The lock of whoever answers a question; it goes with the last who holds it."""
        with self._asking:
            return self._turns.setdefault(key, Lock())

    def _answered(self, engine: Engine, sql: str, question: Question, values: Mapping[str, object] | None) -> Answer:
        answer = engine.ask(sql, question, values)
        return blurred(answer) if self.settings.incognito else answer

    @staticmethod
    def _is_personal(engine: Engine, sql: str) -> bool:
        """Whether it reads what may be forgotten at any moment, and what not everybody may see."""
        return "personal" in sql or any(
            "personal" in each.needs for each in catalogue.named_in(engine.projections, sql)
        )

    async def close(self) -> None:
        """Let go of everything."""
        await asyncio.to_thread(self.jobs.close)
        for clerk in self._clerks:
            await clerk.close()
