"""Which columns a table shows: given rows and a width, then columns, cut texts and continued lines."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from salesledger.cli.layout import fitted, wrapped
from salesledger.shown.values import Rows, chosen

UTC = ZoneInfo("UTC")


def rows(cells: list[tuple[object, ...]], **types: str) -> Rows:
    """Rows whose columns are the keywords."""
    return Rows(list(types), list(types.values()), cells)


DEALS = rows(
    [("a-very-long-identifier", "A Very Long Company's Name", 5, "x")],
    deal="VARCHAR",
    company="VARCHAR",
    n="BIGINT",
    note="VARCHAR",
)


class TestChosen:
    """The columns that people read."""

    def test_are_the_named_ones_in_that_order(self) -> None:
        """Names that aren't there are passed over."""
        kept = chosen(DEALS, ["n", "nothing", "deal"])
        assert (kept.columns, kept.types, kept.rows) == (
            ["n", "deal"],
            ["BIGINT", "VARCHAR"],
            [(5, "a-very-long-identifier")],
        )

    @pytest.mark.parametrize(("cell", "is_shown"), [(0, False), (None, False), (1, True)])
    def test_go_where_they_are_zero_throughout(self, cell: int | None, is_shown: bool) -> None:
        """Only those that are said to."""
        shown = chosen(rows([(cell, 0)], a="BIGINT", b="BIGINT"), ["a", "b"], unless_zero=["a"]).columns
        assert shown == (["a", "b"] if is_shown else ["b"])


class TestFitted:
    """As many columns as there is room for."""

    def test_are_all_where_there_is_room(self) -> None:
        """Nothing is cut or left out."""
        assert fitted(DEALS, 80, ["company"], zone=UTC) == (DEALS, [])

    def test_have_texts_cut_before_a_column_goes(self) -> None:
        """As far as it takes, at most to sixteen columns, and never the first."""
        kept, gone = fitted(DEALS, 50, ["note"], zone=UTC)
        assert gone == []
        assert kept.rows == [("a-very-long-identifier", "A Very Long Comp…", 5, "x")]

    def test_go_in_the_given_order_until_the_rest_fits(self) -> None:
        """The first expendable one first."""
        assert fitted(DEALS, 46, ["company", "note"], zone=UTC)[1] == ["company"]
        assert fitted(DEALS, 46, ["note", "company"], zone=UTC)[1] == ["note"]

    def test_come_back_where_a_narrow_one_fits_after_all(self) -> None:
        """It went in vain, since a wider one had to go too."""
        assert fitted(DEALS, 36, ["note", "company"], zone=UTC)[1] == ["company"]

    def test_go_from_the_right_where_what_is_expendable_is_not_enough(self) -> None:
        """All but the first, which names the row."""
        assert fitted(DEALS, 10, ["n"], zone=UTC)[0].columns == ["deal"]

    def test_are_never_cut_where_they_are_typed_again(self) -> None:
        """An id is whole, or not there."""
        rows = Rows(["n", "case_id", "note"], ["INTEGER", "VARCHAR", "VARCHAR"], [(1, "broken-equipment-12", "x" * 40)])
        assert fitted(rows, 40, [], zone=UTC)[0].rows == [(1, "broken-equipment-12", "x" * 15 + "…")]
        assert fitted(rows, 20, [], zone=UTC)[0].columns == ["n", "note"]

    def test_of_currencies_go_with_the_amounts(self) -> None:
        """A currency without an amount says nothing."""
        rows = Rows(
            ["deal", "value", "currency"], ["VARCHAR", "DECIMAL(18,4)", "VARCHAR"], [("a", Decimal(5000), "EUR")]
        )
        assert fitted(rows, 20, [], zone=UTC)[0].columns == ["deal"]


class TestWrapped:
    """The last column's texts go on in lines of their own."""

    LOG = rows(
        [(1, "one=1  two=2  three=a long text of several words"), (2, "x" * 50), (3, "")],
        entry="BIGINT",
        details="VARCHAR",
    )

    def test_break_between_fields_then_between_words_then_anywhere(self) -> None:
        """Each line is as wide as the room that is left, and nothing is lost."""
        kept, gone = wrapped(self.LOG, "details", 31, [], zone=UTC)
        assert gone == []
        assert kept.rows == [
            (1, "one=1  two=2  three=a"),
            (None, "long text of several"),
            (None, "words"),
            (2, "x" * 24),
            (None, "x" * 24),
            (None, "xx"),
            (3, ""),
        ]

    def test_need_not_where_there_is_room(self) -> None:
        """A row is a line."""
        assert wrapped(self.LOG, "details", 80, [], zone=UTC)[0] == self.LOG

    def test_count_a_wide_letter_as_two(self) -> None:
        """A line of them is half as long."""
        kept, _ = wrapped(rows([(1, "漢" * 20)], n="BIGINT", details="VARCHAR"), "details", 23, [], zone=UTC)
        assert [row[1] for row in kept.rows] == ["漢" * 10, "漢" * 10]
