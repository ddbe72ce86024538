"""What a question about open deals reads, kept beside the mirror: the rows of deals, sorted by when each was settled.

Whoever asks for a past date's open deals then reads those that were under way, not the log from its beginning. A kept file serves
the log up to an entry; what lies behind is read from the mirror as always. It is a cache of the mirror's kind: the position and
the SQL fix the content, it is written under a temporary name and renamed, and it may be deleted at any time.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from salesledger.readmodel.catalogue import Projection
from salesledger.readmodel.mirror import is_readable

FOLDED = ("events", "deal_entries", "strikes", "deal_changes", "deal_states", "deals")
"""The projections that an open deal is folded by: no other one may look at the rows, as not all are there."""

_PARTIAL = {"decoded", "events", "deal_entries", "deal_changes"}
"""The relations of which some rows are left out."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NEVER, _ALWAYS = "TIMESTAMP '20000-01-01'", "TIMESTAMP '0001-01-01'"
"""Behind and before every date that can be asked about."""

# A deal is settled from its last change of status on, where that closes it. Voids and rates always count.
_ROWS = f"""
    WITH settled AS (
        SELECT deal AS id, max_by(effective_at, place) AS settled_at
        FROM deal_changes
        WHERE status IS NOT NULL
        GROUP BY deal
        HAVING max_by(status, place) <> 'open'
    )
    SELECT
        r.* REPLACE (CASE WHEN r.type = 'rate-set' THEN r.more END AS more, '' AS marked_key),
        CASE WHEN r.type IN ('rate-set', 'event-voided') THEN {_ALWAYS} ELSE r.effective_at END AS counts_from,
        CASE WHEN s.id IS NULL OR r.type IN ('rate-set', 'event-voided') THEN {_NEVER} ELSE s.settled_at END AS counts_to
    FROM {{rows}} r
    LEFT JOIN settled s ON s.id = r.id AND r.stream = 'deal'
    WHERE r.stream = 'deal' OR r.type IN ('rate-set', 'event-voided')
    ORDER BY counts_to
"""

_KNOWN = "SELECT CAST(epoch_us(max(known_at)) AS BIGINT) FROM {rows}"

OPTIONS = "FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION v2, ROW_GROUP_SIZE 20480"
"""Small groups of rows, so that few of them are read."""

_SORTED_BYTES = 300
"""What sorting an entry may take on the disk: 220 were seen."""

_REOPENING = ("event-voided", "deal-reopened", "lead-captured")
"""What can have a deal that was settled be open after all; whichever other entry comes later, it stays settled."""


@dataclass(frozen=True)
class Kept:
    """A kept file.

    Attributes:
        file: where it is.
        upto: the last entry that it serves.
        known_at: when the last of those became known, in microseconds since 1970.
    """

    file: Path
    upto: int
    known_at: int


def mark_of(projections: Mapping[str, Projection]) -> str:
    """What tells kept files from those that another salesledger made: a hash of what makes them."""
    told = "\n".join([_ROWS, OPTIONS, *(projections[name].sql for name in FOLDED)])
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def newest(folder: Path, mark: str, mark_at: Callable[[int], str]) -> Kept | None:
    """The kept file that serves most of the log.

    Args:
        folder: the mirror's.
        mark: see `mark_of`.
        mark_at: the hash of an entry of the log, which a file of another log doesn't bear.
    """
    found = [_named(file) for file in folder.glob(f"open-{mark}-*.parquet") if is_readable(file)]
    ours = (kept for kept in found if kept.file.name == file_name(mark, kept.upto, kept.known_at, mark_at(kept.upto)))
    return max(ours, key=lambda kept: kept.upto, default=None)


def is_kept(file: Path) -> bool:
    """Whether a file in the mirror's folder is a kept one, by its name."""
    return re.fullmatch(r"open-[0-9a-f]{8}-\d{12}-\d+-[0-9a-f]{8}\.parquet", file.name) is not None


def fitting(found: Kept | None, mirrored: int, upto: int | None, known_at: datetime) -> Kept | None:
    """The kept file, where it can serve a question: it holds what stood when the last of its entries had become known.

    Args:
        found: the newest one, where there is any.
        mirrored: the last entry in the mirror, which what lies behind is read from.
        upto: the last entry that the question looks at, where it says so.
        known_at: what is known at this instant is asked about.
    """
    if found is None or found.upto > mirrored or (upto is not None and upto < found.upto):
        return None
    return found if found.known_at <= (known_at - _EPOCH) // timedelta(microseconds=1) else None


def is_due(kept: Kept | None, upto: int) -> bool:
    """Whether to write another one: where as much lies behind the last one as it serves, so that each entry is sorted few times."""
    served = kept.upto if kept else 0
    return upto > 0 and upto - served >= served


def has_room(folder: Path, spill: Path, upto: int) -> bool:
    """Whether a kept file can be written: into the mirror's folder, and sorted in another; where it can't, minutes would be lost.

    Args:
        folder: the mirror's.
        spill: where DuckDB puts what memory can't hold.
        upto: the last entry that it is to serve.
    """
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return False
    return min(shutil.disk_usage(folder).free, shutil.disk_usage(spill).free) > _SORTED_BYTES * upto


def serves(needed: Sequence[Projection], wanted: Collection[str], only: str | None) -> bool:
    """Whether an answer reads the rows of deals for nothing but to fold open ones.

    Args:
        needed: the projections that it is made of.
        wanted: the relations that it names itself.
        only: the status of the only deals that it looks at.
    """
    return (
        only == "open"
        and not any(projection.own for projection in needed)
        and (_PARTIAL | {"strikes"}).isdisjoint(wanted)
        and all(p.name in FOLDED or _PARTIAL.isdisjoint(p.needs) for p in needed)
    )


def writing(rows: str) -> tuple[str, str]:
    """The queries that make a kept file: its rows, which read `deal_changes`, and when the last of them became known."""
    return _ROWS.format(rows=rows), _KNOWN.format(rows=rows)


def file_name(mark: str, upto: int, known_at: int, last: str) -> str:
    """What a kept file is called, whose last entry has that hash."""
    return f"open-{mark}-{upto:012d}-{known_at}-{last}.parquet"


def reading(kept: Kept, behind: str | None) -> str:
    """The SQL of the rows that a question about the deals open at $as_of needs, in the mirror's columns.

    Args:
        kept: the file.
        behind: a query for the rows that come after those that it serves, where there are any.
    """
    file = "read_parquet('" + str(kept.file).replace("'", "''") + "')"
    counts = "counts_from <= $as_of AND counts_to > $as_of"
    parts = [f"SELECT * EXCLUDE (counts_from, counts_to) FROM {file} WHERE {counts}"]
    if behind:
        types = ", ".join(f"'{name}'" for name in _REOPENING)
        parts += [
            f"SELECT * EXCLUDE (counts_from, counts_to) FROM {file} WHERE NOT ({counts}) "
            f"AND id IN (SELECT id FROM ({behind}) WHERE stream = 'deal' AND type IN ({types}))",
            behind,
        ]
    return " UNION ALL ".join(parts)


def _named(file: Path) -> Kept:
    upto, known_at = file.stem.split("-")[2:4]
    return Kept(file, int(upto), int(known_at))
