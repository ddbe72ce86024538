"""The first law: replaying the log gives the state that was there while it was written."""

from hypothesis import event, given, settings

from laws.journeys import STREAMS, Journey, journeys, played
from salesledger.domain.decide import fold
from salesledger.domain.events import EventVoided
from salesledger.domain.timeline import standing as domain_standing
from salesledger.ledger.store import Store
from support import examples
from support.asking import asked_of
from support.twins import moments, standing


@settings(max_examples=examples(80))
@given(journey=journeys())
def test_a_replay_of_the_log_is_the_live_state(journey: Journey) -> None:
    """What `Store.record` gave back, folded as it came, is what a program that opens the ledger tomorrow reads."""
    with played(journey) as story, Store.open(story.path) as tomorrow:
        event(f"recorded {len(story.recorded) // 10}x10, refused {story.refused // 10}x10")
        for stream in STREAMS:
            again = tomorrow.records(stream)
            assert again == story.live.get(stream, [])
            assert fold(stream, domain_standing(again)) == story.state(stream)
            assert [r.version for r in again] == list(range(1, len(again) + 1))
        entries = [r.entry for r in story.recorded]
        assert entries == list(range(entries[0], entries[0] + len(entries)))
        stamps = [r.recorded_at for r in story.recorded]
        assert stamps == sorted(stamps)
        assert all(r.known_at <= r.recorded_at for r in story.recorded)


@settings(max_examples=examples(40))
@given(journey=journeys())
def test_what_stands_follows_from_the_chains_of_voids(journey: Journey) -> None:
    """The domain looks at the last void of each chain; step by step through voids of voids comes out the same, at every moment."""
    with played(journey) as story:
        restored = sum(isinstance(r.event, EventVoided) and not r.event.strikes for r in story.recorded)
        event(f"voids of voids: {restored}")
        for moment in moments(asked_of(story.path, story.recorded)):
            asked = asked_of(story.path, story.recorded, known_at=moment)
            for kind in ("deal", "account"):
                ours = [r for r in story.recorded if r.stream.startswith(kind)]
                found = domain_standing(ours, known_at=moment)
                assert [r.entry for r in found] == [r.entry for r in standing(asked, kind)]
