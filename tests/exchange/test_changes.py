"""Importing rows that changed: only what changed is appended, known as of now."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from exchange.importing import HEADER, RULES, Shop, dates, day, iso, reasons, rules
from salesledger.domain.decide import Correct, Void
from salesledger.domain.events import EventVoided
from salesledger.domain.timeline import standing
from support.happenings import advanced, captured, revised, won

ENGAGED, CLOSED = 5, 32


def row(
    phase: str = "Talking", begun: float | None = ENGAGED, ended: float | None = None, price: str = "", **cells: str
) -> str:
    """A row of the deal a1."""
    held = {"rep": "Kim", "client": "Acme", "item": "Chair"} | cells
    if phase in ("Sold", "Gone") and ended is None:
        ended = CLOSED
    if phase == "Sold" and not price:
        price = "100"
    told = [iso(number) if number is not None else "" for number in (begun, ended)]
    return ",".join(["a1", held["rep"], held["client"], held["item"], phase, *told, price])


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A ledger in euros."""
    return Shop.at(tmp_path, currency="EUR")


def test_a_changed_attribute_is_revised_from_now_on(shop: Shop) -> None:
    """The revision holds that attribute alone."""
    shop.imports(row(), on=300)
    report = shop.imports(row(rep="Ann"), on=310)
    assert (report.changed, dict(report.events)) == (1, {"deal-revised": 1})
    (entry,) = shop.records("a1")[1:]
    assert (entry.event.effective_at, entry.event.known_at, entry.key) == (day(310), None, "shop:a1:revised:1")
    assert (entry.event.recorded_by, entry.event.source_system) == ("robot", "shop")
    said = entry.event.model_dump(exclude_none=True, exclude={"effective_at", "recorded_by", "source_system"})
    assert said == {"owner": "ann"}
    assert shop.state("a1", as_of=day(309)).owner == "kim"
    assert shop.state("a1").owner == "ann"


def test_there_and_back_again_is_three_states(shop: Shop) -> None:
    """Each with a key of its own."""
    for number, rep in enumerate(["Kim", "Ann", "Ann", "Kim", "Kim"]):
        shop.imports(row(rep=rep), on=300 + number)
    assert [r.key for r in shop.records("a1")] == ["shop:a1:captured:1", "shop:a1:revised:1", "shop:a1:revised:2"]
    assert [shop.state("a1", as_of=day(300.5 + n)).owner for n in range(5)] == ["kim", "ann", "ann", "kim", "kim"]


def test_a_cell_that_became_blank_says_nothing(shop: Shop) -> None:
    """What was known stays known."""
    shop.imports(row("Sold"))
    assert shop.imports(row("Sold", rep="", client="", item="")).unchanged == 1
    (line,) = [row("Sold")[: -len("100")]]
    assert shop.imports(line).unchanged == 1
    assert shop.state("a1").amount == 100


def test_a_new_account_is_opened_before_the_deal_names_it(shop: Shop) -> None:
    """And known as of now."""
    shop.imports(row(), on=300)
    report = shop.imports(row(client="Bolt"), on=310)
    assert dict(report.events) == {"account-opened": 1, "deal-revised": 1}
    assert shop.state("a1").account == "bolt"
    assert shop.state("a1").company == "Acme"


def test_an_open_deal_that_was_closed_gets_its_close(shop: Shop) -> None:
    """At its date, known now."""
    shop.imports(row(), on=300)
    shop.imports(row("Sold", rep="Ann"), on=310)
    assert shop.types("a1") == ["lead-captured", "deal-won", "deal-revised"]
    entry = shop.records("a1")[1]
    assert (entry.event.effective_at, entry.known_at, entry.event.known_at) == (day(CLOSED), day(310), None)
    assert shop.state("a1", known_at=day(309)).status == "open"
    assert shop.state("a1", as_of=day(CLOSED)).status == "won"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (row("Sold"), row("Sold", ended=40), ("won", day(40), Decimal(100))),
        (row("Sold", ended=40), row("Sold", ended=33), ("won", day(33), Decimal(100))),
        (row("Sold"), row("Sold", price="120.5"), ("won", day(CLOSED), Decimal("120.5"))),
        (row("Sold"), row("Gone", ended=41), ("lost", day(41), None)),
        (row("Gone"), row("Sold", price="7"), ("won", day(CLOSED), Decimal(7))),
    ],
)
def test_a_dated_fact_that_changed_is_corrected(
    shop: Shop, before: str, after: str, expected: tuple[str, object, Decimal | None]
) -> None:
    """A void and its replacement in the same place, known now; the history before stays."""
    shop.imports(before, on=300)
    old = shop.state("a1")
    report = shop.imports(after, on=310)
    assert report.changed == 1
    assert report.events["event-voided"] == 1
    assert sum(report.events.values()) == 2
    void, new = shop.records("a1")[2:]
    assert isinstance(void.event, EventVoided)
    assert (void.event.voids, new.event.replaces, new.event.rank) == (shop.records("a1")[1].entry,) * 3
    assert (void.key, new.key, new.event.known_at) == ("shop:a1:closed:2", None, None)
    state = shop.state("a1")
    assert (state.status, state.closed_at, state.amount) == expected
    assert shop.state("a1", known_at=day(309)) == old
    assert shop.imports(after, on=311).unchanged == 1


def test_a_close_that_disappeared_is_voided(shop: Shop) -> None:
    """The deal is open again, as if it had never been closed; a new close is a new event."""
    shop.imports(row("Sold"), on=300)
    report = shop.imports(row(), on=310)
    assert dict(report.events) == {"event-voided": 1}
    assert shop.state("a1").status == "open"
    assert shop.state("a1", known_at=day(309)).status == "won"
    shop.imports(row("Sold"), on=320)
    assert [r.key for r in shop.records("a1")][1:] == [f"shop:a1:closed:{n}" for n in (1, 2, 3)]
    assert [shop.state("a1", known_at=day(n)).status for n in (305, 315, 325)] == ["won", "open", "won"]


def test_corrections_may_go_there_and_back_again(shop: Shop) -> None:
    """Every generation has its key."""
    for number, ended in enumerate([32, 40, 32, 40]):
        assert shop.imports(row("Sold", ended=ended), on=300 + number).rejected == 0
    assert [shop.state("a1", known_at=day(300.5 + n)).closed_at for n in range(4)] == [day(n) for n in (32, 40, 32, 40)]
    assert [r.key for r in shop.records("a1") if r.key][1:] == [f"shop:a1:closed:{n}" for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(("begun", "ended"), [(60, 70), (1, 2), (20, 50), (6, 6), (40, 41), (1, 50)])
def test_all_dates_of_a_row_may_move_at_once(shop: Shop, begun: float, ended: float) -> None:
    """In an order in which no step is impossible."""
    shop.imports(row("Sold"), on=300)
    report = shop.imports(row("Sold", begun, ended), on=310)
    assert report.changed == 1
    state = shop.state("a1")
    assert (state.captured_at, state.closed_at) == (day(begun), day(ended))


def test_a_row_may_change_its_stage_and_its_date(shop: Shop) -> None:
    """What it said before was a mistake, then."""
    shop.imports(row("New"), on=300)
    shop.imports(row("Talking", 9), on=310)
    assert shop.types("a1") == ["lead-captured", "event-voided", "lead-captured"]
    assert (shop.state("a1").stage, shop.state("a1").captured_at) == ("talking", day(9))
    assert shop.state("a1", known_at=day(309)).stage == "trying"


def test_a_correction_of_the_capture_keeps_the_attributes_that_it_had(shop: Shop) -> None:
    """Those that changed meanwhile are not moved into the past."""
    shop.imports(row(), on=300)
    shop.imports(row(rep="Ann"), on=310)
    shop.imports(row(begun=6, rep="Ann", item="Desk"), on=320)
    assert shop.types("a1", 2) == ["event-voided", "lead-captured", "deal-revised"]
    assert [shop.state("a1", as_of=day(n)).owner for n in (7, 311)] == ["kim", "ann"]
    assert [shop.state("a1", as_of=day(n)).product for n in (319, 320)] == ["Chair", "Desk"]


def test_a_date_behind_earlier_revisions_takes_them_along(shop: Shop) -> None:
    """A deal can't have been revised before it began."""
    shop.imports(row(), on=40)
    shop.imports(row(rep="Ann"), on=50)
    assert shop.imports(row(begun=60, rep="Ann", item="Desk"), on=70).changed == 1
    state = shop.state("a1", as_of=day(61))
    assert (state.captured_at, state.owner, state.product) == (day(60), "ann", "Chair")
    assert shop.state("a1").product == "Desk"
    assert shop.imports(row(begun=60, rep="Ann", item="Desk"), on=71).unchanged == 1


def test_a_company_column_is_corrected_and_a_borrowed_name_stays(shop: Shop) -> None:
    """The name comes from the account where there is no column for it."""
    shop.imports(row(client=""), on=300)
    shop.imports(row(), on=310)
    assert (shop.state("a1").company, shop.state("a1").account) == ("a1", "acme")
    named = rules(RULES.replace('deal = "id"', 'deal = "id"\ncompany = "firm"'))
    shop.imports(row() + ",ACME Inc", header=HEADER + ",firm", rules=named, on=320)
    assert shop.state("a1").company == "ACME Inc"


AMOUNTS = rules(
    RULES.replace('deal = "id"', 'deal = "id"\namount = "price"\nexpected_close = "due"').replace(
        'fields = { amount = "price" }', ""
    )
)


@pytest.fixture
def priced(shop: Shop) -> Callable[..., tuple[str | None, Decimal | None, date | None]]:
    """Imports a row with a price and an expected close, and gives status, amount and expected close after it."""

    def imports(line: str, price: str, due: float, on: float) -> tuple[str | None, Decimal | None, date | None]:
        cells = line.split(",")
        text = ",".join([*cells[:7], price, iso(due)])
        report = shop.imports(text, header=HEADER + ",due", rules=AMOUNTS, on=on)
        assert reasons(report) == []
        assert shop.imports(text, header=HEADER + ",due", rules=AMOUNTS, on=on).unchanged == 1
        state = shop.state("a1")
        return state.status, state.amount, state.expected_close

    return imports


def test_an_open_deals_amount_is_revised(
    shop: Shop, priced: Callable[..., tuple[str | None, Decimal | None, date | None]]
) -> None:
    """With its currency."""
    priced(row(), "100", 80, on=300)
    assert priced(row(), "120", 80, on=310) == ("open", Decimal(120), day(80).date())
    assert shop.types("a1") == ["lead-captured", "deal-revised"]


def test_a_closed_deals_attributes_follow_its_row_as_well(
    shop: Shop, priced: Callable[..., tuple[str | None, Decimal | None, date | None]]
) -> None:
    """The ledger holds them fast, so what set them is corrected; a revision that came behind the close is taken back."""
    priced(row(), "100", 80, on=50)
    priced(row(), "120", 81, on=60)
    assert priced(row("Gone", ended=55), "130", 82, on=70) == ("lost", Decimal(130), day(82).date())
    assert priced(row("Gone", ended=55), "140", 82, on=80) == ("lost", Decimal(140), day(82).date())
    assert priced(row("Sold", ended=56), "150", 83, on=90) == ("won", Decimal(150), day(83).date())
    count = len(shop.records("a1"))
    assert priced(row("Sold", ended=56), "160", 83, on=100) == ("won", Decimal(160), day(83).date())
    assert shop.types("a1", count) == ["event-voided", "deal-won"]
    assert priced(row(), "160", 84, on=110) == ("open", Decimal(160), day(84).date())
    known = [shop.state("a1", known_at=day(n)) for n in (55, 65, 75, 85, 95, 105)]
    assert [s.amount for s in known] == [Decimal(n) for n in (100, 120, 130, 140, 150, 160)]
    assert [s.status for s in known] == ["open", "open", "lost", "lost", "won", "won"]


STAGED = rules(
    RULES.replace('deal = "id"', 'deal = "id"\nstage = "step"')
    .replace('stage = "talking"', "")
    .replace('stage = "trying"', "", 1)
)


def steps(shop: Shop, line: str, step: str, on: float) -> str | None:
    """Import a row with its step, and give the deal's stage."""
    report = shop.imports(f"{line},{step}", header=HEADER + ",step", rules=STAGED, on=on)
    assert reasons(report) == []
    stage: str | None = shop.state("a1").stage
    return stage


def test_a_stage_of_a_column_moves_the_deal_from_now_on(shop: Shop) -> None:
    """Back as well; a close before the last move takes that back."""
    assert [
        steps(shop, row(), step, on=40 + n) for n, step in enumerate(["Talking", "Trying", "Trying", "Talking"])
    ] == [
        "talking",
        "trying",
        "trying",
        "talking",
    ]
    assert shop.types("a1") == ["lead-captured", "deal-advanced", "deal-advanced"]
    assert steps(shop, row("Sold", ended=42.5), "Closed", on=50) == "trying"
    assert shop.state("a1").status == "won"
    assert steps(shop, row(), "Talking", on=60) == "talking"
    assert steps(shop, row(begun=55), "Talking", on=70) == "talking"


def test_a_move_that_somebody_made_already_is_not_made_again(shop: Shop) -> None:
    """The row says nothing new."""
    steps(shop, row(), "Talking", on=40)
    shop.by_hand("a1", advanced(41, stage="trying"), on=41)
    assert steps(shop, row(), "Trying", on=42) == "trying"
    assert shop.types("a1") == ["lead-captured", "deal-advanced"]


MEETINGS = rules(
    RULES + '[[events]]\ntype = "meeting-held"\ndate = "met"\noptional = true\nfields = { kind = "how" }\n'
)


def test_any_dated_event_is_added_corrected_and_voided(shop: Shop) -> None:
    """By its slot."""
    for on, met in (
        (300, ","),
        (301, "2026-01-09,call"),
        (302, "2026-01-09,demo"),
        (303, "2026-01-10,demo"),
        (304, ","),
    ):
        report = shop.imports(f"{row()},{met}", header=HEADER + ",met,how", rules=MEETINGS, on=on)
        assert reasons(report) == []
    assert [r.key for r in shop.records("a1") if r.key][1:] == [f"shop:a1:meeting-held:{n}" for n in (1, 2, 3, 4)]
    counts = [len(standing(shop.records("a1"), known_at=day(n + 0.5))) for n in (300, 301, 302, 303, 304)]
    assert counts == [1, 2, 2, 2, 1]


def test_what_a_person_changed_stays_while_the_row_says_the_same(shop: Shop) -> None:
    """A revision, a correction and a void by hand are none of the source's."""
    shop.imports(row("Sold"), on=300)
    entries = [r.entry for r in shop.records("a1")]
    shop.by_hand("a1", revised(301, owner="zoe", recorded_by="zoe"), on=301)
    shop.by_hand("a1", Correct(entries[1], "a typo", won(33, amount="90", recorded_by="zoe")), on=302)
    assert shop.imports(row("Sold"), on=303).unchanged == 1
    state = shop.state("a1")
    assert (state.owner, state.amount, state.closed_at) == ("zoe", Decimal(90), day(33))
    shop.by_hand("a1", Void(shop.records("a1")[-1].entry, "not at all", "zoe"), on=304)
    assert shop.imports(row("Sold"), on=305).unchanged == 1
    assert shop.state("a1").status == "open"


def test_a_changed_row_against_what_a_person_struck_out_is_rejected(shop: Shop) -> None:
    """Nobody but a person can say who is right; the reason names the entries."""
    shop.imports(row("Sold"), on=300)
    entry = shop.records("a1")[1].entry
    shop.by_hand("a1", Void(entry, "not at all", "zoe"), on=301)
    report = shop.imports(row("Sold", ended=40), on=302)
    assert [reason for _, reason in reasons(report)] == [
        f"the ledger refuses it: Entry {entry} is struck out already by entry {entry + 1}; void {entry + 1} to restore it."
    ]
    shop.by_hand("a1", Void(entry + 1, "it was", "zoe"), on=303)
    assert shop.imports(row("Sold", ended=40), on=304).changed == 1


def test_a_row_that_contradicts_a_person_is_rejected_whole(shop: Shop) -> None:
    """Its other changes are not taken either."""
    shop.imports(row(), on=300)
    shop.by_hand("a1", won(20, recorded_by="zoe"), on=301)
    report = shop.imports(row("Gone", rep="Ann"), on=302)
    assert [reason for _, reason in reasons(report)] == [
        "the ledger refuses it: a1: the deal is won since 2026-01-20; reopen it first, or record an earlier date."
    ]
    assert shop.state("a1").owner == "kim"


def test_a_later_row_may_follow_on_what_a_person_did(shop: Shop) -> None:
    """A changed attribute is news even where a person said otherwise meanwhile."""
    shop.imports(row(), on=300)
    shop.by_hand("a1", revised(301, owner="zoe"), on=301)
    shop.imports(row(rep="Ann"), on=302)
    assert shop.state("a1").owner == "ann"


def test_a_deal_that_a_person_captured_is_not_taken_over(shop: Shop) -> None:
    """Two deals of one id are no deal."""
    shop.by_hand("a1", captured(3), on=300)
    assert shop.imports(row(), on=301).rejected == 1


def test_changes_say_why_in_the_log(shop: Shop) -> None:
    """The reason names the system."""
    shop.imports(row("Sold"), on=300)
    shop.imports(row("Gone"), on=301)
    shop.imports(row(), on=302)
    told = [r.event.void_reason for r in shop.records("a1") if isinstance(r.event, EventVoided)]
    assert told == ["the row of shop changed", "the row of shop doesn't say so any more"]
    assert dates(standing(shop.records("a1"))) == [day(ENGAGED).date()]
