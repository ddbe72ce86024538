"""The eventsourcing application: our recorder, our mapper, no snapshots, no cache, nothing taken from the environment."""

from typing import Any

from eventsourcing.application import Application
from eventsourcing.persistence import ApplicationRecorder, InfrastructureFactory, Mapper
from eventsourcing.utils import Environment

from salesledger.domain.clocks import from_micros
from salesledger.domain.person import PersonAdded
from salesledger.domain.timeline import Recorded
from salesledger.ledger.keys import PersonKeys
from salesledger.ledger.mapper import LedgerMapper, LoggedEvent, Pending
from salesledger.ledger.place import Where, place_of
from salesledger.ledger.recorder import LedgerRecorder


class LedgerApplication(Application[str]):
    """Streams of events in one ledger.

    Args:
        place: the ledger; it must exist and hold the schema.
        keys: the keys of its persons, where they are open already.

    Attributes:
        keys: the keys of the ledger's persons.
    """

    name = "salesledger"
    recorder: LedgerRecorder

    def __init__(self, place: Where, keys: PersonKeys | None = None) -> None:
        self.place = place_of(place)
        self.keys = keys or PersonKeys(place)
        super().__init__()

    def construct_env(self, name: str, env: Any = None) -> Environment:
        """Everything is said here: a stray variable of the process must not change where events go."""
        del env
        return Environment(name, {})

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """Our factory, not one that a variable names."""
        return self.place.factory()

    def construct_mapper(self) -> Mapper[str]:
        """Our mapper."""
        return LedgerMapper(str(self.place), keys=self.keys)

    def construct_recorder(self) -> ApplicationRecorder:
        """Our recorder."""
        return self.factory.application_recorder()

    def records(self, stream: str) -> list[Recorded]:
        """Everything that a stream holds, in order; empty where there is no such stream."""
        return list(self.events.get(stream))  # type: ignore[arg-type]  # our mapper gives Recorded

    def to_recorded(self, logged: LoggedEvent) -> Recorded:
        """The event of a row of the log."""
        recorded: Recorded = self.mapper.to_domain_event(logged)  # type: ignore[assignment]
        return recorded

    def append(self, pending: list[Pending]) -> list[Recorded]:
        """Append events in one transaction.

        Raises:
            eventsourcing.persistence.IntegrityError: another writer was faster, or a key is taken.
            LostKeys: the key of a person can't be made or used.
        """
        self.keys.make(
            (p.originator_id for p in pending if isinstance(p.event, PersonAdded)), self.recorder.select_living
        )
        first, micros = self.recorder.append([self.mapper.to_stored_event(p) for p in pending])
        recorded_at = from_micros(micros)
        return [
            Recorded(p.originator_id, p.originator_version, p.event, entry, recorded_at, p.key)
            for entry, p in enumerate(pending, start=first)
        ]
