"""Which deal, account or other stream a person means by what they typed: read from the log's rows, without a report's engine."""

import json

from salesledger.ledger.log import Log

_VOIDED = "event-voided/1"
_NAMING = ("lead-captured/1", "lead-touched/1", "account-opened/1")
"""The topics of the events that tell a company's name."""


def find_ids(connection: Log, kind: str, prefix: str, limit: int = 20) -> list[str]:
    """The ids of one kind that a person may have meant: the exact one alone, else those that start alike, whatever the case."""
    exact = connection.execute(
        "SELECT 1 FROM stored_events WHERE originator_id = ? AND originator_version = 1", (f"{kind}:{prefix}",)
    ).fetchone()
    if exact:
        return [prefix]
    starts_alike = (
        connection.execute(
            "SELECT originator_id FROM stored_events WHERE originator_id >= ? AND originator_id < ? AND originator_version = 1 "
            "ORDER BY originator_id LIMIT ?",
            (f"{kind}:{prefix}", f"{kind}:{prefix}\U0010ffff", limit),
        ).fetchall()
        or connection.execute(
            "SELECT originator_id FROM stored_events WHERE lower(originator_id) LIKE lower(?) ESCAPE '\\' "
            "AND originator_version = 1 ORDER BY originator_id LIMIT ?",
            (f"{kind}:{_escaped(prefix)}%", limit),
        ).fetchall()
    )
    ids = [str(row[0]).partition(":")[2] for row in starts_alike]
    same_letters = [found for found in ids if found.casefold() == prefix.casefold()]
    return same_letters if len(same_letters) == 1 else _in_use(connection, kind, ids)


def find_named(connection: Log, kind: str, company: str) -> list[str]:
    """The deals or accounts whose company bears exactly this name, whatever the case; it reads all of the kind."""
    wanted = company.strip().casefold()
    holding = {
        str(stream): None
        for stream, state in connection.execute(
            "SELECT originator_id, state FROM stored_events WHERE originator_id >= ? AND originator_id < ? "
            f"AND topic IN ({', '.join('?' * len(_NAMING))}) ORDER BY originator_id",
            (f"{kind}:", f"{kind};", *_NAMING),
        )
        if _is_named(state, wanted)
    }
    ids = [stream.partition(":")[2] for stream in holding]
    return [found for found in ids if _bears(connection, f"{kind}:{found}", wanted)]


def _is_named(state: bytes, wanted: str) -> bool:
    return str(json.loads(state).get("company")).casefold() == wanted


def _bears(connection: Log, stream: str, wanted: str) -> bool:
    return any(topic in _NAMING and _is_named(state, wanted) for topic, state in _standing(connection, stream))


def _in_use(connection: Log, kind: str, ids: list[str]) -> list[str]:
    """Of several ids those of which not every entry is struck out; all of them where there are none such."""
    if len(ids) < 2:
        return ids
    return [found for found in ids if _standing(connection, f"{kind}:{found}")] or ids


def _standing(connection: Log, stream: str) -> list[tuple[str, bytes]]:
    """The topics and states of a stream's entries, voids and what they strike left out."""
    rows = connection.execute(
        "SELECT entry, topic, state FROM stored_events WHERE originator_id = ? ORDER BY originator_version", (stream,)
    ).fetchall()
    voids = [json.loads(state) for _, topic, state in rows if topic == _VOIDED]
    struck = {void["void_root"]: void["strikes"] for void in voids}  # the last void of an entry decides
    return [(topic, state) for entry, topic, state in rows if topic != _VOIDED and not struck.get(entry)]


def _escaped(text: str) -> str:
    for special in "\\%_":
        text = text.replace(special, "\\" + special)
    return text
