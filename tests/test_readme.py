"""What the README shows is what happens: its commands are run and its output compared."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salesledger import Ledger

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str, text: str = README) -> list[str]:
    """A page's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def sessions() -> list[tuple[str, str]]:
    """(command, output) of every console block, in order."""
    found = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def run(command: str, folder: Path) -> str:
    """What a shell prints for a command, with today's date masked."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {k: v for k, v in os.environ.items() if not k.startswith("SALESLEDGER")} | {"PATH": path, "NO_COLOR": "1"}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False)
    today = datetime.now(UTC).astimezone(ZoneInfo("Europe/Berlin")).date().isoformat()
    return (done.stdout + done.stderr).replace(today, "TODAY")


def test_the_tour_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """Each command of the README, run in order in an empty folder, prints the lines below it."""
    commands = sessions()
    assert len(commands) >= 10
    for command, shown in commands:
        assert run(command, tmp_path) == shown, command
    assert (tmp_path / "won.csv").read_text().count("\n") == 2


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python block works on the ledger that the tour made."""
    for command, _ in sessions()[:3]:
        run(command, tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    (block,) = blocks("python")
    exec(compile(block, "README.md", "exec"), names)
    assert [type(row) for row in names["rows"]] == [tuple, tuple]  # type: ignore[attr-defined]


def test_the_example_of_a_program_that_keeps_running_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python block about it gives rows by column, and a row's value."""
    run("salesledger -f sales.ledger init --currency EUR && salesledger lead capture Acme --on 2026-03-02", tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"Ledger": Ledger}
    (block,) = blocks("python", (ROOT / "docs" / "scale.md").read_text(encoding="utf-8"))
    exec(compile(block, "scale.md", "exec"), names)
    assert [stage["deals"] for stage in names["stages"]] == [names["deals"]] == [1]


def test_the_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """The excerpt of the demo is part of what it prints."""
    shown = next(block for block in blocks("text") if block.startswith("And a year before"))
    assert shown.rstrip("\n") in run("salesledger demo", tmp_path)


def test_every_page_that_the_readme_names_is_there() -> None:
    """No link of the README leads nowhere."""
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
