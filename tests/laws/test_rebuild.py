"""The fourth law: a rebuild from nothing is the incremental state, however the mirror was filled and however often one asked."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import event, given, settings

from laws.journeys import PERIODS, Journey, Played, journeys, played
from salesledger.readmodel import mirror as mirror_module
from salesledger.readmodel.engine import Engine, Question
from support import examples


@contextmanager
def segments_of(big: int, small: int) -> Iterator[None]:
    """Mirror so many entries in a segment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mirror_module, "BIG", big)
        patch.setattr(mirror_module, "SMALL", small)
        yield


def answers(engine: Engine, story: Played) -> list[tuple[list[str], list[str], list[str]]]:
    """What a ledger says, at its end and in the middle of what happened: columns, types and rows in whatever order."""
    middle = story.recorded[len(story.recorded) // 2].known_at
    at_end, in_between = Question(story.now, story.now, periods=PERIODS), Question(story.now, middle)
    asked = (("events", at_end), ("metrics", at_end), ("deals", in_between))
    told = [engine.answer(name, question) for name, question in asked]
    return [(answer.columns, answer.types, sorted(map(repr, answer.rows))) for answer in told]


@settings(max_examples=examples(5))
@given(journey=journeys(12))
def test_a_rebuild_from_nothing_is_the_incremental_state(journey: Journey) -> None:
    """Asked after every append, asked once at the end, with a mirror, after the mirror was deleted, and without any."""
    with ExitStack() as held:
        resident: list[Engine] = []

        def ask(story: Played) -> None:
            if not resident:
                resident.append(held.enter_context(Engine.open(story.path)))
            resident[0].answer("events", Question(story.now, story.now))

        held.enter_context(segments_of(6, 2))
        story = held.enter_context(played(journey, after_each=ask))
        mirror = story.path.with_name(f"{story.path.name}.mirror")
        event(f"{len(list(mirror.rglob('*.parquet')))} segments")
        assert list(mirror.rglob("*.parquet"))
        incremental = answers(resident[0], story)
        with Engine.open(story.path) as reopened:
            assert answers(reopened, story) == incremental
        shutil.rmtree(mirror, ignore_errors=True)
        assert answers(resident[0], story) == incremental
        with Engine.open(story.path) as rebuilt:
            assert answers(rebuilt, story) == incremental
        assert list(mirror.rglob("*.parquet"))
        with segments_of(1_000_000, 1_000_000), Engine.open(story.path) as without:
            assert answers(without, story) == incremental
