"""Subscriptions and the walk of recurring revenue are what a plain fold says, for every date and every state of knowledge."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from salesledger.domain.decide import Command, Correct, Record, Void
from salesledger.domain.events import Event, EventVoided
from salesledger.errors import SalesledgerError
from salesledger.ledger.batch import Proposal
from salesledger.ledger.store import Store
from salesledger.readmodel.periods import Period
from support import examples, twin_recurring
from support import happenings as h
from support.answers import ordered, tables
from support.asking import asked_of
from support.ledgers import clock, log_of, new_ledger
from support.twins import Asked, moments

DAY = timedelta(days=1)
AMOUNTS = ("0", "0.0001", "99.99", "100", "100", "250.5", "99999999999999.9999")
DEALS = (("ann", "cross-sell"), ("bob", None))
PERIODS = (
    Period("January", date(2026, 1, 1), date(2026, 2, 1)),
    Period("February", date(2026, 2, 1), date(2026, 3, 1)),
    Period("March", date(2026, 3, 1), date(2026, 4, 1)),
    Period("overlapping", date(2026, 1, 20), date(2026, 6, 1)),
)
TWINS: dict[str, Callable[[Asked], list[dict[str, object]]]] = {
    "subscriptions": twin_recurring.subscriptions,
    "renewals": twin_recurring.renewals,
    "recurring": twin_recurring.recurring,
}


@dataclass(frozen=True)
class Step:
    """A wish, in numbers.

    Attributes:
        act: the kind of event, or 'void' or 'correct'.
        ahead: how many days the ledger's clock moves before it.
        back: how many days ago it happened.
        told: how many days after that it became known; when it is recorded, where absent.
        target: which entry is struck or corrected, counted from the last.
    """

    act: str
    account: str
    subscription: str
    ahead: int
    back: int
    told: int | None
    amount: int
    months: int
    term: int | None
    target: int


ACTS = ("start", "start", "start", "renew", "change", "change", "cancel", "cancel")


def steps() -> st.SearchStrategy[Step]:
    """One wish."""
    return st.builds(
        Step,
        act=st.sampled_from([*ACTS, *ACTS, *ACTS, "void", "void", "correct", "correct", "correct"]),
        account=st.sampled_from("xy"),
        subscription=st.sampled_from("ab"),
        ahead=st.sampled_from([0, 0, 1, 3, 10, 20]),
        back=st.sampled_from([0, 0, 0, 0, 1, 2, 8, 30]),
        told=st.sampled_from([None, None, None, 0, 1, 9]),
        amount=st.integers(0, len(AMOUNTS) - 1),
        months=st.sampled_from([1, 1, 3, 7, 12]),
        term=st.sampled_from([None, 1, 1, 2, 12]),
        target=st.integers(0, 9),
    )


def event_of(step: Step, kind: str, now: datetime) -> Event:
    """What a step says happened."""
    on = now - step.back * DAY
    known = None if step.told is None else min(on + step.told * DAY, now)
    price: dict[str, object] = {"recurring_amount": AMOUNTS[step.amount], "interval_months": step.months}
    price["currency"] = "USD" if step.subscription == "b" else "EUR"
    common = {"subscription": step.subscription, "known_at": known}
    if kind == "start":
        product = (None, "basic", "pro")[step.target % 3]
        return h.subscribed(
            on, **common, **price, term_months=step.term, product=product, deal=(None, "ann", "bob")[step.back % 3]
        )
    if kind == "renew":
        return h.renewed(on, **common, term_months=step.term, **(price if step.target % 2 else {}))
    if kind == "change":
        return h.repriced(on, **common, **price)
    return h.cancelled(on, **common, reason=("price", None)[step.target % 2])


def wish_of(step: Step, path: Path, now: datetime) -> tuple[str, Command] | None:
    """The command that a step stands for; None where there is nothing yet to strike or to correct."""
    if step.act not in ("void", "correct"):
        return f"account:{step.account}", Record(event_of(step, step.act, now))
    entries = [r for r in reversed(log_of(path, "account:")) if r.event.type_name() != "account-opened"]
    if step.act == "correct":
        entries = [r for r in entries if not isinstance(r.event, EventVoided)]
    if not entries:
        return None
    target = entries[step.target % len(entries)]
    if step.act == "void":
        return target.stream, Void(target.entry, "a slip", "kim")
    kind = {"started": "start", "renewed": "renew", "changed": "change", "cancelled": "cancel"}
    same = kind[target.event.type_name().rpartition("-")[2]]
    right = event_of(step, same, now).model_copy(update={"subscription": target.event.subscription})  # type: ignore[attr-defined]
    return target.stream, Correct(target.entry, "a slip", right)


@contextmanager
def recorded(history: list[Step]) -> Iterator[tuple[Path, datetime]]:
    """Record a history in a fresh ledger; what the ledger refuses is skipped."""
    with tempfile.TemporaryDirectory() as folder, clock(h.at(5)) as time:
        path = new_ledger(Path(folder) / "sales.ledger", "Europe/Berlin")
        with Store.open(path) as store:
            store.record([[Proposal("rate:USD", Record(h.rate_set(-100, known_at=-100)))]])
            for deal, growth in DEALS:
                lead = h.captured(-100, known_at=-100, growth=growth)
                store.record([[Proposal(f"deal:{deal}", Record(lead))]])
            for account in "xy":
                store.record([[Proposal(f"account:{account}", Record(h.opened(-100, known_at=-100)))]])
            for step in history:
                time.now += step.ahead * DAY + timedelta(minutes=1)
                if step.ahead >= 10:
                    moved = h.rate_set(time.now, rate=("0.9", "1.1", "0.33333333")[step.target % 3])
                    store.record([[Proposal("rate:USD", Record(moved))]])
                wish = wish_of(step, path, time.now)
                if wish is not None:
                    store.record([[Proposal(*wish)]], on_refused=_skip)
        yield path, time.now


def _skip(_: int, error: SalesledgerError) -> None:
    assert str(error)


@settings(max_examples=examples(8))
@given(
    history=st.lists(steps(), min_size=3, max_size=30),
    asks=st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=2, max_size=2),
)
def test_sql_says_what_a_plain_fold_says(history: list[Step], asks: list[tuple[int, int]]) -> None:
    """At the end of the history and at some pairs of moments; and every walk adds up to the last digit."""
    with recorded(history) as (path, now):
        last = asked_of(path, as_of=now, known_at=now, periods=PERIODS)
        times = moments(last)
        questions = [last] + [
            replace(
                last,
                as_of=times[a % len(times)],
                known_at=times[k % len(times)],
                by=(None, "product", "account")[(a + k) % 3],
                periods=PERIODS[: a % 5],
            )
            for a, k in asks
        ]
        for asked in questions:
            with tables(path, asked.periods) as answers:
                for name, twin in TWINS.items():
                    rows = answers.ask(name, asked.as_of, asked.known_at, asked.by)
                    assert ordered(rows) == ordered(twin(asked)), name
                    if name == "recurring":
                        for row in rows:
                            assert_adds_up(row)


def assert_adds_up(row: dict[str, object]) -> None:
    """Closing = opening + new + expansion - contraction - churn + exchange, and likewise for accounts."""

    def of(name: str) -> Decimal:
        return Decimal(str(row[name]))

    for measure in ("mrr", "arr"):
        came = of(f"{measure}_new") + of(f"{measure}_expansion") + of(f"{measure}_exchange")
        went = of(f"{measure}_contraction") + of(f"{measure}_churn")
        assert of(f"{measure}_closing") == of(f"{measure}_opening") + came - went
    assert of("accounts_closing") == of("accounts_opening") + of("accounts_new") - of("accounts_churned")
