"""Files that are their owner's alone, and appear whole or not at all."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_BESIDE = ("", "-wal", "-shm", "-journal")
"""What SQLite may leave beside a file that it was writing."""


def make_private(path: str | os.PathLike[str]) -> None:
    """Create an empty file that only its owner may read and write.

    Raises:
        FileExistsError: there is one already.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Give a private draft to be filled, which takes the file's name at the end, on the disk in full, or leaves nothing.

    Raises:
        FileExistsError: something has that name already; it is left as it is.
        OSError: the folder is missing, or refuses.
    """
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")
    try:
        make_private(draft)
        yield draft
        to_disk(draft)
        _take_name(draft, path)
        to_disk(path.absolute().parent)
    finally:
        for ending in _BESIDE:
            with suppress(OSError):
                draft.with_name(draft.name + ending).unlink()


def to_disk(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on the disk before anything is built on them."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _take_name(draft: Path, path: Path) -> None:
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        # Some file systems, such as those of memory sticks, know no second name: the place is taken first, then filled.
        make_private(path)
        draft.replace(path)
