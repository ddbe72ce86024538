"""What is said to somebody who is new here: the remedy is one that can be typed."""

import pytest

from salesledger.errors import NOTHING_RECORDED
from support.console import Console, unchanged


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("completion", "Choose from: bash, zsh, fish. See"),
        ("verify 39", "Got unexpected extra argument (39). See"),
        ("verify --public-key abc", "'abc' is neither a public key, which is written NAME+ID+BASE64, nor a file"),
        ("verify-proof note.txt", "This is no proof: the file holds no JSON. 'salesledger prove -o FILE' writes one."),
    ],
)
def test_usage_is_explained(line: str, said: str, console: Console) -> None:
    """In one line, and without what a parser says to programmers."""
    (console.folder / "note.txt").write_text("Dear diary")
    assert said in console.no(line)


def test_a_correction_of_what_was_corrected_names_what_stands_in_its_place(console: Console) -> None:
    """However often it was corrected; what was only struck out has nothing in its place."""
    said = (
        "Entry 13 was corrected already: entry {} stands in its place. Correct that: 'correct {}'. " + NOTHING_RECORDED
    )
    with unchanged(console):
        assert console.no("correct 13 --reason x --set amount=1", code=1) == said.format(29, 29)
    console.ok("correct 29 --reason x --set amount=1")
    assert console.no("correct 13 --reason x --set amount=1", code=1) == said.format(31, 31)
    console.ok("lead capture New --on 2026-03-01")
    console.ok("void 32 --reason x")
    assert "void 33 to restore it" in console.no("correct 32 --reason x --set company=Newer", code=1)


def test_an_exported_line_is_known_as_such(console: Console) -> None:
    """All that is to be left out is named at once."""
    line = console.ok("export jsonl").splitlines()[5]
    with unchanged(console):
        said = console.no("record -", stdin=line)
    assert said.startswith(
        "Line 1: This line was exported. To record it again, leave out what the ledger gives (entry, "
    )
    assert 'write "deal" with the id in the place of "stream" and "id". Nothing was recorded.' in said


def test_a_query_s_table_has_every_column_that_was_asked_for(console: Console) -> None:
    """Those without a value too; a report leaves them out."""
    assert console.ok("query 'SELECT 1 AS a, NULL AS x'").splitlines()[0].split() == ["a", "x"]


def test_losses_show_what_they_are_split_by(console: Console) -> None:
    """The reason, in a column of that name."""
    header, _, first, *_ = console.ok("losses --by reason").splitlines()[2:]
    assert header.split()[0] == "reason"
    assert first.split()[0] == "price"


def test_a_question_about_the_future_says_so_to_people(console: Console) -> None:
    """On standard error, once; not about today, nor to programs."""
    told = "is in the future: this is by what is on record now, up to entry 29."
    assert told in console("pipeline --as-of 2030-01-01").err
    assert told in console("account show acme --as-of 2026-04-01").err
    both = console("history acme --as-of 2030-01-01 --known-at 2030-01-02 --upto 99").err.splitlines()
    assert both == [
        "salesledger: note: --as-of 2030-01-01 and --known-at 2030-01-02 are in the future: this is by what is on record now, "
        "up to entry 29.",
        "salesledger: note: --upto 99: the ledger ends with entry 29.",
    ]
    for line in (
        "pipeline --as-of 2030-01-01 -O json",
        "pipeline --as-of 2030-01-01 -o out.csv",
        "pipeline --as-of today --known-at 2026-03-31 --upto 29",
        "pipeline --as-of 2026-04-01 --today 2026-04-01",
    ):
        assert console(line).err == ""


def test_a_client_s_screen_says_what_was_converted(console: Console) -> None:
    """The amounts of deals and those of subscriptions; nothing where all are in the ledger's currency."""
    assert "converted" not in console.ok("account show acme")
    console.ok("rate set USD 0.5 --on 2026-01-01")
    console.ok('lead capture Acme --id more --account acme --amount "10 USD" --on 2026-03-01')
    told = console.ok("account show acme")
    assert "USD converted to EUR: open deals at the rate as of then, closed ones at that of the day" in told
    assert "of subscriptions" not in told
    console.ok('subscription start acme --product Pro --recurring "10 USD" --every month --on 2026-03-01')
    assert "USD of subscriptions converted to EUR: at the rate as of then." in console.ok("account show acme -O md")


def test_amounts_by_period_are_converted_at_each_row_s_own_date(empty: Console) -> None:
    """Said where a row holds a converted deal, though it may be closed by now."""
    empty.ok("init --currency EUR")
    empty.ok("rate set USD 0.9 --on 2026-01-01")
    empty.ok('lead capture A --amount "1000 USD" --on 2026-01-05')
    empty.ok("lead capture B --amount 1000 --on 2026-01-05")
    empty.ok("deal win a --on 2026-03-05")
    said = "USD converted to EUR: in each row at the rate at its period's end, or at the as-of date where that comes first."
    assert empty.ok("pipeline -M").splitlines()[-1] == said
    assert empty.ok("pipeline -M --as-of 2026-01-10").splitlines()[-1] == said
    assert "converted" not in empty.ok("pipeline -p 2026-03")
    assert "converted" not in empty.ok("pipeline")


def test_those_who_were_present_are_told_as_they_were_when_recorded(console: Console) -> None:
    """Their ids, with commas between."""
    console.ok("person add 'Kim Lee' --on 2026-03-01")
    console.ok("person add 'Ann Roe' --on 2026-03-01")
    recorded = console.ok("meeting hold delta --person 'Kim Lee' --person 'Ann Roe' --on 2026-03-02")
    assert "persons=p-1, p-2" in recorded
    assert "persons=p-1, p-2" in console.ok("history delta")


def test_a_new_ledger_says_that_its_zone_stays(empty: Console) -> None:
    """While it is still easy to make another."""
    told = empty.ok("init --timezone UTC")
    assert "Its time zone never changes: if UTC is wrong, remove it now and give --timezone ZONE.\n" in told


def test_a_split_by_two_things_is_refused(console: Console) -> None:
    """Neither is taken in silence."""
    told = console("metrics --by owner --by source")
    assert told.code == 2
    assert "not by owner and source. Give it once." in told.err


def test_bookings_say_what_has_no_amount(empty: Console) -> None:
    """It is not in their total."""
    empty.ok("init --currency EUR --no-seal-key")
    empty.ok("deal sell One --amount 10 --on 2026-03-01")
    assert "Total: 10.00 EUR.\n" in empty.ok("bookings")
    empty.ok("lead capture Two --on 2026-03-02")
    empty.ok("deal win two --on 2026-03-02")
    assert "Total: 10.00 EUR; 1 deal without an amount counts as nothing." in empty.ok("bookings")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("deals owner:kimm", "Nothing here has the owner 'kimm'. Did you mean 'kim'?"),
        ("pipeline stage:zzz owner:kim", "Nothing here has the stage 'zzz'."),
        ("leads 'status:=wonn'", "Nothing here has the status 'wonn'. Did you mean 'won'?"),
    ],
)
def test_a_filter_that_looks_for_what_nobody_has_is_named(line: str, said: str, console: Console) -> None:
    """Where it leaves no row; the answer itself is as empty as it is, and files hold no word of it."""
    shown = console.ok(line)
    assert "(none)" in shown
    assert shown.rstrip().endswith(said)
    assert said not in console.ok(f"{line} -O csv")


def test_filters_that_fit_but_not_together_are_left_alone(console: Console) -> None:
    """Each of them is known."""
    shown = console.ok("deals owner:kim amt:'>99999999'")
    assert "(none)" in shown
    assert "Nothing here" not in shown
