"""A forecast divided: parts that add up to the whole to the cent, each as large as what carries it."""

from datetime import date
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.weeks import Made, weeks
from salesledger.forecast.carriers import Carriers
from salesledger.forecast.figures import Parts
from salesledger.forecast.shares import divide, divided
from support import examples

CENT = Decimal("0.01")


@settings(max_examples=examples(60))
@given(
    total=st.decimals(0, 10**12, places=2),
    weights=st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e9)), min_size=1, max_size=9),
)
def test_parts_add_up_and_none_is_a_cent_off(total: Decimal, weights: list[float]) -> None:
    """Where anything has a weight; each part is its exact share, rounded up or down."""
    parts = divided(total, weights)
    if not any(weights):
        assert parts == [0] * len(weights)
        return
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        exact = float(total) * weight / sum(weights)
        assert abs(float(part) - exact) <= 0.0100001 + 1e-9 * float(total)
        assert part == part.quantize(CENT)
        assert part >= 0


DEALS = [
    Made(date(2025, 11, 3), codes={"owner": 1}),
    Made(date(2025, 11, 4), codes={"owner": 2}),
    Made(date(2025, 11, 5)),
]
WEEK = weeks(DEALS, date(2026, 1, 4), date(2026, 1, 4))[0]
PARTS = Parts(Decimal(50), Decimal(100), Decimal("10.01"), Decimal(0))


def carried(expected: tuple[float, float, float], new_by_owner: tuple[float, float, float]) -> Carriers:
    """The three deals with what each is expected to bring, and new ones by owner."""
    some = np.array(expected)
    new = np.array(new_by_owner)
    return Carriers(50.0, WEEK.open, some / 100, some * 0 + 100, some, float(new.sum()), {"owner": new}, 1.0)


def test_each_owner_has_what_is_won_what_is_open_and_what_will_come() -> None:
    """What has no owner is told apart, as nobody's."""
    rows = divide("owner", PARTS, carried((30, 10, 10), (0, 1, 1)), WEEK, {"owner-1": Decimal(20), None: Decimal(30)})
    told = {row["group"]: (row["mean"], row["won"], row["open"], row["new"]) for row in rows}
    assert told == {
        "owner-1": (Decimal("85.01"), 20, 60, Decimal("5.01")),
        None: (50, 30, 20, 0),
        "owner-2": (25, 0, 20, 5),
    }
    assert [row["group"] for row in rows] == ["owner-1", None, "owner-2"]


def test_a_deal_has_its_own_part_and_leads_to_come_one_together() -> None:
    """Won deals too."""
    rows = divide("deal", PARTS, carried((30, 10, 10), (0, 1, 1)), WEEK, {"sold": Decimal(50)})
    told = {row["group"]: row["mean"] for row in rows}
    assert told == {"deal-0": 60, "sold": 50, "deal-1": 20, "deal-2": 20, None: Decimal("10.01")}


def test_what_nothing_carries_is_nobodys() -> None:
    """The parts add up all the same."""
    rows = divide("owner", PARTS, carried((0, 0, 0), (0, 0, 0)), WEEK, {"owner-1": Decimal(50)})
    assert {row["group"]: row["mean"] for row in rows} == {"owner-1": 50, None: Decimal("110.01")}
