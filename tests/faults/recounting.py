"""What became of commands, held against the log on a server."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from salesledger.ledger.place import connect_to_read
from salesledger.ledger.postgres_place import PostgresPlace


def recounted(url: str, told: Sequence[tuple[str, Any]]) -> dict[str, int]:
    """Hold what writers were told against what is there.

    Args:
        url: the ledger's.
        told: of each command its stream, whose name ends with how many events it is to have, and its entries, or 'refused' where
            nothing should be recorded, or 'unknown'.

    Returns:
        commands; entries that were acknowledged; how many of these are lost or another's; streams of which a part is there, or
        more than all; commands that were refused and are there all the same; gaps in the log; commands of an unknown outcome.
    """
    with closing(connect_to_read(PostgresPlace.of(url))) as log:
        found = dict(log.execute("SELECT entry, originator_id FROM stored_events ORDER BY entry").fetchall())
    count = Counter(stream for stream in found.values() if stream.startswith("deal:"))
    acknowledged = [(stream, entry) for stream, entries in told if isinstance(entries, list) for entry in entries]
    refused = [stream for stream, entries in told if entries == "refused"]
    return {
        "commands": len(told),
        "acknowledged": len(acknowledged),
        "lost": sum(found.get(entry) != stream for stream, entry in acknowledged),
        "torn": sum(held < int(stream.rpartition("-")[2]) for stream, held in count.items()),
        "doubled": sum(held > int(stream.rpartition("-")[2]) for stream, held in count.items()),
        "ghosts": sum(stream in count for stream in refused),
        "gaps": max(found) - len(found),
        "unknown": sum(entries == "unknown" for _, entries in told),
    }
