"""What a server is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from ipaddress import ip_address

from salesledger.errors import UsageError
from salesledger.ledger.place import Where
from salesledger.web.roles import EVERYTHING, Token, Visitor

PORT = 5180
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Settings:
    """What a server is started with.

    Attributes:
        ledger: where the ledger is.
        today: the day that counts as today, for pages that can be repeated.
        host: the address that it listens at.
        port: the port.
        names: further names under which it may be called, besides the address itself.
        tokens: whom it lets in; on a loopback address everybody is let in where there are none.
        visitor: who somebody without a token is, where nobody needs one.
        read_only: whether nothing can be recorded.
        incognito: whether amounts and names are hidden.
        clerks: how many questions are answered at the same time.
        seconds: how long a question may take.
        most_bytes: how long a request's body may be.
    """

    ledger: Where
    today: date | None = None
    host: str = "127.0.0.1"
    port: int = PORT
    names: frozenset[str] = frozenset()
    tokens: tuple[Token, ...] = ()
    visitor: Visitor = field(default_factory=lambda: Visitor(EVERYTHING, "everything"))
    read_only: bool = False
    incognito: bool = False
    clerks: int = 3
    seconds: float = 60.0
    most_bytes: int = 64 * 1024

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)

    def check(self) -> None:
        """Refuse to be reachable by others without a token.

        Raises:
            UsageError: it would be.
        """
        if not self.is_local and not self.tokens:
            raise UsageError(
                f"{self.host} can be reached by other machines, so visitors need a token: give a file of them with --token-file "
                "(lines of 'ROLE TOKEN'), or leave out --host."
            )


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
