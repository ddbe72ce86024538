"""What the engine supplies to projections, as SQL: macros, periods, stages and criteria of processes, rates."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from salesledger.ledger.format import Criterion, Head
from salesledger.readmodel.periods import Period

# The mean of money is rounded half up to two decimals in whole numbers: DuckDB's own division would make it a float.
# A place sorts by instant, then rank, as one number of 128 bits: max_by is fast over those, and slow over any DECIMAL.
MACROS = """
    CREATE OR REPLACE TEMP MACRO money_mean(total, n) AS
        CAST(CAST((CAST(total * 10000 AS HUGEINT) * 2 + n * 100) // (n * 200) AS DECIMAL(36, 0)) * 0.01 AS DECIMAL(38, 2));
    CREATE OR REPLACE TEMP MACRO place_of(instant, rank) AS
        CAST(date_diff('microsecond', TIMESTAMP '1970-01-01', instant) AS HUGEINT) * 1000000000000 + rank;
    CREATE OR REPLACE TEMP MACRO worth(amount, recurring_amount, interval_months, term_months) AS
        CAST(
            CASE
                WHEN recurring_amount IS NULL THEN amount
                ELSE coalesce(amount, 0) + CAST(recurring_amount AS DECIMAL(22, 4)) * CAST(term_months / interval_months AS INTEGER)
            END AS DECIMAL(22, 4)
        );
    CREATE OR REPLACE TEMP MACRO at_rate(amount, rate) AS
        CASE
            WHEN rate IS NULL THEN CAST(amount AS DECIMAL(26, 4))
            ELSE CAST(CAST(amount AS DECIMAL(26, 4)) * CAST(rate AS DECIMAL(18, 8)) AS DECIMAL(26, 4))
        END;
    CREATE OR REPLACE TEMP MACRO no_rate(code, day) AS concat('NO_RATE ', code, ' ', CAST(day AS VARCHAR))
"""

RATED = """
    SELECT currency, rate, effective_at, effective_on, known_at, recorded_by, entry, rank
    FROM decoded
    WHERE type = 'rate-set'
"""

# Most ledgers have one currency: no log is read, nor planned to be, for rates that were never set.
NEVER_RATED = """
    SELECT
        CAST(NULL AS VARCHAR) AS currency, CAST(NULL AS DECIMAL(18, 8)) AS rate, CAST(NULL AS TIMESTAMP) AS effective_at,
        CAST(NULL AS DATE) AS effective_on, CAST(NULL AS TIMESTAMP) AS known_at, CAST(NULL AS VARCHAR) AS recorded_by,
        CAST(NULL AS BIGINT) AS entry, CAST(NULL AS BIGINT) AS rank
    WHERE false
"""


def naive(instant: datetime) -> datetime:
    """The instant as the engine holds it: UTC, without an offset."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def periods_relation(periods: Sequence[Period], head: Head) -> str:
    """The periods that are asked about; one that holds everything where nobody asked for any."""
    rows = [
        (
            p.label.replace("'", "''"),
            _timestamp(p.begins_at(head.zone)),
            _timestamp(p.ends_at(head.zone)),
            p.begin,
            p.end,
        )
        for p in periods
    ] or [("all", "TIMESTAMP '1900-01-01'", "TIMESTAMP '2200-01-01'", date(1900, 1, 1), date(2200, 1, 1))]
    return " UNION ALL ".join(
        f"SELECT '{label}' AS period, {begin} AS begins_at, {end} AS ends_at, DATE '{first}' AS begins_on, DATE '{last}' AS ends_on"
        for label, begin, end, first, last in rows
    )


def process_stages(head: Head, upto: int | None = None) -> str:
    """Every stage of every version of every process.

    A version that a deal is known to follow is known with it: what was known by a date leaves none out.

    Args:
        head: what is known of the ledger.
        upto: versions that a later entry defined are left out.
    """
    rows = [
        f"SELECT {_quoted(process)} AS process, {version} AS process_version, {_quoted(stage)} AS stage, "
        f"{position} AS position, CAST({_quoted(probability)} AS DECIMAL(7, 6)) AS probability, "
        f"CAST({'NULL' if rot_days is None else int(rot_days)} AS INTEGER) AS rot_days"
        for process, version, stage, position, probability, rot_days, entry in head.stages
        if upto is None or entry <= upto
    ]
    none = (
        "SELECT '' AS process, 0 AS process_version, '' AS stage, 0 AS position, CAST(0 AS DECIMAL(7, 6)) AS probability, "
        "CAST(NULL AS INTEGER) AS rot_days WHERE FALSE"
    )
    return " UNION ALL ".join(rows or [none])


def told_criteria(head: Head, known_at: datetime | None, upto: int | None) -> list[Criterion]:
    """The conditions of those versions of processes that were known by an instant, and that an entry up to one defined."""
    return [
        criterion
        for criterion in head.criteria
        if (known_at is None or criterion.known_at <= known_at) and (upto is None or criterion.entry <= upto)
    ]


def process_criteria(criteria: Sequence[Criterion]) -> str:
    """The conditions, their words in small letters; of no rows where no process sets any."""

    def bound(number: str | None) -> str:
        return f"CAST({'NULL' if number is None else _quoted(number)} AS DECIMAL(18, 4))"

    def words(given: Sequence[str]) -> str:
        return f"CAST([{', '.join(f'lower({_quoted(word)})' for word in given)}] AS VARCHAR[])"

    rows = [
        f"SELECT {_quoted(c.process)} AS process, {c.process_version} AS process_version, {c.position} AS position, "
        f"{_quoted(c.attribute)} AS attribute, {bound(c.at_least)} AS at_least, {bound(c.at_most)} AS at_most, "
        f"{words(c.one_of)} AS one_of, {words(c.none_of)} AS none_of"
        for c in criteria or (Criterion("", 0, 0, "", None, None, (), (), 0, datetime.now(UTC)),)
    ]
    return " UNION ALL ".join(rows) + ("" if criteria else " WHERE FALSE")


def _timestamp(instant: datetime) -> str:
    return f"TIMESTAMP '{naive(instant):%Y-%m-%d %H:%M:%S.%f}'"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
