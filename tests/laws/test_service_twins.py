"""Referrals and customer service: SQL says what a plain fold of the same events says, for every date and state of knowledge."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hypothesis import event, given, settings
from hypothesis import strategies as st

from laws.dressing import MAKERS
from laws.journeys import PERIODS, Journey, journeys, played
from laws.test_twins import questions
from salesledger.domain.decide import Command, Correct, Record, Void
from salesledger.domain.events import EventVoided
from salesledger.errors import SalesledgerError
from salesledger.ledger.store import Store
from support import examples, twin_referrals, twin_service
from support.answers import Row, ordered, tables
from support.asking import asked_of
from support.happenings import at, captured, opened, won
from support.ledgers import clock, log_of, new_ledger, record
from support.twins import Asked

TWINS: dict[str, Callable[[Asked], list[Row]]] = {
    "referred_leads": twin_referrals.referred_leads,
    "referrals": twin_referrals.referrals,
    "referral_share": twin_referrals.referral_share,
    "referral_tree": twin_referrals.referral_tree,
    "profile": twin_service.profile,
    "suggestions": twin_service.suggestions,
    "cases": twin_service.cases,
    "satisfaction": twin_service.satisfaction,
}
OFTEN_ACCOUNTS = (7, 8, 7, 8, 7, 8, 0, 1, 4)
"""Places in `STREAMS`: accounts more often than deals."""
SERVICE = ("account-noted", "account-noted", "case-opened", "case-resolved", "case-resolved", "satisfaction-noted")
ACCOUNTS = "abcde"


def comparable(rows: list[Row]) -> list[Row]:
    """Rows whose ratios of money are as exact as floats can be."""
    return ordered(
        {
            name: round(value, 9) if name.endswith("share") and value is not None else value
            for name, value in row.items()
        }
        for row in rows
    )


def differing(asked: Asked, path: Path, names: Sequence[str] = tuple(TWINS)) -> list[str]:
    """The projections whose rows are not those of their twins."""
    with tables(path, asked.periods) as answers:
        return [
            name
            for name in names
            if comparable(answers.ask(name, asked.as_of, asked.known_at, asked.by)) != comparable(TWINS[name](asked))
        ]


@settings(max_examples=examples(8))
@given(journey=journeys(longest=30, streams=OFTEN_ACCOUNTS))
def test_sql_says_what_a_plain_fold_says(journey: Journey) -> None:
    """Every projection of referrals and service, at the journey's end and at some pairs of moments."""
    with played(journey) as story:
        for asked in questions(story, journey.asks):
            assert differing(asked, story.path) == []


@contextmanager
def ledger_of() -> Iterator[Path]:
    """A fresh ledger with the five accounts, at the end of March 2026 by its clock."""
    with tempfile.TemporaryDirectory() as folder, clock(at(90)):
        path = new_ledger(Path(folder) / "sales.ledger", "Europe/Berlin")
        with Store.open(path) as store:
            for name in ACCOUNTS:
                record(store, f"account:{name}", opened(1, company=name.upper()))
        yield path


@dataclass(frozen=True)
class Service:
    """Something that happens to a client, in numbers: what, on which half day, known how many half days later, and how it looks."""

    act: str
    day: int
    later: int
    dress: int


def service() -> st.SearchStrategy[list[Service]]:
    """What happens to one client, in the order in which it is recorded."""
    acts = (*SERVICE, *SERVICE, "void", "correct", "correct")
    one = st.builds(Service, st.sampled_from(acts), st.integers(4, 60), st.integers(0, 30), st.integers(0, 999))
    return st.lists(one, min_size=12, max_size=30)


def _wish(store: Store, step: Service) -> Command:
    on, known = at(step.day / 2), at((step.day + step.later) / 2)
    if step.act in MAKERS:
        return Record(MAKERS[step.act](on, known, step.dress))
    happened = [r for r in store.records("account:a")[1:] if not isinstance(r.event, EventVoided)]
    if not happened:
        return Record(MAKERS["account-noted"](on, known, step.dress))
    target = happened[step.dress % len(happened)]
    if step.act == "void":
        return Void(target.entry, "a mistake", "kim", max(known, target.known_at))
    right = MAKERS[target.event.type_name()](
        target.event.effective_at if step.dress % 2 else on, max(known, target.known_at), step.dress
    )
    return Correct(target.entry, "a slip", right)


@settings(max_examples=examples(8))
@given(steps=service(), asks=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=2, max_size=2))
def test_service_is_what_a_plain_fold_says(steps: list[Service], asks: list[tuple[int, int]]) -> None:
    """Of one client with much that is noted late, struck out and corrected."""
    with ledger_of() as path, Store.open(path) as store:
        for step in steps:
            wish = _wish(store, step)
            with suppress(SalesledgerError):
                record(store, "account:a", wish)
        log = log_of(path)
        event(f"{len(store.records('account:a')) // 6}x6 entries")
        for a, k in [(100, 100), *asks]:
            asked = asked_of(path, log, as_of=at(a), known_at=at(k + 0.5), periods=PERIODS[: a % 4])
            assert differing(asked, path, ("profile", "suggestions", "cases", "satisfaction")) == []


Lead = tuple[int, int | None, int | None, bool]
"""The day on which it came, whose it is, who referred it, whether it is won."""


def leads() -> st.SearchStrategy[list[Lead]]:
    """Leads that accounts refer, of accounts that were referred, in circles and to themselves too."""
    whose = st.one_of(st.none(), st.integers(0, 4), st.integers(0, 4))
    return st.lists(st.tuples(st.integers(2, 9), whose, whose, st.booleans()), min_size=3, max_size=12)


@settings(max_examples=examples(8))
@given(every=leads())
def test_the_tree_holds_every_referred_lead_once(every: list[Lead]) -> None:
    """Below exactly one account at the top, as deep as it goes, and as the twin says."""
    with ledger_of() as path, Store.open(path) as store:
        for n, (day, account, referrer, is_won) in enumerate(every):
            told = {"account": account, "referred_by": referrer}
            named = {name: ACCOUNTS[place] for name, place in told.items() if place is not None}
            record(store, f"deal:d{n}", captured(day, amount=str(2**n), **named))
            if is_won:
                record(store, f"deal:d{n}", won(day + 3))
        asked = asked_of(path, as_of=at(40))
        assert differing(asked, path, ("referred_leads", "referrals", "referral_share", "referral_tree")) == []
        with tables(path) as answers:
            tree, referred = answers.ask("referral_tree"), answers.ask("referred_leads")
        event(f"depth {max([row['depth'] for row in tree], default=0)}")
        assert sorted(row["deal"] for row in tree if row["depth"]) == sorted(lead["deal"] for lead in referred)
        tops = [row for row in tree if row["depth"] == 0]
        assert sum(row["leads_below"] for row in tops) == len(referred)
        assert sum(row["bookings_below"] for row in tops) == twin_referrals.worth_of(
            [lead for lead in referred if lead["status"] == "won"]
        )
