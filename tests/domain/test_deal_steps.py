"""The journey of a deal, step by step: what each step makes of it, and which steps are refused and why."""

from datetime import date
from decimal import Decimal

import pytest

from salesledger.domain.events import Event
from salesledger.domain.process import Processes
from salesledger.errors import Refused
from support.happenings import (
    accepted,
    advanced,
    at,
    captured,
    contacted,
    countered,
    defined,
    disqualified,
    handed_over,
    lost,
    meeting,
    moved,
    offered,
    opened,
    paperwork,
    qualified,
    rejected,
    reopened,
    revised,
    touched,
    trial_ended,
    trial_started,
    won,
)
from support.story import given, types

OPEN: list[Event] = [captured(1)]
LOST: list[Event] = [captured(1), lost(5)]
WON: list[Event] = [captured(1), won(5, amount="100")]
DISQUALIFIED: list[Event] = [captured(1), disqualified(5)]

EVERY_STEP_OF_AN_OPEN_DEAL: list[Event] = [
    contacted(6),
    qualified(6),
    disqualified(6),
    handed_over(6),
    accepted(6),
    rejected(6),
    meeting(6),
    trial_started(6),
    trial_ended(6),
    advanced(6, stage="meeting"),
    offered(6),
    countered(6),
    paperwork(6),
    won(6),
    lost(6),
]

ILLEGAL: list[tuple[str, list[Event], Event, str]] = [
    ("a captured lead is captured again", OPEN, captured(2), "acme: the lead was captured already on 2026-01-01."),
    ("a captured lead is touched", OPEN, touched(2), "acme: a touch comes before the lead is captured"),
    ("an open deal is reopened", OPEN, reopened(2), "acme: the deal is open; only a closed one can be reopened."),
    ("an advance names no stage", OPEN, advanced(2), "an advance needs the stage that the deal moves to"),
    ("an advance goes nowhere", OPEN, advanced(2, stage="lead"), "the deal is in the stage 'lead' already"),
    (
        "a stage is unknown",
        OPEN,
        advanced(2, stage="haggling"),
        "the process 'b2b' has no stage 'haggling'; its stages are lead, qualified, meeting, proposal, negotiation.",
    ),
    ("any moving step names an unknown stage", OPEN, meeting(2, stage="haggling"), "has no stage 'haggling'"),
    ("a capture names an unknown stage", [], captured(1, stage="haggling"), "has no stage 'haggling'"),
    (
        "a capture names an unknown process",
        [],
        captured(1, process="gallery"),
        "there is no process 'gallery' in this ledger; the processes are: b2b",
    ),
    (
        "a step names another process",
        OPEN,
        advanced(2, stage="meeting", process="gallery"),
        "the deal follows the process 'b2b', not 'gallery'",
    ),
    ("a step names a process and no stage", OPEN, contacted(2, process="gallery"), "not 'gallery'"),
    ("a lead is qualified twice", [*OPEN, qualified(2)], qualified(3), "the lead is qualified already"),
    ("a lead is offered twice", [*OPEN, handed_over(2)], handed_over(3, handed_to="max"), "offered to 'lee' already"),
    ("an acceptance follows no offer", OPEN, accepted(2), "nobody was offered the lead; hand it over first"),
    ("a rejection follows no offer", OPEN, rejected(2), "nobody was offered the lead; hand it over first"),
    (
        "an accepted lead is disqualified",
        [*OPEN, handed_over(2), accepted(3)],
        disqualified(4),
        "the lead was handed over and accepted; lose the deal instead",
    ),
    ("a second trial starts", [*OPEN, trial_started(2)], trial_started(3), "a trial is running already"),
    ("a trial ends that never began", OPEN, trial_ended(2), "no trial is running"),
    ("a revision revises nothing", OPEN, revised(2), "nothing was revised; give at least one attribute"),
    (
        "a revision of a closed deal revises nothing",
        LOST,
        revised(6),
        "nothing was revised; give at least one attribute",
    ),
    ("an offer has no amount", OPEN, offered(2, amount=None), "an offer needs an amount"),
    ("a counter-offer has no amount", OPEN, countered(2, amount=None), "an offer needs an amount"),
]


@pytest.mark.parametrize(("before", "step", "why"), [c[1:] for c in ILLEGAL], ids=[c[0] for c in ILLEGAL])
def test_is_refused_when(before: list[Event], step: Event, why: str) -> None:
    """A step that can't follow is refused, with what stands in its way."""
    assert why in given(*before).refuses(step, Refused)


@pytest.mark.parametrize(
    "step", [*EVERY_STEP_OF_AN_OPEN_DEAL, revised(6, owner="lee"), reopened(6)], ids=lambda e: e.TOPIC
)
def test_nothing_happens_to_a_lead_before_it_is_captured(step: Event) -> None:
    """Only a touch can come before the capture."""
    assert "acme: the lead is not captured yet on 2026-01-06" in given().refuses(step, Refused)
    assert "not captured yet" in given(captured(7)).refuses(step, Refused)


@pytest.mark.parametrize(("closing", "status"), [(LOST, "lost"), (WON, "won"), (DISQUALIFIED, "disqualified")])
@pytest.mark.parametrize("step", EVERY_STEP_OF_AN_OPEN_DEAL, ids=lambda e: e.TOPIC)
def test_nothing_but_reopening_follows_a_close(closing: list[Event], status: str, step: Event) -> None:
    """A lost deal can't be won, nor a won one lost, nor either moved."""
    why = f"acme: the deal is {status} since 2026-01-05; reopen it first, or record an earlier date"
    assert why in given(*closing).refuses(step, Refused)


@pytest.mark.parametrize("step", EVERY_STEP_OF_AN_OPEN_DEAL, ids=lambda e: e.TOPIC)
def test_what_begins_another_deal_of_a_client_is_told_so(step: Event) -> None:
    """A meeting after the win belongs to a new lead; after a loss the deal itself may come back."""
    begins = step.type_name() in {"lead-contacted", "meeting-held", "trial-started", "offer-made"}
    assert ("begins with a lead of its own" in given(*WON).refuses(step, Refused)) is begins
    assert "lead of its own" not in given(*LOST).refuses(step, Refused)


@pytest.mark.parametrize("closing", [LOST, WON, DISQUALIFIED])
@pytest.mark.parametrize(
    "fixed",
    [{"amount": "7"}, {"expected_close": date(2026, 2, 1)}, {"category": "commit"}],
    ids=lambda f: next(iter(f)),
)
def test_what_a_close_settled_is_not_revised_afterwards(closing: list[Event], fixed: dict[str, object]) -> None:
    """The price and the expectations of a closed deal stand until the closing entry is corrected."""
    why = f"so its {next(iter(fixed))} stands; correct the closing entry instead, or reopen the deal"
    assert why in given(*closing).refuses(revised(6, **fixed), Refused)


@pytest.mark.parametrize("closing", [LOST, WON, DISQUALIFIED])
def test_who_keeps_a_closed_deal_can_still_change(closing: list[Event]) -> None:
    """Owner, team, account and the like of a closed deal may be revised."""
    assert given(*closing).then(revised(6, owner="lee", team="north")).state.owner == "lee"


def test_a_whole_journey() -> None:
    """From first touch to won: each step moves the deal to the stage that it enters, and only forwards."""
    story = given(
        touched(1),
        captured(2, source="event", amount="80"),
        contacted(3),
        qualified(4),
        handed_over(5),
        accepted(6),
        meeting(7),
        trial_started(8),
        trial_ended(9),
        offered(10, amount="120"),
        meeting(11),
        countered(12, amount="100"),
        paperwork(13),
        won(14),
    )
    stages = [(e.type_name(), e.stage) for e in map(story.event, range(2, 14)) if getattr(e, "stage", None)]
    assert stages == [
        ("lead-captured", "lead"),
        ("lead-qualified", "qualified"),
        ("meeting-held", "meeting"),
        ("offer-made", "proposal"),
        ("offer-countered", "negotiation"),
    ]
    assert all(story.event(n).process == "b2b" for n in (2, 4, 7, 10, 12))
    state = story.state
    assert (state.status, state.closed_at, state.stage, state.process_version) == ("won", at(14), "negotiation", 1)
    assert (state.owner, state.source, state.captured_at) == ("lee", "event", at(2))
    assert state.amount == Decimal(120)  # the counter-offer was never ours


def test_a_lead_enters_the_process_in_force_on_its_day_and_follows_it() -> None:
    """A later version of the process doesn't touch the deals that came before it."""
    from support.happenings import defined

    first = defined(1, stages=({"name": "start", "probability": "0.1"}, {"name": "end", "probability": "0.9"}))
    second = defined(10, process_version=2, stages=({"name": "begin", "probability": "0.1"},))
    processes = Processes.of([("art", first), ("art", second)])
    old, new = given(captured(9), processes=processes), given(captured(10), processes=processes)
    assert (old.state.process, old.state.process_version, old.state.stage) == ("art", 1, "start")
    assert (new.state.process_version, new.state.stage) == (2, "begin")
    assert old.then(advanced(20, stage="end")).state.stage == "end"
    assert "has no stage 'end'; its stages are begin" in new.refuses(advanced(20, stage="end"))


def test_a_lead_from_before_the_first_version_follows_the_first_version() -> None:
    """History that is older than the ledger has a process, too."""
    assert given(captured(-100)).state.process_version == 1


def test_no_lead_without_a_process() -> None:
    """A ledger whose process is not defined yet says so."""
    assert "the processes are: none yet" in given(processes=Processes()).refuses(captured(1))


def test_the_version_of_the_process_is_not_the_callers_to_choose() -> None:
    """A capture is given the version in force, whatever it says."""
    assert given(captured(1, process_version=7)).state.process_version == 1


def test_a_deal_can_be_moved_back_by_hand() -> None:
    """An explicit advance moves either way."""
    assert given(captured(1, stage="proposal"), advanced(2, stage="meeting")).state.stage == "meeting"


def test_an_explicit_stage_wins_over_the_one_that_the_step_enters() -> None:
    """A meeting may move a deal anywhere, if it says so."""
    assert given(captured(1), meeting(2, stage="negotiation")).state.stage == "negotiation"


def test_accepting_makes_the_one_who_was_offered_the_lead_its_owner() -> None:
    """Unless somebody else accepts in his place."""
    assert given(captured(1, owner="sdr"), handed_over(2), accepted(3)).state.owner == "lee"
    assert given(captured(1), handed_over(2), accepted(3, owner="max")).state.owner == "max"


def test_a_rejected_lead_can_be_offered_again() -> None:
    """A rejection frees the lead."""
    story = given(captured(1, owner="sdr"), handed_over(2), rejected(3), handed_over(4, handed_to="max"), accepted(5))
    assert story.state.owner == "max"


def test_a_rejected_lead_can_be_disqualified() -> None:
    """It was never accepted."""
    assert given(captured(1), handed_over(2), rejected(3), disqualified(4)).state.status == "disqualified"


def test_a_trial_can_be_run_again_after_it_ended() -> None:
    """One trial at a time."""
    assert given(captured(1), trial_started(2), trial_ended(3), trial_started(4)).state.on_trial


class TestWinning:
    def test_takes_over_the_price_that_was_offered(self) -> None:
        """What the win leaves open is what stood before it, and it is written down with the win."""
        (event,) = given(captured(1), offered(2, amount="120.50")).when(won(3))
        assert (event.amount, event.currency) == (Decimal("120.50"), "EUR")  # type: ignore[attr-defined]

    def test_keeps_the_recurring_part_where_only_the_one_off_part_is_named(self) -> None:
        """The parts of a price are agreed separately."""
        monthly = {"recurring_amount": "10", "interval_months": 1, "term_months": 12}
        story = given(captured(1), offered(2, amount="100", **monthly), won(3, amount="80"))
        won_event = story.event(3)
        assert (won_event.amount, won_event.recurring_amount) == (Decimal(80), Decimal(10))
        assert (won_event.interval_months, won_event.term_months) == (1, 12)

    def test_without_any_price_stays_without(self) -> None:
        """No amount is made up."""
        story = given(captured(1), won(2))
        assert (story.event(2).amount, story.event(2).currency, story.state.status) == (None, None, "won")

    def test_for_nothing_is_a_price(self) -> None:
        """Zero is an amount."""
        assert given(captured(1, amount="50"), won(2, amount="0")).state.amount == 0


class TestReopening:
    @pytest.mark.parametrize("closing", [LOST, WON, DISQUALIFIED])
    def test_puts_the_deal_back_where_it_stood(self, closing: list[Event]) -> None:
        """Process and stage are said again, so that a projection need not look for them."""
        story = given(*closing, reopened(9))
        assert (story.event(3).process, story.event(3).stage) == ("b2b", "lead")
        assert (story.state.status, story.state.closed_at, story.state.stage) == ("open", None, "lead")

    def test_can_move_the_deal_at_once(self) -> None:
        """To any stage of its process."""
        assert given(*LOST, reopened(9, stage="proposal")).state.stage == "proposal"
        assert "has no stage 'haggling'" in given(*LOST).refuses(reopened(9, stage="haggling"))

    def test_lets_the_deal_be_closed_again(self) -> None:
        """Lost, reopened, won."""
        assert given(*LOST, reopened(9), won(10)).state.status == "won"


def test_a_currency_that_is_not_the_ledgers_is_refused() -> None:
    """Amounts in two currencies can't be added."""
    why = (
        "The ledger keeps its amounts in EUR and has no exchange rate for USD. Set it first: 'salesledger rate set USD"
    )
    assert why in given(captured(1)).refuses(offered(2, currency="USD"), Refused)
    assert types(given(captured(1), currency=None).when(offered(2, currency="USD"))) == ["offer-made"]


def test_the_future_has_not_happened() -> None:
    """Up to a day ahead is a difference of clocks; more is refused."""
    story = given(captured(1), now=at(10))
    assert types(story.when(contacted(11))) == ["lead-contacted"]
    assert "2026-01-11 lies in the future; an event records what has happened" in story.refuses(
        contacted(11.01), Refused
    )


def test_what_is_not_known_yet_is_not_recorded() -> None:
    """An imported event may have been known earlier, never later than now."""
    story = given(captured(1), now=at(10))
    assert story.when(contacted(2, known_at=10))[0].known_at == at(10)
    assert "is later than now; what is recorded is known" in story.refuses(contacted(2, known_at=10.01), Refused)


@pytest.mark.parametrize("step", [opened(2), captured(2)], ids=lambda e: e.TOPIC)
def test_an_event_goes_to_a_stream_of_its_own_kind(step: Event) -> None:
    """A deal is not an account."""
    wrong = given(stream="deal:acme" if step.STREAM == "account" else "account:acme")
    assert (
        f"{step.type_name()} is an event of {'an account' if step.STREAM == 'account' else 'a deal'}"
        in wrong.refuses(step)
    )


class TestMoves:
    """A deal that is moved to another process, or to another version of its own."""

    def processes(self) -> Processes:
        """The processes art, of two versions, and b2b."""
        look, buy, hang = ({"name": name, "probability": "0.5"} for name in ("look", "buy", "hang"))
        return Processes.of(
            [
                ("art", defined(1, stages=(look, buy))),
                ("b2b", defined(1, stages=({"name": "lead", "probability": "0.5"}, buy))),
                ("art", defined(10, process_version=2, stages=(look, buy, hang))),
            ]
        )

    def test_take_the_version_in_force_and_keep_a_stage_of_the_same_name(self) -> None:
        """Until then the deal keeps the version that it was captured under."""
        story = given(captured(2), advanced(3, stage="buy"), processes=self.processes())
        (event,) = story.when(moved(12, process="art"))
        assert (event.process, event.process_version, event.stage) == ("art", 2, "buy")  # type: ignore[attr-defined]
        assert (story.state.process_version, story.then(event).state.process_version) == (1, 2)
        (other,) = story.when(moved(12, process="b2b", stage="lead"))
        assert (other.process, other.stage) == ("b2b", "lead")  # type: ignore[attr-defined]

    def test_enter_the_first_stage_where_there_is_none_of_that_name(self) -> None:
        """What the deal was in says nothing there."""
        story = given(captured(2), processes=self.processes())
        assert story.then(moved(3, process="b2b")).state.stage == "lead"

    def test_to_where_the_deal_is_already_are_refused(self) -> None:
        """So is a stage or a process that isn't there."""
        story = given(captured(2), processes=self.processes())
        assert "follows version 1 of the process 'art' already" in story.refuses(moved(3, process="art"))
        assert "has no stage 'hang'" in story.refuses(moved(3, process="b2b", stage="hang"))
        assert "no process 'nope'" in story.refuses(moved(3, process="nope"))


class TestListPrices:
    def test_are_taken_over_by_the_win(self) -> None:
        """Those of the last offer, unless the win has its own."""
        story = given(captured(1), offered(2, amount="90", list_amount="100"))
        assert story.then(won(3)).state.list_amount == 100
        assert story.then(won(3, list_amount="120")).state.list_amount == 120

    def test_without_a_price_beside_them_are_refused(self) -> None:
        """Nothing is known of what was agreed."""
        assert "give the amount too" in given(captured(1)).refuses(won(3, list_amount="100"))
        assert "an offer needs an amount" in given(captured(1)).refuses(offered(3, amount=None, list_amount="100"))
