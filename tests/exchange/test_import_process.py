"""The process that imported deals follow: the rules' own, or the ledger's."""

from pathlib import Path

import pytest

from exchange.importing import HEADER, OPEN, RULES, SOLD, UNDATED, Shop, day, reasons, rules
from salesledger.domain.decide import Record
from salesledger.domain.process import ProcessDefined
from salesledger.errors import Refused
from salesledger.ledger.batch import Proposal
from salesledger.ledger.store import Store
from salesledger.readmodel.check import check
from support.ledgers import clock, log_of


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A ledger without a currency."""
    return Shop.at(tmp_path)


def process_of(shop: Shop) -> list[ProcessDefined]:
    """The versions of the shop's process."""
    return [r.event for r in log_of(shop.ledger, "process:shop") if isinstance(r.event, ProcessDefined)]


def test_the_process_of_the_rules_is_defined_once_and_again_when_it_changes(shop: Shop) -> None:
    """A -> B -> A is three versions."""
    other = rules(RULES.replace("0.4", "0.5"))
    for chosen in (shop.rules, shop.rules, other, other, shop.rules):
        shop.imports(OPEN, rules=chosen)
    assert [(e.process_version, str(e.stages[0].probability)) for e in process_of(shop)] == [
        (1, "0.4"),
        (2, "0.5"),
        (3, "0.4"),
    ]


def test_a_process_that_holds_from_the_beginning_is_no_finding(shop: Shop) -> None:
    """The check is silent about its date, which lies before every deal's."""
    shop.imports(SOLD)
    assert process_of(shop)[0].effective_at.year == 1900
    assert list(check(shop.ledger)) == []


def test_a_new_stage_holds_for_rows_since_its_day(shop: Shop) -> None:
    """Deals that entered before follow the version before."""
    shop.imports(OPEN)
    text = RULES.replace('id = "shop"', 'id = "shop"\nsince = 2026-02-01').replace("trying", "testing")
    late, early = (
        UNDATED.replace("New,", "New,2026-02-03"),
        UNDATED.replace("d4", "e5").replace("New,", "New,2026-01-03"),
    )
    report = shop.imports(late, early, rules=rules(text))
    assert shop.state("d4").process_version == 2
    assert [reason for _, reason in reasons(report)] == [
        "the ledger refuses it: e5: the process 'shop' has no stage 'testing'; its stages are talking, trying."
    ]


def test_a_version_without_a_day_holds_for_rows_of_any_age(shop: Shop) -> None:
    """Deals that were imported before keep theirs."""
    shop.imports(OPEN)
    report = shop.imports(
        OPEN, UNDATED.replace("New,", "New,2020-01-03"), rules=rules(RULES.replace("trying", "testing"))
    )
    assert (report.unchanged, report.imported) == (1, 1)
    assert (shop.state("c3").process_version, shop.state("d4").process_version) == (1, 2)


def test_a_version_begins_no_earlier_than_the_one_before(shop: Shop) -> None:
    """The message names both days."""
    text = RULES.replace('id = "shop"', 'id = "shop"\nsince = 2026-02-01')
    shop.imports(OPEN, rules=rules(text))
    text = text.replace("2026-02-01", "2026-01-01").replace("0.4", "0.5")
    with pytest.raises(Refused, match=r"its version 1 is in force since 2026-02-01; .*on 2026-01-01"):
        shop.imports(OPEN, rules=rules(text))


def test_what_people_changed_in_the_process_stays(shop: Shop) -> None:
    """Unchanged rules don't undo it."""
    shop.imports(OPEN)
    with clock(day(301)), Store.open(shop.ledger) as store:
        (first,) = process_of(shop)
        own = first.model_copy(
            update={"process_version": 2, "source_system": None, "title": "By hand", "effective_at": day(301)}
        )
        store.record([[Proposal("process:shop", Record(own))]])
    shop.imports(OPEN, on=302)
    assert len(process_of(shop)) == 2


def test_a_process_of_somebody_else_is_not_changed(shop: Shop) -> None:
    """The rules must name another, or leave the stages out."""
    text = RULES.replace('id = "shop"', 'id = "b2b"')
    with pytest.raises(Refused, match="'b2b' is in this ledger already, with other stages"):
        shop.imports(OPEN, rules=rules(text))


def test_a_process_may_be_the_ledgers_own(shop: Shop) -> None:
    """Named or not; but its stages must be there."""
    for process in ({"id": "b2b"}, None):
        told = rules(process=process)
        with pytest.raises(Refused, match=r"'b2b' has no stage 'talking' \(events.1.stage of the rules\)"):
            shop.imports(OPEN, rules=told)
    with pytest.raises(Refused, match="There is no process 'shop'"):
        shop.imports(OPEN, rules=rules(process={"id": "shop"}))
    text = RULES.replace('stage = "talking"', 'stage = "lead"').replace('stage = "trying"', 'stage = "proposal"')
    shop.imports(OPEN, rules=rules(text, process=None))
    assert (shop.state("c3").process, shop.state("c3").stage) == ("b2b", "lead")


def test_a_stage_may_have_a_column_of_its_own(shop: Shop) -> None:
    """Its name becomes an id; closed rows have no stage."""
    text = (
        RULES.replace('deal = "id"', 'deal = "id"\nstage = "step"')
        .replace('stage = "talking"', "")
        .replace('stage = "trying"', "", 1)
    )
    report = shop.imports(OPEN + ",Trying", SOLD + ",Closed Won", header=HEADER + ",step", rules=rules(text))
    assert report.imported == 2
    assert (shop.state("c3").stage, shop.state("a1").stage) == ("trying", "talking")
