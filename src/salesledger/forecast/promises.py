"""The calls and quotas that were in force at each week's end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from salesledger.domain.clocks import to_micros
from salesledger.forecast.week import Call, Target
from salesledger.readmodel.engine import Engine, Question

_TOLD = """
    SELECT e.entry, e.known_at, e.effective_at, e.rank, e.type, e.owner, e.team, e.call, e.begins_on, e.ends_on, e.amount
    FROM events e
    WHERE e.type IN ('target-set', 'forecast-called')
    ORDER BY e.effective_at, e.rank, e.entry
"""
_VOIDS = """
    SELECT void_root, known_at, strikes FROM events WHERE stream = 'target' AND type = 'event-voided' ORDER BY entry
"""


@dataclass(frozen=True)
class _Promise:
    entry: int
    seen_at: int
    key: tuple[str, str, date, date]
    amount: float


@dataclass(frozen=True)
class Promises:
    """Every call and quota, in the order of business time, and what struck them.

    Attributes:
        told: the promises.
        voids: for each entry that was ever struck out: since when (microseconds) it is, or is no more.
    """

    told: Sequence[_Promise]
    voids: dict[int, list[tuple[int, bool]]]

    @classmethod
    def read(cls, engine: Engine, question: Question) -> Promises:
        """Read them from a ledger, as far as the question reaches."""
        told = [
            _Promise(
                entry,
                max(_micros(known_at), _micros(effective_at)),
                (
                    f"owner:{owner}" if owner else f"team:{team}" if team else "all",
                    "quota" if kind == "target-set" else call,
                    begins_on,
                    ends_on,
                ),
                float(amount),
            )
            for entry, known_at, effective_at, _rank, kind, owner, team, call, begins_on, ends_on, amount in engine.ask(
                _TOLD, question
            ).rows
        ]
        voids: dict[int, list[tuple[int, bool]]] = {}
        if told:
            for root, known_at, strikes in engine.ask(_VOIDS, question).rows:
                voids.setdefault(root, []).append((_micros(known_at), bool(strikes)))
        return cls(told, voids)

    def at(self, moment: int) -> tuple[tuple[Call, ...], tuple[Target, ...]]:
        """Those in force at a moment, in microseconds since 1970: of each kind for each period the last."""
        latest = {p.key: p.amount for p in self.told if p.seen_at <= moment and not self._struck(p.entry, moment)}
        calls = [
            Call(who, word, begin, end, amount) for (who, word, begin, end), amount in latest.items() if word != "quota"
        ]
        quotas = [
            Target(who, begin, end, amount) for (who, word, begin, end), amount in latest.items() if word == "quota"
        ]
        return tuple(sorted(calls, key=_order)), tuple(sorted(quotas, key=_order))

    def _struck(self, entry: int, moment: int) -> bool:
        standing = False
        for known_at, strikes in self.voids.get(entry, ()):
            if known_at <= moment:
                standing = strikes
        return standing


def _order(promise: Call | Target) -> tuple[date, date, str, str]:
    return promise.begin, promise.end, promise.who, getattr(promise, "category", "")


def _micros(naive: datetime) -> int:
    return to_micros(naive.replace(tzinfo=UTC))
