"""Who seals a ledger: the key at hand, made and put on record where there is none, or taken anew."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from salesledger.errors import NoSeal
from salesledger.ledger import seal_key
from salesledger.ledger.checkpoint import PrivateKey
from salesledger.ledger.format import SETTINGS_STREAM
from salesledger.ledger.place import Where
from salesledger.ledger.seal import Keys, Seal, keys_of, last_seal, length, seal, snapshot


def seal_again(path: Where) -> Seal | None:
    """Seal what was recorded, where the ledger is sealed and its key is at hand.

    Returns:
        The seal; None where there is no key, or the ledger names none.

    Raises:
        NoSeal: the key can't be read, is another one, or what is sealed has changed.
        ReadOnlyLedger, LockedLedger, DamagedLedger: as their names say.
    """
    place = seal_key.place_of(path)
    if not (place.exists() or seal_key.beside(place).exists()):
        return None
    with snapshot(path) as connection:
        keys = keys_of(connection)
    if keys.current is None:
        return None
    seal_key.take_over(place, keys.current)
    key = seal_key.read(place)
    return None if key is None else seal(path, key)


def missing_key(path: Where) -> Path | None:
    """Where the key that the ledger names should lie, and doesn't; None where it is at hand, or the ledger names none.

    Raises:
        NoSeal: what names it can't be read.
    """
    place = seal_key.place_of(path)
    with snapshot(path) as connection:
        named = keys_of(connection).current
    if named is None:
        return None
    for there in (place, seal_key.beside(place)):
        with suppress(NoSeal):
            key = seal_key.read(there)
            if key is not None and key.public.raw == named.raw:
                return None
    return place


def seal_now(path: Where, *, recorded_by: str, new_key: bool = False) -> tuple[Seal, Path | None]:
    """Seal the ledger; where no key was ever named, make one and put it on record.

    Args:
        path: the ledger.
        recorded_by: who puts a key on record.
        new_key: take a new key in any case.

    Returns:
        The seal, and the file of the key where one was made.

    Raises:
        NoSeal: the ledger names a key that isn't at hand, or what is sealed has changed.
        ReadOnlyLedger, LockedLedger, DamagedLedger: as their names say.
    """
    place = seal_key.place_of(path)
    with snapshot(path) as connection:
        keys, last, size = keys_of(connection), last_seal(connection), length(connection)
    seal_key.take_over(place, keys.current)
    if new_key and keys.current is not None:
        return _with_new_key(path, place, keys, recorded_by)
    key = seal_key.read(place)
    if key is None and keys.current is None:
        key = seal_key.make(place, keys.ledger_id)
        _put_on_record(path, key, recorded_by)
        return seal(path, key), place
    if key is None:
        if last is not None and last.size == size:
            return last, None
        raise NoSeal(
            f"The seal key is not at hand: there is no file {str(place)!r}. Put it there, from whoever has it, or name its place "
            "with $SALESLEDGER_SEAL_KEY. Only where it is lost, take a new one with 'salesledger seal --new-key': everybody who "
            "seals needs that one then. Nothing was sealed."
        )
    if keys.current is None:
        _put_on_record(path, key, recorded_by)
    return seal(path, key), None


def _with_new_key(path: Where, place: Path, keys: Keys, recorded_by: str) -> tuple[Seal, Path]:
    """The old key, if it is at hand, seals once more; the new one is waiting beside it when the log names it."""
    old = seal_key.read(place)
    if old is not None and keys.current is not None and old.public.raw == keys.current.raw:
        seal(path, old)
    key = seal_key.make_next(place, keys.ledger_id)
    _put_on_record(path, key, recorded_by)
    seal_key.take_over(place, key.public)
    return seal(path, key), place


def _put_on_record(path: Where, key: PrivateKey, recorded_by: str) -> None:
    from salesledger.domain.decide import Record
    from salesledger.domain.settings import SealKeySet
    from salesledger.ledger.batch import Proposal
    from salesledger.ledger.store import Store

    with Store.open(path) as store:
        event = SealKeySet(effective_at=store.present(), recorded_by=recorded_by, seal_key=str(key.public))
        store.record([[Proposal(SETTINGS_STREAM, Record(event))]])


@contextmanager
def first_key(path: Where) -> Iterator[Callable[[str], str]]:
    """Give what makes a new ledger's key from its id (or takes the one that lies there); where that fails, no key is left."""
    place, made = seal_key.place_of(path), False

    def public(ledger_id: str) -> str:
        nonlocal made
        key = seal_key.read(place)
        if key is None:
            key, made = seal_key.make(place, ledger_id), True
        return str(key.public)

    try:
        yield public
    except NoSeal as e:
        raise e.also("No ledger was made.") from None
    except BaseException:
        if made:
            place.unlink(missing_ok=True)
        raise
