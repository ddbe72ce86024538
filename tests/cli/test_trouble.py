"""Trouble with the file, the disk or the pipe: said in one line, with the ledger as it was."""

import ctypes
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from salesledger.errors import NOTHING_RECORDED
from salesledger.readmodel import mirror as mirror_module
from support.console import Console
from support.ledgers import rows

PROGRAM = Path(sys.executable).with_name("salesledger")
RECORDING = "lead capture New --on 2026-03-01"
REPORTS = ("pipeline", "metrics -M", "history acme", "log", "export jsonl", "query 'SELECT count(*) FROM events'")


def process(
    console: Console, line: str, before: Callable[[], object] | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("SALESLEDGER")}
    return subprocess.run(
        ["bash", "-c", f"{PROGRAM} {line}"],
        cwd=console.folder,
        env=env | console.env | more,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=before,
    )


class TestOtherFiles:
    """A file that is something else is left as it is."""

    @pytest.mark.parametrize(
        "line", ["pipeline", "history acme", "lead capture New", "export jsonl", "query 'SELECT 1'"]
    )
    @pytest.mark.parametrize(
        ("content", "why"),
        [(b"", "it is empty"), (b"Dear diary,\n" * 500, "it is no SQLite file"), (b"SQLite", "no SQLite")],
    )
    def test_is_no_ledger(self, line: str, content: bytes, why: str, empty: Console) -> None:
        """Text, or nothing at all."""
        empty.ledger.write_bytes(content)
        assert why in empty.no(line, code=1)
        assert empty.ledger.read_bytes() == content

    @pytest.mark.parametrize("line", ["pipeline", "lead capture New"])
    def test_of_another_program_is_none(self, line: str, empty: Console) -> None:
        """A SQLite file without our mark, and one that has it but no log."""
        with sqlite3.connect(empty.ledger) as connection:
            connection.execute("CREATE TABLE notes (text)")
        assert "another program's SQLite file" in empty.no(line, code=1)
        with sqlite3.connect(empty.ledger) as connection:
            connection.execute(f"PRAGMA application_id = {0x534C4544}")
        assert "no table of events" in empty.no(line, code=1)

    @pytest.mark.parametrize("line", ["pipeline", "lead capture New", "import csv deals.csv --rules rules.toml"])
    def test_that_is_missing_is_told_how_to_make_it(self, line: str, empty: Console) -> None:
        """The remedy can be typed as it stands, also where the name has a space."""
        empty.env["SALESLEDGER_FILE"] = "my sales.ledger"
        assert "`salesledger -f 'my sales.ledger' init`" in empty.no(line, code=1)
        assert not list(empty.folder.glob("*.ledger*"))

    @pytest.mark.parametrize("line", ["pipeline", "lead capture New"])
    def test_that_is_none_at_all(self, line: str, empty: Console) -> None:
        """A folder, a pipe, the address of a server, a file that is a folder's."""
        empty.ledger.mkdir()
        assert "it is a folder" in empty.no(line, code=1)
        os.mkfifo(empty.folder / "pipe")
        assert "it is no file" in empty.no(f"{line} -f pipe", code=1)
        assert "addresses can't be used" in empty.no(f"{line} -f mysql://server/sales", code=2)
        assert "There is no ledger" in empty.no(f"{line} -f sales.ledger/deeper", code=1)

    def test_is_never_made_over(self, console: Console) -> None:
        """init refuses where there is something, a dangling folder, a folder."""
        before = console.ledger.read_bytes()
        assert "exists already" in console.no("init", code=1)
        assert console.ledger.read_bytes() == before
        assert "exists already" in console.no("init -f .", code=1)
        assert "can't be made" in console.no("init -f nowhere/sales.ledger", code=1)
        assert "is not a time zone" in console.no("init -f other.ledger --timezone Berlin", code=2)
        assert "is not a currency code" in console.no("init -f other.ledger --currency EURO", code=2)
        assert not (console.folder / "other.ledger").exists()


class TestNewerLedgers:
    """What a later version wrote isn't guessed at."""

    @pytest.mark.parametrize("line", ["pipeline", "log", RECORDING, "export csv"])
    def test_of_another_layout(self, line: str, console: Console) -> None:
        """The file's format is above ours."""
        with sqlite3.connect(console.ledger) as connection:
            connection.execute("PRAGMA user_version = 2")
        before = console.ledger.read_bytes()
        assert "written by a newer salesledger (format 2; this one knows format 1)" in console.no(line, code=1)
        assert console.ledger.read_bytes() == before

    @pytest.mark.parametrize("line", ["pipeline", "log", "deal win delta", "export csv"])
    @pytest.mark.parametrize(
        ("topic", "state", "words"),
        [
            ("deal-won/9", b"{}", "entry 30 is of the unknown type 'deal-won/9'"),
            ("os:system", b"{}", "entry 30 is of the unknown type 'os:system'"),
            ("deal-won/1", b'{"amount', "could not be read or written"),
        ],
    )
    def test_with_an_entry_that_nobody_can_read(
        self, line: str, topic: str, state: bytes, words: str, console: Console
    ) -> None:
        """An unknown type is named and never looked up; broken bytes are damage."""
        with sqlite3.connect(console.ledger) as connection:
            connection.execute(
                "INSERT INTO stored_events (originator_id, originator_version, topic, state, recorded_at) "
                "VALUES ('deal:delta-ltd', 3, ?, ?, 2000000000000000)",
                (topic, state),
            )
        before = console.ledger.read_bytes()
        assert words in console.no(line, code=1)
        assert console.ledger.read_bytes() == before

    @pytest.mark.parametrize("line", ["pipeline", RECORDING])
    def test_that_are_damaged(self, line: str, console: Console) -> None:
        """Pages overwritten with noise, and a file cut in two."""
        content = console.ledger.read_bytes()
        console.ledger.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
        assert "could not be read or written" in console.no(line, code=1)
        console.ledger.write_bytes(content[: len(content) // 2])
        assert "could not be read or written" in console.no(line, code=1)

    @pytest.mark.parametrize(
        "state", ["{", "5", '{"timezone": "Mars/Olympus", "ledger_id": "x"}', '{"ledger_id": "x"}']
    )
    def test_whose_settings_are_damaged(self, state: str, empty: Console) -> None:
        """A log that begins with something else than a ledger does."""
        empty.ok("init")
        with sqlite3.connect(empty.ledger) as connection:
            (head,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'stored_events'").fetchone()
            connection.execute("DROP TABLE stored_events")
            connection.execute(head)
            connection.execute(
                "INSERT INTO stored_events VALUES (1, 'settings:ledger', 1, 'ledger-opened/1', ?, 0, NULL)",
                (state.encode(),),
            )
        assert "its settings" in empty.no("pipeline", code=1)


def powerless() -> None:
    """Give up what lets root write where the permissions forbid it; nobody else has it to begin with."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


class TestReadOnlyLedgers:
    """Who may read but not write can ask, and is told why recording doesn't work."""

    @pytest.fixture
    def locked_away(self, console: Console) -> Console:
        """The ledger without write permission, in a folder without one."""
        for file in console.folder.iterdir():
            file.chmod(0o444)
        console.folder.chmod(0o555)
        return console

    def test_answer_and_refuse(self, locked_away: Console) -> None:
        """Reports print what they always print; recording, exporting beside it and init are refused."""
        usual = {line: locked_away.ok(line) for line in REPORTS}
        before = locked_away.ledger.read_bytes()
        tried = process(locked_away, "--version && ! touch x", powerless)
        assert tried.returncode == 0, "this test needs somebody whom permissions stop"
        for line, shown in usual.items():
            done = process(locked_away, line, powerless)
            assert (done.returncode, done.stderr, done.stdout) == (0, "", shown)
        for line, words in {
            RECORDING: "is read-only: reports work, recording doesn't",
            "init -f new.ledger": "can't be made: Permission denied",
            "pipeline -o out.csv": "can't be written: Permission denied",
            "export parquet -o out.parquet": "can't be written",
        }.items():
            done = process(locked_away, line, powerless)
            assert done.returncode in (1, 2)
            assert words in done.stderr
            assert done.stderr.count("\n") == 1
        assert locked_away.ledger.read_bytes() == before

    def test_that_nobody_may_read(self, console: Console) -> None:
        """Even a question is refused."""
        console.ledger.chmod(0o000)
        done = process(console, "pipeline", powerless)
        assert done.returncode == 1
        assert "it can't be read (Permission denied)" in done.stderr

    def test_are_told_by_what_the_database_says(self, console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same message where the file system, not a permission, forbids it."""

        def refuse(*_: object, **__: object) -> None:
            raise sqlite3.OperationalError("attempt to write a readonly database")

        monkeypatch.setattr("salesledger.ledger.sqlite_recorder.SQLiteRecorder._append", refuse)
        assert "is read-only: reports work" in console.no(RECORDING, code=1)


class TestLockedLedgers:
    """Another program holds the ledger."""

    @pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
    def test_let_nobody_record_but_everybody_ask(self, mode: str, console: Console) -> None:
        """Recording waits as long as it is told to, then says so; reports don't wait."""
        console.env["SALESLEDGER_LOCK_SECONDS"] = "0.2"
        usual = console.ok("pipeline")
        other = sqlite3.connect(console.ledger, isolation_level=None)
        other.execute(f"BEGIN {mode}")
        try:
            message = console.no(RECORDING, code=1)
            assert "is locked: another program held it for 0.2 s" in message
            assert message.endswith(NOTHING_RECORDED)
            assert console.ok("pipeline") == usual
        finally:
            other.execute("ROLLBACK")
            other.close()
        assert console.ok(RECORDING).startswith("entry 30:")

    def test_that_are_held_for_one_program_alone(self, console: Console) -> None:
        """Not even a question is answered."""
        console.env["SALESLEDGER_LOCK_SECONDS"] = "0.2"
        other = sqlite3.connect(console.ledger, isolation_level=None)
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        try:
            assert "is locked" in console.no("pipeline", code=1)
        finally:
            other.close()


class TestFullDisks:
    """The disk refuses a write."""

    @staticmethod
    def small(size: int) -> Callable[[], None]:
        """Let no file grow beyond a size."""
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    def test_record_nothing(self, console: Console) -> None:
        """The transaction is undone; the next one works."""
        before = rows(console.ledger)
        done = process(console, RECORDING, self.small(8192))
        assert done.returncode == 1
        assert "could not be read or written" in done.stderr
        assert done.stderr.endswith(f"{NOTHING_RECORDED}\n")
        assert done.stderr.count("\n") == 1
        assert rows(console.ledger) == before
        assert console.ok(RECORDING).startswith("entry 30:")

    def test_make_no_half_a_ledger(self, empty: Console) -> None:
        """init leaves nothing behind."""
        done = process(empty, "init", self.small(4096))
        assert done.returncode == 1
        assert done.stderr.startswith("salesledger: ")
        assert list(empty.folder.iterdir()) == []

    @pytest.mark.parametrize(
        "line", ["deals -o out.json", "export jsonl -o out.jsonl", "export parquet -o out.parquet"]
    )
    def test_make_no_half_a_file(self, line: str, console: Console) -> None:
        """What was there before is there still."""
        out = console.folder / line.split()[-1]
        out.write_text("before")
        done = process(console, line, self.small(1024))
        assert done.returncode == 2
        assert "can't be written" in done.stderr
        assert done.stderr.count("\n") == 1
        assert out.read_text() == "before"
        assert not list(console.folder.glob(".*"))

    @pytest.mark.parametrize("line", [*REPORTS, "projections", "completion bash"])
    def test_as_standard_output(self, line: str, console: Console) -> None:
        """A report that can't be printed has failed."""
        done = process(console, f"{line} > /dev/full")
        assert done.returncode == 2
        assert done.stderr == "salesledger: Standard output can't be written: No space left on device.\n"

    def test_as_standard_output_of_what_was_recorded(self, console: Console) -> None:
        """The message says that it is on record all the same."""
        done = process(console, f"{RECORDING} > /dev/full")
        assert done.returncode == 2
        assert done.stderr.endswith("What was to be recorded is recorded.\n")
        assert len(rows(console.ledger)) == 30


class TestPlaces:
    """Where output goes."""

    @pytest.mark.parametrize("line", ["pipeline", "deals -O json", "export csv", "export jsonl"])
    def test_devices_are_written_to_and_never_replaced(self, line: str, console: Console) -> None:
        """-o may name a pipe."""
        pipe = console.folder / "pipe"
        os.mkfifo(pipe)
        reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
        done = console(f"{line} -o {pipe}" if "-O" in line or "export" in line else f"{line} -O md -o {pipe}")
        assert done.code == 0, done
        assert reader.communicate()[0]
        assert pipe.is_fifo()

    def test_parquet_needs_a_file(self, console: Console) -> None:
        """A pipe or the screen can't take it."""
        os.mkfifo(console.folder / "pipe.parquet")
        assert "is no file" in console.no("export -o pipe.parquet", code=2)
        assert "Parquet is no text" in console.no("export parquet", code=2)
        assert (console.folder / "pipe.parquet").is_fifo()

    def test_a_broken_pipe_is_no_error(self, console: Console) -> None:
        """`log | head -1` ends quietly, however much is left to print."""
        done = process(console, "export csv | true; echo ${PIPESTATUS[0]}")
        assert (done.stdout, done.stderr) == ("0\n", "")
        done = process(console, "log -O json | true; echo ${PIPESTATUS[0]}")
        assert (done.stdout, done.stderr) == ("0\n", "")

    def test_closed_standard_output_is_no_error(self, console: Console) -> None:
        """Somebody who closes it doesn't want to read."""
        done = process(console, "pipeline >&-")
        assert (done.returncode, done.stderr) == (0, "")


class TestMirrors:
    """The mirror is a cache: reports don't need it."""

    @pytest.fixture(autouse=True)
    def small_segments(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ten entries are enough for a segment."""
        monkeypatch.setattr(mirror_module, "BIG", 20)
        monkeypatch.setattr(mirror_module, "SMALL", 5)

    def test_are_made_used_and_made_again(self, console: Console) -> None:
        """The same answers with a new mirror, an old one, and after somebody has deleted it."""
        usual = [console.ok(line) for line in REPORTS]
        mirror = console.folder / "sales.ledger.mirror"
        assert len(list(mirror.glob("*/0*.parquet"))) == 2
        assert [console.ok(line) for line in REPORTS] == usual
        shutil.rmtree(mirror)
        assert [console.ok(line) for line in REPORTS] == usual

    def test_that_cannot_be_written_are_done_without(self, console: Console) -> None:
        """A file stands where the mirror should be."""
        usual = [console.ok(line) for line in REPORTS]
        mirror = console.folder / "sales.ledger.mirror"
        shutil.rmtree(mirror)
        mirror.write_text("in the way")
        assert [console.ok(line) for line in REPORTS] == usual
        assert mirror.read_text() == "in the way"
