"""The files of keys beside a ledger: private, readable, of those whom the log says to be there and of nobody else."""

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from salesledger.errors import LostKeys
from salesledger.ledger.findings import Finding
from salesledger.ledger.keys import PersonKeys, forgotten
from salesledger.ledger.log import Log
from salesledger.ledger.place import Where
from salesledger.ledger.seal_key import place_of

_PUT_BACK = (
    "Put the files of keys back as they were, from a copy of them; of whom there is none, 'person forget' says so."
)


def check_keys(path: Where, log: Log) -> Iterator[Finding]:
    """What is not as it should be; nothing where no keys lie beside the ledger, which may be shared without them.

    Args:
        path: the ledger's file.
        log: open on it.
    """
    keys = PersonKeys(path)
    yield from _open_to_others((keys.path, keys.master_path, place_of(path)))
    if not keys.path.exists():
        return
    gone = forgotten(log)
    known = {
        stream
        for (stream,) in log.execute(
            "SELECT DISTINCT originator_id FROM stored_events WHERE originator_id >= 'person:' AND originator_id < 'person;'"
        )
    }
    try:
        held, unreadable = set(keys.persons()), keys.unreadable()
    except LostKeys as e:
        yield Finding("keys", str(e).partition(". ")[0], _PUT_BACK)
        return
    if kept := gone & held:
        problem = f"there is a key of somebody who was forgotten ({_named(kept)})"
        yield Finding("keys", problem, "Any report destroys it; destroy it too where it was restored from.")
    if missing := known - gone - held:
        yield Finding("keys", f"there is no key of {_named(missing)}", _PUT_BACK)
    if unreadable:
        yield Finding("keys", f"the master key doesn't open the key of {_named(unreadable)}", _PUT_BACK)


def _open_to_others(files: Iterable[Path]) -> Iterator[Finding]:
    for file in files:
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o007:
            yield Finding(
                "keys", f"{str(file)!r} can be read by everybody", f"Make it private: 'chmod 600 {file.name}'."
            )


def _named(streams: Iterable[str]) -> str:
    names = sorted(stream.partition(":")[2] for stream in streams)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
