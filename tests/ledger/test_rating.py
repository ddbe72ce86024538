"""No amount without an exchange rate on its day: neither recorded so, nor left so."""

from decimal import Decimal
from pathlib import Path

import pytest

from salesledger.domain.decide import Record
from salesledger.errors import Refused
from salesledger.ledger.batch import Proposal
from salesledger.ledger.store import Store
from support.books import Books, books
from support.happenings import at, captured, opened, rate_set, subscribed
from support.ledgers import clock
from support.story import correct, void

FIRST = 4
"""The entry of the first rate: behind those of the ledger's beginning."""


@pytest.fixture
def ledger(tmp_path: Path) -> Books:
    """A ledger in euros in Berlin, with dollars from 10 January on."""
    return books(tmp_path, "Europe/Berlin").record("rate:USD", rate_set(10))


class TestAnAmountBeforeTheFirstRate:
    def test_is_refused_with_that_day_and_the_remedy(self, ledger: Books) -> None:
        """Nothing is recorded; with a rate of its day it is."""
        with pytest.raises(
            Refused, match=r"USD has no exchange rate on 2026-01-09; its first one is of 2026-01-10"
        ) as no:
            ledger.record("a", captured(9, amount="5", currency="USD"))
        assert "'salesledger rate set USD RATE --on 2026-01-09'" in str(no.value)
        ledger.record("rate:USD", rate_set(9)).record("a", captured(9, amount="5", currency="USD"))

    def test_on_its_day_is_none(self, ledger: Books) -> None:
        """Whatever the hour: a rate counts from the beginning of its day in the ledger's zone."""
        ledger.record("a", captured(9.96, amount="5", currency="USD"))
        assert ledger.one("deals", "value_converted") == (Decimal("4.5"),)

    def test_is_judged_with_the_rates_of_the_same_append(self, ledger: Books) -> None:
        """And a group that is refused leaves no rate behind."""
        with clock(at(60)), Store.open(ledger.path) as store:
            refused: list[int] = []
            deal = Proposal("deal:a", Record(captured(3, amount="5", currency="USD")))
            early = Proposal("rate:USD", Record(rate_set(2)))
            wrong = Proposal("rate:USD", Record(rate_set(1, rate="1.5")))
            impossible = Proposal("account:x", Record(subscribed(3)))
            store.record([[wrong, impossible], [deal], [early], [deal]], on_refused=lambda i, _: refused.append(i))
        assert refused == [0, 1]
        assert ledger.one("deals", "deal") == ("a",)


class TestTakingARateBack:
    def test_that_an_amount_needs_is_refused(self, ledger: Books) -> None:
        """With the amount and the remedy; a later one in its place does not help."""
        ledger.record("account:x", opened(1), subscribed(12, currency="USD"))
        for wish in (void(FIRST), correct(FIRST, rate_set(13))):
            with pytest.raises(
                Refused, match=r"\(x on 2026-01-12\) is in USD, which would have no exchange rate"
            ) as no:
                ledger.record("rate:USD", wish)
            assert "'salesledger rate set USD RATE --on 2026-01-10'" in str(no.value)
        ledger.record("rate:USD", correct(FIRST, rate_set(11, rate="0.5")))

    def test_that_no_amount_needs_is_done(self, ledger: Books) -> None:
        """One that is struck out needs none, nor one that has an earlier rate."""
        ledger.record("a", captured(12, amount="5", currency="USD"), void(FIRST + 1)).record("rate:USD", void(FIRST))
        ledger.record("rate:USD", rate_set(3), rate_set(5)).record("b", captured(6, amount="5", currency="USD"))
        ledger.record("rate:USD", void(9))
        assert ledger.one("deals", "rate", as_of=at(7)) == (Decimal("0.9"),)
