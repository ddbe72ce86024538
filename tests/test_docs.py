"""What the pages in docs/ list is what there is, and their examples work."""

import re
import shlex
from pathlib import Path

import pytest

from salesledger import Ledger
from salesledger.domain.events import event_types
from salesledger.ledger.store import Store  # noqa: F401 - with it every event is in the table of topics
from salesledger.readmodel.catalogue import BASES, PARAMETERS, load
from support.console import Console, tell

DOCS = Path(__file__).parent.parent / "docs"
PROJECTIONS = (DOCS / "projections.md").read_text(encoding="utf-8")
METRICS = (DOCS / "metrics.md").read_text(encoding="utf-8")


def table(text: str, header: str) -> list[list[str]]:
    """The rows of the Markdown table that has this header."""
    lines = text.partition(f"{header}\n")[2].splitlines()
    found = []
    for line in lines[1:]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    assert found, header
    return found


class TestProjections:
    """docs/projections.md."""

    def test_list_every_shipped_one_with_its_grain(self) -> None:
        """The table is the catalogue."""
        listed = table(PROJECTIONS, "| projection | one row is | answers |")
        assert listed == [[f"`{p.name}`", p.grain.removeprefix("one row "), p.title] for p in load().values()]

    def test_name_what_the_engine_supplies(self) -> None:
        """Its relations and its parameters."""
        assert [row[0] for row in table(PROJECTIONS, "| relation | holds |")] == [f"`{name}`" for name in BASES]
        assert [row[0] for row in table(PROJECTIONS, "| parameter | is |")] == [f"`${name}`" for name in PARAMETERS]

    @pytest.mark.parametrize("relation", ["periods", "process_stages", "process_criteria"])
    def test_name_the_columns_of_what_the_engine_supplies(self, relation: str, tmp_path: Path) -> None:
        """All of them, in order."""
        (told,) = [row[1] for row in table(PROJECTIONS, "| relation | holds |") if row[0] == f"`{relation}`"]
        with Ledger.create(tmp_path / "sales.ledger", actor="kim") as ledger:
            columns = list(ledger.query(f"SELECT * FROM {relation}").columns)
        assert [name for name in re.findall(r"`(\w+)`", told) if name != "all"] == columns

    def test_example_works_as_it_stands(self, tmp_path: Path) -> None:
        """The file is a projection, and the command prints its rows."""
        console = Console(tmp_path, {"SALESLEDGER_ACTOR": "kim"})
        tell(console)
        (sql,) = re.findall(r"```sql\n(.*?)```", PROJECTIONS, re.DOTALL)
        (line,) = re.findall(r"```sh\nsalesledger (.*?)\n```", PROJECTIONS)
        (tmp_path / "projections").mkdir()
        (tmp_path / "projections" / "big_deals.sql").write_text(sql)
        assert console.ok([*shlex.split(line), "-O", "csv"]).splitlines() == [
            "deal,value,currency,days_open",
            "delta-ltd,7000.00,EUR,26",
        ]


class TestProcess:
    """docs/process.md: every step has its events, commands, projections and golden outputs."""

    ROWS = table((DOCS / "process.md").read_text(encoding="utf-8"), "| step | events | commands | projections |")

    def said(self, column: int) -> set[str]:
        """What stands in code style in a column."""
        return {name for row in self.ROWS for name in re.findall(r"`([^`]+)`", row[column])}

    def test_names_every_event(self) -> None:
        """All that can be recorded, besides what holds for the whole ledger and what strikes out."""
        kept = set(event_types()) - {"event-voided", "ledger-opened", "currency-set", "seal-key-set"}
        assert self.said(1) - {"judged"} == kept

    def test_names_commands_that_have_golden_outputs(self) -> None:
        """A file each, without the options."""
        commands = {command.partition(" --")[0] for command in self.said(2)}
        golden = {file.stem.replace("_", " ") for file in (Path(__file__).parent / "golden").glob("*.txt")}
        assert commands <= golden

    def test_names_projections_that_there_are(self) -> None:
        """By their names."""
        assert self.said(3) <= set(load())


class TestMetrics:
    """docs/metrics.md."""

    @pytest.mark.parametrize(
        "name",
        [
            "metrics",
            "funnel",
            "referrals",
            "referral_share",
            "satisfaction",
            "attainment",
            "issued_forecasts",
            "step_ratios",
            "process_map",
        ],
    )
    def test_define_every_column(self, name: str) -> None:
        """Each column that is not a key has a definition."""
        keys = {"period", "group", "process", "stage", "currency", "account", "company", "entry"}
        part = METRICS.partition(f"## `{name}`")[2].partition("\n## ")[0]
        defined = set(re.findall(r"`(\w+)`", part))
        assert set(load()[name].columns) - keys - {"disqualified"} <= defined

    def test_name_no_column_that_is_not_there(self) -> None:
        """What stands in code style is a projection, a column, a shortened heading of one, or a line of the walk."""
        names = {name for p in load().values() for name in (p.name, *p.columns)}
        said = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", METRICS))
        assert said - names == {
            "days_to_win",
            "days_to_loss",
            "deal_size",
            "hours_to_contact",
            "pulled_in",
            "pushed_out",
        }


def test_table_of_attacks_names_each_test() -> None:
    """docs/trust.md names every test of an attack on the page, and none that isn't there."""
    text = (DOCS / "trust.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    told = "".join(
        file.read_text(encoding="utf-8") for file in (DOCS.parent / "tests" / "web").glob("test_attacks*.py")
    )
    there = set(re.findall(r"^def (test_\w+)", told, re.MULTILINE))
    assert named <= there
    assert there - named == {"test_own_names_are_served", "test_post_of_the_own_page_is_served"}
