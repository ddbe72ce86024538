"""Between events and bytes: a table of topics, and upcasters for those that are no longer current."""

import json
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from salesledger.domain.clocks import to_micros
from salesledger.domain.deal_events import LeadCaptured, LeadContacted
from salesledger.domain.events import TOPICS, Event
from salesledger.errors import DamagedLedger, NewerLedger
from salesledger.ledger.mapper import LedgerMapper, LoggedEvent, Pending, upcast
from support.happenings import at, captured, contacted

STATE = {"effective_at": "2026-01-02T00:00:00Z", "recorded_by": "kim"}


def logged(topic: str, state: bytes | dict[str, Any]) -> LoggedEvent:
    """A row of the log."""
    text = state if isinstance(state, bytes) else json.dumps(state).encode()
    return LoggedEvent("deal:a", 2, topic, text, 7, to_micros(at(9)), "k-1")


def read(topic: str, state: bytes | dict[str, Any], mapper: LedgerMapper | None = None) -> Any:
    """What the mapper makes of a row."""
    return (mapper or LedgerMapper("sales.ledger")).to_domain_event(logged(topic, state))


def test_an_event_becomes_its_topic_and_its_json() -> None:
    """Without what is absent; the key goes beside it."""
    stored = LedgerMapper().to_stored_event(Pending("deal:a", 3, contacted(2, channel="ü"), "k-1"))
    assert (stored.originator_id, stored.originator_version, stored.topic, stored.key) == (
        "deal:a",
        3,
        "lead-contacted/1",
        "k-1",
    )
    assert json.loads(stored.state) == {**STATE, "channel": "ü"}
    assert "ü".encode() in stored.state


def test_bytes_become_the_event_with_what_the_log_knows_of_it() -> None:
    """Its stream, version, entry, stamp and key."""
    recorded = read("lead-contacted/1", {**STATE, "channel": "phone"})
    assert recorded.event == contacted(2)
    assert isinstance(recorded.event, LeadContacted)
    assert (recorded.stream, recorded.id, recorded.version, recorded.entry) == ("deal:a", "a", 2, 7)
    assert (recorded.recorded_at, recorded.known_at, recorded.key) == (at(9), at(9), "k-1")
    assert recorded.place == (at(2), 7)


def test_what_an_import_says_was_known_earlier_and_stands_earlier() -> None:
    """known_at and rank of the event come before the log's own."""
    recorded = read("lead-contacted/1", {**STATE, "channel": "phone", "known_at": "2026-01-03T00:00:00Z", "rank": 5})
    assert (recorded.known_at, recorded.place) == (at(3), (at(2), 5))


def test_events_are_checked_when_they_are_read() -> None:
    """A damaged one is never half an event."""
    with pytest.raises(DamagedLedger, match=r"'sales.ledger'.*entry 7 is no lead-contacted/1: Field required"):
        read("lead-contacted/1", STATE)
    with pytest.raises(DamagedLedger, match="entry 7 is no lead-contacted/1"):
        read("lead-contacted/1", b"\xff not json")


@pytest.mark.parametrize(
    "topic", ["deal-gifted/1", "deal-won/2", "deal-won", "", "os:system", "salesledger.domain.deal_events:DealWon"]
)
def test_a_topic_that_is_not_in_the_table_is_never_looked_up_elsewhere(topic: str) -> None:
    """A later version wrote it, or somebody who shouldn't."""
    with pytest.raises(NewerLedger, match=r"written by a newer salesledger \(entry 7 is of the unknown type"):
        read(topic, STATE)


class TestUpcasting:
    """Topics that were current once: 'lead-rung/1' had a number, 'lead-rung/2' a phone."""

    UPCASTERS: ClassVar[Any] = {
        "lead-rung/1": ("lead-rung/2", lambda old: {"phone": old.pop("number"), **old}),
        "lead-rung/2": ("lead-contacted/1", lambda old: {"channel": f"phone {old.pop('phone')}", **old}),
        "deal-lapsed/1": ("deal-forgotten/1", lambda old: old),
    }

    @pytest.fixture
    def mapper(self) -> LedgerMapper:
        """One with tables of its own: they are private to it."""
        return LedgerMapper("sales.ledger", {"lead-contacted/1": LeadContacted}, self.UPCASTERS)

    def test_an_old_event_is_read_as_a_current_one(self, mapper: LedgerMapper) -> None:
        """One step or several."""
        assert read("lead-rung/2", {**STATE, "phone": "112"}, mapper).event == contacted(2, channel="phone 112")
        assert read("lead-rung/1", {**STATE, "number": "110"}, mapper).event == contacted(2, channel="phone 110")

    def test_a_current_event_is_not_touched(self, mapper: LedgerMapper) -> None:
        """Its bytes go straight to its class."""
        assert read("lead-contacted/1", {**STATE, "channel": "mail"}, mapper).event == contacted(2, channel="mail")
        assert upcast("", 1, "lead-contacted/1", b"as it is", self.UPCASTERS) == ("lead-contacted/1", b"as it is")

    def test_an_old_event_that_leads_nowhere_is_unknown(self, mapper: LedgerMapper) -> None:
        """The message names what it would have become."""
        with pytest.raises(NewerLedger, match="unknown type 'deal-forgotten/1'"):
            read("deal-lapsed/1", STATE, mapper)

    def test_an_old_event_that_is_no_json_is_damage(self, mapper: LedgerMapper) -> None:
        """There is nothing to bring forward."""
        with pytest.raises(DamagedLedger, match="entry 7 is no JSON"):
            read("lead-rung/1", b"{", mapper)

    def test_an_event_that_is_wrong_after_its_upcasting_is_damage(self, mapper: LedgerMapper) -> None:
        """It is checked like any other."""
        with pytest.raises(DamagedLedger, match="entry 7 is no lead-contacted/1"):
            read("lead-rung/2", {"phone": "112"}, mapper)

    def test_tables_of_one_mapper_are_not_those_of_another(self, mapper: LedgerMapper) -> None:
        """The usual mapper knows no rung leads, this one no captured ones."""
        with pytest.raises(NewerLedger):
            read("lead-rung/1", {**STATE, "number": "110"})
        with pytest.raises(NewerLedger):
            read("lead-captured/1", {**STATE, "company": "A"}, mapper)


def test_every_event_passes_both_ways() -> None:
    """The mapper gives back what it was given, equal and frozen."""
    event = captured(1, amount="1250.50", attributes={"size": "50"}, known_at=3)
    stored = LedgerMapper().to_stored_event(Pending("deal:a", 1, event))
    again = read(stored.topic, stored.state).event
    assert again == event
    with pytest.raises(ValidationError, match="frozen"):
        again.company = "B"


def test_the_usual_table_is_the_domains() -> None:
    """All of it."""
    assert LedgerMapper().topics is TOPICS
    assert all(issubclass(cls, Event) for cls in TOPICS.values())
    assert TOPICS["lead-captured/1"] is LeadCaptured
