"""The keys of persons, one each, in a file beside the ledger: without the key nobody can read what is kept of a person.

A key is wrapped by the ledger's master key, so that neither file is of use without the other. AES-256-GCM throughout (NIST SP
800-38D), with a random nonce of 96 bits before each text. What is sealed is bound to its place: whose, which event, which field.

Nothing here imports pydantic or eventsourcing: reports read names through this module.
"""

import base64
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesledger.errors import LostKeys
from salesledger.ledger.files import appearing, make_private
from salesledger.ledger.format import lock_seconds, read_head, uri
from salesledger.ledger.log import Log
from salesledger.ledger.place import Where, connect_to_read, place_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEALED = "aes256gcm:"
"""What a sealed text begins with in the log; the rest is base64 of its nonce and its ciphertext."""

ERASED = "(erased)"
"""What stands for the text of a person who was forgotten."""

UNREADABLE = "(no key)"
"""What stands for a text whose key is not at hand, though the person was not forgotten."""

_KEY_BYTES = 32
_NONCE_BYTES = 12
_SCHEMA = "CREATE TABLE IF NOT EXISTS keys (person TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT"


class PersonKeys:
    """The keys of a ledger's persons.

    Args:
        ledger: the ledger's file. The keys lie beside it in LEDGER.keys, the master key in LEDGER.master: in another file where
            `$SALESLEDGER_MASTER_KEY` names one, in the system's keyring where that says 'keyring'.
    """

    def __init__(self, ledger: Where) -> None:
        self.ledger = ledger
        place = place_of(ledger)
        self.path = place.beside(".keys")
        self._gone: set[str] = set()
        named = os.environ.get("SALESLEDGER_MASTER_KEY", "")
        self.in_keyring = named == "keyring"
        self.master_path = Path(named) if named and not self.in_keyring else place.beside(".master")

    def make(self, persons: Iterable[str], living: Callable[[], Iterable[str]] = tuple) -> None:
        """Make a key for each person who has none, durable when this returns.

        Args:
            persons: their streams.
            living: tells the streams of all persons whom the ledger holds and who were not forgotten.

        Raises:
            LostKeys: keys that should be there aren't, or the master key isn't theirs, or a file can't be written.
        """
        wanted = set(persons)
        if not wanted:
            return
        with self._translated("written"):
            if not self.path.exists():
                miss_nobody(self.path, living())
                with suppress(FileExistsError):
                    make_private(self.path)
            with self._connected() as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(_SCHEMA)
                there = {person for (person,) in connection.execute("SELECT person FROM keys")}
                if there:
                    self._unwrap(connection.execute("SELECT person, wrapped FROM keys LIMIT 1").fetchone())
                else:
                    miss_nobody(self.path, living())
                if not self._has_master():
                    self._make_master()
                for person in wanted - there:
                    wrapped = _seal(self._master, os.urandom(_KEY_BYTES), person.encode())
                    connection.execute("INSERT INTO keys VALUES (?, ?)", (person, wrapped))
                connection.execute("COMMIT")

    def seal(self, person: str, version: int, field: str, text: str) -> str:
        """Encrypt a text about a person.

        Args:
            person: the person's stream, such as 'person:p-7'.
            version: the event's place in that stream.
            field: the event's field.
            text: what is to be kept secret.

        Raises:
            LostKeys: there is no key for this person, or the master key isn't its.
        """
        for wrapped in self._wrapped([person]):
            cipher = self._unwrap(wrapped)
            break
        else:
            raise LostKeys(str(self.path), f"there is no key for {person.partition(':')[2]!r}")
        return SEALED + base64.b64encode(_seal(cipher, text.encode(), _place(person, version, field))).decode()

    def opened(self, sealed: Iterable[tuple[str, int, str, str]]) -> list[str | None]:
        """Decrypt texts; None where there is no key, or it is not the one that the text was sealed with in that place.

        Args:
            sealed: the person's stream, the event's version, the field and the sealed text of each.
        """
        told = list(sealed)
        ciphers: dict[str, AESGCM] = {}
        with suppress(LostKeys):
            for wrapped in self._wrapped({person for person, *_ in told}):
                with suppress(LostKeys):
                    ciphers[wrapped[0]] = self._unwrap(wrapped)
        found: list[str | None] = []
        for person, version, field, text in told:
            cipher = ciphers.get(person)
            found.append(_open(cipher, text, _place(person, version, field)) if cipher else None)
        return found

    def forget(self, persons: Iterable[str]) -> None:
        """Destroy the keys of persons, so that no byte of them stays in the file.

        Raises:
            LostKeys: the file can't be written; the keys are still there.
        """
        streams = json.dumps(list(persons))
        if not self.path.exists():
            return
        with self._translated("written"), self._connected() as connection:
            there = "SELECT 1 FROM keys WHERE person IN (SELECT value FROM json_each(?)) LIMIT 1"
            if not self._has_table(connection) or not connection.execute(there, (streams,)).fetchone():
                return
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DELETE FROM keys WHERE person IN (SELECT value FROM json_each(?))", (streams,))
            connection.execute("COMMIT")

    def forget_again(self, log: Log) -> None:
        """Destroy the keys of all whom the log says to be forgotten: old keys may have been restored since.

        Where they can't be destroyed, they aren't used at least.

        Raises:
            LostKeys: the file can't be written.
        """
        if self.path.exists():
            self._gone = forgotten(log)
            self.forget(self._gone)

    def persons(self) -> list[str]:
        """The streams of all who have a key."""
        if not self.path.exists():
            return []
        with self._translated("read"), self._connected(writable=False) as connection:
            if not self._has_table(connection):
                return []
            return [person for (person,) in connection.execute("SELECT person FROM keys ORDER BY person")]

    def unreadable(self) -> list[str]:
        """The streams of those whose key the master key doesn't open.

        Raises:
            LostKeys: the file can't be read.
        """
        found = []
        for wrapped in self._wrapped(self.persons()):
            try:
                self._unwrap(wrapped)
            except LostKeys:
                found.append(wrapped[0])
        return found

    def _wrapped(self, persons: Iterable[str]) -> list[tuple[str, bytes]]:
        """The wrapped key of each person who has one. Read anew each time: a key may be destroyed meanwhile."""
        if not self.path.exists():
            return []
        with self._translated("read"), self._connected(writable=False) as connection:
            if not self._has_table(connection):
                return []
            return connection.execute(
                "SELECT person, wrapped FROM keys WHERE person IN (SELECT value FROM json_each(?))",
                (json.dumps([person for person in persons if person not in self._gone]),),
            ).fetchall()

    def _unwrap(self, wrapped: tuple[str, bytes]) -> "AESGCM":
        """What encrypts and decrypts with a key.

        Raises:
            LostKeys: the master key is missing, or another one.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if not self._has_master():
            raise LostKeys(str(self.path), f"the master key ({self._master_place()}) is missing")
        person, key = wrapped
        try:
            return AESGCM(self._master.decrypt(key[:_NONCE_BYTES], key[_NONCE_BYTES:], person.encode()))
        except (InvalidTag, ValueError) as e:
            raise LostKeys(str(self.path), f"the master key ({self._master_place()}) is another one's") from e

    @staticmethod
    def _has_table(connection: sqlite3.Connection) -> bool:
        return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'keys'").fetchone() is not None

    @contextmanager
    def _connected(self, *, writable: bool = True) -> Iterator[sqlite3.Connection]:
        mode = "rw" if writable else "ro"
        connection = sqlite3.connect(
            uri(self.path, f"mode={mode}"), uri=True, isolation_level=None, timeout=lock_seconds()
        )
        try:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA synchronous = EXTRA")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as e:
            raise LostKeys(str(self.path), f"the file can't be {what}: {e}") from e

    @cached_property
    def _master(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        with self._translated("read"):
            text = self._keyring().get_password("salesledger", self._ledger_id) if self.in_keyring else None
            if not self.in_keyring:
                text = self.master_path.read_text("ascii")
        try:
            key = base64.b64decode((text or "").strip(), validate=True)
            return AESGCM(key)
        except ValueError as e:
            raise LostKeys(str(self.path), f"the master key ({self._master_place()}) is no key") from e

    def _has_master(self) -> bool:
        if self.in_keyring:
            return self._keyring().get_password("salesledger", self._ledger_id) is not None
        return self.master_path.exists()

    def _make_master(self) -> None:
        text = base64.b64encode(os.urandom(_KEY_BYTES)).decode()
        if self.in_keyring:
            self._keyring().set_password("salesledger", self._ledger_id, text)
            return
        with appearing(self.master_path) as draft:
            draft.write_text(f"{text}\n", encoding="ascii")

    def _master_place(self) -> str:
        return "in the system's keyring" if self.in_keyring else repr(str(self.master_path))

    @cached_property
    def _ledger_id(self) -> str:
        connection = connect_to_read(self.ledger)
        try:
            return read_head(connection, self.ledger).ledger_id
        finally:
            connection.close()

    def _keyring(self) -> Any:
        try:
            import keyring
        except ImportError as e:
            raise LostKeys(str(self.path), "the keyring needs the extra: pip install 'salesledger[keyring]'") from e
        return keyring


def miss_nobody(place: Path, living: Iterable[str]) -> None:
    """Make sure that a file without keys isn't one that was lost: new keys in its place would part the two for ever.

    Args:
        place: the file.
        living: the streams of all persons whom the ledger holds and who were not forgotten.

    Raises:
        LostKeys: there is somebody.
    """
    if lost := sorted(living):
        names = ", ".join(person.partition(":")[2] for person in lost[:5]) + (", ..." if len(lost) > 5 else "")
        raise LostKeys(
            str(place), f"there are none, though the ledger holds persons ({names}; forget them if theirs are lost)"
        )


def forgotten(log: Log) -> set[str]:
    """The streams of all persons who were forgotten."""
    rows = log.execute("SELECT originator_id FROM stored_events WHERE topic = 'person-forgotten/1'")
    return {stream for (stream,) in rows}


def personal_texts(log: Log, ledger: Where) -> list[tuple[int, str, str]]:
    """What the ledger holds about persons, decrypted as far as there are keys: entry, field, text.

    Args:
        log: open on the ledger.
        ledger: its file, beside which the keys lie.
    """
    gone = forgotten(log)
    places: list[tuple[int, str, int, str, str]] = []
    for entry, person, version, state in log.execute(
        "SELECT entry, originator_id, originator_version, state FROM stored_events "
        "WHERE originator_id >= 'person:' AND originator_id < 'person;' ORDER BY entry"
    ):
        fields = json.loads(state)
        places += [(entry, person, version, name, fields[name]) for name in sealed_fields(fields)]
    readable = [place for place in places if place[1] not in gone]
    texts = dict(zip(readable, PersonKeys(ledger).opened(place[1:] for place in readable), strict=True))
    return [(place[0], place[3], ERASED if place[1] in gone else texts[place] or UNREADABLE) for place in places]


def sealed_fields(fields: Mapping[str, Any]) -> list[str]:
    """The fields of an event, as the log holds it, that are encrypted."""
    return [name for name, value in fields.items() if isinstance(value, str) and value.startswith(SEALED)]


def _place(person: str, version: int, field: str) -> bytes:
    return json.dumps([person, version, field], ensure_ascii=False).encode()


def _seal(cipher: "AESGCM", text: bytes, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, text, place)


def _open(cipher: "AESGCM", sealed: str, place: bytes) -> str | None:
    from cryptography.exceptions import InvalidTag

    try:
        raw = base64.b64decode(sealed.removeprefix(SEALED), validate=True)
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place).decode()
    except (InvalidTag, ValueError):
        return None
