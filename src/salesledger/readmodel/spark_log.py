"""The log as Spark reads it: the mirror's segments and the tail, decoded into the columns of `events` by Spark's own functions."""

from salesledger.readmodel.decode import DETAILS, ENVELOPE, FIELDS, MOVE
from salesledger.readmodel.spark_sql import NOT_THE_SAME

_SPARK_TYPES = {"VARCHAR": "STRING", "INTEGER": "INT", "TIMESTAMP": "TIMESTAMP_NTZ"}

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

_STRING = r"""r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'"""
_OTHER_ESCAPE = r"""r'\\(?!uD[89A-F])|"'"""


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
    told = ", ".join(f"{_taken(name, kind)} AS `{name}`" for name, kind in DETAILS.items())
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


def _taken(name: str, kind: str) -> str:
    if kind == "JSON":
        return as_duckdb_writes(f"d.`{name}`")
    return f"CAST(d.`{name}` AS {_SPARK_TYPES.get(kind, kind)})"


def as_duckdb_writes(text: str) -> str:
    r"""The SQL for Spark of a JSON list or object that Spark wrote, as DuckDB would have written it.

    Both leave out spaces and needless escapes, and keep the order; but Spark writes a character beyond U+FFFF as two escapes
    (\uD83D\uDC22), where DuckDB writes the character. So the text is read once more, as a string in which those escapes alone
    mean something: every other backslash gets a second one. Two that stand for one are a U+0001 meanwhile, which JSON holds
    only escaped. A number with a point or an exponent has several forms, and no event holds one in a list: it is an error.

    Args:
        text: the SQL of the list or object.
    """
    doubled = rf"regexp_replace(replace({text}, r'\\', char(1)), {_OTHER_ESCAPE}, r'\\$0')"
    string = rf"""concat('{{"x":"', replace({doubled}, char(1), r'\\\\'), '"}}')"""
    return rf"""CASE
        WHEN regexp_like(regexp_replace({text}, {_STRING}, ''), '[0-9][.eE]')
            THEN raise_error('{NOT_THE_SAME} A number with a point or an exponent in JSON')
        WHEN contains({text}, r'\uD') THEN from_json({string}, 'x STRING', map('mode', 'FAILFAST')).x
        ELSE {text}
    END"""
