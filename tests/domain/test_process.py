"""A process: stages in order, what enters each, how likely each is to be won, and versions that come into force."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from salesledger.domain.process import B2B, MOVERS, Definition, ProcessDefined, Processes, Stage
from salesledger.errors import Refused
from support.happenings import at, captured, defined
from support.story import given, types


def stages(*names: str, **more: Any) -> tuple[dict[str, Any], ...]:
    return tuple({"name": name, "probability": "0.5", **more} for name in names)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ((), "at least 1 item"),
        (stages(*[f"s{n}" for n in range(51)]), "at most 50 items"),
        (stages("a", "b", "a"), "the stage 'a' occurs twice in the process"),
        (stages("a", "b", entered_by=("offer-made",)), "the event 'offer-made' occurs twice in the process"),
        (stages("a", entered_by=("offer-made", "offer-made")), "the event 'offer-made' occurs twice"),
        (stages("won"), "'won' is how a deal ends, not a stage; leave it out"),
        (stages("lost"), "'lost' is how a deal ends"),
        (stages("open"), "'open' is how a deal ends"),
        (stages("disqualified"), "'disqualified' is how a deal ends"),
        (stages("a", entered_by=("deal-won",)), "stage 'a' is entered by 'deal-won', which moves no deal; choose from"),
        (stages("a", entered_by=("dance",)), "which moves no deal"),
        (stages("a b"), "is not an id"),
        (stages("a", probability="1.01"), "less than or equal to 1"),
        (stages("a", probability="-0.1"), "greater than or equal to 0"),
        (stages("a", probability="0.1234567"), "no more than 6 decimal places"),
        (stages("a", probability="NaN"), "finite number"),
        (stages("a", colour="red"), "Extra inputs"),
    ],
)
def test_a_process_that_makes_no_sense_is_refused(wrong: tuple[dict[str, Any], ...], why: str) -> None:
    """With what is wrong, whether it is written down or recorded."""
    with pytest.raises(ValidationError, match=why):
        Definition.model_validate({"stages": wrong})
    with pytest.raises(ValidationError, match=why):
        defined(1, stages=wrong)


def test_a_stage_knows_its_place_and_what_enters_it() -> None:
    """From 0; -1 where there is none."""
    assert [B2B.position(name) for name in ("lead", "negotiation", "haggling", None)] == [0, 4, -1, -1]
    assert B2B.entered_by("paperwork-sent") == "negotiation"
    assert B2B.entered_by("lead-contacted") is None
    assert B2B.names == ["lead", "qualified", "meeting", "proposal", "negotiation"]


def test_the_process_of_a_new_ledger_is_sound() -> None:
    """Every event that enters a stage can move a deal, and chances grow from stage to stage."""
    chances = [stage.probability for stage in B2B.stages]
    assert chances == sorted(chances)
    assert {event for stage in B2B.stages for event in stage.entered_by} <= MOVERS
    assert "deal-won" not in MOVERS


def test_a_probability_is_exact() -> None:
    """A decimal, in JSON too."""
    stage = Stage(name="a", probability=Decimal("0.1"))
    assert Stage.model_validate_json(stage.model_dump_json()).probability == Decimal("0.1")


class TestVersions:
    def test_have_each_number_once(self) -> None:
        """A later version may be one that came into force earlier."""
        story = given(defined(1), defined(5, process_version=2), stream="process:art")
        assert story.state == {1, 2}
        assert "the process has a version 2 already" in story.refuses(defined(9, process_version=2), Refused)
        assert types(story.when(defined(0, process_version=3))) == ["process-defined"]
        with pytest.raises(ValidationError):
            defined(1, process_version=0)

    def test_are_in_force_from_their_day_on(self) -> None:
        """Before the first, the first; by name only."""
        first, second = defined(10), defined(20, process_version=2)
        processes = Processes.of([("art", first), ("b2b", defined(1)), ("art", second)])
        in_force = [processes.in_force("art", at(day)) for day in (1, 10, 19.9, 20, 50)]
        assert [version.version for version in in_force if version] == [1, 1, 1, 2, 2]
        assert processes.in_force("licences", at(1)) is None
        assert processes.names() == ["art", "b2b"]

    def test_that_are_dated_back_hold_until_another_begins(self) -> None:
        """Of two that begin at once the one with the greater number holds; before all, the first to begin."""
        days = ((1, 10), (2, 30), (3, 20), (4, 30), (5, 5))
        processes = Processes.of([("art", defined(day, process_version=number)) for number, day in days])
        in_force = [processes.in_force("art", at(day)) for day in (1, 5, 12, 25, 40)]
        assert [version.version for version in in_force if version] == [5, 5, 1, 3, 4]

    def test_are_found_by_number_or_the_latest(self) -> None:
        """None where there is no such process or version."""
        processes = Processes.of([("art", defined(10)), ("art", defined(20, process_version=2))])
        found = [processes.get("art", number) for number in (1, 2, None)]
        assert [version.version for version in found if version] == [1, 2, 2]
        assert processes.get("art", 3) is None
        assert processes.get(None, None) is None


def test_a_deal_enters_the_stage_that_its_capture_enters_or_the_first() -> None:
    """`lead-captured` may name another stage than the first."""
    odd = ProcessDefined(
        effective_at=at(1),
        recorded_by="kim",
        process_version=1,
        stages=(
            Stage(name="cold", probability=Decimal(0)),
            Stage(name="warm", probability=Decimal(1), entered_by=("lead-captured",)),
        ),
    )
    assert given(captured(1), processes=Processes.of([("odd", odd)])).state.stage == "warm"
    plain = Processes.of([("plain", defined(1, stages=stages("first", "second")))])
    assert given(captured(1), processes=plain).state.stage == "first"
