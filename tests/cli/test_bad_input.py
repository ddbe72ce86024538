"""What the ledger can't take: one clear message, exit code 1 or 2, and not a byte of the ledger changed."""

import shlex
from datetime import timedelta
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesledger.errors import NOTHING_RECORDED
from support.console import NOW, Console, commands, frozen, unchanged
from support.ledgers import clock

LONG = "x" * 501
SURROGATE = "a\udc80b"


DATES = [
    "someday",
    "2026-02-30",
    "2026-13-01",
    "1899-12-31",
    "2201-01-01T00:00",
    "20260101120000",
    "1E+1000000",
    "NaN",
    "",
    "2026-01-01\x00",
    SURROGATE,
    LONG,
]


class TestDates:
    """A date that isn't one is refused wherever a date is asked for."""

    @pytest.mark.parametrize("text", DATES)
    @pytest.mark.parametrize("option", ["--as-of", "--known-at", "--begin", "--end", "--period", "--today"])
    def test_of_a_question(self, option: str, text: str, console: Console) -> None:
        """The message repeats the text and shows how dates are written."""
        if text == "":
            return
        with unchanged(console):
            message = console.no(["metrics", f"{option}={text}"], code=2)
        assert "is not a date" in message or "is not a period" in message
        assert "Write 2026" in message

    @pytest.mark.parametrize("text", DATES)
    @pytest.mark.parametrize(
        "line", ["lead capture New", "deal win delta", "correct 16 --reason x", "process define licence.toml"]
    )
    def test_of_an_event(self, line: str, text: str, console: Console) -> None:
        """Nothing is recorded."""
        with unchanged(console):
            assert console.no([*shlex.split(line), f"--on={text}"]).endswith(NOTHING_RECORDED)

    @pytest.mark.parametrize("text", ["next month", "2026Q3", "someday", "2026-05-31T10:00"])
    def test_of_an_expected_close_must_be_one_day(self, text: str, console: Console) -> None:
        """A longer stretch, or a time of day, is none."""
        with unchanged(console):
            assert console.no(["deal", "revise", "delta", "--expected-close", text], code=2).endswith(NOTHING_RECORDED)

    def test_in_the_future_are_no_event_s(self, console: Console) -> None:
        """An event has happened."""
        with unchanged(console):
            assert "lies in the future" in console.no("lead capture New --on 2027-01-01", code=1)

    def test_of_a_clock_that_was_wrong_are_told_to_who_records_later(self, console: Console) -> None:
        """Stamps never go back, so that what is recorded counts as known only then."""
        with clock(NOW + timedelta(days=400)):
            assert Console(console.folder, console.env)("lead capture Early --on 2026-01-02").err == ""
        told = console("lead capture Late --on 2026-01-02")
        assert told.code == 0
        assert "warning: recorded as of 2027-09-05 14:00, far ahead of this machine's clock" in told.err
        assert console("deals").err == ""


class TestAmounts:
    """An amount that isn't one, or can't be held exactly."""

    @pytest.mark.parametrize(
        "text",
        ["1E+1000000", "1e3", "NaN", "-NaN", "Infinity", "-Infinity", "-5", "-0.01", "1,234.50", "1.234,50", "1_000", "€5000",
         "5000 EURO", "five", "", " ", "1.23456", "123456789012345", "٣", "0x10", "5\x00", SURROGATE, LONG, "5 EUR EUR"],
    )  # fmt: skip
    @pytest.mark.parametrize("option", ["--amount", "--recurring"])
    def test_is_refused_with_how_to_write_one(self, option: str, text: str, console: Console) -> None:
        """The message has the option's field and an example."""
        with unchanged(console):
            message = console.no(["lead", "capture", "New", f"{option}={text}"], code=2)
        assert "amount" in message
        assert "write it like 1250" in message or "is negative" in message
        assert message.endswith(NOTHING_RECORDED)
        assert len(message) < 300

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ("--amount 5 --currency USD", "keeps its amounts in EUR"),
            ("--amount '5 USD'", "keeps its amounts in EUR"),
            ("--amount '5 USD' --currency EUR", "One event has one currency"),
            ("--amount 5 --currency EURO", "is not a currency code"),
            ("--amount '12000.50 €'", "the currency as three letters, such as '12000.50 EUR'"),
            ("--every month", "give its AMOUNT too"),
            ("--recurring 5 --every year --term 18", "not a multiple of 12"),
            ("--recurring 5 --term 0", "not in the range"),
        ],
    )
    def test_must_fit_its_currency_and_its_term(self, options: str, words: str, console: Console) -> None:
        """What contradicts itself or the ledger is refused."""
        with unchanged(console):
            message = console.no(f"lead capture New {options}")
        assert words in message
        assert NOTHING_RECORDED in message

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("rate set USD -1", "'-1' is not an exchange rate"),
            ("deal sell New --amount 5 --account a --no-account", "--no-account and --account a contradict each other"),
        ],
    )
    def test_that_make_no_sense_say_so(self, line: str, words: str, console: Console) -> None:
        """A rate below zero is a rate that is wrong, not an option; a sale has an account or none."""
        with unchanged(console):
            assert words in console.no(line, code=2)


class TestThousands:
    """A point before three digits separates thousands to some, and decimals to others."""

    @pytest.mark.parametrize(
        "line",
        [
            "lead capture New --amount {}",
            "lead capture New --recurring {}",
            "deal offer delta --list {}",
            "target set {} -p 2026Q4",
            "forecast call {} -p 2026Q4",
            "correct 16 --reason x --set amount={}",
        ],
    )
    def test_are_refused_wherever_an_amount_is_typed(self, line: str, console: Console) -> None:
        """Both readings are named, as they are to be written."""
        with unchanged(console):
            said = console.no(line.format("12.000"), code=2)
        assert said == f"'12.000' can mean 12000 or 12.00: write 12000 or 12.00. {NOTHING_RECORDED}"

    @pytest.mark.parametrize(
        ("text", "small"), [("12.500", "12.50"), ("12.345 EUR", "12.3450"), ("1.250", "1.25"), ("999.001", "999.0010")]
    )
    def test_are_told_with_all_their_decimals(self, text: str, small: str, console: Console) -> None:
        """What is to be written for the smaller one is the same number, and clear."""
        assert f" or {small}." in console.no(f"lead capture New --amount '{text}' --dry-run", code=2)

    @pytest.mark.parametrize("text", ["12.50", "0.125", "1234.567", "12.3450", "12000"])
    def test_of_other_shapes_are_clear(self, text: str, console: Console) -> None:
        """Nobody writes thousands so."""
        console.ok(f"lead capture New --amount {text} --dry-run")

    def test_are_thousandths_in_a_currency_that_has_them(self, empty: Console) -> None:
        """Named with the amount, or the ledger's own."""
        assert empty("init --timezone Asia/Kuwait --currency KWD").code == 0
        for amount in ("12.345", "'12.345 KWD'"):
            assert "amount=12.345" in empty.ok(f"lead capture New --amount {amount} --dry-run")


class TestIdsAndTexts:
    """Ids that fit nothing or too much, and texts that no database can hold."""

    @pytest.mark.parametrize("line", ["deal win {}", "lead contact {} --channel call", "deal revise {} --amount 5"])
    @pytest.mark.parametrize(("text", "words"), [("nobody", "There is no deal 'nobody'"), ("", "could be any of")])
    def test_of_deals(self, line: str, text: str, words: str, console: Console) -> None:
        """An unknown id, and a prefix that fits several."""
        with unchanged(console):
            message = console.no(line.format(shlex.quote(text)), code=1)
        assert words in message
        assert message.endswith(NOTHING_RECORDED)

    @pytest.mark.parametrize("text", [LONG, "a\x00b", SURROGATE, "", "   ", "\ud83d"])
    @pytest.mark.parametrize(
        "line",
        [["lead", "capture", "{}"], ["lead", "capture", "New", "--source", "{}"], ["lead", "capture", "New", "--key", "{}"],
         ["lead", "capture", "New", "--attr", "size={}"], ["lead", "capture", "New", "--attr", "{}=5"],
         ["void", "24", "--reason", "{}"], ["account", "open", "{}"], ["referral", "give", "acme", "{}"],
         ["meeting", "hold", "delta", "--pain", "{}"], ["correct", "22", "--reason", "x", "--set", "reason={}"]],
        ids=lambda line: " ".join(line[:4]),
    )  # fmt: skip
    def test_that_are_texts(self, line: list[str], text: str, console: Console) -> None:
        """NUL bytes, half surrogate pairs, nothing at all and too much."""
        with unchanged(console):
            message = console.no([part.replace("{}", text) for part in line])
        assert message.endswith(NOTHING_RECORDED)

    @pytest.mark.parametrize("text", ["a b", "-x", "ä/ö", LONG, "a\x00", SURROGATE, "../x", "[/red]"])
    @pytest.mark.parametrize("option", ["--id", "--owner", "--actor"])
    def test_that_are_ids(self, option: str, text: str, console: Console) -> None:
        """Letters, digits, '.', '_' and '-' only."""
        with unchanged(console):
            assert "is not an id" in console.no(["lead", "capture", "New", f"{option}={text}"], code=2)

    @pytest.mark.parametrize("entry", ["0", "-1", "x", "1.5", "99999", "1e3", "9" * 30])
    def test_of_entries(self, entry: str, console: Console) -> None:
        """No such entry, or no number."""
        with unchanged(console):
            assert NOTHING_RECORDED in console.no(["void", "--reason", "x", "--", entry])


class TestNumbers:
    """Whole numbers beyond what a database can hold."""

    @pytest.mark.parametrize(
        "line", ["log -n {}", "lag --upto {}", "forecast --upto {}", "diff 2026-01-01 2026-02-01 --upto {}", "prove {}"]
    )
    def test_are_refused_where_they_are_typed(self, line: str, console: Console) -> None:
        """With the most that can be; that much is asked for as any other."""
        assert f"{2**63} is too large; the most is {2**63 - 1}. See" in console.no(line.format(2**63), code=2)
        assert "is too large" not in console(line.format(2**63 - 1)).err


class TestQuotes:
    """What opens and doesn't close."""

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            (["deals", 'company:"acme'], "quotation mark that opens here is not closed"),
            (["deals", 'company:="acme'], "quotation mark that opens here is not closed"),
            (["deals", '"acme'], "quotation mark that opens here is not closed"),
            (["query", "SELECT 'x"], "unterminated string literal"),
            (["query", 'SELECT "x'], "unterminated quoted identifier"),
            (["query", "SELECT (1"], "syntax error"),
            (["correct", "10", "--reason", "x", "--set", 'pain_points=["a'], "broken JSON"),
        ],
    )
    def test_in_what_is_typed(self, line: list[str], words: str, console: Console) -> None:
        """Filters, SQL, and JSON on the command line."""
        with unchanged(console):
            assert words in console.no(line, code=2)

    def test_in_a_process(self, console: Console) -> None:
        """TOML names the line and the column."""
        (console.folder / "broken.toml").write_text('name = "licence\n[[stages]]\n')
        with unchanged(console):
            message = console.no("process define broken.toml", code=2)
        assert "is no TOML" in message
        assert "line 1" in message
        assert message.endswith(NOTHING_RECORDED)


class TestRefusals:
    """What the ledger understands and says no to."""

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("deal win acme", "the deal is won since 2026-02-20"),
            ("deal lose gamma --reason x", "the deal is lost since 2026-02-10"),
            ("deal reopen delta", "only a closed one can be reopened"),
            ("deal advance delta nowhere", "its stages are lead, qualified, meeting"),
            ("lead accept delta", "hand it over first"),
            ("lead qualify delta", "the lead is qualified already"),
            ("deal win delta --on 2026-01-01", "the lead is not captured yet on 2026-01-01"),
            ("void 23 --reason x", "would make what follows impossible: entry 24"),
            ("void 13 --reason x", "is struck out already by entry 28"),
            ("void 1 --reason x", "holds for the whole ledger"),
            ("correct 28 --reason x --set void_reason=y", "is a void"),
            ("lead capture New --account nobody", "There is no account 'nobody'"),
            ("lead capture New --grown-from nobody", "There is no deal 'nobody'"),
            ("lead capture New --process nobody", "there is no process 'nobody'"),
        ],
    )
    def test_say_why_and_change_nothing(self, line: str, words: str, console: Console) -> None:
        """The reason, with days as the ledger counts them."""
        with unchanged(console):
            message = console.no(line, code=1)
        assert words in message
        assert message.endswith(NOTHING_RECORDED)

    def test_of_a_key_that_was_used_for_something_else(self, console: Console) -> None:
        """The same key with the same content is done already; with other content it is refused."""
        line = "lead capture New --on 2026-03-01 --key k1"
        first = console.ok(line)
        with unchanged(console):
            assert console.ok(line) == first.replace("entry 30:", "entry 30, recorded before:")
            assert "was used for entry 30" in console.no("lead capture Other --on 2026-03-01 --key k1", code=1)


NASTY = [
    "",
    " ",
    "\x00",
    SURROGATE,
    LONG,
    "\x1b[31m",
    "-",
    "--",
    "'",
    '"',
    "$x",
    "%s",
    "{}",
    "../..",
    "1E+1000000",
    "NaN",
    "0",
    "*",
    ":",
    "=",
    "a:b",
]
WORDS = [
    "acme",
    "delta",
    "24",
    "b2b",
    "licence.toml",
    "events.jsonl",
    "pipeline",
    "deal",
    "2026-03-01",
    "lead",
    "SELECT 1",
    "x=y",
]


FILES = (click.File, click.Path)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with some of its arguments and options, filled with what nobody expects."""
    # A demo takes seconds, and what serves goes on for ever.
    name = draw(st.sampled_from(sorted(set(commands()) - {"demo", "serve"})))
    value = st.one_of(st.sampled_from(NASTY), st.sampled_from(WORDS), st.text(max_size=10))
    line = name.split()
    for param in commands()[name].params:
        # The system lets no NUL byte into a command line; only where it would open a file does that matter here.
        usable = value.filter(lambda text: "\x00" not in text) if isinstance(param.type, FILES) else value
        if isinstance(param, click.Argument):
            line += draw(st.lists(usable, min_size=1, max_size=2 if param.nargs == -1 else 1))
        elif param.required or draw(st.integers(0, 6)) == 0:
            assert isinstance(param, click.Option)
            if param.name not in ("output", "rejects", "ledger"):  # where files are written is another matter
                line += [param.opts[0]] if param.is_flag else [param.opts[0], draw(usable)]
    return line


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(line=command_lines())
def test_no_command_line_makes_a_crash_or_half_a_record(beginning: Path, tmp_path: Path, line: list[str]) -> None:
    """Every command ends with 0, 1 or 2 and, where it fails, one message and an unchanged ledger."""
    console = Console(tmp_path, {"SALESLEDGER_ACTOR": "kim", "SALESLEDGER_TODAY": "2026-03-31"})
    console.ledger.write_bytes(beginning.read_bytes())
    with frozen(console):
        done = console(line)
    assert done.code in (0, 1, 2)
    if done.code:
        assert console.ledger.read_bytes() == beginning.read_bytes()
        assert done.err.startswith("salesledger: ")
        assert done.err.count("\n") == 1
    assert not set(done.out + done.err) & set("\x1b\x00\u202e")
