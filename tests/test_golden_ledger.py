"""A ledger that a release wrote is read, answered from and gone on with by this version."""

import json
import re
from pathlib import Path

import pytest

from salesledger.domain.events import event_types
from support.console import Console
from support.golden_ledger import FIXTURES, answers
from support.ledgers import log_of

VERSIONS = sorted(file.stem.removeprefix("golden-") for file in FIXTURES.glob("golden-*.ledger"))


@pytest.fixture(params=VERSIONS)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Console:
    """A copy of each release's ledger, and a console to use it."""
    console = Console(tmp_path, {"SALESLEDGER_ACTOR": "kim"})
    console.ledger.write_bytes((FIXTURES / f"golden-{request.param}.ledger").read_bytes())
    console.env["VERSION"] = request.param
    return console


def test_there_is_one() -> None:
    """Small enough to be kept with the code, without a name or a place in it."""
    assert "0.1" in VERSIONS
    for version in VERSIONS:
        file = FIXTURES / f"golden-{version}.ledger"
        assert file.stat().st_size < 200_000
        assert not re.search(rb"Ann Example|ann@example|/home/|/tmp/", file.read_bytes())


def test_the_answers_are_those_that_the_release_gave(golden: Console) -> None:
    """Every projection of that release says the same about two dates, in the columns that it had then."""
    told = json.loads((FIXTURES / f"golden-{golden.env['VERSION']}.json").read_text(encoding="utf-8"))
    columns = {name: answer["columns"] for projections in told.values() for name, answer in projections.items()}
    assert len(columns) > 40
    now = answers(golden.ledger, columns)
    for title, projections in told.items():
        for name, answer in projections.items():
            assert now[title][name]["rows"] == answer["rows"], (title, name)


def test_it_can_be_gone_on_with(golden: Console) -> None:
    """Checked, verified, backed up, restored and recorded to; every type of event that it holds is still known."""
    assert {r.event.type_name() for r in log_of(golden.ledger)} <= set(event_types())
    assert golden.ok("check") == ""
    golden.ok("verify")
    golden.ok("backup copy.ledger")
    golden.ok("-f restored.ledger restore copy.ledger")
    golden.ok("lead capture New --on 2026-07-12 -f restored.ledger")
    golden.ok("check -f restored.ledger")
