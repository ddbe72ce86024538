"""What is asked of one deal or one account reads only what it must, and changes no answer: voids, corrections, late news."""

from dataclasses import replace

from hypothesis import event, given, settings

from laws.journeys import PERIODS, Journey, journeys, played
from laws.test_rebuild import segments_of
from salesledger import Ledger
from salesledger.cli.account_screen import SECTIONS
from salesledger.readmodel.engine import Question
from salesledger.shown.about import about_account, about_deal, stream_of
from salesledger.shown.journal import ENTRIES, HAPPENED
from support import examples
from support.asking import asked_of
from support.twins import moments

OF_STREAM = (
    f"{ENTRIES}{HAPPENED} AND e.stream = $kind AND e.id = $id ORDER BY e.entry",
    "SELECT * FROM deal_audit WHERE deal = $id AND $kind = 'deal' ORDER BY ALL",
    "SELECT * FROM deal_history WHERE deal = $id AND $kind = 'deal' ORDER BY ALL",
    "SELECT * FROM deal_history_as_known WHERE deal = $id AND $kind = 'deal' ORDER BY ALL",
)
OF_ACCOUNT = tuple(
    f'SELECT * FROM "{section.projection}" WHERE "{section.column}" = $id ORDER BY ALL' for section in SECTIONS
)


@settings(max_examples=examples(4))
@given(journey=journeys(16, foreign=True))
def test_answers_about_one_are_those_of_reading_everything(journey: Journey) -> None:
    """For every date and state of knowledge, and up to an entry."""
    with segments_of(12, 3), played(journey) as story, Ledger.open(story.path) as ledger:
        times = moments(asked_of(story.path))
        ask = ledger.engine.ask
        streams = ask("SELECT DISTINCT stream, id FROM events WHERE stream IN ('deal', 'account') ORDER BY ALL").rows
        event(f"{len(streams)} deals and accounts")
        for a, k in journey.asks if streams else ():
            kind, name = streams[(a + k) % len(streams)]
            upto = None if k % 3 else ledger.engine.head.last_entry - a % 7
            question = Question(times[a % len(times)], times[k % len(times)], upto)
            told = {"kind": kind, "id": name}
            for sql in OF_STREAM:
                assert ask(sql, stream_of(question, kind, name), told) == ask(sql, question, told), sql
            periodic = replace(question, periods=PERIODS)
            about = about_deal if kind == "deal" else about_account
            narrow = about(ledger, periodic, name)
            for sql in ["SELECT * FROM deals WHERE deal = $id"] if kind == "deal" else OF_ACCOUNT:
                assert ask(sql, narrow, {"id": name}) == ask(sql, periodic, {"id": name}), sql
