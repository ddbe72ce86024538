"""What holds for every command: help, a place in the docs, options in any order, prefixes, formats, a quick start."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from salesledger.cli.main import COMMANDS, SECTIONS, asking, root
from support.console import Console, commands

DOCS = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
ROWS = [name for name, command in commands().items() if any("-O" in p.opts for p in command.params)]
RECORDING = [name for name, command in commands().items() if any(p.name == "dry_run" for p in command.params)]
HEAVY = {"pydantic", "duckdb", "eventsourcing", "prettytable", "polars", "pandas", "pyarrow"} | {
    *("numpy", "sklearn", "scoringrules", "altair")
}


def loaded_by(*lines: str, folder: Path) -> set[str]:
    """The packages that a process has loaded after some commands, each of which must succeed."""
    program = (
        "import io, shlex, sys\n"
        "from contextlib import redirect_stdout\n"
        "from salesledger.cli.main import run\n"
        "with redirect_stdout(io.TextIOWrapper(io.BytesIO())):\n"
        "    codes = [run(shlex.split(line)) for line in sys.argv[1:]]\n"
        "print(codes, *sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *lines], cwd=folder, capture_output=True, text=True, check=True
    )
    codes, *modules = done.stdout.split("] ")[0].strip("["), *done.stdout.split("] ")[1].split()
    assert set(codes.split(", ")) == {"0"}, done.stderr
    return {module.partition(".")[0] for module in modules}


class TestHelp:
    """Help is there for every command, and says what the docs say."""

    @pytest.mark.parametrize("name", commands())
    def test_says_what_the_command_and_each_option_do(self, name: str, empty: Console) -> None:
        """Each command begins with a sentence; each option has one."""
        command = commands()[name]
        shown = empty.ok(f"{name} --help")
        assert shown.startswith(f"Usage: salesledger {name} ")
        assert command.help
        assert re.match(r"[A-Z].*[.)]$", command.help.split("\n\n")[0].replace("\n", " ")), command.help
        for param in command.params:
            if isinstance(param, click.Option):
                assert param.help, param.opts
                assert re.search(r"[.\])]$", param.help), param.help

    @pytest.mark.parametrize(
        "name", ["", *(name for name in COMMANDS if isinstance(getattr(root, name, root), click.Group))]
    )
    def test_of_a_group_lists_its_commands_in_full(self, name: str, empty: Console) -> None:
        """No line of a list of commands is cut off."""
        listed = empty.ok(f"{name} --help").partition("ommands:")[2]
        assert "..." not in listed

    def test_groups_the_commands_by_what_one_does_with_them(self, empty: Console) -> None:
        """Record, ask, keep: in that order, every command once."""
        shown = empty.ok("--help")
        assert re.findall(r"^(\w+):$", shown, re.MULTILINE) == ["Options", *SECTIONS.values()]
        assert re.findall(r"^  ([a-z-]+)  ", shown, re.MULTILINE) == list(COMMANDS)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_in_the_list_is_what_the_command_says_itself(self, name: str) -> None:
        """The line that --help shows without importing the command begins the command's own help."""
        command = root.get_command(click.Context(root), name)
        assert command is not None
        assert command.help is not None
        first = command.help.split("\n\n")[0].replace("\n", " ")
        assert first.rstrip(".").startswith(COMMANDS[name][1].rstrip("."))

    @pytest.mark.parametrize("line", ["", "lead", "import"])
    def test_is_shown_on_standard_error_where_a_command_is_missing(self, line: str, empty: Console) -> None:
        """A command line that stops too early ends with exit code 2 and the help, unescaped."""
        done = empty(line)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"Usage: salesledger {line}".rstrip())
        assert len(done.err.splitlines()) > 5


class TestDocs:
    """docs/commands.md: a heading, some words and an example for every command, in the order of --help."""

    def test_have_every_command_once_and_in_order(self) -> None:
        """No command is missing, none is made up."""
        assert re.findall(r"^### (.+)$", DOCS, re.MULTILINE) == list(commands())

    @pytest.mark.parametrize("name", commands())
    def test_have_words_and_an_example_for_it(self, name: str) -> None:
        """Each part has a sentence and a line to try."""
        part = re.split(r"^##", DOCS.partition(f"\n### {name}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
        words, block, _ = re.split(r"^```(?:sh)?$", part, maxsplit=2, flags=re.MULTILINE)
        assert words.strip().endswith((".", ":"))
        assert re.search(rf"^salesledger {name}\b", block, re.MULTILINE)

    def test_examples_run_in_the_order_in_which_they_stand(
        self, empty: Console, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The page is a story: each example works after those before it."""
        monkeypatch.setattr("salesledger.web.server.serve", lambda *_: None)  # it would wait for visitors
        for file in (Path(__file__).parent / "data").iterdir():
            (empty.folder / file.name).write_bytes(file.read_bytes())
        lines = [
            line
            for block in re.findall(r"^```sh\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
            for line in block.splitlines()
        ]
        assert len(lines) >= len(commands())
        for line in lines:
            program, *args = shlex.split(line, comments=True)
            assert program == "salesledger", line
            done = empty(args)
            assert done.code == 0, (line, done.err)


class TestOptions:
    """Options stand where people put them."""

    @pytest.mark.parametrize(
        "line",
        [
            "pipeline owner:kim --as-of 2026-02-02 -O json",
            "pipeline -O json --as-of 2026-02-02 owner:kim",
            "pipeline --as-of=2026-02-02 -Ojson owner:kim",
            "pipeline --output-format json owner:kim --as-of 2026-02-02",
            "pipe -f sales.ledger owner:kim --as-of 2026-02-02 -O json",
            "-f sales.ledger PIPELINE --as-of 2026-02-02 -O json owner:kim",
            "--today 2026-02-02 pipeline owner:kim -O json",
            "pipeline owner:kim -O json --today 2026-02-02",
            "pipeline owner:kim -O json --today today --as-of '2026-02-02T23:59:59.999999'",
        ],
    )
    def test_before_and_behind_arguments_and_the_command(self, line: str, console: Console) -> None:
        """The same question in every order has the same answer."""
        rows = json.loads(console.ok(line))
        assert [(row["stage"], row["deals"], row["amount"]) for row in rows] == [
            ("qualified", 1, "7000.00"),
            ("meeting", 1, "2500.00"),
        ]

    @pytest.mark.parametrize("line", ["pipeline -Q -M", "metrics -Q --monthly -Q", "forecast -QM", "falling -QM"])
    def test_of_two_intervals_contradict_each_other(self, line: str, console: Console) -> None:
        """Neither is preferred; the same one twice is itself."""
        assert "The interval is either quarter or month, not both at once." in console.no(line, code=2)
        assert console.ok("metrics -Q -Q") == console.ok("metrics --quarterly") != console.ok("metrics -M")

    def test_of_a_command_before_its_name_are_told_their_place(self, console: Console) -> None:
        """`-O json pipeline` says where -O belongs."""
        assert "An option of a command comes behind its name." in console.no("-O json pipeline", code=2)

    @pytest.mark.parametrize("name", commands())
    def test_name_the_ledger_and_today_everywhere(self, name: str) -> None:
        """-f and --today are options of every command."""
        opts = {opt for param in commands()[name].params for opt in param.opts}
        assert {"-f", "--file", "--today"} <= opts

    @pytest.mark.parametrize("name", commands())
    def test_of_what_asks_choose_the_engine(self, name: str) -> None:
        """--engine and --memory belong to the commands that ask, and to no other."""
        opts = {opt for param in commands()[name].params for opt in param.opts}
        assert ({"--engine", "--memory"} <= opts) == (name.partition(" ")[0] in asking())

    @pytest.mark.parametrize(
        ("env", "line", "told"),
        [
            ({}, "pipeline --engine flink", "'flink' is not one of 'duckdb', 'spark'"),
            ({"SALESLEDGER_ENGINE": "flink"}, "pipeline", "There is no engine 'flink'. Choose from duckdb, spark"),
            ({}, "pipeline --memory lots", "'lots' is no amount of memory. Write it like 500MB or 4GB"),
            ({"SALESLEDGER_MEMORY": "0GB"}, "deals", "'0GB' is no amount of memory."),
        ],
    )
    def test_of_what_asks_say_what_is_wrong(self, console: Console, env: dict[str, str], line: str, told: str) -> None:
        """An engine that there isn't, an amount that is none."""
        console.env.update(env)
        assert told in console.no(line, code=2)

    def test_an_engine_of_the_environment_is_for_what_asks(self, console: Console) -> None:
        """What records doesn't look at it."""
        console.env["SALESLEDGER_ENGINE"] = "flink"
        assert console.ok("lead contact delta --channel call")

    def test_memory_changes_no_answer(self, console: Console) -> None:
        """Little is enough for a few deals."""
        assert console.ok("deals --memory 100MB -O csv") == console.ok("deals -O csv")

    @pytest.mark.parametrize("name", RECORDING)
    def test_of_what_records_are_the_same_everywhere(self, name: str) -> None:
        """Each recording command takes an actor, a dry run and a format; all but the import of files take a key."""
        opts = {opt for param in commands()[name].params for opt in param.opts}
        assert {"--actor", "--dry-run", "-O", "-o"} <= opts
        assert ("--key" in opts) == (name != "import csv")

    def test_file_comes_from_the_environment_where_nobody_names_it(self, console: Console) -> None:
        """-f beats $SALESLEDGER_FILE, which beats ./sales.ledger."""
        console.env["SALESLEDGER_FILE"] = "elsewhere.ledger"
        assert "elsewhere.ledger" in console.no("pipeline", code=1)
        assert console.ok("pipeline -f sales.ledger")

    def test_actor_comes_from_the_option_then_the_environment(self, console: Console) -> None:
        """--actor beats $SALESLEDGER_ACTOR."""
        said = [
            json.loads(console.ok(f"lead contact delta --channel call -O json {more}"))[0]["recorded_by"]
            for more in ("", "--actor ann")
        ]
        assert said == ["kim", "ann"]


class TestPrefixes:
    """Commands and ids may be shortened."""

    @pytest.mark.parametrize(
        ("short", "full"),
        [
            ("pipe", "pipeline"),
            ("DEALS", "deals"),
            ("deals", "deals"),
            ("met", "metrics"),
            ("proc show", "process show"),
            ("hist gamma-sa", "history gamma-sa"),
            ("history gam", "history gamma-sa"),
            ("history GAMMA", "history gamma-sa"),
        ],
    )
    def test_are_enough(self, short: str, full: str, console: Console) -> None:
        """The shortened command answers as the full one does; an exact name wins over longer ones."""
        assert console.ok(short) == console.ok(full)

    @pytest.mark.parametrize(
        ("line", "names"),
        [
            ("p", "process, pipeline, pains, projections"),
            ("lead c", "capture, contact"),
            ("history ", "acme-gmbh, beta-ag, delta-ltd, epsilon-oy, gamma-sa, ..."),
        ],
    )
    def test_that_fit_several_name_them(self, line: str, names: str, console: Console) -> None:
        """What is ambiguous is refused with the candidates."""
        line = f"{line}''" if line.endswith(" ") else line
        assert names in console.no(line)

    def test_of_ids_where_the_exact_one_wins(self, console: Console) -> None:
        """`acme` is a deal of its own as soon as there is one."""
        console.ok("lead capture ACME --on 2026-03-01")
        assert console.ok("history acme").startswith("History of acme as of")
        assert "acme-gmbh" in console.no("history acm", code=1)

    @pytest.mark.parametrize(("typed", "meant"), [("metrcs", "metrics"), ("lead caputre", "capture")])
    def test_that_are_typing_errors_are_told_what_was_meant(self, typed: str, meant: str, console: Console) -> None:
        """An unknown command names the closest one."""
        assert f"Did you mean {meant!r}?" in console.no(typed, code=2)


class TestFormats:
    """-O and -o work on everything that prints rows."""

    @pytest.mark.parametrize("format_", ["json", "jsonl", "csv", "md"])
    @pytest.mark.parametrize(
        "line", ["pipeline", "deals --all", "leads", "metrics", "funnel", "blocked", "bookings", "history acme", "log",
                 "show accounts", "query 'SELECT 1 AS one'", "projections", "process show", "deal win delta --dry-run"],
    )  # fmt: skip
    def test_in_a_file_are_those_on_the_screen(self, line: str, format_: str, console: Console) -> None:
        """-o FILE infers the format from the ending, and writes what -O would print."""
        shown = console.ok(f"{line} -O {format_}")
        assert console.ok(f"{line} -o out.{format_}") == ""
        written = (console.folder / f"out.{format_}").read_bytes().decode()
        without_now = re.compile(r"2026-08-01T[0-9:.]+Z|2026-08-01 20:\d\d")
        assert without_now.sub("", written) == without_now.sub("", shown)
        assert len(shown.splitlines()) >= 1

    def test_are_an_option_of_every_command_that_prints_rows(self) -> None:
        """Only what writes something else than rows has no -O."""
        assert set(commands()) - set(ROWS) == {
            "person export",
            "export",
            "seal",
            "prove",
            "serve",
            "demo",
            "completion",
        }

    def test_json_has_every_column_that_checks_rely_on(self, console: Console) -> None:
        """The keys that other programs read."""

        def keys(line: str) -> list[str]:
            return list(json.loads(console.ok(f"{line} -O json"))[0])

        assert {"process", "stage", "deals", "amount", "currency"} <= set(keys("pipeline"))
        assert {
            "period", "leads", "won", "lost", "bookings", "average_deal_size", "currency", "close_ratio",
            "average_deal_lifetime_days",
        } <= set(keys("metrics -Q"))  # fmt: skip
        assert {"stage", "entered", "advanced", "won", "lost", "open", "step_ratio", "win_ratio"} <= set(keys("funnel"))
        assert {"deal", "stage", "amount", "currency", "days_in_stage", "usual_days"} <= set(keys("blocked"))
        assert "group" not in keys("pipeline")
        assert keys("pipeline --by owner")[0] == keys("metrics --by owner")[1] == "owner"
        assert keys("show pipeline")[0] == "group"
        assert keys("history acme")[:6] == ["entry", "type", "effective_at", "known_at", "recorded_at", "recorded_by"]


class TestStart:
    """Nothing is loaded before it is needed."""

    def test_of_help_loads_nothing_heavy(self, empty: Console) -> None:
        """--help needs no more than click."""
        assert not loaded_by("--help", folder=empty.folder) & (HEAVY | {"sqlite3", "adbc_driver_manager"})

    def test_of_reports_loads_nothing_that_records(self, console: Console) -> None:
        """Reports read the log without pydantic and eventsourcing."""
        lines = ("pipeline -O json", "history acme -O csv", "metrics -Q -O jsonl", "export jsonl", "projections -O md")
        assert loaded_by(*lines, folder=console.folder) & HEAVY == {"duckdb"}

    def test_of_recording_loads_nothing_that_reports(self, console: Console) -> None:
        """Recording needs no DuckDB."""
        loaded = loaded_by("lead capture New --on 2026-03-01", "deal win delta --dry-run", folder=console.folder)
        assert not loaded & {"duckdb", "prettytable", "polars", "pandas", "pyarrow"}
