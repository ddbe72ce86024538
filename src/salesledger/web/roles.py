"""Who may do what: rights, the roles that are made of them, and the tokens that give a role."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from salesledger.errors import BadFile, UsageError

SHORTEST_TOKEN = 20
"""Characters: what is shorter could be guessed."""


class Right(Enum):
    """Something that not everybody may do."""

    LOOK = "look"
    RECORD = "record"
    AUDIT = "audit"


ROLES: dict[str, frozenset[Right]] = {
    "reader": frozenset({Right.LOOK}),
    "recorder": frozenset({Right.LOOK, Right.RECORD}),
    "auditor": frozenset({Right.LOOK, Right.AUDIT}),
}
"""A reader looks at every page; a recorder records as well; an auditor asks in SQL, runs checks and sees who persons are."""

EVERYTHING = frozenset(Right)


@dataclass(frozen=True)
class Visitor:
    """Whoever asks.

    Attributes:
        rights: what they may do.
        role: what that is called.
        actor: the short id under which they record; the server's own where absent.
    """

    rights: frozenset[Right]
    role: str
    actor: str | None = None


@dataclass(frozen=True)
class Token:
    """A secret that lets somebody in; only its digest is kept.

    Attributes:
        digest: SHA-256 of the secret.
        visitor: whom it lets in.
    """

    digest: bytes
    visitor: Visitor


def visitor_of(role: str, actor: str | None = None) -> Visitor:
    """A visitor of a role, or of several that are joined by commas.

    Raises:
        UsageError: there is no such role.
    """
    names = [name.strip() for name in role.split(",")]
    for name in names:
        if name not in ROLES:
            raise UsageError(f"{name!r} is not a role. Write one of {', '.join(ROLES)}, or several joined by commas.")
    return Visitor(frozenset().union(*(ROLES[name] for name in names)), ",".join(names), actor)


def read_tokens(file: Path) -> tuple[Token, ...]:
    """The tokens of a file: a line each of role, token and, where they record under their own name, actor.

    Raises:
        BadFile: it can't be read, others may read it, or a line is none.
    """
    try:
        if file.stat().st_mode & 0o077:
            raise BadFile(
                f"The file of tokens {str(file)!r} may be read by others. Make it yours alone: chmod 600 {str(file)!r}."
            )
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise BadFile(f"The file of tokens {str(file)!r} can't be read: {e}.") from e
    told = [(number, line.split("#")[0].split()) for number, line in enumerate(lines, start=1)]
    return tuple(_token(words, number) for number, words in told if words)


def _token(words: list[str], number: int) -> Token:
    if len(words) not in (2, 3):
        raise BadFile(f"Line {number} of the file of tokens is not 'ROLE TOKEN' or 'ROLE TOKEN ACTOR'.")
    if len(words[1]) < SHORTEST_TOKEN:
        raise BadFile(
            f"The token in line {number} is shorter than {SHORTEST_TOKEN} characters and could be guessed. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'."
        )
    try:
        visitor = visitor_of(words[0], words[2] if len(words) == 3 else None)
    except UsageError as e:
        raise BadFile(f"Line {number} of the file of tokens: {e}") from e
    return Token(digest_of(words[1]), visitor)


def digest_of(secret: str) -> bytes:
    """The digest under which a secret is kept and compared."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def admitted(tokens: Iterable[Token], secret: str) -> Token | None:
    """The token that a secret is, compared in the same time whichever it is."""
    digest, found = digest_of(secret), None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found
