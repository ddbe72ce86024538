"""The private key that seals a ledger: a file beside it that only its owner may read."""

import os
from contextlib import suppress
from pathlib import Path

from salesledger.errors import NoSeal
from salesledger.ledger.checkpoint import PrivateKey, PublicKey, origin_of
from salesledger.ledger.files import appearing
from salesledger.ledger.place import Where
from salesledger.ledger.place import place_of as ledger_place

ENDING = ".seal-key"
_NEW = ".new"


def place_of(ledger: Where) -> Path:
    """Where a ledger's key lies: $SALESLEDGER_SEAL_KEY, else beside it."""
    told = os.environ.get("SALESLEDGER_SEAL_KEY")
    return Path(told) if told else ledger_place(ledger).beside(ENDING)


def new_seed() -> bytes:
    """The 32 secret bytes of a new key."""
    return os.urandom(32)


def read(place: Path) -> PrivateKey | None:
    """The key that a file holds; None where there is no file.

    Raises:
        NoSeal: it can't be read, or it is no key.
    """
    try:
        return PrivateKey.parse(place.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except OSError as e:
        raise NoSeal(f"The seal key {str(place)!r} can't be read: {e.strerror}. Nothing was sealed.") from e
    except ValueError as e:
        raise NoSeal(f"{str(place)!r} is no seal key: {e}. Put the right file in its place. Nothing was sealed.") from e


def make(place: Path, ledger_id: str) -> PrivateKey:
    """Make a key, and the file that holds it; never over another.

    Raises:
        NoSeal: there is a file already, or the folder can't be written.
    """
    key = PrivateKey(origin_of(ledger_id), new_seed())
    try:
        with appearing(place) as draft:
            draft.write_text(key.to_text(), encoding="ascii")
    except OSError as e:
        raise NoSeal(f"The seal key {str(place)!r} can't be made: {e.strerror}. Nothing was sealed.") from e
    return key


def make_next(place: Path, ledger_id: str) -> PrivateKey:
    """Make the key that is to follow the one at a place, beside that; `take_over` puts it there once the log names it."""
    with suppress(FileNotFoundError):
        beside(place).unlink()
    return make(beside(place), ledger_id)


def take_over(place: Path, named: PublicKey | None) -> None:
    """Put the next key in its place where the log names it: also where a program stopped half way."""
    with suppress(NoSeal):
        following = read(beside(place))
        if following is not None and named is not None and following.public.raw == named.raw:
            beside(place).replace(place)


def beside(place: Path) -> Path:
    """Where the next key waits."""
    return Path(f"{place}{_NEW}")
