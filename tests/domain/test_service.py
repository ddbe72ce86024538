"""Customer service: what the profile suggests, what cases refuse, what they record of it."""

from typing import Any

import pytest
from pydantic import ValidationError

from salesledger.domain.account import suggest
from salesledger.domain.events import Event
from salesledger.errors import Refused
from support.happenings import case_opened, case_resolved, noted, opened, satisfied
from support.story import given, void

ACCOUNT = "account:acme"


@pytest.mark.parametrize(
    ("before", "step", "why"),
    [
        ([], noted(2), "the account is not open yet on 2026-01-02"),
        ([opened(1), case_opened(2)], case_opened(3), "the case 'one' exists already; give the new one another id"),
        ([opened(1)], case_resolved(2), "there is no case 'one' on 2026-01-02; the account's cases are: none yet"),
        ([opened(1), case_opened(5)], case_resolved(4), "there is no case 'one' on 2026-01-04"),
        ([opened(1), case_opened(2), case_resolved(3)], case_resolved(4), "the case 'one' is resolved already"),
        ([opened(1)], satisfied(2, case_id="two"), "there is no case 'two' on 2026-01-02"),
    ],
)
def test_impossible_steps_are_refused(before: list[Event], step: Event, why: str) -> None:
    """With the reason."""
    assert why in given(*before, stream=ACCOUNT).refuses(step, Refused)


@pytest.mark.parametrize(
    ("make", "fields"),
    [(noted, {"weight": 6}), (noted, {"weight": -1}), (satisfied, {"score": 11}), (noted, {"evidence": 0})],
)
def test_scores_and_weights_have_their_limits(make: Any, fields: dict[str, int]) -> None:
    """A weight is 0 to 5, a score 0 to 10, an entry 1 or more."""
    with pytest.raises(ValidationError):
        make(2, **fields)


@pytest.mark.parametrize(
    ("preferences", "told"),
    [
        ({}, None),
        ({"colour": 5}, None),
        ({"repair": 0}, None),
        ({"repair": 2, "uptime": 2}, None),
        ({"repair": 2, "uptime": 1}, ("repair", "repair 2 (repair), uptime 1 (replace)")),
        ({"price": 2, "speed": 5, "colour": 5}, ("replace", "speed 5 (replace), price 2 (repair)")),
    ],
)
def test_the_heavier_side_is_suggested(preferences: dict[str, int], told: tuple[str, str] | None) -> None:
    """With the preferences that say so, the heaviest first."""
    assert suggest(preferences) == told


@pytest.mark.parametrize("kind", ["broken-equipment", "Broken equipment", "BROKEN EQUIPMENT"])
def test_a_case_of_broken_equipment_records_what_the_profile_suggests(kind: str) -> None:
    """As it stood on that day, however the kind is written."""
    story = given(opened(1), noted(2), noted(9, preference="uptime", weight=5), stream=ACCOUNT)
    (event,) = story.when(case_opened(5, kind=kind))
    assert (event.suggestion, event.suggestion_why) == ("repair", "repair 3 (repair)")  # type: ignore[attr-defined]


def test_other_cases_have_no_suggestion() -> None:
    """A question needs none."""
    (event,) = given(opened(1), noted(2), stream=ACCOUNT).when(case_opened(5, kind="question"))
    assert event.suggestion is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("resolution", "followed"), [("repair", True), ("Repair", True), ("replace", False), ("none", False)]
)
def test_a_resolution_records_whether_it_is_what_was_suggested(resolution: str, followed: bool) -> None:
    """However it is written."""
    story = given(opened(1), noted(2), case_opened(5), stream=ACCOUNT)
    (event,) = story.when(case_resolved(6, resolution=resolution))
    assert event.followed is followed  # type: ignore[attr-defined]


def test_a_case_that_was_resolved_by_mistake_can_be_resolved_again() -> None:
    """Once that is struck; a case that others rest on is not struck."""
    story = given(opened(1), case_opened(2), case_resolved(3), stream=ACCOUNT)
    assert "entry 3 (case-resolved on 2026-01-03)" in story.refuses(void(2))
    assert story.then(void(3), case_resolved(5)).state.resolved == {"one"}
