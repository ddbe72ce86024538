"""Nothing is ever edited: back-dated events, voids, voids of voids and corrections, each judged on the whole timeline."""

from decimal import Decimal

import pytest

from salesledger.domain.decide import Record
from salesledger.domain.events import EventVoided
from salesledger.domain.timeline import UNRECORDED, standing
from salesledger.errors import NotFound, Refused
from support.happenings import (
    advanced,
    at,
    captured,
    contacted,
    currency_set,
    defined,
    disqualified,
    ledger_opened,
    lost,
    meeting,
    offered,
    opened,
    qualified,
    reopened,
    revised,
    touched,
    trial_ended,
    trial_started,
    won,
)
from support.story import correct, given, types, void


class TestBackDated:
    """A late event is put in its place, and refused only where the timeline becomes impossible."""

    def test_a_late_event_is_judged_where_it_belongs(self) -> None:
        """A contact before the loss is fine although the deal is lost by now."""
        story = given(captured(1), lost(10)).then(contacted(5))
        assert story.standing == [1, 3, 2]
        assert story.state.status == "lost"

    def test_a_late_event_that_contradicts_what_was_before_it_is_refused(self) -> None:
        """Before its capture there is no deal."""
        assert "not captured yet on 2026-01-02" in given(captured(5)).refuses(contacted(2), Refused)

    def test_a_late_event_that_contradicts_what_follows_is_refused_and_names_that(self) -> None:
        """Losing the deal on the 5th would make the meeting of the 7th impossible."""
        story = given(captured(1), meeting(7), won(9))
        message = story.refuses(lost(5), Refused)
        assert (
            "that would make what follows impossible: entry 2 (meeting-held on 2026-01-07): the deal is lost" in message
        )
        assert "entry 3 (deal-won on 2026-01-09)" in message

    def test_a_late_close_and_reopening_fit_between(self) -> None:
        """Two late events in an order that is possible at each step."""
        story = given(captured(1), lost(10), reopened(20), won(30))
        assert story.then(contacted(25)).state.status == "won"
        assert "the deal is lost since 2026-01-10" in story.refuses(contacted(15))

    def test_a_late_event_moves_the_deal_from_where_it_stood_then(self) -> None:
        """A meeting before the offer enters 'meeting', though the deal stands at 'proposal' by now."""
        story = given(captured(1), offered(10)).then(meeting(5))
        assert story.event(3).stage == "meeting"
        assert story.state.stage == "proposal"

    def test_a_late_win_takes_the_price_of_its_own_day(self) -> None:
        """Not the one of a later day."""
        story = given(captured(1), offered(2, amount="100"), offered(20, amount="900"), void(3))
        assert "offer" not in story.when(won(5))[0].TOPIC
        assert story.when(won(5))[0].amount == Decimal(100)  # type: ignore[attr-defined]

    def test_a_late_touch_comes_before_the_capture(self) -> None:
        """What a prospect first heard often comes out last."""
        assert given(captured(5)).then(touched(2)).standing == [2, 1]

    def test_events_of_one_instant_keep_the_order_in_which_they_were_recorded(self) -> None:
        """A date without a time of day is midnight: entries decide."""
        assert given(captured(1), qualified(1), lost(1)).state.status == "lost"
        assert "the deal is lost since 2026-01-01" in given(captured(1), lost(1)).refuses(qualified(1))

    def test_a_ledger_that_holds_an_impossible_step_can_still_be_written_to(self) -> None:
        """What was allowed yesterday doesn't block what is possible today."""
        story = given(captured(1), trial_started(2), trial_ended(3))
        from dataclasses import replace

        odd = replace(story, records=(story.records[0], *story.records[2:]))  # the trial's start is not in this ledger
        assert types(odd.when(contacted(4))) == ["lead-contacted"]


class TestVoid:
    def test_names_the_entry_and_the_reason(self) -> None:
        """A void is an event of the same stream."""
        (event,) = given(captured(1), contacted(2)).when(void(2, "wrong company"))
        assert isinstance(event, EventVoided)
        assert (event.voids, event.void_root, event.strikes, event.void_reason) == (2, 2, True, "wrong company")
        assert (event.known_at, event.recorded_by) == (None, "kim")

    def test_takes_back_what_the_event_did(self) -> None:
        """As if it had never been."""
        story = given(captured(1), lost(2), void(2))
        assert (story.state.status, story.standing) == ("open", [1])
        assert story.then(won(3)).state.status == "won"

    def test_is_refused_where_what_follows_depends_on_the_entry(self) -> None:
        """A trial that ended must have started."""
        message = given(captured(1), trial_started(2), trial_ended(3)).refuses(void(2), Refused)
        assert (
            "acme: to strike out entry 2 would make what follows impossible: entry 3 (trial-ended on 2026-01-03). Void that "
            "first (3), or correct entry 2 instead." in message
        )
        assert "entry 2 (lead-contacted on 2026-01-02)" in given(captured(1), contacted(2)).refuses(void(1), Refused)

    def test_of_the_last_thing_that_depends_frees_the_first(self) -> None:
        """From the end, everything can be struck."""
        story = given(captured(1), trial_started(2), trial_ended(3), void(3), void(2), void(1))
        assert story.standing == []
        assert story.then(captured(7)).state.captured_at == at(7)

    def test_of_a_void_restores_the_event(self) -> None:
        """Entry 2 is struck by 3, which 4 takes back, which 5 takes back."""
        story = given(captured(1), lost(2), void(2), void(3))
        assert story.state.status == "lost"
        assert (story.event(4).voids, story.event(4).void_root, story.event(4).strikes) == (3, 2, False)
        again = story.then(void(4))
        assert again.state.status == "open"
        assert (again.event(5).voids, again.event(5).void_root, again.event(5).strikes) == (4, 2, True)

    def test_of_a_restored_event_strikes_it_anew(self) -> None:
        """The event itself can be named again once it stands."""
        story = given(captured(1), lost(2), void(2), void(3), void(2))
        assert story.state.status == "open"
        assert story.event(5).voids == 2

    def test_of_an_event_that_is_struck_is_refused(self) -> None:
        """And says which void to void."""
        message = given(captured(1), lost(2), void(2)).refuses(void(2), Refused)
        assert "Entry 2 is struck out already by entry 3; void 3 to restore it." in message

    def test_of_a_void_that_was_taken_back_is_refused(self) -> None:
        """Only the last link of a chain can be taken back."""
        story = given(captured(1), lost(2), void(2), void(3))
        assert "Void 3 was overtaken by entry 4; void that instead." in story.refuses(void(3), Refused)

    def test_of_a_void_is_refused_where_the_event_no_longer_fits(self) -> None:
        """The deal was won in the meantime, so its loss can't come back."""
        story = given(captured(1), lost(2), void(2), won(3))
        assert "that would make what follows impossible: entry 4 (deal-won" in story.refuses(void(3), Refused)

    def test_of_an_entry_that_is_not_in_the_stream_is_refused(self) -> None:
        """The message names both."""
        assert "Entry 9 is not an entry of deal:acme." in given(captured(1)).refuses(void(9), NotFound)

    def test_of_what_holds_for_the_whole_ledger_is_refused(self) -> None:
        """The ledger's beginning, its currency and its processes can't be struck."""
        settings = given(ledger_opened(1), currency_set(1), stream="settings:ledger", currency=None)
        process = given(defined(1), stream="process:art")
        for story, entry in ((settings, 1), (settings, 2), (process, 1)):
            assert "holds for the whole ledger and can't be voided" in story.refuses(void(entry), Refused)

    def test_may_have_been_known_earlier_but_not_before_what_it_strikes(self) -> None:
        """An import may carry the source's own stamp."""
        story = given(captured(1, known_at=2), contacted(3, known_at=5), now=at(20))
        (event,) = story.when(void(2, known_at=at(5)))
        assert (event.known_at, event.effective_at) == (at(5), at(5))
        for known_at in (at(4.9), at(20.1)):
            message = story.refuses(void(2, known_at=known_at), Refused)
            assert "can't be known before what it strikes (2026-01-05T00:00:00+00:00), nor later than now" in message

    def test_of_a_void_was_not_known_before_that_void(self) -> None:
        """The links of a chain become known in their order."""
        story = given(captured(1, known_at=2), contacted(3, known_at=5), void(2, known_at=at(7)), now=at(20))
        assert "(2026-01-07T00:00:00+00:00)" in story.refuses(void(3, known_at=at(6)), Refused)
        assert story.when(void(3, known_at=at(7)))[0].known_at == at(7)

    def test_comes_only_from_the_command(self) -> None:
        """An event that strikes is never recorded as such: it would skip the rules."""
        forged = EventVoided(
            effective_at=at(2), recorded_by="kim", voids=1, void_root=1, strikes=True, void_reason="sly"
        )
        assert "void" in given(captured(1)).refuses(Record(forged), Refused)


class TestCorrection:
    def test_is_a_void_and_a_replacement_in_the_place_of_the_original(self) -> None:
        """Both in one append; the replacement has the original's rank."""
        story = given(captured(1), offered(2, amount="10"), contacted(3))
        voided, replacement = story.when(correct(2, offered(2, amount="100"), "a nought was missing"))
        assert isinstance(voided, EventVoided)
        assert (voided.voids, voided.strikes, voided.void_reason) == (2, True, "a nought was missing")
        assert (replacement.replaces, replacement.rank, replacement.effective_at) == (2, 2, at(2))
        assert replacement.stage == "proposal"  # type: ignore[attr-defined]

    def test_keeps_the_original_place_among_events_of_the_same_instant(self) -> None:
        """The later revision of that day still has the last word."""
        story = given(captured(1), revised(2, owner="max"), revised(2, owner="lee"))
        fixed = story.then(correct(2, revised(2, owner="mia")))
        assert fixed.standing == [1, 5, 3]
        assert fixed.state.owner == "lee"

    def test_of_a_correction_keeps_the_first_rank(self) -> None:
        """However often it is put right."""
        story = given(captured(1), revised(2, owner="max"), revised(2, owner="lee"))
        twice = story.then(correct(2, revised(2, owner="mia")), correct(5, revised(2, owner="zoe")))
        assert (twice.event(7).rank, twice.event(7).replaces) == (2, 5)
        assert twice.standing == [1, 7, 3]

    def test_of_the_date_moves_the_event(self) -> None:
        """The replacement's own date counts."""
        story = given(captured(1), lost(9), correct(2, lost(5)))
        assert story.state.closed_at == at(5)

    def test_may_change_what_happened(self) -> None:
        """Lost was a slip; it was won."""
        story = given(captured(1, amount="10"), lost(5), correct(2, won(5)))
        assert (story.state.status, story.event(4).amount) == ("won", Decimal(10))

    def test_of_the_capture_keeps_the_rest_standing(self) -> None:
        """In one append nothing hangs in the air."""
        story = given(captured(2, company="Amce"), contacted(3), correct(1, captured(2, company="Acme")))
        assert (story.state.company, story.standing) == ("Acme", [4, 2])

    def test_is_refused_where_the_replacement_is_impossible(self) -> None:
        """And neither half of it is recorded."""
        story = given(captured(1), lost(5))
        assert "not captured yet on 2025-12-31" in story.refuses(correct(2, lost(0)), Refused)

    def test_is_refused_where_what_follows_depends_on_the_original(self) -> None:
        """A capture moved behind the contact."""
        story = given(captured(1), contacted(3))
        assert "entry 2 (lead-contacted on 2026-01-03)" in story.refuses(correct(1, captured(4)), Refused)

    def test_of_a_void_is_refused(self) -> None:
        """A void is voided, not corrected."""
        story = given(captured(1), lost(2), void(2))
        assert "Entry 3 is itself a void; void it to take it back." in story.refuses(correct(3, lost(3)), Refused)

    def test_of_a_struck_entry_is_refused(self) -> None:
        """What doesn't stand can't be put right."""
        story = given(captured(1), lost(2), void(2))
        assert "Entry 2 is struck out already by entry 3" in story.refuses(correct(2, lost(3)), Refused)

    def test_of_another_streams_kind_is_refused(self) -> None:
        """A deal's event isn't replaced by an account's."""
        assert "is an event of an account" in given(captured(1), contacted(2)).refuses(correct(2, opened(2)), Refused)

    def test_is_known_when_its_replacement_is(self) -> None:
        """Original and replacement never stand side by side, whatever moment of knowledge is asked about."""
        story = given(captured(1, known_at=1), contacted(2, known_at=3), now=at(20))
        voided, replacement = story.when(correct(2, contacted(2, known_at=7)))
        assert (voided.known_at, replacement.known_at) == (at(7), at(7))
        assert "can't be known before what it strikes" in story.refuses(correct(2, contacted(2, known_at=2)))
        fixed = story.then(correct(2, contacted(2, known_at=7)))
        for known_at, expected in ((6.9, [1, 2]), (7, [1, 4])):
            assert [r.entry for r in standing(fixed.records, known_at=at(known_at))] == expected

    def test_is_undone_from_its_end(self) -> None:
        """First the replacement goes, then the original comes back: never both at once."""
        story = given(captured(1), contacted(2), correct(2, contacted(3)))
        assert "Entry 4 stands in the place of entry 2; void 4 first" in story.refuses(void(3), Refused)
        assert story.then(void(4), void(3)).standing == [1, 2]

    def test_of_a_correction_is_undone_from_its_end(self) -> None:
        """The original stays out as long as any of its replacements stands."""
        story = given(captured(1), contacted(2), correct(2, contacted(3)), correct(4, contacted(4)))
        assert "Entry 6 stands in the place of entry 2" in story.refuses(void(3), Refused)
        assert "Entry 6 stands in the place of entry 4" in story.refuses(void(5), Refused)
        back = story.then(void(6), void(5))
        assert back.standing == [1, 4]
        assert "Entry 4 stands in the place of entry 2" in back.refuses(void(3), Refused)

    def test_is_not_undone_before_the_replacement_was_known_to_be_wrong(self) -> None:
        """An imported stamp can't make original and replacement stand at the same moment of knowledge."""
        story = given(
            captured(1, known_at=1), contacted(2, known_at=2), correct(2, contacted(3, known_at=4)), now=at(20)
        )
        struck = story.then(void(4, known_at=at(9)))
        assert "(2026-01-09T00:00:00+00:00)" in struck.refuses(void(3, known_at=at(8)), Refused)
        assert struck.when(void(3, known_at=at(9)))[0].known_at == at(9)


@pytest.mark.parametrize("forged", [{"rank": 1}, {"replaces": 1}, {"rank": UNRECORDED + 5}])
def test_only_a_correction_takes_the_place_of_another_entry(forged: dict[str, int]) -> None:
    """Rank and replacement are the ledger's to give."""
    assert "rank" in given(captured(1)).refuses(contacted(2, **forged), Refused)


def test_an_entry_without_a_number_yet_is_never_named() -> None:
    """Inside one append, entries have stand-in numbers that must not get into an event."""
    from dataclasses import replace

    story = given(captured(1), contacted(2))
    pending = replace(story, records=(story.records[0], replace(story.records[1], entry=UNRECORDED + 2)))
    assert "is not an entry of deal:acme" in pending.refuses(void(UNRECORDED + 2), NotFound)


def test_a_disqualified_lead_comes_back_by_void_or_by_reopening() -> None:
    """A mistake is voided; a change of mind is reopened; the first leaves no trace in the timeline, the second does."""
    story = given(captured(1), disqualified(2))
    assert story.then(void(2)).standing == [1]
    assert story.then(reopened(3)).standing == [1, 2, 3]
    assert advanced(4, stage="meeting").effective_at == at(4)
