"""Persons: added, revised, forgotten for good; and who may be a contact."""

import pytest

from salesledger.domain.decide import Context, Correct, Record, Void, decide
from salesledger.domain.events import Event
from salesledger.domain.process import Processes
from salesledger.domain.timeline import Recorded
from salesledger.errors import Refused
from support.happenings import (
    at,
    contact_added,
    contact_removed,
    opened,
    person_added,
    person_forgotten,
    person_revised,
)

CONTEXT = Context(Processes.of([]), "EUR", at(30))


def recorded(stream: str, *events: Event) -> list[Recorded]:
    """Entries 1, 2 and so on of a stream."""
    return [Recorded(stream, n, event, n, at(20)) for n, event in enumerate(events, start=1)]


@pytest.mark.parametrize(
    ("before", "event", "why"),
    [
        ([person_added(1)], person_added(2), "the person was added already on 2026-01-01"),
        ([], person_revised(2), "the person is not known yet on 2026-01-02"),
        ([person_added(5)], person_revised(2), "the person is not known yet on 2026-01-02"),
        ([person_added(1)], person_revised(2, phone=None), "nothing was changed; give what is to change"),
        ([], person_forgotten(2), "the person is not known yet on 2026-01-02"),
    ],
)
def test_an_impossible_step_is_refused(before: list[Event], event: Event, why: str) -> None:
    """With the reason."""
    with pytest.raises(Refused, match=why):
        decide("person:p-1", recorded("person:p-1", *before), Record(event), CONTEXT)


@pytest.mark.parametrize(
    "command",
    [
        Record(person_revised(25)),
        Record(person_revised(3)),
        Record(person_added(26)),
        Void(1, "a slip", "kim"),
        Void(2, "a slip", "kim"),
        Correct(1, "a slip", person_added(1)),
    ],
)
def test_nothing_more_is_recorded_of_a_forgotten_person(command: Record | Void | Correct) -> None:
    """Not even with an earlier date, and not to bring them back."""
    records = recorded("person:p-1", person_added(1), person_forgotten(10))
    with pytest.raises(Refused, match="the person was forgotten on 2026-01-20, which can't be undone"):
        decide("person:p-1", records, command, CONTEXT)


def test_only_a_contact_can_be_removed() -> None:
    """At that date."""
    records = recorded("account:x", opened(1), contact_added(3))
    assert decide("account:x", records, Record(contact_removed(4)), CONTEXT)
    with pytest.raises(Refused, match="'p-1' is no contact on 2026-01-02; the account's contacts are: none yet"):
        decide("account:x", records, Record(contact_removed(2)), CONTEXT)
