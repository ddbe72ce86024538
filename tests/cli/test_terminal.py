"""On a terminal tables fit, nothing is coloured, and nothing that came from outside is obeyed."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from wcwidth import wcswidth

from support.console import Console

REPORTS = ("pipeline", "deals --all", "leads", "metrics -M", "blocked", "bookings -M", "projections", "funnel", "log",
           "history acme", "show deals", "projections deals", "process show", "query 'SELECT * FROM events'")  # fmt: skip
NASTY = "[/red]\x1b[31mAC\u202eME\x9b2J\nSA\u2066|`<b>\x07"
"""A name that colours, turns round, clears, rings, breaks the line and the table."""
STEERING = set("\x1b\x9b\x07\u202e\u2066\x00")


class TestTables:
    """As many columns as the terminal has room for."""

    @pytest.mark.parametrize("width", [80, 100, 120])
    @pytest.mark.parametrize("line", REPORTS)
    def test_fit(self, line: str, width: int, console: Console) -> None:
        """No line is wider than the terminal, and what is left out is named."""
        wide = console.ok(line).splitlines()
        console.width = width
        lines = console.ok(line).splitlines()
        assert max(map(wcswidth, lines)) <= width
        columns = max(wide, key=lambda shown: set(shown) == {"-"})
        if len(columns) <= width:
            assert lines == wide
        missing = set(wide[wide.index(columns) - 1].split()) - set(
            lines[[set(x) == {"-"} for x in lines].index(True) - 1].split()
        )
        left_out = " ".join(lines).partition("Left out for want of room: ")[2]
        assert all(name in left_out for name in missing), missing

    def test_of_entries_go_on_in_the_next_line(self, console: Console) -> None:
        """What an entry says is wrapped, never cut."""
        usual = console.ok("history acme").split()
        console.width = 80
        assert {word for word in usual if "=" in word} <= set(console.ok("history acme").split())

    def test_are_as_wide_as_they_like_in_a_pipe(self, console: Console) -> None:
        """Only a terminal's width counts."""
        assert max(map(len, console.ok("deals --all").splitlines())) > 80

    def test_are_the_same_whatever_colour_is_wished_for(
        self, console: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is coloured, so NO_COLOR and FORCE_COLOR change nothing."""
        console.width = 80
        shown = console.ok("pipeline")
        assert "\x1b" not in shown
        for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
            monkeypatch.setenv(name, "1")
            assert console.ok("pipeline") == shown

    def test_fit_a_real_terminal(self, console: Console) -> None:
        """A process of its own sees the width that the terminal tells it."""
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 72, 0, 0))
        env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")} | console.env
        program = Path(sys.executable).with_name("salesledger")
        running = subprocess.Popen(
            [program, "deals", "--all"], cwd=console.folder, env=env, stdin=follower, stdout=follower, stderr=follower
        )
        os.close(follower)
        shown = b""
        while True:
            try:
                chunk = os.read(leader, 65536)
            except OSError:  # Linux says so where all who could write have gone
                break
            if not chunk:
                break
            shown += chunk
        os.close(leader)
        assert running.wait() == 0
        console.width = 72
        assert shown.decode().replace("\r\n", "\n") == console.ok("deals --all")
        assert "Left out for want of room" in shown.decode()


class TestTextFromOutside:
    """Names and notes are shown, never obeyed."""

    @pytest.fixture
    def named(self, console: Console) -> Console:
        """A deal and an account with the name, a reason and an attribute like it."""
        for line in (
            [
                "lead",
                "capture",
                NASTY,
                "--id",
                "nasty",
                "--source",
                NASTY,
                "--attr",
                f"x={NASTY}",
                "--on",
                "2026-03-01",
            ],
            ["account", "open", NASTY, "--id", "nasty", "--on", "2026-03-01"],
            ["lead", "capture", "=cmd|' /C calc'!A0", "--id", "formula", "--owner", "kim", "--on", "2026-03-02"],
            ["deal", "lose", "formula", "--reason", "@SUM(A1)", "--on", "2026-03-03"],
        ):
            shown = console.ok(line)
            assert not set(shown) & STEERING
            assert shown.count("\n") == 1
        return console

    @pytest.mark.parametrize("width", [None, 100])
    @pytest.mark.parametrize("format_", ["table", "md", "json", "jsonl"])
    @pytest.mark.parametrize("line", ["deals --all", "leads", "history nasty", "log", "show accounts", "show events"])
    def test_reaches_the_reader_escaped(self, line: str, format_: str, width: int | None, named: Console) -> None:
        """In a table, in Markdown and in JSON alike, on a terminal and in a pipe."""
        named.width = width
        shown = named.ok(f"{line} -O {format_}")
        assert not set(shown) & STEERING
        if width is None:
            assert "[/red]" in shown.replace("\\", "")

    def test_stays_what_it_is_in_json(self, named: Console) -> None:
        """A program gets the name back."""
        (row,) = json.loads(named.ok("deals deal:nasty -O json"))
        assert row["company"] == row["source"] == NASTY
        exported = [json.loads(line) for line in named.ok("export jsonl").splitlines()]
        assert {"company": NASTY, "id": "nasty"}.items() <= exported[-4].items()

    @pytest.mark.parametrize("line", ["deals --all -O csv", "export csv", "export jsonl", "log -O csv"])
    def test_does_not_steer_the_terminal_in_any_format(self, line: str, named: Console) -> None:
        """CSV keeps values as they are, but not where a terminal would obey them."""
        named.width = 100
        assert not set(named.ok(line)) & STEERING

    @pytest.mark.parametrize("line", ["deals --all -O csv", "export csv", "log -O csv"])
    def test_is_no_formula_for_a_spreadsheet(self, line: str, named: Console) -> None:
        """A text that would be one gets an apostrophe."""
        shown = named.ok(line)
        assert "'=cmd|" in shown
        assert "'@SUM(A1)" in shown
        assert ",=cmd" not in shown

    def test_is_inert_in_markdown(self, named: Console) -> None:
        """It neither breaks the table nor becomes a tag."""
        (row,) = [line for line in named.ok("deals deal:nasty -O md").splitlines() if "nasty" in line]
        assert "<b>" not in row
        assert row.count("|") - row.count("\\|") == named.ok("deals deal:nasty -O md").splitlines()[3].count("|")

    @pytest.mark.parametrize(
        "line",
        [["history", f"no {NASTY}"], ["deals", f"nope:{NASTY}"], ["deals", f"amt:{NASTY}"], ["show", NASTY], [NASTY],
         ["lead", NASTY], ["query", f"SELECT * FROM '{NASTY}'"], ["pipeline", "--as-of", NASTY], ["metrics", "-p", NASTY],
         ["pipeline", f"--{NASTY}"], ["pipeline", "-f", NASTY], ["deals", "-o", f"nowhere/{NASTY}.csv"], ["deals", "-O", NASTY],
         ["lead", "capture", "x", "--attr", NASTY], ["lead", "capture", "x", "--amount", NASTY], ["process", "define", NASTY],
         ["import", "csv", "deals.csv", "--rules", NASTY], ["record", NASTY], ["void", NASTY, "--reason", "x"],
         ["correct", "22", "--reason", "x", "--set", f"{NASTY}=5"], ["export", NASTY], ["lead", "capture", "x", "--owner", NASTY]],
        ids=lambda line: " ".join(line)[:20].encode("unicode_escape").decode(),
    )  # fmt: skip
    def test_reaches_standard_error_escaped(self, line: list[str], named: Console) -> None:
        """An error repeats what was typed in one line without anything that steers."""
        message = named.no(line)
        assert not set(message) & STEERING
        assert "\\x1b" in message

    def test_in_a_line_of_json_is_escaped_in_the_error(self, named: Console) -> None:
        """What a program sends is no better than what a person types."""
        line = json.dumps({"type": "lead-captured", "company": "x", "owner": NASTY})
        message = named.no("record -", stdin=line)
        assert not set(message) & STEERING
