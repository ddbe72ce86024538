"""What the faults share: what a sound log is, and processes that can be killed."""

import json
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

_FAILED = "failed"
_OPEN: set[int] = set()
"""The pipes that this process reads."""


def is_sound(path: Path) -> bool:
    """Whether the database finds nothing wrong with its file, and no entry is missing in between."""
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("PRAGMA integrity_check").fetchone()
        count, last = connection.execute("SELECT count(*), max(entry) FROM stored_events").fetchone()
    return bool(found == "ok" and count == last)


@dataclass
class Process:
    """A process that was forked from this one, and what it has told so far.

    Attributes:
        number: its id.
        pipe: where it tells, a line of JSON each.
    """

    number: int
    pipe: int
    _read: bytearray = field(default_factory=bytearray)

    @classmethod
    def start(cls, work: Callable[[Callable[[Any], None]], None]) -> "Process":
        """Fork; the child does the work, telling through the function that it is given, and ends."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            # Who writes to a pipe that only a sibling reads would never hear that its parent is gone.
            for other in (reading, *_OPEN):
                os.close(other)
            _work(work, writing)
        os.close(writing)
        _OPEN.add(reading)
        return cls(child, reading)

    def first_word(self) -> None:
        """Wait until it has told something."""
        self._read += os.read(self.pipe, 1)

    def kill(self) -> None:
        """End it as a power button would: it gets no chance to do anything about it."""
        os.kill(self.number, signal.SIGKILL)

    def told(self) -> list[Any]:
        """Everything that it told before it ended; a line that was cut off counts as not told.

        Raises:
            RuntimeError: it failed by itself.
        """
        while more := os.read(self.pipe, 65536):
            self._read += more
        os.close(self.pipe)
        _OPEN.discard(self.pipe)
        os.waitpid(self.number, 0)
        told = [json.loads(line) for line in bytes(self._read).split(b"\n")[:-1]]
        for failure in (value[_FAILED] for value in told if isinstance(value, dict) and _FAILED in value):
            raise RuntimeError(failure)
        return told


def _work(work: Callable[[Callable[[Any], None]], None], writing: int) -> NoReturn:
    try:
        work(lambda value: _tell(writing, value))
    except BaseException as e:  # noqa: BLE001 - the parent must hear of anything, and only the parent goes on
        with suppress(OSError):
            _tell(writing, {_FAILED: f"{type(e).__name__}: {e}"})
    finally:
        os._exit(0)


def _tell(writing: int, value: Any) -> None:
    os.write(writing, json.dumps(value).encode() + b"\n")
