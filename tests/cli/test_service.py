"""Customer service and referrals on the command line: ids of cases, evidence, the screen of an account, the tree."""

import json

import pytest

from support.console import Console, unchanged


class TestCases:
    """Their ids are made from the kind."""

    def opened(self, console: Console, line: str) -> str:
        """The id of a case that is opened."""
        case_id = json.loads(console.ok(f"service open acme {line} -O json"))[0]["case_id"]
        assert isinstance(case_id, str)
        return case_id

    def test_are_numbered_where_the_account_has_had_that_one(self, console: Console) -> None:
        """Back-dated and struck ones too."""
        assert self.opened(console, "--kind 'Broken equipment' --on 2026-03-20") == "broken-equipment"
        assert self.opened(console, "--kind broken-equipment --on 2026-03-01") == "broken-equipment-2"
        console.ok("void 31 --reason mistake")
        assert self.opened(console, "--kind broken-equipment") == "broken-equipment-3"
        assert self.opened(console, "--kind broken-equipment --id sorter") == "sorter"

    def test_with_the_same_key_are_the_same(self, console: Console) -> None:
        """And recorded once; with other content the key is refused."""
        line = "service open acme --kind question --on 2026-03-20 --key t-1"
        assert "case_id=question" in console.ok(line)
        with unchanged(console):
            assert console.ok(line).startswith("entry 30, recorded before: case-opened")
            assert "which differs in kind" in console.no(line.replace("question", "complaint"))
            assert console.ok("service open acme --kind question --dry-run").startswith("would be recorded: ")
        assert "case_id=question-2" in console.ok(line.replace("t-1", "t-2"))

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("service open acme --kind ''", "kind: the text is empty"),
            ("service open acme --kind x --id 'a b'", "'a b' is not an id"),
            ("service open nobody --kind x", "There is no account 'nobody'. 'salesledger account list' lists them."),
            ("service resolve acme one --resolution repair", "there is no case 'one'"),
            ("service rate acme --score 11", "11 is not in the range 0<=x<=10"),
            ("service rate acme --score 9 --case one", "there is no case 'one'"),
            ("account note acme repair --weight 6", "6 is not in the range 0<=x<=5"),
            ("account note acme repair --weight 1 --evidence 99", "The ledger has no entry 99"),
            ("account note acme repair --weight 1 --evidence 21", "is about another company"),
            ("account note acme repair --weight 1 --evidence 99999999999999999999", "is too large"),
            ("account note acme 'the price' --weight 1", "'the price' is not an id"),
            ("account note acme repair --weight 1 --on 2026-01-01", "the account is not open yet"),
        ],
    )
    def test_that_cannot_be_are_refused(self, line: str, why: str, console: Console) -> None:
        """With what is wrong; nothing is recorded."""
        with unchanged(console):
            message = console.no(line)
        assert why in message
        assert "Nothing was recorded." in message

    def test_are_found_by_a_bare_word(self, console: Console) -> None:
        """In the account's id."""
        console.ok("service open acme --kind question --on 2026-03-20")
        assert len(json.loads(console.ok("cases acme -O json"))) == 1
        assert json.loads(console.ok("cases nobody -O json")) == []


class TestSatisfaction:
    """Periods reach over all answers, whatever happens to deals meanwhile."""

    def test_before_the_first_deal_and_after_the_last(self, empty: Console) -> None:
        """A ledger without any deal has satisfied clients too."""
        empty.ok("init --currency EUR")
        empty.ok("account open Acme --on 2025-01-01")
        for day in ("2025-02-01", "2026-03-30"):
            empty.ok(f"service rate acme --score 9 --on {day}")
        rows = json.loads(empty.ok("satisfaction -Q -O json"))
        assert [(row["period"], row["answers"]) for row in rows] == [("2025Q1", 1), ("2026Q1", 1)]


class TestAccount:
    """The screen of an account."""

    def test_has_the_columns_of_its_projections(self, console: Console) -> None:
        """One object in JSON, a section in front of each row elsewhere."""
        console.ok("account note acme repair --weight 4 --on 2026-03-01")
        told = json.loads(console.ok("account show acme -O json"))
        assert list(told) == [
            "account", "suggestion", "profile", "contacts", "deals", "subscriptions", "cases", "referrals", "satisfaction",
        ]  # fmt: skip
        assert told["profile"] == json.loads(console.ok("show profile -O json"))
        assert told["account"] == json.loads(console.ok("account list -O json"))
        lines = [json.loads(line) for line in console.ok("account show acme -O jsonl").splitlines()]
        assert [line["section"] for line in lines] == ["account", "suggestion", "profile", "referrals"]
        assert console.ok("account show acme -O csv").startswith("section,account,company,opened_on,")
        assert console.ok("account show acme -O md").startswith("ACME GmbH (acme-gmbh), an account since")

    def test_goes_into_a_file(self, console: Console) -> None:
        """In the format of its ending."""
        assert console.ok("account show acme -o acme.json") == ""
        assert json.loads((console.folder / "acme.json").read_text()) == json.loads(
            console.ok("account show acme -O json")
        )

    def test_shows_subscriptions_where_a_projection_has_them(self, console: Console) -> None:
        """Those of the account."""
        (console.folder / "projections").mkdir()
        (console.folder / "projections" / "subscriptions.sql").write_text(
            "-- subscriptions: all\n-- grain: one row a subscription\n-- needs: events\n-- parameters: none\n-- columns:\n"
            "--   account: account\n--   subscription: id\n--   product: product\n"
            "SELECT DISTINCT id AS account, 'sub-1' AS subscription, 'Pro' AS product FROM events WHERE stream = 'account'"
        )
        assert "subscription  product\n---------------------\nsub-1         Pro\n" in console.ok("account show acme")

    def test_takes_the_users_own_accounts(self, console: Console) -> None:
        """As they are."""
        (console.folder / "projections").mkdir()
        (console.folder / "projections" / "accounts.sql").write_text(
            "-- accounts: mine\n-- grain: one row an account\n-- needs: events\n-- parameters: none\n-- columns:\n"
            "--   account: account\nSELECT DISTINCT id AS account FROM events WHERE stream = 'account'"
        )
        assert console.ok("account show acme").startswith("account\n---------\nacme-gmbh\n")

    def test_escapes_what_comes_from_outside(self, console: Console) -> None:
        """In the words and in the tables."""
        console.ok(["account", "note", "acme", "repair", "--weight", "1", "--note", "a\x1b[31m"])
        console.ok(["account", "open", "Evil \x1b[31m", "--id", "evil", "--attr", "a=\x1b[0m"])
        assert "a\\x1b[31m" in console.ok("account show acme")
        assert "\x1b" not in console.ok("account show evil") + console.ok("account show evil -O md")

    @pytest.mark.parametrize("width", [30, 60, 100])
    def test_fits_the_terminal(self, width: int, console: Console) -> None:
        """Its tables do."""
        console.ok("deal revise acme --account acme")
        console.width = width
        lines = console.ok("account show acme").splitlines()
        assert all(len(line) <= max(width, 60) for line in lines if "  " in line)


class TestOpening:
    """An account is opened together with its deals."""

    def test_links_them_in_the_same_append(self, console: Console) -> None:
        """With the id that the account gets; by the same key only once."""
        line = "account open 'Gamma SA' --deal gamma --deal delta --on 2026-02-15 --key g"
        assert [text.split(" on ")[0] for text in console.ok(line).splitlines()] == [
            "entry 30: account-opened gamma-sa",
            "entry 31: deal-revised gamma-sa",
            "entry 32: deal-revised delta-ltd",
        ]
        with unchanged(console):
            assert console.ok(line).count("recorded before") == 3
        assert [row["deal"] for row in json.loads(console.ok("deals account:=gamma-sa -O json"))] == [
            "gamma-sa",
            "delta-ltd",
        ]

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("account open New --deal nobody", "There is no deal 'nobody'"),
            ("account open New --deal gamma --on 2025-01-01", "gamma-sa: "),
        ],
    )
    def test_or_records_nothing(self, line: str, why: str, console: Console) -> None:
        """Where one of them isn't there, or not yet."""
        with unchanged(console):
            message = console.no(line)
        assert why in message
        assert "Nothing was recorded." in message


class TestTree:
    """Who brought whom."""

    def test_takes_a_filter_behind_it(self, console: Console) -> None:
        """An account has no colon."""
        assert console.ok("referrals --tree owner:ann") == console.ok("referrals owner:ann --tree")

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("referrals --tree --share", "--share and --tree are two reports"),
            ("referrals --tree -p 2026", "--tree has no periods"),
            ("referrals --by owner", "--by splits --share only"),
            ("referrals --tree nobody", "There is no account 'nobody'"),
            ("referrals foo:1", "there is no field 'foo' here"),
        ],
    )
    def test_and_what_it_does_not_go_with(self, line: str, why: str, console: Console) -> None:
        """One message."""
        assert why in console.no(line)

    def test_of_an_account_that_referred_nobody_is_empty(self, console: Console) -> None:
        """And says so."""
        console.ok("account open 'Gamma SA' --on 2026-03-01")
        assert "(none)" in console.ok("referrals --tree gamma")
        assert json.loads(console.ok("referrals --tree gamma -O json")) == []
