"""What a void or a correction leaves as it was is said, with the command that puts it right."""

import re

import pytest

from support.console import Console


@pytest.fixture
def sold(empty: Console) -> Console:
    """A client that pays 50 a month since a deal, entry 6, brought that; the subscription is entry 7."""
    empty.ok("init --currency EUR --no-seal-key")
    empty.ok("account open Acme --on 2026-03-01")
    empty.ok("lead capture Acme --account acme --amount 10 --on 2026-03-01")
    empty.ok("deal win acme --recurring 50 --term 12 --on 2026-03-05")
    return empty


def command_in(told: str) -> str:
    """The command that a note gives, with a reason."""
    found = re.search(r"'salesledger (.*) --reason WHY'", told)
    assert found, told
    return f"{found[1]} --reason same"


class TestACorrectedWin:
    def test_names_its_subscription(self, sold: Console) -> None:
        """The command that is given brings it to the same price and term, after which there is nothing to say."""
        told = sold.ok("correct 6 --set recurring_amount=60 --set term_months=24 --reason slip")
        assert "Entry 7 (subscription-started of account:acme on 2026-03-05)" in told
        sold.ok(command_in(told))
        assert sold.ok("subscriptions -O csv").splitlines()[1].count("60.00") >= 1
        assert "Entry" not in sold.ok("correct 9 --set recurring_amount=60 --set amount=3 --reason slip")

    def test_on_another_day_names_it_too(self, sold: Console) -> None:
        """The subscription began on the day of the win."""
        told = sold.ok("correct 6 --on 2026-03-04 --reason slip")
        assert command_in(told).startswith("correct 7 --on 2026-03-04 ")

    def test_without_recurring_revenue_has_none_to_void(self, sold: Console) -> None:
        """What would be corrected then is struck out."""
        told = sold.ok(
            "correct 6 --unset recurring_amount --unset interval_months --unset term_months --reason slip --dry-run"
        )
        assert command_in(told).startswith("void 7 ")

    def test_in_what_a_subscription_has_not_says_nothing(self, sold: Console) -> None:
        """Its one-off amount."""
        assert "subscription" not in sold.ok("correct 6 --set amount=11 --reason slip")

    def test_is_told_to_machines_on_standard_error(self, sold: Console) -> None:
        """So the output stays what it was."""
        done = sold("correct 6 --set recurring_amount=60 --reason slip -O json")
        assert "Entry 7" in done.err
        assert "Entry 7" not in done.out


class TestAVoidedReferral:
    def test_names_the_lead_that_names_it(self, sold: Console) -> None:
        """And when it is restored, the lead that no longer does."""
        sold.ok("referral give acme Beta --on 2026-03-06")  # 8 the lead, 9 the referral
        told = sold.ok("void 9 --reason 'a mistake'")  # 10
        assert "The lead 'beta' still says that 'acme' referred it (entry 8)." in told
        assert "The lead" not in sold.ok("void 10 --reason 'it was right'")  # 11
        told = sold.ok("void 9 --reason 'a mistake'")  # 12
        sold.ok(command_in(told))  # 13 voids 8, 14 replaces it
        told = sold.ok("void 12 --reason 'it was right'")  # 15
        assert "The lead 'beta' says that nobody referred it (entry 14)." in told
        sold.ok(command_in(told))
        assert '"referred_by": "acme"' in sold.ok("log id:beta -O json").splitlines()[-2]


class TestAVoidedMove:
    """What had brought a deal to a stage is struck out, and what came after it said nothing of a stage, as it was there already."""

    @pytest.fixture
    def offered(self, empty: Console) -> Console:
        """An offer that moved the deal, entry 5, and two that found it there."""
        empty.ok("init --currency EUR --no-seal-key")
        empty.ok("lead capture Acme --on 2026-03-01")
        for n, amount in ((5, 100), (6, 110), (7, 120)):
            empty.ok(f"deal offer acme --amount {amount} --on 2026-03-0{n}")
        return empty

    def test_names_the_entry_that_should_move_the_deal(self, offered: Console) -> None:
        """The first one, tried or recorded; the command that is given brings the deal to its stage, on that entry's day."""
        tried = offered.ok("void 5 --reason twice --dry-run")
        told = offered.ok("void 5 --reason twice")  # 8
        assert "entry 6 (offer-made on 2026-03-06) finds 'acme' in the stage 'lead' and leaves it there" in told
        assert command_in(told) == command_in(tried)
        offered.ok(command_in(told))
        visits = offered.ok("show stage_visits -O csv").splitlines()
        assert [line.split(",")[4:7:2] for line in visits[1:]] == [["lead", "2026-03-01"], ["proposal", "2026-03-06"]]

    def test_moved_to_a_later_day_is_told_too(self, offered: Console) -> None:
        """The offers before that day stand in the earlier stage."""
        told = offered.ok("correct 5 --on 2026-03-20 --reason slip")
        assert command_in(told).startswith("correct 6 --set stage=proposal ")

    def test_that_changes_no_stage_says_nothing(self, offered: Console) -> None:
        """A later offer, another amount, an offer that is restored."""
        assert "stage '" not in offered.ok("void 7 --reason twice")  # 8
        assert "stage '" not in offered.ok("correct 5 --set amount=90 --reason slip")  # 9, 10
        offered.ok("void 10 --reason twice")  # 11
        assert "stage '" not in offered.ok("void 11 --reason 'it was right'")
