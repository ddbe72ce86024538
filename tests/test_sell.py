"""A sale over the counter from a program: two events, one append."""

from pathlib import Path

import pytest

from salesledger import Ledger
from salesledger.errors import BadValue, KeyReused, Refused


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger in euros."""
    return Ledger.create(tmp_path / "sales.ledger", currency="EUR", actor="kim")


def test_is_captured_and_won_at_once(ledger: Ledger) -> None:
    """The win holds the price; the deal follows the ledger's first process, or the one that is named."""
    with ledger:
        captured, won = ledger.sell(
            "Walk-in", amount="20", list_amount="25", terms="cash", on="2026-01-05", owner="lee"
        )
        assert captured.stream == won.stream == "deal:walk-in"
        row = ledger.query("SELECT process, status, owner, value, captured_on = closed_on FROM deals").fetchall()
    assert row == [("b2b", "won", "lee", 20, True)]


def test_follows_counter_where_there_is_one(ledger: Ledger) -> None:
    """Unless another process is named."""
    with ledger:
        stages = [{"name": "counter", "probability": "0.9"}]
        ledger.record("process-defined", process="counter", process_version=1, stages=stages, on="2026-01-01")
        ledger.sell("A", amount="1", on="2026-01-05")
        ledger.sell("B", amount="1", on="2026-01-05", process="b2b")
        assert ledger.query("SELECT process FROM deals ORDER BY deal").fetchall() == [("counter",), ("b2b",)]


@pytest.mark.parametrize("step", ["deal-won", "offer-made", "offer-countered", "deal-revised"])
def test_of_a_deal_in_another_currency_stays_in_it(ledger: Ledger, step: str) -> None:
    """An amount that names no currency is in the deal's; a deal that has none takes the ledger's."""
    with ledger:
        ledger.record("rate-set", currency="USD", rate="0.9", on="2026-01-01")
        ledger.record("lead-captured", deal="a", company="A", amount="700", currency="USD", on="2026-01-02")
        ledger.record("lead-captured", deal="b", company="B", on="2026-01-02")
        told = [ledger.record(step, deal=deal, amount="650", on="2026-01-03").recorded[0].event for deal in "ab"]
        assert [getattr(event, "currency", None) for event in told] == ["USD", "EUR"]


def test_under_a_key_is_recorded_once(ledger: Ledger) -> None:
    """Both events; another price under the same key is refused."""
    with ledger:
        first = ledger.sell("Walk-in", amount="20", on="2026-01-05", key="till-1")
        again = ledger.sell("Walk-in", amount="20", on="2026-01-05", key="till-1")
        assert [outcome.already for outcome in again] == [True, True]
        assert [o.recorded[0].entry for o in again] == [o.recorded[0].entry for o in first]
        with pytest.raises(KeyReused):
            ledger.sell("Walk-in", amount="21", on="2026-01-05", key="till-1")


def test_that_is_impossible_records_nothing(ledger: Ledger) -> None:
    """No amount, or no such process: neither of the two events is there."""
    with ledger:
        with pytest.raises(BadValue, match="needs its amount"):
            ledger.sell("Walk-in")
        with pytest.raises(Refused, match="no process 'nope'"):
            ledger.sell("Walk-in", amount="1", process="nope")
        assert ledger.project("deals").fetchall() == []


def test_to_the_same_name_all_day_has_an_id_each(ledger: Ledger) -> None:
    """Numbers go on without a gap; an id that somebody took is passed over."""
    with ledger:
        ledger.record("lead-captured", deal="cash-14", company="Cash", on="2026-01-04")
        streams = [ledger.sell("Cash", amount="1", on="2026-01-05")[0].stream for _ in range(24)]
    assert len(set(streams)) == 24
    assert streams[:13] == ["deal:cash", *(f"deal:cash-{n}" for n in range(2, 14))]
    assert streams[-1] == "deal:cash-25"


def test_finds_the_account_of_exactly_that_name(ledger: Ledger) -> None:
    """In whatever case, where one alone is open by then; a key that was used keeps what it recorded."""

    def sold(company: str, on: str, key: str | None = None) -> dict[str, object]:
        (captured,) = ledger.sell(company, amount="1", on=on, key=key, find_account=True)[0].recorded
        return captured.event.model_dump() | {"entry": captured.entry}

    with ledger:
        first = sold("Acme", "2026-01-05", "k")
        ledger.record("account-opened", account="acme", company="ACME", on="2026-01-10")
        assert [sold("acme", on)["account"] for on in ("2026-01-09", "2026-01-11")] == [None, "acme"]
        assert sold("Acme", "2026-01-05", "k") == first
        ledger.record("account-opened", account="other", company="acme", on="2026-01-12")
        assert [sold(name, "2026-01-13")["account"] for name in ("acme", "Acme Ltd")] == [None, None]
