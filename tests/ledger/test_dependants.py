"""What other entries need stays: a void that would leave them hanging is refused, with their entries and the remedy."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from salesledger import Ledger
from salesledger.domain.account import AccountNoted
from salesledger.domain.decide import Correct, Void
from salesledger.errors import NOTHING_RECORDED, NotFound, Refused
from support.books import END, Books, books
from support.happenings import captured, given_lead, noted, opened, renewed, repriced, revised, subscribed, won
from support.ledgers import clock, log_of


@pytest.fixture
def made(tmp_path: Path) -> Books:
    """A ledger with an account x (entry 4) and a lead a (entry 5)."""
    return books(tmp_path).record("account:x", opened(1)).record("a", captured(2))


def void(made: Books, entry: int) -> Books:
    """Strike out an entry."""
    stream = next(r.stream for r in log_of(made.path) if r.entry == entry)
    return made.record(stream, Void(entry, "slip", "kim"))


def refused(made: Books, entry: int) -> str:
    """Why an entry can't be struck out."""
    before = len(log_of(made.path))
    with pytest.raises(Refused) as refusal:
        void(made, entry)
    assert len(log_of(made.path)) == before
    message = str(refusal.value)
    assert message.endswith(NOTHING_RECORDED)
    return message


class TestAnAccount:
    def test_that_deals_belong_to_stays_open(self, made: Books) -> None:
        """Whether they were captured with it, linked to it later or referred by it."""
        made.record("b", captured(3, account="x")).record("a", revised(4, account="x"))
        made.record("c", captured(5, referred_by="x"))
        message = refused(made, 4)
        assert (
            "x: entry 4 (account-opened) can't be voided, as this depends on it: entry 6 (lead-captured of deal:b on "
            "2026-01-03), entry 7 (deal-revised of deal:a on 2026-01-04), entry 8 (lead-captured of deal:c on 2026-01-05). "
            "Void those first (8, 7, 6), or correct entry 4 instead." in message
        )
        for entry in (8, 7, 6, 4):
            void(made, entry)

    def test_with_a_history_of_its_own_lists_that(self, made: Books) -> None:
        """From the last entry on, all can go."""
        made.record("account:x", subscribed(2), noted(3))
        assert "entry 6 (subscription-started on 2026-01-02); entry 7 (account-noted on 2026-01-03)" in refused(made, 4)
        assert "Void those first, the last one first (7, 6), or correct entry 4 instead" in refused(made, 4)

    def test_lists_every_level_in_the_order_in_which_all_can_go(self, made: Books) -> None:
        """A deal of the account, what happened to it, what grew from it, what that sold to the account, a note on that."""
        made.record("b", captured(3, account="x"), won(4)).record("c", captured(5, grown_from="b"), won(6))
        made.record("account:x", subscribed(6, deal="c"), noted(7, evidence=9)).record("a", won(8))
        message = refused(made, 4)
        order = message.partition("Void those first (")[2].partition(")")[0].split(", ")
        assert order == ["11", "10", "9", "8", "7", "6"]
        for entry in (*map(int, order), 4):
            void(made, entry)

    def test_whose_opening_was_corrected_still_goes_last(self, made: Books) -> None:
        """What stands in an entry's place goes where the entry would have gone."""
        made.record("b", captured(3, account="x"), won(4))
        made.record("b", Correct(6, "slip", captured(3, account="x", company="Other")))
        message = refused(made, 4)
        assert "Void those first (7, 9), or correct entry 4" in message
        for entry in (7, 9, 4):
            void(made, entry)

    def test_of_very_much_tells_the_first_of_it(self, made: Books) -> None:
        """With how much more there is; voiding what is told in turn gets there."""
        for n in range(25):
            made.record(f"b{n}", captured(3, account="x"))
        message = refused(made, 4)
        assert "and 17 more" in message
        assert "Void those first (30, 29, 28" in message
        assert "12, 11, ...), or correct" in message

    def test_whose_id_is_only_a_word_elsewhere_can_go(self, made: Books) -> None:
        """An owner called x is no account."""
        void(made.record("b", captured(3, owner="x", source="x")), 4)


class TestALead:
    def test_that_others_grew_from_or_that_was_referred_stays(self, made: Books) -> None:
        """The deal that grew from it, the account that named it, the subscription that was sold with it."""
        made.record("b", captured(3, grown_from="a")).record(
            "account:x", given_lead(4, lead="a"), subscribed(5, deal="a")
        )
        message = refused(made, 5)
        assert "entry 6 (lead-captured of deal:b" in message
        assert "entry 7 (referral-given of account:x" in message
        assert "entry 8 (subscription-started of account:x" in message

    def test_with_a_history_is_told_to_be_corrected(self, made: Books) -> None:
        """Nobody is told to capture what is to be struck out."""
        message = refused(made.record("a", won(3)), 5)
        assert "capture" not in message.replace("captured", "")
        assert "Void that first (6), or correct entry 5 instead" in message


class TestEvidence:
    def test_of_a_note_stays(self, made: Books) -> None:
        """Until the note is struck out."""
        made.record("account:x", noted(3, evidence=5))
        assert "entry 6 (account-noted of account:x" in refused(made, 5)
        void(void(made, 6), 5)

    def test_is_of_the_client_itself(self, made: Books) -> None:
        """Of the account, of a deal that is linked with it or bears its name, or of nobody in particular; else it is refused."""
        made.record("account:y", opened(1, company="Other")).record("b", captured(2, company="Other"))
        made.record("c", captured(2, company="Other", account="x"))
        for entry in (1, 4, 5, 8):
            made.record("account:x", noted(3, evidence=entry))
        for entry, stream in ((6, "account:y"), (7, "deal:b")):
            with pytest.raises(Refused, match=rf"Entry {entry} .* of {stream} on 2026-01-0.\) is about another"):
                made.record("account:x", noted(3, evidence=entry))
        made.record("b", revised(4, account="x")).record("account:x", noted(5, evidence=7))

    def test_is_looked_for_by_its_whole_number(self, made: Books) -> None:
        """Entry 50 is not entry 5."""
        made.record("a", *(revised(3 + n / 100, owner=f"kim{n}") for n in range(46)))
        made.record("account:x", noted(5, evidence=50))
        made.record("b", captured(6))
        assert isinstance(log_of(made.path)[51].event, AccountNoted)
        void(made, 53)
        assert "entry 52 (account-noted" in refused(made, 50)


class TestAWin:
    @pytest.fixture
    def sold(self, made: Books) -> Books:
        """The lead a is won (6) and has started a subscription (7), which was renewed since (8)."""
        return made.record("a", won(3)).record("account:x", subscribed(3, deal="a", term_months=1), renewed(9))

    def test_whose_subscription_stands_stays(self, sold: Books) -> None:
        """The remedy is to void both."""
        message = refused(sold, 6)
        assert "entry 7 (subscription-started of account:x on 2026-01-03)" in message
        assert "Void the win together with it ('void 6 --with-subscription'), or void those first (8, 7)" in message

    def test_goes_with_its_subscription(self, sold: Books) -> None:
        """All that followed of the subscription goes too, in one append."""
        with clock(END), Ledger.open(sold.path, actor="kim") as ledger:
            outcomes = ledger.void_win(6, "withdrawn")
        assert struck(outcomes) == [8, 7, 6]
        assert sold.ask("subscriptions") == []
        assert sold.one("deals", "status") == ("open",)

    def test_goes_where_its_subscription_went_before(self, sold: Books) -> None:
        """Then nothing depends on it."""
        void(void(void(sold, 8), 7), 6)

    def test_that_added_to_a_subscription_takes_only_that_along(self, made: Books) -> None:
        """The subscription was there before."""
        made.record("account:x", subscribed(1)).record("a", won(3)).record("account:x", repriced(3, deal="a"))
        with clock(END), Ledger.open(made.path, actor="kim") as ledger:
            assert struck(ledger.void_win(7, "withdrawn", key="k")) == [8, 7]
            assert [outcome.already for outcome in ledger.void_win(7, "withdrawn", key="k")] == [True]
        assert made.one("subscriptions", "status", "recurring_amount")[0] == "running"


class TestARestoredEntry:
    def test_finds_what_it_names(self, made: Books) -> None:
        """A lead comes back only where its account stands."""
        void(void(made.record("b", captured(3, account="x")), 6), 4)
        with pytest.raises(NotFound, match="There is no account 'x'"):
            void(made, 7)
        void(void(made, 8), 7)


class TestASubscription:
    def test_that_a_lead_grew_from_stays(self, made: Books) -> None:
        """Its own account's, by its id."""
        made.record("account:x", subscribed(2))
        made.record("b", captured(3, account="x", subscription="pro", growth="upsell"))
        assert "entry 7 (lead-captured of deal:b" in refused(made, 6)


def struck(outcomes: Sequence[object]) -> list[int]:
    """The entries that some voids name."""
    return [outcome.recorded[0].event.voids for outcome in outcomes]  # type: ignore[attr-defined]
