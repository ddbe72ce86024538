"""Persons: SQL says what a plain fold of the same events says, for every date and state of knowledge, forgotten ones included."""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hypothesis import event, given, settings
from hypothesis import strategies as st

from salesledger.domain.decide import Command, Correct, Record, Void
from salesledger.domain.events import Event, EventVoided
from salesledger.errors import SalesledgerError
from salesledger.ledger.store import Store
from support import examples, twin_persons
from support import happenings as h
from support.answers import Row, ordered, tables
from support.asking import asked_of
from support.happenings import at
from support.ledgers import clock, log_of, new_ledger, record
from support.twins import Asked

TWINS: dict[str, Callable[[Asked], list[Row]]] = {
    "persons": twin_persons.persons,
    "contact_links": twin_persons.contact_links,
    "contacts": twin_persons.contacts,
}
PERSONS = ("p-1", "p-2", "p-3")


@dataclass(frozen=True)
class Step:
    """Something about a person, in numbers: what, whom, on which half day, known how many half days later, and how it looks."""

    act: str
    whom: int
    day: int
    later: int
    dress: int


ACTS = ("revise", "revise", "revise", "contact", "contact", "remove", "meet", "meet", "void", "correct", "forget")


def steps() -> st.SearchStrategy[list[Step]]:
    """What happens to three persons, in the order in which it is recorded."""
    one = st.builds(
        Step, st.sampled_from(ACTS), st.integers(0, 2), st.integers(4, 60), st.integers(0, 30), st.integers(0, 99)
    )
    return st.lists(one, min_size=10, max_size=30)


def happening(act: str, person: str, on: datetime, known: datetime | None, dress: int) -> tuple[str, Event]:
    """A stream and an event for it."""
    if act == "revise":
        texts = {"name": f"N {dress}", "email": f"e{dress}@example.org", "remark": f"r {dress}"}
        chosen = dict(list(texts.items())[dress % 3 :])
        return f"person:{person}", h.person_revised(on, known_at=known, **chosen)
    if act == "forget":
        return f"person:{person}", h.person_forgotten(on, known_at=known)
    if act == "meet":
        others = {PERSONS[dress % 3], person}
        return "deal:acme", h.meeting(on, known_at=known, persons=sorted(others))
    account = f"account:{'ab'[dress % 2]}"
    if act == "remove":
        return account, h.contact_removed(on, known_at=known, person=person)
    role = (None, "champion", "user")[dress % 3]
    return account, h.contact_added(on, known_at=known, person=person, role=role)


def take(store: Store, step: Step) -> None:
    """Record a step, where it is possible."""
    person = PERSONS[step.whom]
    on, known = at(step.day / 2), at((step.day + step.later) / 2)
    if step.act not in ("void", "correct"):
        stream, told = happening(step.act, person, on, known, step.dress)
        command: Command = Record(told)
    else:
        stream = (f"person:{person}", "deal:acme", "account:a", "account:b")[step.dress % 4]
        happened = [r for r in store.records(stream)[1:] if not isinstance(r.event, EventVoided)]
        if not happened:
            return
        target = happened[step.dress % len(happened)]
        later = max(known, target.known_at)
        command = Void(target.entry, "a mistake", "kim", later)
        if step.act == "correct":
            fields = target.event.model_dump(exclude_none=True, exclude={"rank", "replaces", "known_at"})
            right = type(target.event)(**fields | {"effective_at": on, "known_at": later})
            command = Correct(target.entry, "a slip", right)
    with suppress(SalesledgerError):
        record(store, stream, command)


@settings(max_examples=examples(8))
@given(told=steps(), asks=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=2, max_size=2))
def test_persons_are_what_a_plain_fold_says(told: list[Step], asks: list[tuple[int, int]]) -> None:
    """Of three persons with much that is learned late, struck out, corrected, and now and then forgotten."""
    with tempfile.TemporaryDirectory() as folder, clock(at(90)):
        path = new_ledger(Path(folder) / "sales.ledger", "Europe/Berlin")
        with Store.open(path) as store:
            for name in "ab":
                record(store, f"account:{name}", h.opened(1, company=name.upper()))
            record(store, "deal:acme", h.captured(1))
            for n, person in enumerate(PERSONS):
                record(store, f"person:{person}", h.person_added(1 + n, name=f"First {n}", position="boss"))
            for step in told:
                take(store, step)
        log = log_of(path)
        event(f"{len(log) // 8}x8 entries, {sum(r.event.type_name() == 'person-forgotten' for r in log)} forgotten")
        for a, k in [(100, 100), *asks]:
            asked = asked_of(path, log, as_of=at(a), known_at=at(k + 0.5))
            with tables(path) as answers:
                for name, twin in TWINS.items():
                    got, wanted = answers.ask(name, asked.as_of, asked.known_at), twin(asked)
                    assert ordered(got) == ordered(wanted), name
