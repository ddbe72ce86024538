"""Full disks: at some point of a recording the system refuses to write any more, and later there is room again."""

import ctypes
import os
import random
import resource
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faults.common import Process, is_sound
from salesledger.errors import NOTHING_RECORDED, StoreError
from salesledger.ledger.store import Store
from support.happenings import captured, contacted
from support.ledgers import new_ledger, record, rows

COMMANDS = 40
_NEW_MOUNTS, _PRIVATE = 0x00020000, (1 << 18) | (1 << 14)
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def _small_file(folder: Path, room: int) -> Iterator[Path]:
    """A limit on the size of every file that the process writes."""
    path = new_ledger(folder / "sales.ledger")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, usual[1]))
    try:
        yield path
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@contextmanager
def _small_disk(folder: Path, room: int) -> Iterator[Path]:
    """A file system of its own, in memory, with so much room; only this process sees it."""
    size = f"size={room + 65536}".encode()
    if _libc.unshare(_NEW_MOUNTS) or _libc.mount(b"none", b"/", None, _PRIVATE, None):
        raise PermissionError(ctypes.get_errno(), "no file system can be mounted here")
    if _libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, size):
        raise PermissionError(ctypes.get_errno(), "no file system can be mounted here")
    yield new_ledger(folder / "sales.ledger")
    if _libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 32, b"size=64m"):  # 32: MS_REMOUNT
        raise PermissionError(ctypes.get_errno(), "the file system can't be made larger")


KINDS = {"file_limit": _small_file, "full_disk": _small_disk}


def _work(kind: str, folder: Path, seed: int) -> Callable[[Callable[[Any], None]], None]:
    def work(tell: Callable[[Any], None]) -> None:
        draw = random.Random(seed)
        acknowledged, refused, wrong = 0, 0, 0
        room = draw.randrange(45_000, 400_000)
        with KINDS[kind](folder, room) as path:
            expected = rows(path)
            with Store.open(path) as store:
                for number in range(COMMANDS):
                    size = draw.choice((1, 3, 30))
                    try:
                        record(store, f"deal:{number}", captured(1), *[contacted(2)] * (size - 1))
                        expected += [(None, f"deal:{number}")] * size
                        acknowledged += size
                    except StoreError as e:
                        refused += 1
                        wrong += not str(e).endswith(NOTHING_RECORDED)
        with Store.open(path) as store:
            found = rows(path)
            record(store, "deal:after", captured(1))
        wrong += [row[1] for row in found] != [row[1] for row in expected]
        tell([acknowledged, refused, wrong, not is_sound(path)])

    return work


def run(count: int, kind: str = "file_limit", seed: int = 1) -> dict[str, int] | None:
    """Record with room for some commands only, then with room enough again, so many times.

    Args:
        count: how many times.
        kind: 'file_limit' (a limit on a file's size), or 'full_disk' (a small file system, which only root can make).
        seed: of what is drawn.

    Returns:
        runs; entries acknowledged; commands refused; runs with an entry lost, left over or a message that doesn't say that nothing
        was recorded; ledgers that were not sound afterwards. None where this process may not make such a disk.
    """
    figures = dict.fromkeys(("runs", "acknowledged", "refused", "wrong", "unusable"), 0)
    for number in range(count):
        with tempfile.TemporaryDirectory() as folder:
            try:
                (told,) = Process.start(_work(kind, Path(folder), seed * 1_000_003 + number)).told()
            except RuntimeError as e:
                if "PermissionError" in str(e):
                    return None
                raise
        for name, value in zip(figures, [1, *told], strict=True):
            figures[name] += value
    return figures
