"""Spark gives the rows that DuckDB gives, or an error: every projection, on a ledger of every kind of event.

All that needs Java is one test, as one Spark serves the whole run.
"""

import json
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.errors import PySparkException

from laws.test_rebuild import segments_of
from salesledger import Ledger
from salesledger.domain.events import event_types
from salesledger.errors import BadQuery, MissingRate, NoEngine
from salesledger.exchange.made_up import proposals
from salesledger.readmodel import spark_session
from salesledger.readmodel.engine import Answer, Engine, Question
from salesledger.readmodel.periods import Period
from salesledger.readmodel.spark import SparkEngine
from salesledger.readmodel.spark_log import as_duckdb_writes
from salesledger.readmodel.spark_sql import translated
from support import java
from support.books import Books
from support.golden_ledger import FIXTURES
from support.happenings import issued

END = datetime(2026, 7, 15, 22, tzinfo=UTC)
EARLIER = datetime(2026, 3, 31, 22, tzinfo=UTC)
QUARTERS = [
    Period("2025Q4", date(2025, 10, 1), date(2026, 1, 1)),
    Period("2026Q1", date(2026, 1, 1), date(2026, 4, 1)),
    Period("2026Q2", date(2026, 4, 1), date(2026, 7, 1)),
]
AT_END = Question(END, END, periods=QUARTERS, since=END - timedelta(days=100))
AS_THEN = Question(EARLIER, EARLIER, periods=QUARTERS[:2], since=EARLIER - timedelta(days=40), by="owner", upto=700)
FILTERED = Question(END, END, filters=("owner:kim", "not:company:ΣΊΣΥΦΟΣ", "amt:>=100.5", "captured_on:2026"))

NASTY = (
    "ΣΊΣΥΦΟΣ και Σία",
    "İstanbul & Straße",
    "Back\\slash 'quoted' \"twice\"",
    "100% \\n $as_of {x} -- no comment",
    '🐢 Ltd \\🐢 "🐢" \\uD83D\\uDC22 \\\\ud83d \x01\x7f\u2028',
)
"""Names on which two engines might differ: letters without a twin or beyond U+FFFF, what escapes, what looks like SQL."""

JSON = (
    '{"b": [ "\\/\\u0041\\u00e9" ,{}, [ ] ] , "\\uD83D\\uDC22" : 365, "a": true, "b": null}',
    '["\\u0001\\u001f\\b\\f\\n\\r\\t\\"\\\\", "\\\\uD83D\\\\uDC22", "\\\\\\uD83D\\uDC22\\\\", -0, 123456789012345678901234567890]',
    '["\\"\\uDBFF\\uDFFF\\"", "1.5", "\\"1e7", "\\\\\\"2.5🐢"]',
    json.dumps([chr(i) for i in (*range(1, 0xD800), *range(0xE000, 0x10000), *range(0x10000, 0x110000, 61))]),
)
"""Lists and objects that two engines might write in two forms."""

OWN = """-- big: deals by size of company, as somebody might write it
-- grain: one row an owner
-- needs: deals
-- parameters: $as_of
-- columns:
--   owner: who sells
--   deals: how many
--   shares: share of the whole
--   names: the companies
SELECT
    owner,
    count(*) AS deals,
    count(*) / sum(count(*)) OVER () AS shares,
    string_agg(lower(company), ', ' ORDER BY lower(company), deal) AS names
FROM deals
WHERE captured_at < $as_of
GROUP BY owner
ORDER BY owner
"""

SAME = (
    "SELECT type, count(*) AS n, min(amount) AS least, max(effective_at) AS last FROM events GROUP BY type ORDER BY n DESC, type",
    "SELECT deal, lower(company) AS small, company || ' ' || coalesce(value, 0) AS told FROM deals ORDER BY deal",
    "SELECT owner, avg(process_version) AS v, median(date_diff('day', captured_on, closed_on)) AS d, "
    "max_by(reason, deal) AS r FROM deals GROUP BY owner ORDER BY owner",
    "SELECT list(deal ORDER BY captured_at, deal) AS ids, status FROM deals GROUP BY status ORDER BY status",
    "SELECT -7 // 2 AS q, -7 % 3 AS r, CAST(2.5 / 1 AS INTEGER) AS even, CAST(-0.125 AS DECIMAL(4, 2)) AS away, 1 / 8 AS f",
    "SELECT 'it''s \\ \\n' AS a, CAST(TIMESTAMP '2026-01-01 00:00:00.5' AS VARCHAR) AS b, concat('x', NULL, 1.50) AS c",
    "SELECT strftime(d, '%G-W%V') AS w, isodow(d) AS i, d + INTERVAL 1 MONTH AS m FROM "
    "(SELECT unnest([DATE '2025-12-28', DATE '2026-01-01', DATE '2027-01-03']) AS d)",
    "SELECT CAST(unnest(generate_series(DATE '2026-01-30', DATE '2026-02-02', INTERVAL 1 DAY)) AS DATE) AS day",
    "SELECT unnest(generate_series(DATE '2026-01-02', DATE '2026-01-01', INTERVAL 1 DAY)) AS none",
    "SELECT list_contains(['a', NULL], 'b') AS n, nullif('', '') AS e, greatest(NULL, 2) AS g",
    "SELECT date_diff('second', TIMESTAMP '2026-01-01 00:00:00.9', TIMESTAMP '2026-01-01 00:00:01.1') AS boundary",
    "SELECT a.* EXCLUDE (deal, company), l.x FROM deals a "
    "JOIN (SELECT deal, 'x' AS x FROM deals) l ON l.deal = a.deal ORDER BY a.deal",
    "SELECT id, effective_at FROM events WHERE type LIKE 'deal-%' AND contains(lower(id), 'e') ORDER BY entry DESC LIMIT 5",
)
"""SQL of the user's that has the same rows on both."""

FAILING = {
    "SELECT CAST(avg(value) AS DOUBLE) AS a FROM deals": "an average of the type decimal",
    "SELECT sum(CAST(value AS DOUBLE)) FROM deals": "a sum of the type double",
    "SELECT CAST(value AS INTEGER) FROM deals": "a cast to a whole number of the type decimal",
    "SELECT CAST(CAST(value AS DOUBLE) AS VARCHAR) FROM deals": "a cast to text of the type double",
    "SELECT DATE '2026-01-02' - DATE '2026-01-01' AS days": "The column days would be interval day",
    "SELECT no_such_column FROM deals": "no_such_column",
}
"""SQL on which a type decides, and what the message names."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of every kind of event: the golden one's, a made-up company's, and what two engines might differ on."""
    place = tmp_path / "sales.ledger"
    shutil.copy(FIXTURES / "golden-0.1.ledger", place)
    (tmp_path / "projections").mkdir()
    (tmp_path / "projections" / "big.sql").write_text(OWN)
    spread = {"lo_95": "20", "lo_80": "40", "median": "100", "hi_80": "15000", "hi_95": "20000"}
    quarter: dict[str, Any] = {"begins_on": QUARTERS[0].begin, "ends_on": QUARTERS[0].end}
    Books(place).record("target:all", issued(2, mean="110", **spread, **quarter), now=END - timedelta(days=2))
    with Ledger.open(place, actor="kim", today=date(2026, 7, 12)) as ledger:
        ledger.record_all(list(islice(proposals(), 900)))
        for number, name in enumerate(NASTY):
            deal, on = f"nasty-{number}", f"2026-0{number + 1}-11"
            amount, known = f"{10**number}0.5", END - timedelta(days=30)
            lead: dict[str, Any] = {"company": name, "owner": "kim", "attributes": {name: name, "size": "5"}}
            ledger.record("lead-captured", deal=deal, **lead, amount=amount, on=on, known_at=known)
            ledger.record("meeting-held", deal=deal, pain_points=[name, name.lower()], on="2026-06-01", known_at=known)
            ledger.record("deal-lost", deal=deal, reason=name, competitor="İ", on="2026-06-02", known_at=known)
    return place


def sorted_rows(answer: Answer) -> Sequence[str]:
    """An answer's rows in an order of their own."""
    return sorted(map(repr, answer.rows))


@pytest.fixture
def engines(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Engine, SparkEngine]]:
    """Both, on that ledger, with big segments, small ones and a tail."""
    java.set_up(tmp_path / "java", monkeypatch)
    with segments_of(500, 100), Engine.open(path) as duck, SparkEngine.open(path, memory="2GB") as spark:
        yield duck, spark


def test_spark_gives_what_duckdb_gives_or_an_error(engines: tuple[Engine, SparkEngine], tmp_path: Path) -> None:
    """Columns, types and rows of every projection; SQL of the user's; filters; what Spark would see differently is refused."""
    duck, spark = engines
    types = {row[0] for row in duck.ask("SELECT DISTINCT type FROM events").rows}
    assert types == set(event_types())
    every_projection(duck, spark)
    for sql in SAME:
        there, here = spark.ask(sql, AT_END), duck.ask(sql, AT_END)
        assert there == here, sql
    for sql, told in FAILING.items():
        with pytest.raises(BadQuery, match=told):
            spark.ask(sql, AT_END)
    with pytest.raises(MissingRate, match="USD has no exchange rate on 2026-01-04"):
        spark.ask("SELECT error(no_rate('USD', DATE '2026-01-04'))")
    small_letters(spark)
    json_texts(spark)
    other_ways(duck, spark, tmp_path)
    what_was_just_recorded(duck, spark)
    a_mirror_elsewhere(duck, tmp_path)


def every_projection(duck: Engine, spark: SparkEngine) -> None:
    """In the order of their own, where they have one."""
    empty = []
    for name in duck.projections:
        here, there = duck.answer(name, AT_END), spark.answer(name, AT_END)
        assert (there.columns, there.types) == (here.columns, here.types), name
        assert sorted_rows(there) == sorted_rows(here), name
        if "\nORDER BY" in duck.projections[name].sql:
            assert there.rows == here.rows, name
        empty += [name] if not here.rows else []
    assert not empty, empty
    for name in ("pipeline", "metrics", "deal_history_as_known"):
        assert sorted_rows(spark.answer(name, AS_THEN)) == sorted_rows(duck.answer(name, AS_THEN)), name
    assert sorted_rows(spark.answer("deals", FILTERED)) == sorted_rows(duck.answer("deals", FILTERED))


def small_letters(spark: SparkEngine) -> None:
    """lower() of every letter that there is, one by one and inside a word."""
    letters = [c for i in range(1, 0x20000) if unicodedata.category(c := chr(i))[0] == "L" and c != c.lower()]
    words = [f"A{c}" for c in letters]
    small = duckdb.execute("SELECT [lower(w) FOR w IN ?]", [words]).fetchall()[0][0]
    asked = ", ".join(f"lower('{word}') AS c{i}" for i, word in enumerate(words))
    assert list(spark.ask(f"SELECT {asked}").rows[0]) == small


def json_texts(spark: SparkEngine) -> None:
    """What an event holds as JSON is the same text, whatever is in it; a number of several forms is an error."""
    for text in JSON:
        more = f'{{"stages": {text}}}'
        told = duckdb.execute('SELECT json_transform(?, \'{"stages": "VARCHAR"}\').stages', [more]).fetchall()
        assert stages(spark, more) == told[0][0]
    for number in ("1.50", "1e7"):
        with pytest.raises(PySparkException, match="A number with a point or an exponent in JSON"):
            stages(spark, f'{{"stages": ["1.5", {number}]}}')


def stages(spark: SparkEngine, more: str) -> object:
    """The JSON list that Spark takes out of an event's text."""
    literal = "'" + more.replace("\\", "\\\\").replace("'", "\\'") + "'"
    taken = f"SELECT from_json({literal}, 'stages STRING') AS d"
    return spark.spark.sql(f"SELECT {as_duckdb_writes('d.stages')} AS stages FROM ({taken})").collect()[0][0]


def other_ways(duck: Engine, spark: SparkEngine, folder: Path) -> None:
    """As a relation, as a stream, as a file."""
    sql = "SELECT deal, company, value, captured_at, captured_on, client_since FROM deals ORDER BY deal"
    assert spark.query(sql, AT_END).fetchall() == duck.query(sql, AT_END).fetchall()
    columns, rows = spark.stream(sql, AT_END)
    assert (columns, list(rows)) == (duck.ask(sql, AT_END).columns, duck.ask(sql, AT_END).rows)
    spark.write_parquet(sql, folder / "deals.parquet", AT_END)
    assert duckdb.read_parquet(str(folder / "deals.parquet")).fetchall() == duck.ask(sql, AT_END).rows


def what_was_just_recorded(duck: Engine, spark: SparkEngine) -> None:
    """Seen at once, though nothing is written to the mirror for it."""
    with Ledger.open(duck.path, actor="kim") as ledger:
        ledger.record("lead-captured", company="Just now", on="2026-07-01")
    sql = "SELECT deal, captured_on FROM deals WHERE company = 'Just now'"
    assert spark.ask(sql).rows == duck.ask(sql).rows == [("just-now", date(2026, 7, 1))]


def a_mirror_elsewhere(duck: Engine, folder: Path) -> None:
    """Read as far as its segments follow each other; the rest, or all of it, comes from the ledger."""
    sql = (
        "SELECT type, count(*) AS n, max(entry) AS last, sum(amount) AS amount FROM events GROUP BY type ORDER BY type"
    )
    (folder / "away").mkdir()
    for file in sorted(folder.glob("*.mirror/*/0*.parquet"))[:-2]:
        shutil.copy(file, folder / "away")
    for place, is_read in (("away", True), ("nowhere", False)):
        with SparkEngine.open(folder / "sales.ledger", mirror=(folder / place).as_uri()) as spark:
            assert spark.ask(sql) == duck.ask(sql)
            assert any("/away/" in file for file in spark._read) == is_read


REFUSED = {
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM t": "QUANTILE_CONT",
    "SELECT quantile_cont(x, 0.5) FROM t": "QUANTILE_CONT",
    "SELECT list(x) FROM t": "ARRAY_AGG(x)",
    "SELECT list(x ORDER BY y DESC) FROM t": "y DESC",
    "SELECT string_agg(x, ',') FROM t": "LISTAGG",
    "SELECT dayofweek(d) FROM t": "DAYOFWEEK",
    "SELECT * FROM a ASOF JOIN b ON a.x >= b.x": "ASOF",
    "SELECT epoch_us(d) FROM t": "epoch_us",
    "SELECT * REPLACE (1 AS x) FROM t": "REPLACE",
    "PIVOT t ON x USING sum(y)": "PIVOT",
    "SELECT x FROM t USING SAMPLE 5": "SAMPLE",
    "SELECT DISTINCT ON (x) y FROM t": "DISTINCT ON",
    "SELECT x FROM t QUALIFY row_number() OVER () = 1": "QUALIFY",
    "SELECT any_value(x) FROM t": "ANY_VALUE",
    "SELECT first(x) FROM t": "FIRST",
    "SELECT stddev(x) FROM t": "STDDEV",
    "SELECT upper(x) FROM t": "UPPER",
    "SELECT date_trunc('month', d) FROM t": "DATE_TRUNC",
    "SELECT date_diff('month', a, b) FROM t": "MONTH",
    "SELECT strftime(d, '%B') FROM t": "%B",
    "SELECT now()": "now",
    "SELECT x FROM t ORDER BY ALL": "ALL",
    "SELECT x FROM t GROUP BY ALL": "ALL",
    "SELECT * FROM t JOIN u USING (x)": "USING",
    "SELECT [x FOR x IN y] FROM t": "FOR x IN",
    "SELECT sum(x) OVER (ORDER BY d RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND CURRENT ROW) FROM t": "RANGE",
    "SELECT regexp_full_match(x, '\\d+') FROM t": "REGEXP",
    "SELECT a, unnest(x), b, unnest(y) FROM t": "side by side",
    "SELECT CAST(x AS TIMESTAMPTZ) FROM t": "TIMESTAMPTZ",
}
"""What sqlglot would translate, or nearly, and what the message names."""


@pytest.mark.parametrize("sql", REFUSED)
def test_what_may_differ_is_refused_by_name(sql: str) -> None:
    """Before anything is asked: a construct that isn't known to give the same rows is an error."""
    with pytest.raises(BadQuery) as told:
        translated(sql, {})
    assert REFUSED[sql].lower() in str(told.value).lower()
    assert "duckdb" in str(told.value)


@pytest.mark.parametrize(
    ("sql", "spark"),
    [
        ("SELECT max_by(x, y) FROM t", "MAX_BY(`x`, `y`) FILTER(WHERE NOT (`x`) IS NULL)"),
        ("SELECT x FROM t ORDER BY x", "ORDER BY `x` NULLS LAST"),
        ("SELECT a / b FROM t", "CAST(`a` AS DOUBLE) / CAST(`b` AS DOUBLE)"),
        ("SELECT isodow(d) FROM t", "(WEEKDAY(`d`) + 1)"),
        ("SELECT quantile_disc(x, 0.9) FROM t", "PERCENTILE_DISC(0.9) WITHIN GROUP (ORDER BY `x` NULLS LAST)"),
        ("SELECT count(*) FILTER (WHERE a) OVER (ORDER BY b) FROM t", "COUNT(CASE WHEN `a` THEN 1 END) OVER"),
        (
            "SELECT unnest(a) AS x, unnest(b) AS y FROM t",
            "INLINE(ARRAYS_ZIP(COALESCE(`a`, ARRAY()), COALESCE(`b`, ARRAY())))",
        ),
        ("SELECT a.* EXCLUDE (x, y), * EXCLUDE (z) FROM a", "`a`.* EXCEPT (`x`, `y`), * EXCEPT (`z`)"),
        ("SELECT $name AS n", "'it\\'s \\\\ \"so\"' AS `n`"),
        ("WITH a AS (WITH b AS (SELECT 1 AS x) SELECT x FROM b) SELECT x FROM a", "WITH `a` AS (WITH `b` AS (SELECT 1"),
    ],
)
def test_differences_are_written_out(sql: str, spark: str) -> None:
    """What the two engines have different words or different habits for."""
    assert spark in translated(sql, {"name": 'it\'s \\ "so"'}).sql


def test_without_java_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before anything is started."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(NoEngine, match=r"it needs Java, and \$JAVA_HOME is .* Install Java 17"):
        spark_session.check_java()


def test_without_pyspark_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """The extra of that name."""
    monkeypatch.setitem(sys.modules, "pyspark", None)
    spark_session._started.cache_clear()
    with pytest.raises(NoEngine, match=r"'pyspark' is missing. Install it with 'pip install \"salesledger\[spark\]\"'"):
        SparkEngine.open(path)


def test_too_little_memory_is_told_before_anything_is_started() -> None:
    """With the least that is enough, in the words of the command line."""
    with pytest.raises(NoEngine, match=r"--memory 50MB is too little for it. Give at least 512MB"):
        spark_session.session("50MB")


def test_another_spark_that_does_not_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, path: Path, tmp_path: Path
) -> None:
    """With the variable that names it; in a program of its own, as this one may have a Spark already."""
    java.set_up(tmp_path / "java", monkeypatch)
    monkeypatch.setenv(spark_session.MASTER, "spak://nowhere:7077")
    asked = f"from salesledger import Ledger; Ledger.open({str(path)!r}, engine='spark').project('deals')"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    assert "$SALESLEDGER_SPARK_MASTER names 'spak://nowhere:7077', where none answers" in done.stderr
