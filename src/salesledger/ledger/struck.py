"""Whether an entry still stands: what its stream's voids make of it, read from the stored bytes."""

import json
from dataclasses import dataclass
from datetime import datetime

from salesledger.domain.clocks import from_micros
from salesledger.domain.events import EventVoided
from salesledger.errors import DamagedLedger
from salesledger.ledger.place import Where
from salesledger.ledger.seal import snapshot


@dataclass(frozen=True)
class Strike:
    """The void because of which an entry doesn't count.

    Attributes:
        entry: the void.
        recorded_at: when it was recorded.
        reason: why, in the words of whoever recorded it.
    """

    entry: int
    recorded_at: datetime
    reason: str


def struck_by(path: Where, entry: int) -> Strike | None:
    """The void that struck out an entry, or that took it back where it is a void itself; None where the entry stands.

    Raises:
        DamagedLedger: a void of the entry's stream can't be read.
        NoLedger, NotALedger, NewerLedger, LockedLedger: as their names say.
    """
    with snapshot(path) as connection:
        rows = connection.execute(
            "SELECT entry, recorded_at, state FROM stored_events WHERE topic = ? AND originator_id = "
            "(SELECT originator_id FROM stored_events WHERE entry = ?) ORDER BY entry",
            (EventVoided.TOPIC, entry),
        ).fetchall()
    try:
        voids = [(number, at, json.loads(state)) for number, at, state in rows]
        roots = {number: void["void_root"] for number, _, void in voids}
        chain = [one for one in voids if one[2]["void_root"] == roots.get(entry, entry)]
        if not chain:
            return None
        number, at, last = chain[-1]
        stands = number == entry if entry in roots else not last["strikes"]
        return None if stands else Strike(number, from_micros(at), str(last["void_reason"]))
    except (ValueError, KeyError, TypeError, OverflowError) as e:
        raise DamagedLedger(str(path), f"a void of entry {entry}'s stream is none ({e})") from e
