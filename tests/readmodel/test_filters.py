"""What each filter keeps: its SQL, run in DuckDB, against plain Python on the same rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesledger.errors import BadFilter
from salesledger.readmodel.filters import compile_filters

COLUMNS = {
    "row": "INTEGER",
    "deal": "VARCHAR",
    "company": "VARCHAR",
    "account": "VARCHAR",
    "stage": "VARCHAR",
    "value": "DECIMAL(38,4)",
    "age_days": "BIGINT",
    "chance": "DOUBLE",
    "closed_on": "DATE",
    "recorded_at": "TIMESTAMP",
    "known_at": "TIMESTAMP WITH TIME ZONE",
    "is_open": "BOOLEAN",
    "tags": "VARCHAR[]",
}
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
Row = dict[str, Any]
Kept = Callable[[list[Row], list[str]], list[int]]


def row(**given: Any) -> Row:
    return dict.fromkeys(COLUMNS) | given


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    """Loads rows, runs the filters' SQL over them and gives the places of those that pass."""
    with duckdb.connect() as connection:
        listed = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
        connection.execute(f"CREATE TABLE deals ({listed})")

        def run(rows: list[Row], terms: list[str]) -> list[int]:
            sql, parameters = compile_filters(terms, COLUMNS)
            connection.execute("DELETE FROM deals")
            if rows:
                values = [place if name == "row" else each[name] for place, each in enumerate(rows) for name in COLUMNS]
                marks = ", ".join([f"({', '.join('?' * len(COLUMNS))})"] * len(rows))
                connection.execute(f"INSERT INTO deals VALUES {marks}", values)
            found = connection.execute(f"SELECT row FROM deals WHERE {sql or 'TRUE'} ORDER BY row", parameters)
            return [place for (place,) in found.fetchall()]

        yield run


DEALS = [
    row(stage="Proposal", company="Acme GmbH", deal="acme-gmbh"),
    row(stage="proposal sent", company="Beta 100%_x", deal="beta"),
    row(stage="", company="Ünlü", deal="gamma"),
    row(stage=None, company=None, deal="acme-2"),
]


class TestText:
    @pytest.mark.parametrize(
        ("terms", "expected"),
        [
            ([], [0, 1, 2, 3]),
            (["stage:proposal"], [0, 1]),
            (["stage:PROPOSAL"], [0, 1]),
            (["STAGE:sent"], [1]),
            (["stage:=proposal"], [0]),
            (["stage:"], [2, 3]),
            (["stage:="], [2, 3]),
            (["not:stage:"], [0, 1]),
            (["not:stage:sent"], [0, 2, 3]),
            (["not:not:stage:sent"], [1]),
            (["stage:sent", "stage:=proposal"], [0, 1]),
            (["stage:proposal", "acme"], [0]),
            (["acme"], [0, 3]),
            (["acme", "beta"], [0, 1, 3]),
            (["not:acme"], [1, 2]),
            (["not:acme", "not:beta"], [2]),
            (["not:stage:sent", "not:stage:proposal"], [2, 3]),
            (["desc:gmbh", "name:acme"], [0]),
            (["desc:gmbh", "company:beta"], [0, 1]),
            (["desc:%"], [1]),
            (["desc:0%_x"], [1]),
            (["desc:_"], [1]),
            (["desc:üNLÜ"], [2]),
            (["desc:'; DROP TABLE deals; --"], []),
            (["desc:$filter_1"], []),
        ],
    )
    def test_a_text_is_contained_equal_or_missing(self, kept: Kept, terms: list[str], expected: list[int]) -> None:
        assert kept(DEALS, terms) == expected


def test_a_verdict_is_a_whole_word() -> None:
    """'unmet' holds 'met', and nobody who asks for one means the other."""
    with duckdb.connect() as connection:
        for terms, passing in ((["judged:met"], ["met"]), (["not:judged:=MET"], ["unmet", "unknown"])):
            condition, parameters = compile_filters(terms, {"judged": "VARCHAR"})
            sql = f"SELECT judged FROM (VALUES ('met'), ('unmet'), ('unknown')) t (judged) WHERE {condition}"
            assert [word for (word,) in connection.execute(sql, parameters).fetchall()] == passing


class TestNumbersAndDates:
    @pytest.mark.parametrize(
        ("term", "expected"),
        [
            ("amt:10000", [1]),
            ("amt:=10000.00", [1]),
            ("value:>10000", [2, 3]),
            ("amt:> 10000", [2, 3]),
            ("amt:>=10000", [1, 2, 3]),
            ("amt:<10000", [0]),
            ("amt:<=10000", [0, 1]),
            ("amt:10000..10000.0001", [1, 2]),
            ("amt:10000.0001..", [2, 3]),
            ("amt:..10000", [0, 1]),
            ("amt:-5..+5", [0]),
            ("amt:>10000.00005", [2, 3]),
            ("amt:999999999999999999.9999", [3]),
            ("amt:", [4]),
            ("not:amt:>10000", [0, 1, 4]),
        ],
    )
    def test_amounts_are_compared_exactly(self, kept: Kept, term: str, expected: list[int]) -> None:
        values = ["-1.5", "10000", "10000.0001", "999999999999999999.9999", None]
        assert kept([row(value=value and Decimal(value)) for value in values], [term]) == expected

    @pytest.mark.parametrize(
        ("term", "expected"),
        [
            ("closed_on:2026-03", [1, 2]),
            ("closed_on:2026-03-31", [2]),
            ("closed_on:20260331", [2]),
            ("closed_on:=2026Q1", [0, 1, 2]),
            ("closed_on:>2026-03", [3]),
            ("closed_on:>=2026-03", [1, 2, 3]),
            ("closed_on:<2026-03", [0]),
            ("closed_on:<=2026-03", [0, 1, 2]),
            ("closed_on:2026-03..2026-04", [1, 2]),
            ("closed_on:..2026-03", [0]),
            ("closed_on:2026-04..", [3]),
            ("closed_on:", [4]),
            ("not:closed_on:2026-03", [0, 3, 4]),
        ],
    )
    def test_a_coarse_date_means_the_whole_stretch(self, kept: Kept, term: str, expected: list[int]) -> None:
        days = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 1), None]
        assert kept([row(closed_on=day) for day in days], [term]) == expected

    def test_a_day_on_a_timestamp_runs_between_the_midnights_of_the_zone(self) -> None:
        berlin = compile_filters(["recorded_at:2026-03-31"], COLUMNS, zone=ZoneInfo("Europe/Berlin"))
        assert berlin == (
            '(("recorded_at" >= $filter_1 AND "recorded_at" < $filter_2))',
            {
                "filter_1": datetime(2026, 3, 30, 22, tzinfo=UTC).replace(tzinfo=None),
                "filter_2": datetime(2026, 3, 31, 22, tzinfo=UTC).replace(tzinfo=None),
            },
        )

    @pytest.mark.parametrize("column", ["recorded_at", "known_at"])
    def test_a_day_on_either_kind_of_timestamp_is_a_utc_day_unless_told(self, kept: Kept, column: str) -> None:
        rows = [row(**{column: NOON + timedelta(hours=hours)}) for hours in (-12.001, -12, 11.999, 12)]
        if column == "recorded_at":
            rows = [each | {column: each[column].replace(tzinfo=None)} for each in rows]
        assert kept(rows, [f"{column}:2026-03-31"]) == [1, 2]

    @pytest.mark.parametrize(("term", "expected"), [("is_open:true", [0]), ("is_open:NO", [1]), ("is_open:", [2])])
    def test_a_truth_is_true_false_or_missing(self, kept: Kept, term: str, expected: list[int]) -> None:
        assert kept([row(is_open=True), row(is_open=False), row()], [term]) == expected


class TestTheExpression:
    def test_no_terms_make_no_condition(self) -> None:
        assert compile_filters([], COLUMNS) == ("", {})

    def test_values_are_parameters_and_names_are_quoted(self) -> None:
        columns = {'od"d': "VARCHAR", "amount": "DECIMAL(18, 4)", "deal": "VARCHAR"}
        assert compile_filters(["amt:>1", "x'y", "not:amt:"], columns) == (
            '(("amount" > $filter_1) AND (contains(lower("deal"), lower($filter_2)))'
            ' AND NOT coalesce("amount" IS NULL, FALSE))',
            {"filter_1": Decimal(1), "filter_2": "x'y"},
        )

    def test_an_alias_is_the_first_of_its_columns_that_is_there(self) -> None:
        both = {"amount": "BIGINT", "value": "BIGINT"}
        assert compile_filters(["amt:1"], both)[0] == '(("value" = $filter_1))'
        assert compile_filters(["amt:1"], {"amount": "BIGINT"})[0] == '(("amount" = $filter_1))'

    def test_a_column_that_is_called_like_an_alias_goes_first(self) -> None:
        assert '"name"' in compile_filters(["name:x"], {"name": "VARCHAR", "company": "VARCHAR"})[0]


class TestRefusals:
    @pytest.mark.parametrize(
        ("terms", "why"),
        [
            (["stag:proposal"], "there is no field 'stag' here. Did you mean stage:? Fields to filter by: row, deal,"),
            (["zzz:1"], "there is no field 'zzz' here. Fields to filter by"),
            (["amtt:1"], "Did you mean amt:?"),
            (["tags:x"], "a VARCHAR[] can't be filtered"),
            ([""], "'' is an empty filter"),
            (["not:"], "'not:' is an empty filter"),
            (["amt:NaN"], "'NaN' is not a number"),
            (["amt:>Infinity"], "'Infinity' is not a number"),
            (["amt:1E+1000000"], "'1E+1000000' is not a number"),
            (["amt:>"], "'' is not a number"),
            (["amt:10k"], "'10k' is not a number"),
            (["amt:1,000"], "'1,000' is not a number"),
            (["amt:٣"], "is not a number"),
            (["amt:" + "9" * 19], "at most 18 digits before"),
            (["amt:0.1234567890"], "9 after the point"),
            (["amt:.."], "has no begin and no end"),
            (["amt:9..1"], "ends before it begins"),
            (["closed_on:2026-02-30"], "'2026-02-30' is not a date that a filter takes"),
            (["closed_on:yesterday"], "'yesterday' is not a date that a filter takes"),
            (["closed_on:2026..2026"], "ends before it begins"),
            (["is_open:maybe"], "'maybe' is neither true nor false"),
            (["acme\x00"], "holds a character"),
            (["acme\udcff"], "holds a character"),
            (["x" * 501], "too long"),
            (["amt:>100", "amt:<200"], "write value:FROM..TO"),
            (["closed_on:..2026-06", "closed_on:>=2026-06"], "let every value pass"),
        ],
    )
    def test_a_refusal_says_which_filter_why_and_what_to_write(self, terms: list[str], why: str) -> None:
        with pytest.raises(BadFilter, match=re.escape(why)):
            compile_filters(terms, COLUMNS)

    def test_a_bare_word_needs_a_deal_or_a_company_to_search(self) -> None:
        with pytest.raises(BadFilter, match="no deal, company or account"):
            compile_filters(["acme"], {"stage": "VARCHAR"})

    def test_a_bare_word_is_looked_for_in_accounts_where_rows_are_about_them(self) -> None:
        assert '"account"' in compile_filters(["acme"], {"account": "VARCHAR", "weight": "INTEGER"})[0]
        assert '"account"' not in compile_filters(["acme"], {"deal": "VARCHAR", "account": "VARCHAR"})[0]

    @pytest.mark.parametrize("terms", [["amt:<100", "amt:>200"], ["amt:>5", "amt:<5"], ["amt:>5", "not:amt:<9"]])
    def test_opposite_bounds_that_leave_something_out_are_fine(self, terms: list[str]) -> None:
        assert compile_filters(terms, COLUMNS)[0]

    @given(
        st.text(st.characters(), max_size=20),
        st.sampled_from(["", "not:", *(f"{name}:" for name in COLUMNS), "amt:>", "closed_on:<="]),
    )
    def test_any_text_makes_sql_that_runs_or_is_a_bad_filter(self, kept: Kept, text: str, before: str) -> None:
        try:
            kept([], [before + text])
        except BadFilter:
            return


# Of one field: the filter as it is typed, and the plain Python that says whether a value passes (not asked of None).
Twin = tuple[str, str, Callable[[Any], bool]]


def _text_twin(field: str, word: str) -> Twin:
    return field, f"{field}:{word}", lambda found: word.lower() in found.lower()


def _number_twin(field: str, operator: str, bound: Decimal) -> Twin:
    def passes(found: Decimal | int) -> bool:
        compared = {">": found > bound, ">=": found >= bound, "<": found < bound, "<=": found <= bound}
        return compared.get(operator, found == bound)

    return field, f"{field}:{operator}{bound}", passes


def _range_twin(low: Decimal, high: Decimal) -> Twin:
    low, high = sorted((low, high))
    return "value", f"amt:{low}..{high}", lambda found: low <= found <= high


def _month_twin(month: int) -> Twin:
    return "closed_on", f"closed_on:2026-{month:02}", lambda found: found.month == month


letters = st.text("aAbBüÜ%_'$ ", max_size=4)
numbers = st.decimals(-20, 20, places=1)
rows = st.fixed_dictionaries(
    {name: st.none() | letters for name in ("company", "stage")}
    | {"value": st.none() | numbers, "age_days": st.none() | st.integers(-20, 20)}
    | {"closed_on": st.none() | st.dates(date(2026, 1, 1), date(2026, 12, 31))}
).map(lambda drawn: row(**drawn))
twins = (
    st.builds(_text_twin, st.sampled_from(["company", "stage"]), letters.filter(str.strip))
    | st.builds(_number_twin, st.just("value"), st.sampled_from([">", ">=", "=", ""]), numbers)
    | st.builds(_number_twin, st.just("age_days"), st.sampled_from(["<", "<=", ""]), numbers)
    | st.builds(_range_twin, numbers, numbers)
    | st.builds(_month_twin, st.integers(1, 12))
)


@given(st.lists(rows, max_size=6), st.lists(twins, max_size=4), st.lists(twins, max_size=2))
@settings(deadline=None)
def test_the_sql_keeps_what_plain_python_keeps(
    kept: Kept, given_rows: list[Row], wanted: list[Twin], unwanted: list[Twin]
) -> None:
    def passes(each: Row, twin: Twin) -> bool:
        field, _, holds = twin
        return each[field] is not None and holds(each[field])

    expected = [
        place
        for place, each in enumerate(given_rows)
        if all(any(passes(each, twin) for twin in wanted if twin[0] == field) for field, _, _ in wanted)
        and not any(passes(each, twin) for twin in unwanted)
    ]
    terms = [term for _, term, _ in wanted] + [f"not:{term}" for _, term, _ in unwanted]
    assert kept(given_rows, terms) == expected
