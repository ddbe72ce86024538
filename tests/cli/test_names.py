"""What a person types for a deal, an account or a case: a short id, or the company's name."""

import json
import subprocess
import sys

import pytest

from support.console import Console, unchanged


class TestStruckOnes:
    """A deal or an account that was captured by mistake is in nobody's way."""

    def test_make_no_short_id_ambiguous(self, console: Console) -> None:
        """As soon as all of it is struck out, and again when it isn't."""
        console.ok("lead capture 'Delta Two' --on 2026-03-01")
        assert "delta-ltd, delta-two" in console.no("history delta", code=1)
        console.ok("void 30 --reason mistake")
        assert console.ok("history delta").startswith("History of delta-ltd")
        assert "delta-ltd" in console.ok("deal win delta --amount 5 --dry-run")
        console.ok("void 31 --reason 'no mistake'")
        assert "delta-ltd, delta-two" in console.no("history delta", code=1)

    def test_make_no_account_ambiguous(self, console: Console) -> None:
        """Accounts are the same."""
        console.ok("account open 'Acme Two' --on 2026-03-01")
        assert "could be any of" in console.no("account show acm", code=1)
        console.ok("void 30 --reason mistake")
        assert "ACME GmbH" in console.ok("account show acm")

    def test_are_found_where_nothing_else_is(self, console: Console) -> None:
        """Their history can be read."""
        console.ok("lead capture 'Omega One' --on 2026-03-01")
        console.ok("void 30 --reason mistake")
        assert console.ok("history omega").startswith("History of omega-one")
        console.ok("lead capture 'Omega Two' --on 2026-03-01")
        console.ok("void 32 --reason mistake")
        assert "omega-one, omega-two" in console.no("history omega", code=1)

    def test_stand_again_with_their_correction(self, console: Console) -> None:
        """What is put right isn't gone."""
        console.ok("lead capture 'Delta Two' --on 2026-03-01")
        console.ok("correct 30 --reason typo --set source=event")
        assert "delta-ltd, delta-two" in console.no("history delta", code=1)


class TestNames:
    """A company's name does where no id fits."""

    @pytest.mark.parametrize("name", ["Ömer & Söhne", "ömer & SÖHNE", " Ömer & Söhne "])
    def test_find_deals_and_accounts(self, name: str, console: Console) -> None:
        """In any case of its letters, whatever the id."""
        console.ok("lead capture 'Ömer & Söhne' --id x-17 --on 2026-03-01")
        console.ok("account open 'Ömer & Söhne' --id k-4 --on 2026-03-01")
        assert console.ok(["history", name]).startswith("History of x-17")
        assert "k-4" in console.ok(["account", "note", name, "price", "--weight", "3", "--dry-run"])

    def test_that_several_bear_name_their_ids(self, console: Console) -> None:
        """More of the id is to be typed."""
        console.ok("lead capture Unique --id x-1 --on 2026-03-01")
        console.ok("lead capture Unique --id x-2 --on 2026-03-01")
        assert "'unique' could be any of these deals: x-1, x-2." in console.no("history unique", code=1)

    def test_that_are_put_right_find_under_the_right_one(self, console: Console) -> None:
        """As the company is called now."""
        console.ok("lead capture Wrongly --id x-1 --on 2026-03-01")
        console.ok("correct 30 --reason typo --set company=Rightly")
        assert console.ok("history rightly").startswith("History of x-1")
        assert "There is no deal 'wrongly'" in console.no("history wrongly", code=1)

    def test_are_looked_up_without_the_engine_of_reports(self, console: Console) -> None:
        """Recording stays quick."""
        console.ok("lead capture Unique --id x-1 --on 2026-03-01")
        code = (
            "import sys; from salesledger.readmodel.reader import Reader; "
            f"assert Reader.open({str(console.ledger)!r}).find('deal', 'UNIQUE') == 'x-1'; assert 'duckdb' not in sys.modules"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestTheSameCompany:
    """Typed twice, it is hardly ever two."""

    @pytest.mark.parametrize("name", ["ACME GmbH", "acme gmbh"])
    def test_has_one_account(self, name: str, console: Console) -> None:
        """A second one needs an id of its own; one that was struck out is none."""
        with unchanged(console):
            said = console.no(["account", "open", name], code=1)
        assert said.startswith(f"{name!r} is the account 'acme-gmbh' already.")
        assert "with --id. Nothing was recorded." in said
        assert "account-opened acme-2" in console.ok(["account", "open", name, "--id", "acme-2", "--on", "2026-03-01"])
        console.ok("account open Other --on 2026-03-01")
        console.ok("void 31 --reason mistake")
        assert "account-opened other-2" in console.ok("account open Other --on 2026-03-01")

    def test_opened_again_with_the_same_key_is_the_same(self, console: Console) -> None:
        """A repeated command changes nothing."""
        line = "account open Other --on 2026-03-01 --key k"
        console.ok(line)
        assert "recorded before" in console.ok(line)

    def test_may_have_several_deals_and_is_told_so(self, console: Console) -> None:
        """The second lead is recorded, with a note; not where the first is closed, or struck out."""
        done = console("lead capture 'delta LTD' --on 2026-03-01 -O json")
        assert (done.code, json.loads(done.out)[0]["id"]) == (0, "delta-ltd-2")
        assert (
            done.err == "delta LTD has an open deal already: delta-ltd. If this is the same one, void the new entry.\n"
        )
        assert "already: delta-ltd, delta-ltd-2." in console("lead capture 'Delta Ltd' --on 2026-03-01").err
        console.ok("lead capture 'Gamma SA' --on 2026-03-01")

    def test_captured_again_with_the_same_key_is_not_told_so(self, console: Console) -> None:
        """It is the same lead."""
        line = "lead capture New --on 2026-03-01 --key k"
        console.ok(line)
        assert "recorded before" in console.ok(line)


def test_a_case_is_named_by_the_beginning_of_its_id(console: Console) -> None:
    """As a subscription is; several that begin alike are named."""
    console.ok("service open acme --kind broken-equipment --on 2026-03-01")
    assert "case_id=broken-equipment" in console.ok("service resolve acme bro --resolution repair --dry-run")
    assert "case_id=broken-equipment" in console.ok("service rate acme --score 9 --case bro --dry-run")
    console.ok("service open acme --kind broken-chair --on 2026-03-01")
    assert "any of these cases: broken-equipment, broken-chair" in console.no(
        "service resolve acme bro --resolution repair", code=1
    )
    assert "there is no case 'x'" in console.no("service resolve acme x --resolution repair", code=1)
