"""A forecast divided: by owner, team, source, product, segment or deal, in parts that add up to the whole to the cent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from salesledger.forecast.carriers import Carriers
from salesledger.forecast.figures import Parts
from salesledger.forecast.week import Real, Week

DIMENSIONS = ("owner", "team", "source", "product", "segment", "deal")
"""What a forecast can be divided by."""

COLUMNS = ("period", "group", "model", "origin", "mean", "won", "open", "new", "currency")
"""The keys of a part's row, in order."""

_CENT = Decimal("0.01")


def divided(total: Decimal, weights: Sequence[float] | Real) -> list[Decimal]:
    """An amount in parts as large as the weights say, each in cents, which add up to it exactly.

    Cents that rounding down leaves over go to the parts that lost most by it (the method of the largest remainder). Where no
    weight is above zero, there is no part.
    """
    kept = np.maximum(np.nan_to_num(np.asarray(weights, dtype=float)), 0)
    whole = float(np.sum(kept))
    if not whole > 0:
        return [Decimal(0)] * len(kept)
    cents = int(total / _CENT)
    exact = kept / whole * cents
    floors = np.floor(exact).astype(np.int64)
    left = cents - int(np.sum(floors))
    for place in np.argsort(floors - exact, kind="stable")[:left]:
        floors[place] += 1
    floors[int(np.argmax(kept))] += cents - int(np.sum(floors))
    return [int(floor) * _CENT for floor in floors]


def divide(
    by: str, parts: Parts, carriers: Carriers, week: Week, won: Mapping[str | None, Decimal]
) -> list[dict[str, object]]:
    """What each part brings, the largest first.

    Args:
        by: one of DIMENSIONS.
        parts: the whole.
        carriers: what it is made of.
        week: the origin.
        won: what is booked already, by the same.

    Returns:
        Rows of group (None for what nobody told, and for the deals that nobody knows yet), mean, won, open, new.
    """
    open_weights, new_weights = _weights(by, carriers, week)
    names = list(dict.fromkeys([*open_weights, *new_weights, *won]))
    from_open = _shares(parts.open, open_weights, names)
    from_new = _shares(parts.new, new_weights, names)
    rows: list[dict[str, object]] = []
    for name, opened, new in zip(names, from_open, from_new, strict=True):
        booked = won.get(name, Decimal(0))
        if booked or opened or new:
            rows.append({"group": name, "mean": booked + opened + new, "won": booked, "open": opened, "new": new})
    return sorted(rows, key=lambda row: (-Decimal(str(row["mean"])), row["group"] is None, str(row["group"])))


def _shares(total: Decimal, weights: Mapping[str | None, float], names: Sequence[str | None]) -> list[Decimal]:
    """The total divided; to nobody in particular where no weight tells whom."""
    shares = divided(total, [weights.get(name, 0.0) for name in names])
    if total and not any(shares):
        return [total if name is None else Decimal(0) for name in names]
    return shares


def _weights(by: str, carriers: Carriers, week: Week) -> tuple[dict[str | None, float], dict[str | None, float]]:
    """How much each part is expected to bring of the open deals, and of those that nobody knows yet."""
    if by == "deal":
        expected = zip(carriers.deals.deal, carriers.expected, strict=True)
        return {week.names.deals[int(deal)]: float(worth) for deal, worth in expected}, {None: carriers.new}
    words = week.names.words[by]
    codes = getattr(carriers.deals, by)
    of_open = np.bincount(codes, weights=carriers.expected, minlength=week.levels[by])
    of_new = carriers.new_by.get(by, np.zeros(0))
    return (
        {words[code] or None: float(worth) for code, worth in enumerate(of_open)},
        {None: 0.0} | {words[code] or None: float(worth) for code, worth in enumerate(of_new)},
    )
