"""What no answer may be written over: ledgers and backups of them, their keys, their mirrors."""

import os
from pathlib import Path

from salesledger.errors import UsageError

_SQLITE = b"SQLite format 3\x00"
_APPLICATION_ID_AT = slice(68, 72)
_OURS = b"SLED"
_SEAL_KEY = b"PRIVATE+KEY+"
_MASTER_KEY_CHARACTERS = 44
"""32 bytes as base64."""
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
_ENDINGS = (".keys", ".master", ".seal-key", ".seal-key.new", "-wal", "-shm", "-journal")
"""What lies beside a ledger or a backup."""
_NAMED = {"SALESLEDGER_MASTER_KEY": ("",), "SALESLEDGER_SEAL_KEY": ("", ".new")}


def check_may_write(place: str | os.PathLike[str], option: str = "-o", ledger: str | None = None) -> None:
    """Make sure that a file to be written is none that a ledger lives on.

    Args:
        place: the file, which need not exist.
        option: what named it.
        ledger: the ledger in use: spared even where its file is damaged, or only about to be made.

    Raises:
        UsageError: it is a ledger, a backup, another database, a file of keys, or part of a mirror.
    """
    path = os.path.realpath(place)
    what = _what_it_is(path, None if ledger is None else os.path.realpath(ledger))
    if what:
        raise UsageError(
            f"{os.fspath(place)!r} is {what}, which nothing is written over. Name another file with {option}. "
            "Nothing was written."
        )


def _what_it_is(path: str, ledger: str | None) -> str | None:
    if path == ledger:
        return "the ledger"
    for variable, endings in _NAMED.items():
        named = os.environ.get(variable)
        if named and path in [os.path.realpath(f"{named}{ending}") for ending in endings]:
            return f"the key that ${variable} names"
    for ending in _ENDINGS:
        if path.endswith(ending) and _is_ledger(path.removesuffix(ending), ledger):
            return "a file that belongs to a ledger"
    folders = [str(folder) for folder in Path(path).parents if folder.suffix == ".mirror"]
    if any(_is_ledger(folder.removesuffix(".mirror"), ledger) for folder in folders):
        return "a file of a ledger's mirror"
    return _by_content(_begin(path))


def _is_ledger(path: str, ledger: str | None) -> bool:
    return path == ledger or _begin(path)[_APPLICATION_ID_AT] == _OURS


def _by_content(begin: bytes) -> str | None:
    if begin.startswith(_SQLITE):
        return "a ledger or a backup of one" if begin[_APPLICATION_ID_AT] == _OURS else "a database"
    if begin.startswith(_SEAL_KEY):
        return "a seal key"
    text = begin.strip()
    if len(text) == _MASTER_KEY_CHARACTERS and text.endswith(b"=") and _BASE64.issuperset(text):
        return "a master key"
    return None


def _begin(path: str) -> bytes:
    """The first bytes of a file; none of a device or a pipe, which must not be read."""
    try:
        if not Path(path).is_file():
            return b""
        with Path(path).open("rb") as file:
            return file.read(100)
    except (OSError, ValueError):
        return b""
