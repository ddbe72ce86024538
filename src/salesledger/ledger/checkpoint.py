"""Signed checkpoints as text: C2SP's tlog-checkpoint in a signed-note, with Ed25519 keys. No file, no ledger.

    salesledger/0f3c...            the origin: which ledger
    1234                           its size: how many entries
    base64 of the root             the root of RFC 9162's tree over them
                                   (a blank line)
    — name base64                  a signature: 4 bytes of key id, then Ed25519 over all lines above the blank one

See https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note.
"""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Self, TypeVar

from salesledger.errors import BadValue

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

T = TypeVar("T")

_ED25519 = b"\x01"
_DASH = "\u2014 "
_PRIVATE = "PRIVATE+KEY+"
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


def origin_of(ledger_id: str) -> str:
    """What a ledger's checkpoints begin with, and what its own keys are called."""
    return f"salesledger/{ledger_id}"


@dataclass(frozen=True)
class PublicKey:
    """A key that signatures are checked with.

    Attributes:
        name: what it is called in signatures.
        raw: its 32 bytes.
    """

    name: str
    raw: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key's text, 'name+id+base64'.

        Raises:
            ValueError: it is none.
        """
        parts = text.strip().split("+", 2)
        if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
            raise ValueError("a public key is written NAME+ID+BASE64")
        data = _decoded(parts[2])
        if len(data) != 33 or not data.startswith(_ED25519):
            raise ValueError("it is no Ed25519 key")
        key = cls(parts[0], data[1:])
        if key.id.hex() != parts[1]:
            raise ValueError("its id is not that of the key")
        return key

    @cached_property
    def id(self) -> bytes:
        """The 4 bytes that a signature names its key by."""
        return sha256(f"{self.name}\n".encode() + _ED25519 + self.raw).digest()[:4]

    def __str__(self) -> str:
        """The key's text."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.raw).decode()}"

    @cached_property
    def _key(self) -> "Ed25519PublicKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        return Ed25519PublicKey.from_public_bytes(self.raw)

    def signed(self, text: str, signature: bytes) -> bool:
        """Whether a signature of this key's holds."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, repr=False)
class PrivateKey:
    """A key that signs.

    Attributes:
        name: what it is called in signatures.
        seed: its 32 secret bytes.
    """

    name: str
    seed: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text that a key file holds: 'PRIVATE+KEY+name+id+base64'.

        Raises:
            ValueError: it is none.
        """
        text = text.strip()
        parts = text.removeprefix(_PRIVATE).split("+", 2)
        if not text.startswith(_PRIVATE) or len(parts) != 3 or not _NAME.fullmatch(parts[0]):
            raise ValueError("a key file holds PRIVATE+KEY+NAME+ID+BASE64")
        data = _decoded(parts[2])
        if len(data) != 33 or not data.startswith(_ED25519):
            raise ValueError("it is no Ed25519 key")
        key = cls(parts[0], data[1:])
        if key.public.id.hex() != parts[1]:
            raise ValueError("its id is not that of the key")
        return key

    def to_text(self) -> str:
        """What a key file holds."""
        secret = base64.b64encode(_ED25519 + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.public.id.hex()}+{secret}\n"

    @cached_property
    def _key(self) -> "Ed25519PrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @cached_property
    def public(self) -> PublicKey:
        """The key that checks what this one signs."""
        return PublicKey(self.name, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The line that signs a text."""
        signature = base64.b64encode(self.public.id + self._key.sign(text.encode())).decode()
        return f"{_DASH}{self.name} {signature}\n"


@dataclass(frozen=True)
class Signature:
    """A signature line: whose it says it is, the id of the key, and what follows it."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Checkpoint:
    """What was signed of a ledger.

    Attributes:
        origin: which ledger.
        size: how many entries.
        root: the root of the tree over them.
        text: the signed text.
        signatures: by whom; those of unknown keys mean nothing.
    """

    origin: str
    size: int
    root: bytes
    text: str
    signatures: tuple[Signature, ...] = ()

    @classmethod
    def parse(cls, note: str) -> Self:
        """Read a signed checkpoint.

        Raises:
            ValueError: it is none.
        """
        text, blank, rest = note.rpartition("\n\n")
        text += "\n"
        lines = text.split("\n")
        if not blank or len(lines) < 4 or not lines[0] or "" in lines[:-1] or not rest.endswith("\n"):
            raise ValueError("it has no text, blank line and signatures")
        if not _SIZE.fullmatch(lines[1]):
            raise ValueError(f"its size {lines[1]!r} is no number")
        root = _decoded(lines[2])
        if len(root) != 32:
            raise ValueError("its root is not one of 32 bytes")
        signatures = tuple(_signature(line) for line in rest.split("\n")[:-1])
        return cls(lines[0], int(lines[1]), root, text, signatures)

    def signed_by(self, keys: list[PublicKey]) -> PublicKey | None:
        """The first of some keys whose signature it has; None where no signature of theirs holds."""
        for key in keys:
            for one in self.signatures:
                if (one.name, one.key_id) == (key.name, key.id) and key.signed(self.text, one.signature):
                    return key
        return None


def signed(origin: str, size: int, root: bytes, key: PrivateKey) -> str:
    """A checkpoint's text with its signature."""
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    return f"{text}\n{key.sign(text)}"


def parsed(parse: Callable[[str], T], text: str, what: str) -> T:
    """Read a key or a checkpoint that was given.

    Raises:
        BadValue: it is none.
    """
    try:
        return parse(text)
    except ValueError as e:
        raise BadValue(f"What was given as {what} is none: {e}. Nothing was checked.") from e


def _signature(line: str) -> Signature:
    name, space, data = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not _NAME.fullmatch(name):
        raise ValueError("a line behind the blank one is no signature")
    found = _decoded(data)
    if len(found) < 5:
        raise ValueError("a signature is too short")
    return Signature(name, found[:4], found[4:])


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as e:
        raise ValueError("a part of it is no base64") from e
