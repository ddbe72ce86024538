"""What a query's answer looks like as a table, JSON, CSV and Markdown, and how it reaches a file."""

import csv
import io
import json
import os
import re
import stat
import subprocess
import sys
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from salesledger.cli.render import FORMATS, format_for, render, write
from salesledger.errors import UsageError
from salesledger.shown.escape import safe_text, without_password
from salesledger.shown.values import Rows, money, number

BERLIN = ZoneInfo("Europe/Berlin")
ANY_TEXT = st.text(st.characters())  # lone surrogates, too
# A combining mark is as wide as what it happens to stand beside, so no table can promise a width for it.
NO_MARKS = st.text(st.characters(exclude_categories=["M"]))
at = datetime.fromisoformat
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def one(name: str, type_name: str, *values: object) -> Rows:
    return Rows([name], [type_name], [(value,) for value in values])


def texts(cells: list[list[str]]) -> Rows:
    count = len(cells[0]) if cells else 1
    return Rows([f"c{n}" for n in range(count)], ["VARCHAR"] * count, [tuple(row) for row in cells])


def table(rows: Rows, width: int | None = None) -> list[str]:
    return render(rows, "table", zone=BERLIN, width=width).splitlines()


def same_length_rows(cell: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    return st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(cell, min_size=n, max_size=n), min_size=1, max_size=5))


NOON, EVENING = at("2026-03-31T12:00"), at("2026-01-01T23:30")
DEALS = Rows(
    [
        "deal",
        "name",
        "amount",
        "currency",
        "won_ratio",
        "age_days",
        "entry",
        "closed_on",
        "recorded_at",
        "lost_because",
    ],
    ["VARCHAR", "VARCHAR", "DECIMAL(38,4)", "VARCHAR", "DOUBLE", "DOUBLE", "BIGINT", "DATE", "TIMESTAMP", "VARCHAR"],
    [
        ("d-1", "Müller & Söhne", Decimal("12500.0000"), "EUR", 0.345, 12.04, 1204, date(2026, 3, 31), NOON, None),
        ("d-2", "山田商店", Decimal("-980.1250"), "EUR", 1.0, 3.0, 7, None, EVENING, None),
    ],
)


class TestFormat:
    @pytest.mark.parametrize(
        ("explicit", "out", "expected"),
        [
            (None, None, "table"),
            (None, "-", "table"),
            (None, "a/b.json", "json"),
            (None, "b.jsonl", "jsonl"),
            (None, "B.CSV", "csv"),
            (None, "b.md", "md"),
            (None, "b.txt", "table"),
            ("csv", "b.json", "csv"),
            ("md", "report", "md"),
        ],
    )
    def test_is_the_one_asked_for_else_the_ending_s_else_a_table(
        self, explicit: str | None, out: str | None, expected: str
    ) -> None:
        assert format_for(explicit, out) == expected

    @pytest.mark.parametrize("out", ["report.xlsx", "report", "folder.csv/report"])
    def test_refuses_an_ending_it_does_not_know_and_names_those_it_does(self, out: str) -> None:
        with pytest.raises(UsageError, match=re.escape(out)) as refused:
            format_for(None, out)
        assert all(ending in str(refused.value) for ending in (".json", ".jsonl", ".csv", ".md", ".txt"))

    def test_refuses_a_format_that_does_not_exist(self) -> None:
        with pytest.raises(UsageError, match="'xml' is not a format"):
            format_for("xml", None)
        with pytest.raises(UsageError, match="'xml' is not a format"):
            render(DEALS, "xml", zone=BERLIN)


class TestTable:
    def test_is_quiet_aligned_and_in_the_ledger_s_time_zone(self) -> None:
        assert table(DEALS) == [
            "deal  name               amount  currency  won_ratio  age_days  entry  closed_on   recorded_at",
            "-" * 99,
            "d-1   Müller & Söhne  12,500.00  EUR           34.5%      12.0   1204  2026-03-31  2026-03-31 14:00",
            "d-2   山田商店          -980.13  EUR          100.0%       3.0      7              2026-01-02 00:30",
        ]

    def test_puts_a_title_above_and_each_note_on_a_line_below(self) -> None:
        shown = render(one("n", "BIGINT", 1), "table", zone=BERLIN, title="Deals\x07", notes=["one\ttwo", "three"])
        assert shown == "Deals\\x07\n\nn\n-\n1\none\\ttwo\nthree\n"

    def test_says_none_under_the_header_of_an_empty_answer(self) -> None:
        shown = render(
            Rows(["deal", "amount"], ["VARCHAR", "DECIMAL(38,4)"], []), "table", zone=BERLIN, notes=["as of"]
        )
        assert shown == "deal  amount\n------------\n(none)\nas of\n"

    def test_says_none_when_there_are_no_columns_either(self) -> None:
        assert table(Rows([], [], [])) == ["(none)"]

    def test_keeps_the_columns_of_an_answer_of_nothing_but_nulls(self) -> None:
        assert table(one("max", "DECIMAL(38,4)", None)) == ["max", "---", ""]

    def test_shows_days_only_where_every_instant_is_the_local_midnight(self) -> None:
        winter, summer = at("2026-01-31T23:00"), at("2026-06-30T22:00")
        assert table(one("on", "TIMESTAMP", winter, None, summer))[2:] == ["2026-02-01", "", "2026-07-01"]
        assert table(one("on", "TIMESTAMP", winter, winter))[2:] == ["2026-02-01", "2026-02-01"]
        assert table(one("on", "TIMESTAMP", winter, summer + timedelta(seconds=1)))[2:] == [
            "2026-02-01 00:00",
            "2026-07-01 00:00",
        ]

    @pytest.mark.parametrize("end", [datetime.max, datetime.min])  # noqa: DTZ901
    def test_shows_the_open_ends_of_time(self, end: datetime) -> None:
        assert table(one("until", "TIMESTAMP", end))[2].startswith(end.date().isoformat())

    @pytest.mark.parametrize(
        ("name", "value", "shown"),
        [
            ("close_ratio", 0.3449, "34.5%"),
            ("win_rate", 0.0, "0.0%"),
            ("share", 1.25, "125.0%"),
            ("days", 1234.56, "1234.6"),
            ("days", -0.04, "0.0"),
            ("days", float("nan"), ""),
            ("win_rate", float("inf"), ""),
        ],
    )
    def test_shows_ratios_as_percents_and_other_doubles_with_one_decimal(
        self, name: str, value: float, shown: str
    ) -> None:
        assert table(one(name, "DOUBLE", value))[2].strip() == shown

    @pytest.mark.parametrize(
        ("type_name", "value", "shown"),
        [
            ("BOOLEAN", True, "true"),
            ("BIGINT", 1234567, "1234567"),
            ("VARCHAR[]", ["a", "b\n"], '["a", "b\\n"]'),
            ("STRUCT(x DECIMAL(9,2))", {"x": Decimal("1.50")}, '{"x": "1.50"}'),
            ("MAP(DATE, VARCHAR)", {date(2026, 1, 2): None}, '{"2026-01-02": null}'),
            ("BLOB", b"\x00\xff", "00ff"),
        ],
    )
    def test_shows_what_else_duckdb_returns(self, type_name: str, value: object, shown: str) -> None:
        assert table(one("it", type_name, value))[2] == shown

    def test_tells_columns_of_one_name_apart(self) -> None:
        assert table(Rows(["a", "a", "a"], ["BIGINT"] * 3, [(1, 2, 3)]))[0] == "a  a_1  a_2"

    @given(same_length_rows(ANY_TEXT), st.none() | st.integers(0, 60), ANY_TEXT)
    def test_never_holds_a_control_character_whatever_the_cells_hold(
        self, cells: list[list[str]], width: int | None, words: str
    ) -> None:
        for format in ("table", "md"):
            shown = render(texts(cells), format, zone=BERLIN, title=words, notes=[words], width=width)
            assert not {unicodedata.category(char) for char in shown.replace("\n", "")} & HIDDEN

    @given(same_length_rows(ANY_TEXT))
    def test_has_one_line_a_row(self, cells: list[list[str]]) -> None:
        assert render(texts(cells), "table", zone=BERLIN).count("\n") == len(cells) + 2


class TestTableOnATerminal:
    def test_cuts_the_longest_texts_first_and_never_numbers(self) -> None:
        rows = Rows(
            ["id", "name", "why", "amount"],
            ["VARCHAR", "VARCHAR", "VARCHAR", "DECIMAL(38,4)"],
            [("d-1", "n" * 14, "w" * 40, Decimal("1234567.8912"))],
        )
        assert table(rows, 50)[2] == f"d-1  {'n' * 14}  {'w' * 12}…  1,234,567.8912"
        assert table(rows, 40)[2] == f"d-1  {'n' * 8}…  {'w' * 7}…  1,234,567.8912"

    def test_stops_at_six_characters_even_if_the_table_is_still_too_wide(self) -> None:
        rows = Rows(["name", "recorded_at"], ["VARCHAR", "DATE"], [("n" * 20, date(2026, 3, 31))])
        assert table(rows, 10)[2] == "nnnnn…  2026-03-31"

    def test_cuts_long_headers_of_text_alike(self) -> None:
        rows = Rows(["reason_it_was_lost", "reason_it_was_won"], ["VARCHAR", "VARCHAR"], [("x", "y")])
        assert table(rows, 14) == ["reaso…  reaso…", "-" * 14, "x       y"]

    def test_counts_a_wide_character_as_two(self) -> None:
        assert table(one("name", "VARCHAR", "山田商店株式会社"), 9)[2] == "山田商店…"

    def test_leaves_a_table_alone_that_fits(self) -> None:
        assert table(DEALS, 99) == table(DEALS)
        assert table(DEALS, 98) != table(DEALS)

    @given(same_length_rows(NO_MARKS), st.integers(0, 60))
    def test_is_as_wide_as_the_terminal_at_most_when_six_columns_a_text_fit(
        self, cells: list[list[str]], width: int
    ) -> None:
        floor = 6 * len(cells[0]) + 2 * (len(cells[0]) - 1)
        assert max(map(wcswidth, table(texts(cells), width))) <= max(width, floor)


class TestJson:
    def test_is_an_array_of_objects_with_amounts_as_text_and_instants_in_utc(self) -> None:
        first, second = json.loads(render(DEALS, "json", zone=BERLIN, title="ignored", notes=["ignored"]))
        assert first == {
            "deal": "d-1",
            "name": "Müller & Söhne",
            "amount": "12500.00",
            "currency": "EUR",
            "won_ratio": 0.345,
            "age_days": 12.04,
            "entry": 1204,
            "closed_on": "2026-03-31",
            "recorded_at": "2026-03-31T12:00:00Z",
            "lost_because": None,
        }
        assert (second["amount"], second["closed_on"]) == ("-980.1250", None)

    def test_reads_well_and_keeps_letters_as_they_are(self) -> None:
        assert render(one("name", "VARCHAR", "Müller", "山"), "json", zone=BERLIN) == (
            '[\n  {"name": "Müller"},\n  {"name": "山"}\n]\n'
        )
        assert render(one("name", "VARCHAR", "Müller", "山"), "jsonl", zone=BERLIN) == (
            '{"name": "Müller"}\n{"name": "山"}\n'
        )

    def test_of_nothing_is_an_empty_array_and_no_line(self) -> None:
        assert render(one("name", "VARCHAR"), "json", zone=BERLIN) == "[]\n"
        assert render(one("name", "VARCHAR"), "jsonl", zone=BERLIN) == ""

    @pytest.mark.parametrize(
        ("value", "held"),
        [
            (Decimal("0.1250"), "0.1250"),
            (Decimal("1E+3"), "1000.00"),
            (Decimal("1E-7"), "0.0000001"),
            (Decimal("9" * 34 + ".1234"), "9" * 34 + ".1234"),
            (Decimal("NaN"), None),
            (float("nan"), None),
            (float("-inf"), None),
            (at("2026-03-31T12:00:00.250000"), "2026-03-31T12:00:00.250000Z"),
            (datetime(2026, 3, 31, 14, 0, tzinfo=timezone(timedelta(hours=2))), "2026-03-31T12:00:00Z"),
            (datetime(2026, 3, 31, 14, 0, tzinfo=UTC), "2026-03-31T14:00:00Z"),
            ([Decimal("1.5"), {"at": date(2026, 1, 2)}], ["1.50", {"at": "2026-01-02"}]),
            (True, True),
        ],
    )
    def test_holds_each_value_exactly(self, value: object, held: object) -> None:
        assert json.loads(render(one("it", "ANY", value), "jsonl", zone=BERLIN)) == {"it": held}

    def test_loses_no_column_to_another_of_its_name(self) -> None:
        shown = render(Rows(["a", "a"], ["BIGINT", "BIGINT"], [(1, 2)]), "jsonl", zone=BERLIN)
        assert json.loads(shown) == {"a": 1, "a_1": 2}

    def test_escapes_what_steers_a_terminal(self) -> None:
        shown = render(one("it", "VARCHAR", "\x1b[2J\x7f\x9b\u202e\ud800👩\u200d🚀"), "jsonl", zone=BERLIN)
        assert shown == '{"it": "\\u001b[2J\\u007f\\u009b\\u202e\\ud800👩\u200d🚀"}\n'

    @given(st.lists(st.text(), max_size=5), st.sampled_from(["json", "jsonl"]))
    def test_gives_any_text_back(self, cells: list[str], format: str) -> None:
        shown = render(one("it", "VARCHAR", *cells), format, zone=BERLIN)
        objects = json.loads(shown) if format == "json" else [json.loads(line) for line in shown.split("\n")[:-1]]
        assert [each["it"] for each in objects] == cells

    @given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**30), max_value=10**30))
    def test_gives_any_amount_back(self, amount: Decimal) -> None:
        held = json.loads(render(one("amount", "DECIMAL(38,4)", amount), "jsonl", zone=BERLIN))["amount"]
        assert Decimal(held) == amount
        assert Decimal(number(amount).replace(",", "")) == amount
        assert re.fullmatch(r"-?\d+\.\d\d(\d\d)?", held)


class TestCsv:
    def test_holds_the_values_of_json_under_a_header(self) -> None:
        assert render(DEALS, "csv", zone=BERLIN) == (
            "deal,name,amount,currency,won_ratio,age_days,entry,closed_on,recorded_at,lost_because\r\n"
            "d-1,Müller & Söhne,12500.00,EUR,0.345,12.04,1204,2026-03-31,2026-03-31T12:00:00Z,\r\n"
            "d-2,山田商店,-980.1250,EUR,1.0,3.0,7,,2026-01-01T23:30:00Z,\r\n"
        )

    def test_of_nothing_is_the_header(self) -> None:
        assert render(Rows(["a", "b"], ["VARCHAR", "DATE"], []), "csv", zone=BERLIN) == "a,b\r\n"

    @pytest.mark.parametrize("text", ["=1+1", "+49 30 1", "-x", "@SUM(A1)", "\tx", "\r=x"])
    def test_keeps_a_spreadsheet_from_running_a_text(self, text: str) -> None:
        shown = render(one(text, "VARCHAR", text), "csv", zone=BERLIN)
        assert list(csv.reader(io.StringIO(shown, newline=""))) == [[f"'{text}"], [f"'{text}"]]

    def test_leaves_negative_numbers_alone(self) -> None:
        rows = Rows(["a", "b", "c"], ["DECIMAL(38,4)", "BIGINT", "DOUBLE"], [(Decimal(-5), -5, -0.5)])
        assert render(rows, "csv", zone=BERLIN) == "a,b,c\r\n-5.00,-5,-0.5\r\n"

    @given(same_length_rows(st.text()))
    def test_read_back_gives_the_cells_save_for_the_apostrophe(self, cells: list[list[str]]) -> None:
        shown = render(texts(cells), "csv", zone=BERLIN)
        _, *read = csv.reader(io.StringIO(shown, newline=""))
        assert read == [
            [f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell for cell in row] for row in cells
        ]


class TestMarkdown:
    def test_is_a_table_for_people(self) -> None:
        rows = Rows(
            ["deal", "amount", "at", "gone"],
            ["VARCHAR", "DECIMAL(38,4)", "TIMESTAMP", "DATE"],
            [("d-1", Decimal("12500.0000"), at("2026-03-31T12:00"), None)],
        )
        assert render(rows, "md", zone=BERLIN, title="Open deals", notes=["1. Known today"]) == (
            "**Open deals**\n\n"
            "| deal | amount | at |\n| --- | ---: | --- |\n| d-1 | 12,500.00 | 2026-03-31 14:00 |\n\n"
            "*1. Known today*\n"
        )

    def test_says_none_under_the_header_of_an_empty_answer(self) -> None:
        assert render(one("deal", "VARCHAR"), "md", zone=BERLIN) == "| deal |\n| --- |\n\n(none)\n"

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("a|b", r"a\|b"),
            ("a\\|b", r"a\\\|b"),
            ("a\nb", r"a\\nb"),
            ("`code`", r"\`code\`"),
            ("<script>&amp;", "&lt;script&gt;&amp;amp;"),
            ("![x](http://evil.example)", r"!\[x\](http\://evil.example)"),
            ("WWW.evil.example", r"WWW\.evil.example"),
            ("**b** _i_ ~s~ $m$", r"\*\*b\*\* \_i\_ \~s\~ \$m\$"),
            ("\u202ex", r"\\u202ex"),
            ("12:30", "12:30"),
        ],
    )
    def test_neutralises_what_markdown_would_act_on(self, text: str, shown: str) -> None:
        assert render(one("it", "VARCHAR", text), "md", zone=BERLIN).splitlines()[2] == f"| {shown} |"

    @given(same_length_rows(ANY_TEXT))
    def test_has_the_columns_of_the_answer_whatever_the_cells_hold(self, cells: list[list[str]]) -> None:
        for line in render(texts(cells), "md", zone=BERLIN).split("\n")[:-1]:
            unescaped = re.sub(r"\\.", "", line)
            assert unescaped.count("|") == len(cells[0]) + 1
            assert not set(unescaped) & {"<", "`", "*", "_", "["}


class TestSafeText:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("Müller 山田 🎉 é\u0301 a\u00a0b \u3000", "Müller 山田 🎉 é\u0301 a\u00a0b \u3000"),
            ("a\nb\tc", r"a\nb\tc"),
            ("\x1b[31m\x07\x7f\x9b", r"\x1b[31m\x07\x7f\x9b"),
            ("\u202a\u202e\u2066\u2069", r"\u202a\u202e\u2066\u2069"),
            ("\u200b\u200f\u2028\u2029\ufeff\ud800", r"\u200b\u200f\u2028\u2029\ufeff\ud800"),
            ("\ue000\U000e0001\U0010ffff", r"\ue000\U000e0001\U0010ffff"),
            ("", ""),
        ],
    )
    def test_escapes_what_is_not_printable_and_nothing_else(self, text: str, shown: str) -> None:
        assert safe_text(text) == shown

    @given(ANY_TEXT)
    def test_is_printable_for_any_text_and_changes_nothing_twice(self, text: str) -> None:
        shown = safe_text(text)
        assert not {unicodedata.category(char) for char in shown} & HIDDEN
        assert safe_text(shown) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0.00"),
        ("1234567.5", "1,234,567.50"),
        ("-12500.0000", "-12,500.00"),
        ("0.125", "0.125"),
        ("1E+6", "1,000,000.00"),
        ("9" * 30 + ".99", ",".join(["999"] * 10) + ".99"),
        ("1234.5650", "1,234.57"),
        ("-1234.5650", "-1,234.57"),
        ("1.0350", "1.035"),
        ("0.0035", "0.0035"),
        ("0.0000", "0.00"),
    ],
)
def test_money_has_thousands_separators_and_two_decimals_or_four_digits(value: str, shown: str) -> None:
    assert money(Decimal(value)) == shown


def test_a_table_rounds_what_has_a_currency_beside_it() -> None:
    """To that currency's decimals; a rate and what is no money stay whole, and so does everything in JSON."""
    types = ["DECIMAL(22,4)", "DECIMAL(18,8)", "VARCHAR"]
    cells = [(Decimal("1234.5678"), Decimal("12.34567800"), code) for code in ("EUR", "KWD")]
    rows = Rows(["amount", "rate", "currency"], types, list(cells))
    assert [line.split() for line in table(rows)[2:]] == [
        ["1,234.57", "12.345678", "EUR"],
        ["1,234.568", "12.345678", "KWD"],
    ]
    assert table(Rows(["at_least"], types[:1], [cells[0][:1]]))[2:] == ["1,234.5678"]
    assert json.loads(render(rows, "json", zone=BERLIN))[0]["amount"] == "1234.5678"


class TestWrite:
    @pytest.mark.parametrize("out", [None, "-"])
    def test_prints_by_default(self, out: str | None, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        write("ä\r\n", out)
        assert capsysbinary.readouterr().out == b"\xc3\xa4\r\n"

    def test_prints_to_a_stream_of_text_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stdout", stream)
        write("ä\ud800", None)
        assert stream.getvalue() == "ä\\ud800"

    def test_makes_or_replaces_the_file_and_keeps_its_mode(self, tmp_path: Path) -> None:
        out = tmp_path / "report.csv"
        write("ä\r\n", str(out))
        assert out.read_bytes() == b"\xc3\xa4\r\n"
        out.chmod(0o640)
        write("new", str(out))
        assert (out.read_bytes(), stat.S_IMODE(out.stat().st_mode)) == (b"new", 0o640)
        assert list(tmp_path.iterdir()) == [out]

    def test_writes_through_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "link.md").symlink_to("report.md")
        write("text", str(tmp_path / "link.md"))
        assert (tmp_path / "link.md").is_symlink()
        assert (tmp_path / "report.md").read_text() == "text"

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
    def test_writes_into_a_pipe_instead_of_replacing_it(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        try:
            write("text", str(pipe))
            assert os.read(reader, 10) == b"text"
        finally:
            os.close(reader)
        assert stat.S_ISFIFO(pipe.stat().st_mode)

    def test_refuses_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        out = str(tmp_path / "nowhere" / "report.csv")
        with pytest.raises(UsageError, match=r"report\.csv' can't be written: No such file or directory"):
            write("text", out)

    def test_refuses_a_folder_and_leaves_nothing_behind(self, tmp_path: Path) -> None:
        folder = tmp_path / "folder.csv"
        folder.mkdir()
        with pytest.raises(UsageError, match=r"folder\.csv' can't be written: "):
            write("text", str(folder))
        assert list(tmp_path.iterdir()) == [folder]

    @pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
    def test_leaves_the_file_as_it_was_when_writing_fails(
        self, failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "report.csv"
        out.write_text("old")

        def fail(*_: object) -> None:
            raise failure

        monkeypatch.setattr(Path, "replace", fail)
        with pytest.raises((UsageError, KeyboardInterrupt)):
            write("new", str(out))
        assert [(path, path.read_text()) for path in tmp_path.iterdir()] == [(out, "old")]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
    def test_says_so_when_standard_output_is_full(self) -> None:
        code = "from salesledger.cli.render import write\ntry: write('x', None)\nexcept Exception as e: exit(repr(e))"
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        assert "UsageError" in done.stderr
        assert "Standard output can't be written: No space left" in done.stderr


@pytest.mark.parametrize("format", FORMATS)
def test_loads_the_table_library_for_tables_only(format: str) -> None:
    code = (
        "import sys; from zoneinfo import ZoneInfo; from salesledger.cli.render import render\n"
        "from salesledger.shown.values import Rows\n"
        f"render(Rows(['a'], ['VARCHAR'], [('x',)]), {format!r}, zone=ZoneInfo('UTC'))\n"
        "print('prettytable' in sys.modules or 'wcwidth' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(format == "table")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("no 'postgresql://kim:pw@h/x' here", "no 'postgresql://kim:...@h/x' here"),
        ("no postgres:/kim:p@w/1@h/x", "no postgres:/kim:...@h/x"),
        ("no 'postgresql://kim:p w@h/x'", "no 'postgresql://kim:...@h/x'"),
        ("'postgresql://h:5432/x' is none. Write USER@HOST.", "'postgresql://h:5432/x' is none. Write USER@HOST."),
        ("'postgresql://kim@h:5432/x' is none: a@b", "'postgresql://kim@h:5432/x' is none: a@b"),
    ],
)
def test_a_password_in_a_message_is_not_shown(told: str, shown: str) -> None:
    """A server's address, whose port is no password, stays as it is otherwise."""
    assert without_password(told) == shown
