"""What a projection's header says is what its query needs, reads and returns."""

from pathlib import Path

import pytest

from salesledger import Ledger
from salesledger.errors import BadFile, NotFound
from salesledger.readmodel.catalogue import BASES, Projection, load, parameters_of, parse, without_parameters

SHIPPED = load()

OWN = """-- big: deals above a limit
-- grain: one row a deal
-- needs: deals
-- parameters: $as_of
-- columns:
--   deal: deal id
--   asked: the date asked about
SELECT deal, $as_of AS asked FROM deals WHERE value > 1000
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger with one deal of 5,000 EUR."""
    made = Ledger.create(tmp_path / "sales.ledger", currency="EUR", actor="kim")
    made.record("lead-captured", company="ACME", amount="5000", on="2026-01-05")
    return made


@pytest.mark.parametrize("projection", SHIPPED.values(), ids=list(SHIPPED))
class TestShippedProjections:
    """Each projection that ships."""

    def test_returns_the_columns_that_its_header_lists(self, ledger: Ledger, projection: Projection) -> None:
        """Names and order are those of the header, each with a meaning."""
        with ledger:
            assert ledger.engine.answer(projection.name).columns == list(projection.columns)
        assert all(projection.columns.values())

    def test_needs_what_its_header_says(self, ledger: Ledger, projection: Projection) -> None:
        """The relations that the query names are those of the header, its own WITH names left out."""
        with ledger:
            named = ledger.engine.duck.get_table_names(without_parameters(projection.sql))
        assert named & (set(SHIPPED) | set(BASES)) == set(projection.needs)
        assert named <= set(SHIPPED) | set(BASES)

    def test_reads_the_parameters_that_its_header_says(self, projection: Projection) -> None:
        """Its own parameters, and those of what it needs."""
        read, open_names = set(), [projection.name]
        while open_names:
            current = SHIPPED.get(open_names.pop())
            if current is not None:
                read |= parameters_of(current.sql)
                open_names += current.needs
        assert set(projection.parameters) == read

    def test_says_its_grain_in_the_first_lines(self, projection: Projection) -> None:
        """The header opens with what it answers, then what one row is."""
        assert projection.grain.startswith("one row ")
        assert projection.title


def test_a_projection_beside_the_ledger_adds_to_those_that_ship(ledger: Ledger, tmp_path: Path) -> None:
    """A file in projections/ beside the ledger is a projection like any other."""
    (tmp_path / "projections").mkdir()
    (tmp_path / "projections" / "big.sql").write_text(OWN)
    with ledger:
        assert [row[0] for row in ledger.project("big").fetchall()] == ["acme"]
        assert ledger.query("SELECT count(*) FROM big").fetchall() == [(1,)]


def test_a_projection_beside_the_ledger_overrides_one_that_ships(ledger: Ledger, tmp_path: Path) -> None:
    """Reports that read the overridden projection see the user's."""
    (tmp_path / "projections").mkdir()
    own = parse("deals", (Path(__file__).parents[2] / "projections" / "deals.sql").read_text())
    head = (
        "-- deals: fewer\n-- grain: one row a deal\n-- needs: deal_states, rates, rate_days\n"
        "-- parameters: $as_of, $as_of_on, $known_at, $currency\n-- columns:\n"
    )
    (tmp_path / "projections" / "deals.sql").write_text(f"{head}SELECT * FROM ({own.sql}) WHERE value > 9000\n")
    with ledger:
        assert ledger.project("pipeline").fetchall() == []


@pytest.mark.parametrize("missing", ["grain", "needs", "parameters", "columns", "big"])
def test_a_header_that_lacks_a_line_is_refused_by_name(missing: str) -> None:
    """The message says which line is missing."""
    broken = "\n".join(line for line in OWN.splitlines() if not line.startswith(f"-- {missing}:"))
    with pytest.raises(BadFile, match=f"'big' has no line '-- {missing}:"):
        parse("big", broken)


def test_projections_that_need_each_other_are_refused(ledger: Ledger, tmp_path: Path) -> None:
    """A circle is named."""
    (tmp_path / "projections").mkdir()
    for name, other in (("one", "two"), ("two", "one")):
        text = (
            OWN.replace("-- big:", f"-- {name}:")
            .replace("needs: deals", f"needs: {other}")
            .replace("FROM deals", f"FROM {other}")
        )
        (tmp_path / "projections" / f"{name}.sql").write_text(text)
    with ledger, pytest.raises(BadFile, match="circle"):
        ledger.project("one")


def test_an_unknown_projection_is_named_with_what_is_close(ledger: Ledger) -> None:
    """The message suggests the nearest name."""
    with ledger, pytest.raises(NotFound, match="Did you mean 'pipeline'"):
        ledger.project("pipelin")


def test_a_broken_file_of_the_users_stands_in_nobodys_way(ledger: Ledger, tmp_path: Path) -> None:
    """The other projections answer; the broken one names its file when it is asked for."""
    (tmp_path / "projections").mkdir()
    (tmp_path / "projections" / "foo.sql").write_text("SELECT 1 AS x")
    with ledger:
        assert len(ledger.project("deals").fetchall()) == 1
        with pytest.raises(BadFile, match=r"no line '-- foo: .*foo\.sql"):
            ledger.project("foo")


def test_what_looks_like_a_comment_inside_quotes_is_none() -> None:
    """Only real comments are taken out of a projection's statement."""
    told = parse("big", OWN.replace("1000", "1000 AND deal <> 'a--b' /* gone */ -- gone"))
    assert "'a--b'" in told.sql
    assert "gone" not in told.sql
