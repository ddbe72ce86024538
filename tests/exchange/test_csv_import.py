"""Importing a file for the first time, and again: what becomes of each row, and how it is counted."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exchange.importing import GONE, HEADER, OPEN, RULES, SOLD, UNDATED, Shop, day, iso, reasons, rules
from salesledger.errors import BadDate, BadFile, Conflict, LockedLedger, ReadOnlyLedger, Refused, StoreError
from salesledger.exchange import csv_import
from salesledger.ledger.store import Store
from support.happenings import advanced, captured, opened
from support.ledgers import clock, log_of, record, rows, without_privileges


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A ledger without a currency."""
    return Shop.at(tmp_path)


def test_a_row_becomes_events_at_its_dates(shop: Shop) -> None:
    """The capture with what is known of the deal, the close with its amount, and the account before both."""
    report = shop.imports(SOLD, GONE, OPEN)
    assert (report.rows, report.imported, report.rejected) == (3, 3, 0)
    assert shop.types("a1") == ["lead-captured", "deal-won"]
    state = shop.state("a1")
    assert (state.status, state.stage, state.process) == ("won", "talking", "shop")
    assert (state.owner, state.account, state.company, state.product) == (
        "kim-lee",
        "acme-sons",
        "Acme & Sons",
        "Chair 2",
    )
    assert (state.captured_at, state.closed_at) == (day(5), day(32))
    assert (state.amount, state.currency) == (Decimal("1250.50"), "EUR")
    assert shop.state("b2").status == "lost"
    assert shop.state("b2").amount is None
    log = log_of(shop.ledger)
    names = [r.stream for r in log]
    assert names.index("account:acme-sons") < names.index("deal:a1")
    (account,) = (r.event for r in log if r.stream == "account:acme-sons")
    assert (account.effective_at, account.known_at) == (day(5), day(5))


def test_what_the_report_counts_is_what_the_ledger_grew_by(shop: Shop) -> None:
    """Accounts, currency and process included."""
    before = len(log_of(shop.ledger))
    report = shop.imports(SOLD, GONE, OPEN, UNDATED, "e5,x")
    grown = [r.event.type_name() for r in log_of(shop.ledger)[before:]]
    assert dict(report.events) == {name: grown.count(name) for name in set(grown)}
    assert report.events["currency-set"] == report.events["process-defined"] == 1


def test_first_imports_are_known_when_they_happened(shop: Shop) -> None:
    """And recorded now, by who imports, from the system that the rules name."""
    shop.imports(SOLD, on=300)
    for entry in shop.records("a1"):
        assert entry.event.known_at == entry.event.effective_at
        assert entry.recorded_at == day(300)
        assert (entry.event.recorded_by, entry.event.source_system) == ("robot", "shop")


def test_an_audit_stamp_says_when_it_was_known(shop: Shop) -> None:
    """Where the rules name its column; a stamp of the future is a mistake, and a blank one says nothing."""
    text = RULES.replace('deal = "id"', 'deal = "id"\nknown_at = "noted"')
    header = HEADER + ",noted"
    report = shop.imports(
        SOLD + ",2026-03-01T10:00Z", GONE + "," + iso(301), OPEN + ",", header=header, on=300, rules=rules(text)
    )
    assert reasons(report) == [(3, f"noted lies in the future: '{iso(301)}'")]
    assert [r.event.known_at for r in shop.records("a1")] == [day(60).replace(hour=10)] * 2
    assert [r.event.known_at for r in shop.records("c3")] == [day(7)]


def test_a_row_without_an_account_is_named_after_its_deal_or_as_the_rules_say(shop: Shop) -> None:
    """No account is made up."""
    shop.imports(OPEN)
    assert (shop.state("c3").company, shop.state("c3").account) == ("c3", None)
    shop.imports(OPEN.replace("c3", "c4"), rules=rules(constants={"company": "unknown"}))
    assert shop.state("c4").company == "unknown"


def test_rows_without_a_date_are_rejected_unless_one_is_given(shop: Shop) -> None:
    """By name of the reason; the given date begins in the file's zone and holds for rows without any date only."""
    sold_without = "e5,Max,Bolt,Desk,Sold,,,7"
    report = shop.imports(UNDATED, OPEN, sold_without)
    assert dict(report.reasons) == {"no date: begun is empty": 2}
    report = shop.imports(UNDATED, OPEN, sold_without, undated_on=date(2026, 1, 9))
    assert (report.imported, report.unchanged) == (1, 1)
    assert reasons(report) == [(4, "no date: ended is empty")]
    assert (shop.state("d4").captured_at, shop.state("d4").stage) == (day(9), "trying")
    report = shop.imports(UNDATED.replace("d4", "f6"), rules=rules(timezone="Asia/Tokyo"), undated_on=date(2026, 1, 9))
    assert shop.state("f6").captured_at == day(8).replace(hour=15)


def test_the_given_date_moves_nothing_that_has_one(shop: Shop) -> None:
    """Importing every night with today's date leaves the first night's alone."""
    shop.imports(UNDATED, undated_on=date(2026, 1, 9))
    report = shop.imports(UNDATED, undated_on=date(2026, 1, 10))
    assert (report.unchanged, sum(report.events.values())) == (1, 0)


def test_the_given_date_is_not_in_the_future(shop: Shop) -> None:
    """It is refused before anything is recorded."""
    with pytest.raises(BadDate, match="lies in the future"):
        shop.imports(UNDATED, undated_on=date(2027, 1, 1))


def test_running_it_again_appends_nothing(shop: Shop) -> None:
    """And counts every row that it found unchanged."""
    shop.imports(SOLD, GONE, OPEN, UNDATED)
    before = rows(shop.ledger)
    report = shop.imports(SOLD, GONE, OPEN, UNDATED, on=310)
    assert (report.unchanged, report.rejected, dict(report.events)) == (3, 1, {})
    assert rows(shop.ledger) == before


def test_another_way_of_writing_the_same_is_no_change(shop: Shop) -> None:
    """Other dates, other order of columns, blanks, a trailing zero."""
    shop.imports(SOLD, GONE, OPEN)
    report = shop.imports(
        "1250.5;2026.02.01;x;05.01.2026; Sold ;Chair 2;Acme & Sons;Kim Lee;a1".replace("2026.02.01", "01.02.2026"),
        header="Price;Ended;Note;Begun;Phase;Item;Client;Rep;ID",
    )
    assert (report.unchanged, dict(report.events), report.delimiter, report.date_format) == (1, {}, ";", "%d.%m.%Y")


def test_a_deal_that_occurs_twice_is_taken_once(shop: Shop) -> None:
    """A repetition is unchanged, or rejected as the first was; a contradiction is rejected."""
    report = shop.imports(
        SOLD,
        SOLD,
        SOLD.replace("Kim", "Ann"),
        "e5,Max,Bolt,Desk,Talking,2027-01-01,,",
        "e5,Max,Bolt,Desk,Talking,2027-01-01,,",
    )
    assert (report.imported, report.unchanged, report.rejected) == (1, 1, 3)
    assert reasons(report)[0] == (4, "the deal occurs twice: 'a1' is on line 2 with other values; line 2 was taken")
    assert report.reasons["begun lies in the future"] == 2


def test_of_two_rows_that_differ_the_reason_says_what_became_of_the_first(shop: Shop) -> None:
    """It was taken, or it was rejected as well."""
    undone = "e5,Max,Bolt,Desk,Talking,2027-01-01,,"
    report = shop.imports(SOLD, SOLD.replace("Kim", "Ann"), undone, undone.replace("Max", "Ann"))
    assert [reason.rpartition("; ")[2] for line, reason in reasons(report) if "occurs twice" in reason] == [
        "line 2 was taken",
        "line 4 was rejected too",
    ]


@pytest.mark.parametrize("chunk", [1, 2, 3, 1000])
def test_the_size_of_a_chunk_changes_nothing(shop: Shop, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repetitions and shared accounts may lie in different ones; progress is told after each."""
    monkeypatch.setattr(csv_import, "CHUNK", chunk)
    told: list[tuple[int, int]] = []
    rows = (SOLD, GONE, OPEN, SOLD, UNDATED, GONE.replace("b2", "e5"))
    rehearsed = shop.imports(*rows, dry_run=True)
    report = shop.imports(*rows, progress=lambda done, total: told.append((done, total)))
    assert (report.imported, report.unchanged, report.rejected) == (4, 1, 1)
    assert report.events["account-opened"] == 2
    assert dict(rehearsed.events) == dict(report.events)
    assert (rehearsed.imported, rehearsed.unchanged, rehearsed.reasons) == (4, 1, report.reasons)
    assert told[-1] == (6, 6)
    assert len(told) == -(-6 // chunk)


def test_a_dry_run_decides_and_records_nothing(shop: Shop) -> None:
    """With the counts of the run that follows, of changes too."""
    before = rows(shop.ledger)
    rehearsed = shop.imports(SOLD, GONE, OPEN, UNDATED, dry_run=True)
    assert rows(shop.ledger) == before
    report = shop.imports(SOLD, GONE, OPEN, UNDATED)
    assert dict(rehearsed.events) == dict(report.events)
    changed = (SOLD.replace("1250", "1300"), GONE.replace("Max", "Ann"), OPEN, UNDATED)
    rehearsed, report = shop.imports(*changed, dry_run=True), shop.imports(*changed)
    assert (rehearsed.changed, dict(rehearsed.events)) == (report.changed, dict(report.events))
    assert report.changed == 2
    assert "nothing was recorded" in rehearsed.text()


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_is_refused(shop: Shop, text: str) -> None:
    """It has no header."""
    file = shop.folder / "empty.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile, match="is empty: it has no header"):
        shop.imports_file(file)


def test_a_header_alone_is_no_rows(shop: Shop) -> None:
    """And records nothing, not even the process."""
    report = shop.imports()
    assert (report.rows, dict(report.events)) == (0, {})
    assert "The file has a header and no rows." in report.text()


def test_an_amount_of_another_currency_ends_the_import_before_it_begins(tmp_path: Path) -> None:
    """One error, not one a row."""
    shop = Shop.at(tmp_path, currency="USD")
    with pytest.raises(Refused, match=r"keeps its amounts in USD, and the rules say EUR\. .*Nothing was recorded\.$"):
        shop.imports(SOLD)
    assert not any(r.stream.startswith(("deal:", "process:shop")) for r in log_of(shop.ledger))


def test_a_column_may_name_the_currency(shop: Shop) -> None:
    """The first amount decides for the ledger, and rows in another are rejected; the refused first one decides nothing."""
    text = RULES.replace('deal = "id"', 'deal = "id"\ncurrency = "unit"').replace('currency = "EUR"', "", 1)
    header = HEADER + ",unit"
    shop.by_hand("z9", captured(2), on=290)
    refused = SOLD.replace("a1", "z9") + ",CHF"
    rows = (refused, SOLD + ",USD", SOLD.replace("a1", "e5") + ",EUR", SOLD.replace("a1", "f6") + ",", OPEN + ",")
    report = shop.imports(*rows, header=header, rules=rules(text))
    assert [line for line, _ in reasons(report)] == [2, 4, 5]
    assert "an amount without a currency: unit is empty" in report.reasons
    assert shop.state("a1").currency == "USD"
    with Store.open(shop.ledger) as store:
        assert store.settings().currency == "USD"


def test_the_first_row_of_an_account_opens_it_even_where_an_earlier_one_was_refused(shop: Shop) -> None:
    """A refused row takes its account with it."""
    shop.by_hand("a1", captured(2), on=290)
    report = shop.imports(SOLD, SOLD.replace("a1", "e5"))
    assert (report.imported, report.rejected) == (1, 1)
    assert reasons(report) == [(2, "the ledger refuses it: a1: the lead was captured already on 2026-01-02.")]
    assert shop.state("e5").account == "acme-sons"


def test_an_account_that_is_there_is_left_as_it_is(shop: Shop) -> None:
    """Whoever opened it, and however the file writes its name."""
    with clock(day(10)), Store.open(shop.ledger) as store:
        record(store, "account:acme-sons", opened(8, company="ACME"))
    report = shop.imports(SOLD, SOLD.replace("a1", "e5").replace("Acme & Sons", "ACME sons"))
    assert (report.imported, report.events.get("account-opened", 0)) == (2, 0)


MEETING = '[[events]]\ntype = "meeting-held"\ndate = "met"\noptional = true\nfields = { kind = "how" }\n'


def test_other_events_happen_on_their_dates_too(shop: Shop) -> None:
    """An optional one did not happen where its date is blank."""
    header = HEADER + ",met,how"
    report = shop.imports(SOLD + ",2026-01-20,demo", OPEN + ",,", header=header, rules=rules(RULES + MEETING))
    assert report.imported == 2
    assert shop.types("a1") == ["lead-captured", "meeting-held", "deal-won"]
    assert shop.types("c3") == ["lead-captured"]
    report = shop.imports(SOLD.replace("a1", "e5") + ",2026-02-20,demo", header=header, rules=rules(RULES + MEETING))
    assert reasons(report)[0][1].startswith(
        "the ledger refuses it: e5: the deal is won since 2026-02-01; reopen it first"
    )


def test_a_row_that_two_rules_of_one_slot_fit_is_rejected(shop: Shop) -> None:
    """Nothing says which is right."""
    text = RULES + '[[events]]\ntype = "deal-lost"\nwhen = { phase = "Sold" }\ndate = "ended"\n'
    report = shop.imports(SOLD, rules=rules(text))
    assert reasons(report) == [(2, "two rules fit this row: both give it the event 'closed'")]


def test_an_amount_column_of_the_row_is_what_an_open_deal_is_worth_and_a_won_one_was_won_at(shop: Shop) -> None:
    """A lost one keeps it as well."""
    text = RULES.replace('deal = "id"', 'deal = "id"\namount = "price"').replace('fields = { amount = "price" }', "")
    shop.imports(SOLD, GONE.replace(",0", ",80"), OPEN + "70", rules=rules(text))
    assert [shop.state(deal).amount for deal in ("a1", "b2", "c3")] == [Decimal("1250.50"), Decimal(80), Decimal(70)]


def test_expected_close_and_constants_are_attributes(shop: Shop) -> None:
    """A day, not an instant."""
    text = (
        RULES.replace('deal = "id"', 'deal = "id"\nexpected_close = "ended"')
        + '\n[constants]\nsource = "event"\nteam = "North"\n'
    )
    shop.imports(OPEN.replace("2026-01-07,,", "2026-01-07,2026-12-24,"), rules=rules(text, timezone="America/New_York"))
    state = shop.state("c3")
    assert (state.expected_close, state.source, state.team) == (date(2026, 12, 24), "event", "North")


def test_days_begin_in_the_files_zone(tmp_path: Path) -> None:
    """The ledger's, where the rules name none."""
    shop = Shop.at(tmp_path, timezone="Europe/Berlin")
    shop.imports(OPEN)
    shop.imports(OPEN.replace("c3", "e5"), rules=rules(timezone="UTC"))
    assert shop.state("c3").captured_at == day(6).replace(hour=23)
    assert shop.state("e5").captured_at == day(7)


def test_two_files_of_different_systems_do_not_touch_each_other(shop: Shop) -> None:
    """A deal that another system brought is refused, not changed."""
    shop.imports(OPEN)
    report = shop.imports(OPEN.replace("Max", "Ann"), rules=rules(source_system="other", process={"id": "shop"}))
    assert reasons(report)[0][1].startswith("the ledger refuses it: c3: the lead was captured already")
    assert shop.state("c3").owner == "max"


def test_an_import_that_was_cut_off_goes_on_where_it_stopped(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how far it came; chunks that were recorded stay, nothing is doubled."""
    monkeypatch.setattr(csv_import, "CHUNK", 1)
    real, calls = Store.record, iter([True, True, False])

    def fails_later(store: Store, *given: Any, **named: Any) -> Any:
        if next(calls):
            return real(store, *given, **named)
        raise LockedLedger(str(shop.ledger), 30)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "record", fails_later)
        with pytest.raises(StoreError, match=r"is locked.*The rows before that, 1, are done; import again to go on\.$"):
            shop.imports(SOLD, GONE, OPEN)
    assert not list(shop.folder.glob(".*rejects*"))
    report = shop.imports(SOLD, GONE, OPEN)
    assert (report.unchanged, report.imported) == (1, 2)


def test_two_imports_at_once_double_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second decides anew on what the first has recorded."""
    real = Store._append
    raced: list[bool] = []

    def overtaken(store: Store, pending: Any) -> Any:
        if len(raced) < 2:
            raced.append(True)
            shop.imports(SOLD, GONE, OPEN, on=300)
        return real(store, pending)

    monkeypatch.setattr(Store, "_append", overtaken)
    report = shop.imports(SOLD, GONE, OPEN, on=300)
    assert (report.unchanged, report.imported) == (3, 0)
    keys = [r.key for r in log_of(shop.ledger) if r.key]
    assert len(keys) == len(set(keys))
    assert [shop.types(deal) for deal in ("a1", "b2", "c3")] == [
        ["lead-captured", "deal-won"],
        ["lead-captured", "deal-lost"],
        ["lead-captured"],
    ]


def test_a_conflict_without_end_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing recorded, where nothing was."""

    def never(store: Store, *given: Any, **named: Any) -> Any:
        raise Conflict("Other programs kept writing. Nothing was recorded.")

    monkeypatch.setattr(Store, "record", never)
    with pytest.raises(Conflict, match=r"Nothing was recorded\.$"):
        shop.imports(SOLD)


def test_a_read_only_ledger_is_left_alone(shop: Shop) -> None:
    """One message."""
    file = shop.write(SOLD)
    shop.ledger.chmod(0o400)
    with without_privileges(shop.folder), pytest.raises((ReadOnlyLedger, StoreError)):
        shop.imports_file(file, rejects=None)


def test_keys_are_made_of_system_deal_slot_and_generation(shop: Shop) -> None:
    """So that the same row never has two."""
    shop.imports(SOLD)
    assert [r.key for r in shop.records("a1")] == ["shop:a1:captured:1", "shop:a1:closed:1"]


def test_events_by_hand_are_no_part_of_what_the_system_said(shop: Shop) -> None:
    """An unchanged row doesn't undo them."""
    shop.imports(OPEN)
    shop.by_hand("c3", advanced(301, stage="trying"))
    assert shop.imports(OPEN, on=302).unchanged == 1
    assert shop.state("c3").stage == "trying"


def test_the_report_reads_like_one(shop: Shop) -> None:
    """In plain lines, whatever the file is called."""
    file = shop.write(SOLD, GONE, OPEN, UNDATED, "\x1b[31m,Max,Bolt,Desk,Talking,2026-01-07,,")
    text = shop.imports_file(file.rename(shop.folder / "a\x1bz.csv")).text()
    assert r"a\x1bz.csv: 5 rows" in text
    assert "3 imported" in text
    assert "1 no date: begun is empty" in text
    assert "\x1b" not in text
