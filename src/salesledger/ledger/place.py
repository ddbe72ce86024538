"""Where a ledger is: a file, or a schema of a PostgreSQL database. All that differs between the two is asked of the place."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eventsourcing.persistence import InfrastructureFactory

    from salesledger.ledger.log import Log
    from salesledger.ledger.sqlite_turns import Holder


class Place(ABC):
    """Where a ledger is, or may be made. As text it is what messages call it, without a password."""

    @property
    @abstractmethod
    def mirror(self) -> Path:
        """The folder of the ledger's mirror."""

    @property
    def shared(self) -> Path | None:
        """A folder above the mirror whose permissions are those of all in it; where there is none, it is its owner's alone."""
        return None

    @property
    def schema(self) -> str | None:
        """The schema that the ledger is in, with roles for its users; None where it is a file."""
        return None

    def may_record(self) -> bool:
        """Whether whoever asks has the right to record, where that is a matter of a login's rights.

        Raises:
            NoLedger, NotALedger, NewerLedger, UnreachableLedger, DamagedLedger: as their names say.
        """
        return True

    @property
    @abstractmethod
    def projections(self) -> Path:
        """The folder of the user's own projections."""

    @abstractmethod
    def beside(self, ending: str) -> Path:
        """The file of this ending that belongs to the ledger, such as '.keys'."""

    @abstractmethod
    def connect_to_read(self) -> "Log":
        """Open the ledger without the right to change it.

        Raises:
            NoLedger, NotALedger, NewerLedger, LockedLedger, UnreachableLedger, DamagedLedger: as their names say.
        """

    def holds(self, holder: "Holder") -> None:  # noqa: B027  # most places have nothing to tell
        """Have something that keeps a connection be told when it must be closed, for what another library does to its locks."""

    def using(self) -> AbstractContextManager[object]:
        """While something is asked through such a connection."""
        return nullcontext()

    def letting_go(self) -> AbstractContextManager[object]:
        """While another library lets go of the ledger."""
        return nullcontext()

    @abstractmethod
    @contextmanager
    def opening(self) -> Iterator["Log"]:
        """A look at the ledger before it is recorded into: there is one, and this version can write it.

        Raises:
            NoLedger, NotALedger, NewerLedger, LockedLedger, UnreachableLedger, DamagedLedger: as their names say.
        """

    @abstractmethod
    def factory(self) -> "InfrastructureFactory[Any]":
        """What makes the recorder."""

    @abstractmethod
    def translate(self, message: str) -> Exception:
        """The ledger's own error for a message of its database."""

    @abstractmethod
    @contextmanager
    def making(self, remedy: str | None = None, *, roles: bool = False) -> Iterator["Place"]:
        """Lay out a ledger with an empty log, to be filled where this says; it appears at the end, whole or not at all.

        Args:
            remedy: what to do where there is something at the place already.
            roles: make the roles of the ledger's users, too.

        Raises:
            UsageError: there are no roles at such a place.
            LedgerExists: there is something at that place already.
            StoreError: it can't be made there.
        """

    @abstractmethod
    def check_free(self, remedy: str) -> None:
        """Make sure that nothing is at the place, nor what is left of a ledger.

        Args:
            remedy: what to do where there is.

        Raises:
            LedgerExists: there is.
        """

    @abstractmethod
    def forget_mirror(self) -> None:
        """Delete what was computed of a ledger that was here before: what is recorded from now on may differ from that.

        Raises:
            StoreError: the folder can't be written.
        """

    @abstractmethod
    def take(self, log: "Log") -> None:
        """Copy a ledger, as it is stored, into one that is being made; its keys stay where they are."""

    @abstractmethod
    def migrate(self, *, roles: bool) -> list[tuple[str, str]]:
        """Bring a ledger that is there to this version's layout; its entries stay as they are.

        Args:
            roles: make the roles of the ledger's users, too.

        Returns:
            What was made: its kind and its name.

        Raises:
            UsageError: there are no roles at such a place.
            NoLedger, NotALedger, NewerLedger, LockedLedger, ReadOnlyLedger, UnreachableLedger, DamagedLedger: as their names say.
        """

    @abstractmethod
    def keep_seal(self, size: int, note: str, blocks: Sequence[tuple[int, int, bytes]]) -> None:
        """Keep a seal and the blocks (level, number, hash) that came with it, unless another program has kept a bigger one.

        Raises:
            LockedLedger, ReadOnlyLedger, UnreachableLedger, DamagedLedger: as their names say.
        """

    @abstractmethod
    def size(self) -> int:
        """How many bytes the ledger takes."""


Where = Path | Place
"""A ledger's file, or its place."""


def place_of(where: Where) -> Place:
    """The place of a ledger."""
    if isinstance(where, Place):
        return where
    from salesledger.ledger.sqlite_place import FilePlace

    return FilePlace(where)


def mirror_of(where: Where) -> Path:
    """The folder of a ledger's mirror."""
    return place_of(where).mirror


def connect_to_read(where: Where) -> "Log":
    """Open a ledger without the right to change it; see `Place.connect_to_read`."""
    return place_of(where).connect_to_read()
