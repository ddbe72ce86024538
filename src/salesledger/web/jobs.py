"""Long work, done beside the server in a process of its own: it never keeps a page waiting, and what it found is kept."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

MOST_KEPT = 50
_Asked = tuple[Hashable, tuple[str, ...]]


@dataclass
class Job:
    """A piece of long work.

    Attributes:
        rows: what it gave; None while it is at work.
        problem: why it gave nothing.
    """

    rows: list[dict[str, Any]] | None = None
    problem: str = ""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to wait for."""
        return self.rows is not None or bool(self.problem)


class Jobs:
    """Commands whose answers take seconds or minutes: those of one name are run one after the other, beside those of another.

    Args:
        program: what runs a command, as a program of its own.
        environment: what the commands find in their environment, such as the ledger's place.
    """

    def __init__(self, program: Sequence[str], environment: Mapping[str, str]) -> None:
        self._program = [*program]
        self._environment = {**os.environ, **environment}
        self._jobs: dict[_Asked, Job] = {}
        self._waiting: dict[_Asked, Future[None]] = {}
        self._lock = Lock()
        self._workers: dict[str, ThreadPoolExecutor] = defaultdict(partial(ThreadPoolExecutor, 1, "job"))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._is_closed = False

    def ask(self, position: Hashable, words: Sequence[str]) -> Job:
        """The answer of a command at a position of the ledger, or a job that isn't over yet; it is begun where it is new.

        The position is whatever the answer depends on besides the command.

        What waits to be asked the same at another position is given up: whoever looks has gone on to this one.
        """
        key = (position, tuple(words))
        with self._lock:
            job = self._jobs.get(key)
            if job is None:
                while len(self._jobs) >= MOST_KEPT:
                    del self._jobs[next(iter(self._jobs))]
                job = self._jobs[key] = Job()
                for other, waiting in self._waiting.items():
                    if other[1] == key[1] and waiting.cancel():
                        self._jobs.pop(other, None)
                self._waiting = {other: waiting for other, waiting in self._waiting.items() if not waiting.done()}
                self._waiting[key] = self._workers[words[0]].submit(self._run, job, [*words])
            return job

    def _run(self, job: Job, words: list[str]) -> None:
        program = [*self._program, *words, "-O", "json"]
        try:
            with self._lock:
                if self._is_closed:
                    return
                running = self._running[words[0]] = subprocess.Popen(
                    program,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=self._environment,
                )
            output, complaints = running.communicate()
            if running.returncode == 0:
                job.rows = json.loads(output)
            else:
                lines = complaints.decode("utf-8", "replace").strip().splitlines()
                job.problem = (lines[-1] if lines else "It was stopped.").removeprefix("salesledger: ")
        except (OSError, ValueError) as e:
            job.problem = f"It can't be worked out: {e}"

    def close(self) -> None:
        """Stop whatever is at work."""
        with self._lock:
            self._is_closed = True
            for running in self._running.values():
                if running.poll() is None:
                    running.kill()
        for worker in self._workers.values():
            worker.shutdown(cancel_futures=True)
