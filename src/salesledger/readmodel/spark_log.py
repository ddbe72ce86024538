"""The log as Spark reads it: the mirror's segments and the tail, decoded into the columns of `events` by Spark's own functions."""

from salesledger.readmodel.decode import DETAILS, ENVELOPE, FIELDS, MOVE

_SPARK_TYPES = {"VARCHAR": "STRING", "JSON": "STRING", "INTEGER": "INT", "TIMESTAMP": "TIMESTAMP_NTZ"}

_KEPT = (
    "entry",
    "stream",
    "id",
    "version",
    "type",
    "effective_at",
    "known_at",
    "recorded_at",
    "recorded_by",
    "source_system",
    "replaces",
    *MOVE,
    *FIELDS,
)
"""The columns of the mirror that are taken over as they are."""


def empty_log() -> str:
    """The SQL for DuckDB of raw rows of a log, of which there are none: for what only asks for names and types."""
    return (
        "(SELECT 0 AS entry, '' AS originator_id, 0 AS originator_version, '' AS topic, '{}' AS state, 0 AS recorded_at, "
        "'' AS marked_key WHERE false)"
    )


def unfolding(source: str, timezone: str) -> str:
    """The SQL for Spark that turns rows of the mirror into rows of `events`, as `decode.unfolding` does for DuckDB.

    What stands in the event's text is taken out as text and cast: so nothing passes through a floating number.

    Args:
        source: a relation of the mirror's columns.
        timezone: the ledger's IANA zone, for `effective_on`.
    """
    assert set(ENVELOPE) - {"rank"} <= set(_KEPT)
    fields = ", ".join(f"`{name}` STRING" for name in DETAILS)
    told = ", ".join(
        f"CAST(d.`{name}` AS {_SPARK_TYPES.get(kind, kind)}) AS `{name}`" for name, kind in DETAILS.items()
    )
    kept = ", ".join(f"`{name}`" for name in _KEPT)
    return f"""
        SELECT
            {kept},
            CASE WHEN marked_key <> '' THEN substr(marked_key, 2) END AS `key`,
            coalesce(moved_rank, entry) AS `rank`,
            CAST(convert_timezone('UTC', '{timezone}', effective_at) AS DATE) AS effective_on,
            {told}
        FROM (SELECT *, from_json(more, '{fields}', map('mode', 'FAILFAST')) AS d FROM {source})
    """
