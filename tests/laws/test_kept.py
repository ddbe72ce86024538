"""What is kept of open deals changes no answer, whatever came behind it: voids, corrections, deals reopened, late news."""

from unittest.mock import patch

from hypothesis import event, given, settings
from hypothesis import strategies as st

from laws.journeys import Journey, Played, journeys, played
from laws.test_rebuild import segments_of
from salesledger.readmodel import kept
from salesledger.readmodel.catalogue import Projection
from salesledger.readmodel.engine import Answer, Engine, Question
from support import examples
from support.asking import asked_of
from support.twins import moments

OPEN_DEALS = Projection(
    "open_deals", "", "", ("deals",), (), sql="SELECT * FROM deals WHERE status = 'open' ORDER BY deal", only="open"
)
"""All that is said of open deals, which the pipeline adds up."""


def answer(engine: Engine, question: Question) -> Answer:
    """What a ledger says of open deals."""
    engine.projections["open_deals"] = OPEN_DEALS
    return engine.answer("open_deals", question)


@settings(max_examples=examples(4))
@given(journey=journeys(12, foreign=True), big=st.integers(8, 40))
def test_open_deals_are_the_same_with_and_without(journey: Journey, big: int) -> None:
    """What was kept early on serves the whole log in the end, for any date, knowledge and entry."""

    def keep(story: Played) -> None:
        if not list(story.path.parent.rglob("open-*")):
            with Engine.open(story.path) as engine:
                engine.ask("SELECT max(entry) FROM events")

    with segments_of(big, big // 4), played(journey, after_each=keep) as story:
        served = [int(file.stem.split("-")[2]) for file in story.path.parent.rglob("open-*")]
        event(f"{len(story.recorded) // 10}x10 entries, {served} of them served")
        times = moments(asked_of(story.path))
        with Engine.open(story.path) as engine:
            for a, k in journey.asks:
                for question in (
                    Question(times[a % len(times)], times[-1]),
                    Question(times[k % len(times)], times[-1]),
                    Question(times[k % len(times)], times[a % len(times)]),
                    Question(times[a % len(times)], times[-1], upto=engine.head.last_entry - k % 7),
                ):
                    fast = answer(engine, question)
                    with patch.object(kept, "fitting", return_value=None):
                        assert answer(engine, question) == fast
