"""How two SQLite libraries of one process share a ledger's file: Python's, and the one that ADBC brings for reading many rows.

POSIX takes every lock of a process off a file as soon as anything in that process closes it. Where ADBC's library does, Python's
still believes that it holds its own, and as long as one of its connections is open it asks for none anew: another program could
delete the write-ahead log, with what is then written to it. So ADBC's library lets go of the file while nothing reads or writes
through the others, and they let go of it as well; whoever needs it next opens it again, with locks that are real.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import RLock
from typing import Protocol
from weakref import WeakSet


class Holder(Protocol):
    """What keeps connections to a file from one use to the next."""

    def let_go(self) -> None:
        """Close them; none is in use."""


class _Turns:
    def __init__(self) -> None:
        self.lock = RLock()
        self.holders: WeakSet[Holder] = WeakSet()


_FILES: dict[str, _Turns] = {}


def _of(file: Path) -> _Turns:
    return _FILES.setdefault(os.path.realpath(file), _Turns())


def holds(file: Path, holder: Holder) -> None:
    """Have something that keeps connections to a file be told when to close them."""
    turns = _of(file)
    with turns.lock:
        turns.holders.add(holder)


def using(file: Path) -> AbstractContextManager[object]:
    """While something is read or written through a connection that is kept."""
    return _of(file).lock


@contextmanager
def letting_go(file: Path) -> Iterator[None]:
    """While something else than Python's library closes the file."""
    turns = _of(file)
    with turns.lock:
        try:
            yield
        finally:
            for holder in list(turns.holders):
                holder.let_go()
