"""What a sale does to subscriptions on the command line, and how their ids and prices are meant."""

import json
from typing import Any

import pytest

from support.console import Console, unchanged

START = "subscription start acme --recurring 100 --product Pro --term 12 --on 2026-02-21"


def running(console: Console) -> list[tuple[Any, ...]]:
    """The subscriptions that run: id, amount, months between payments, deal, times renewed."""
    names = ("subscription", "recurring_amount", "interval_months", "deal", "renewals")
    return [tuple(row[name] for name in names) for row in json.loads(console.ok("subscriptions --running -O json"))]


def lead(console: Console, growth: str, price: str) -> None:
    """A lead of the account acme-gmbh, called 'more', that grew from its subscription 'pro'."""
    console.ok(
        f"lead capture ACME --id more --account acme --subscription pro --growth {growth} {price} --on 2026-03-01"
    )


class TestASaleOverTheCounter:
    SALE = "deal sell ACME --id till --account acme --product Pro --recurring 50 --every quarter --on 2026-03-01"

    def test_starts_a_subscription_of_its_account(self, console: Console) -> None:
        """In the same append, and once under a key."""
        for _ in range(2):
            assert "subscription-started" in console.ok(f"{self.SALE} --key till-1")
        assert running(console) == [("pro", "50.00", 3, "till", 0)]

    def test_starts_none_where_it_should_not(self, console: Console) -> None:
        """Or where nothing is paid regularly."""
        assert "ubscription" not in console.ok(f"{self.SALE} --no-subscription")
        assert "ubscription" not in console.ok("deal sell ACME --account acme --amount 5 --on 2026-03-01")
        assert running(console) == []

    def test_without_an_account_says_how_to_start_one(self, console: Console) -> None:
        """With the id that the deal got; on standard error where the output is for machines."""
        start = "'salesledger subscription start ACCOUNT --deal zed"
        opening = "'salesledger account open COMPANY --deal zed"
        note = f"No subscription was started: the deal has no account. Open one with {opening}"
        assert start in console.ok("deal sell Zed --recurring 50 --on 2026-03-01 --dry-run")
        assert note in console.ok("deal sell Zed --recurring 50 --on 2026-03-01")
        done = console("deal sell Zed --recurring 50 --on 2026-03-01 -O json")
        assert done.code == 0
        assert note in done.err
        assert len(json.loads(done.out)) == 2

    def test_before_the_account_was_open_starts_none(self, console: Console) -> None:
        """The sale is recorded."""
        told = console.ok("account open Later --on 2026-03-05")
        told = console.ok("deal sell Later --account later --recurring 50 --on 2026-03-01")
        assert "No subscription was started: the account 'later' is not open yet on 2026-03-01" in told
        assert "deal-won" in told


@pytest.mark.parametrize(
    "line",
    [
        "deal sell Zed --amount 50 --list 40",
        "deal offer delta --recurring 10 --term 12 --list 100",
        "deal win delta --amount 50 --list 40",
    ],
)
def test_a_list_price_below_the_price_is_pointed_out(console: Console, line: str) -> None:
    """Recorded all the same; said on standard error, once."""
    done = console(f"{line} --on 2026-03-01")
    assert done.code == 0
    assert "entry" in done.out
    assert done.err.count("The list price of") == 1
    assert console(line.partition(" --list")[0].replace("delta", "beta") + " --list 1000 --on 2026-03-01").err == ""


class TestAWin:
    def test_starts_a_subscription_of_the_deals_account(self, console: Console) -> None:
        """With the deal's price, term and product; named after the product."""
        console.ok("deal revise delta --account acme --recurring 50 --every quarter --term 6 --on 2026-02-21")
        console.ok("deal win delta --on 2026-03-01")
        assert running(console) == [("pro", "50.00", 3, "delta-ltd", 0)]

    def test_of_a_deal_without_a_recurring_part_starts_none(self, console: Console) -> None:
        """Nor does one where that is asked for."""
        console.ok("deal revise delta --account acme --on 2026-02-21")
        assert "subscription" not in console.ok("deal win delta --on 2026-03-01")
        assert "subscription" not in console.ok("deal win beta --recurring 5 --no-subscription --on 2026-03-01")
        assert running(console) == []

    def test_of_a_deal_without_an_account_says_how_to_start_one(self, console: Console) -> None:
        """The win is recorded; the advice goes to standard error where the output is for machines."""
        done = console("deal win beta --recurring 5 --on 2026-03-01 -O json")
        assert [row["type"] for row in json.loads(done.out)] == ["deal-won"]
        assert "the deal has no account" in done.err
        assert "'salesledger subscription start ACCOUNT --deal beta-ag --recurring AMOUNT'" in done.err

    def test_before_its_account_opened_says_so(self, console: Console) -> None:
        """The account is that of a later day."""
        console.ok("deal revise delta --account acme --recurring 5 --on 2026-02-10")
        assert "the account 'acme-gmbh' is not open yet on 2026-02-15" in console.ok("deal win delta --on 2026-02-15")
        assert running(console) == []

    def test_with_a_key_happens_once(self, console: Console) -> None:
        """Both entries are told again, and nothing is added."""
        console.ok("deal revise delta --account acme --recurring 5 --on 2026-02-21")
        line = "deal win delta --on 2026-03-01 --key crm-1"
        first = console.ok(line)
        with unchanged(console):
            again = console.ok(line)
        assert again.count("recorded before") == first.count("entry") == 2

    def test_that_is_refused_starts_nothing(self, console: Console) -> None:
        """All or nothing."""
        console.ok("deal revise delta --account acme --recurring 5 --on 2026-02-21")
        console.ok("deal win delta --on 2026-03-01")
        with unchanged(console):
            assert "the deal is won since 2026-03-01" in console("deal win delta --on 2026-03-02").err

    def test_after_a_reopening_leaves_the_subscription_alone(self, console: Console) -> None:
        """The deal doesn't sell it twice."""
        console.ok("deal revise delta --account acme --recurring 5 --on 2026-02-21")
        console.ok("deal win delta --on 2026-03-01")
        console.ok("deal reopen delta --on 2026-03-02")
        told = console.ok("deal win delta --on 2026-03-03")
        assert "The subscription 'pro' stays as it is: the deal sold it before." in told
        assert running(console) == [("pro", "5.00", 1, "delta-ltd", 0)]

    def test_of_a_renewal_renews(self, console: Console) -> None:
        """At the deal's price."""
        console.ok(START)
        lead(console, "renewal", "--recurring 120 --term 24")
        console.ok("deal win more --on 2026-03-20")
        assert running(console) == [("pro", "120.00", 1, None, 1)]

    def test_of_an_upsell_adds_to_the_price(self, console: Console) -> None:
        """Where both are paid equally often; else the answer says what to do."""
        console.ok(START)
        lead(console, "upsell", "--recurring 30")
        console.ok("deal win more --on 2026-03-20")
        assert running(console) == [("pro", "130.00", 1, None, 0)]
        console.ok("deal reopen more --on 2026-03-21")
        console.ok("void 33 --reason 'not agreed yet'")
        told = console.ok("deal win more --recurring 90 --every quarter --on 2026-03-22")
        assert "its interval or its currency is another than the deal's. Change it with" in told
        assert running(console) == [("pro", "100.00", 1, None, 0)]

    @pytest.mark.parametrize("growth", ["cross-sell", "renewal"])
    def test_starts_another_one_where_the_first_has_ended(self, console: Console, growth: str) -> None:
        """And a cross-sell always does."""
        console.ok(START)
        lead(console, growth, "--product Max --recurring 30")
        console.ok("subscription cancel acme pro --on 2026-03-10")
        console.ok("deal win more --on 2026-03-20")
        assert running(console) == [("max", "30.00", 1, "more", 0)]

    @pytest.mark.parametrize(
        ("growth", "price", "after"),
        [
            ("upsell", "--recurring 30", [("gtx", "40.00", 1, "delta-ltd", 0)]),
            ("renewal", "--recurring 30 --term 24", [("gtx", "30.00", 1, "delta-ltd", 1)]),
            ("cross-sell", "--recurring 30", [("gtx", "10.00", 1, "delta-ltd", 0), ("max", "30.00", 1, "more", 0)]),
            (
                "upsell",
                "--recurring 30 --every quarter",
                [("gtx", "10.00", 1, "delta-ltd", 0), ("max", "30.00", 3, "more", 0)],
            ),
        ],
    )
    def test_of_a_deal_that_names_only_the_one_it_grew_from(
        self, console: Console, growth: str, price: str, after: list[tuple[Any, ...]]
    ) -> None:
        """Is one of that deal's account and about its subscription, else starts another; in any case it is expansion."""
        console.ok("deal revise delta --account acme --product GTX --recurring 10 --on 2026-02-21")
        console.ok("deal win delta --on 2026-02-22")
        console.ok(f"lead capture ACME --id more --grown-from delta --growth {growth} --product Max --on 2026-03-01")
        console.ok(f"deal win more {price} --on 2026-03-20")
        assert running(console) == after
        (row,) = json.loads(console.ok("recurring -p 2026-03 -O json"))
        assert (row["mrr_new"], float(row["mrr_expansion"])) == (
            "0.00",
            10 if "quarter" in price else 20 if growth == "renewal" else 30,
        )


class TestALeadThatGrew:
    @pytest.mark.parametrize(
        ("options", "why"),
        [
            ("--account acme --subscription max", "The account 'acme-gmbh' has no subscription 'max'; it has: pro."),
            ("--subscription pro", "--subscription pro is one of the lead's account; give its --account."),
            ("--growth upsell", "--growth says how it grew from a deal or a subscription; name it."),
            ("--grown-from delta --growth more", "'more' is not one of 'upsell', 'cross-sell', 'renewal'"),
        ],
    )
    def test_needs_what_it_grew_from(self, console: Console, options: str, why: str) -> None:
        """Said once, with nothing recorded."""
        console.ok(START)
        with unchanged(console):
            done = console(f"lead capture New {options}")
        assert done.code
        assert why in done.err
        assert "Nothing was recorded." in done.err

    def test_is_held_to_its_account_by_the_ledger_itself(self, console: Console) -> None:
        """Programs that record JSON lines are told the same."""
        for account, why in (("", "names no account"), (', "account": "acme-gmbh"', "it has: none yet")):
            line = f'{{"type": "lead-captured", "company": "New", "on": "2026-03-01", "subscription": "pro"{account}}}'
            (console.folder / "one.jsonl").write_text(line)
            with unchanged(console):
                assert why in console("record one.jsonl").err


class TestASubscription:
    def test_may_be_named_by_a_beginning_of_its_id(self, console: Console) -> None:
        """As long as only one begins so; an exact id wins."""
        console.ok(START)
        console.ok(START)
        console.ok("subscription change acme pro --recurring 7 --on 2026-03-01")
        console.ok("subscription change acme pro- --recurring 8 --on 2026-03-01")
        assert [row[:2] for row in running(console)] == [("pro", "7.00"), ("pro-2", "8.00")]
        assert "could be any of these subscriptions: pro, pro-2" in console("subscription cancel acme p").err
        assert "has no subscription ''" in console(["subscription", "cancel", "acme", ""]).err

    def test_keeps_its_interval_where_a_price_names_none(self, console: Console) -> None:
        """A change of a yearly price stays yearly."""
        console.ok("subscription start acme --recurring 1200 --every year --product Pro --on 2026-02-21")
        console.ok("subscription change acme pro --recurring 1300 --on 2026-03-01")
        console.ok("subscription renew acme pro --recurring 1400 --on 2026-03-02")
        assert running(console) == [("pro", "1400.00", 12, None, 1)]

    def test_with_a_key_is_started_once(self, console: Console) -> None:
        """Its made id is that of the first time."""
        console.ok(f"{START} --key k")
        with unchanged(console):
            assert "recorded before" in console.ok(f"{START} --key k")

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("subscription start acme", "subscription start needs --recurring AMOUNT"),
            ("subscription start acme --recurring 1,5", "'1,5' is not an amount"),
            ("subscription start acme --recurring 5 --currency usd", "no exchange rate for USD"),
            ("subscription start acme --recurring 5 --term 0", "0 is not in the range"),
            ("subscription start acme --recurring 5 --deal nope", "There is no deal 'nope'"),
            ("subscription start acme --recurring 5 --on 2026-01-01", "the account is not open yet on 2026-01-01"),
            ("subscription start nobody --recurring 5", "There is no account 'nobody'"),
            ("subscription change acme pro", "subscription change needs --recurring AMOUNT"),
            ("subscription renew acme pro --every year", "give its AMOUNT too"),
            ("repeat --overdue --share", "ask for one of them"),
            ("repeat -Q", "add --share"),
            ("recurring --by owner", "'owner' is not one of 'product', 'account'"),
        ],
    )
    def test_that_is_wrong_is_one_message(self, console: Console, line: str, why: str) -> None:
        """And nothing is recorded."""
        console.ok(START)
        with unchanged(console):
            done = console(line)
        assert done.code
        assert why in done.err
        assert len(done.err.splitlines()) == 1
