"""The shell completes commands, options, ids, stages and projections, and is left alone where there is no ledger."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from salesledger.cli.main import root
from support.console import Console


def completed(*args: str, console: Console, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the shell would offer for the last word."""
    monkeypatch.chdir(console.folder)
    for name, value in console.env.items():
        monkeypatch.setenv(name, value)
    *before, word = args
    shell = BashComplete(root, {}, "salesledger", "_SALESLEDGER_COMPLETE")
    return [item.value for item in shell.get_completions(before, word)]


CASES = [
    (["pi"], ["pipeline"]),
    (["lead", "c"], ["capture", "contact"]),
    (["pipe", "--as"], ["--as-of"]),
    (["pipeline", "--by", "s"], ["source", "segment"]),
    (["history", "a"], ["acme-gmbh"]),
    (["history", "-f", "sales.ledger", "g"], ["gamma-sa"]),
    (["-f", "sales.ledger", "deal", "win", "de"], ["delta-ltd"]),
    (["deal", "advance", "delta-ltd", "ne"], ["negotiation"]),
    (["deal", "reopen", "gamma-sa", "--stage", "p"], ["proposal"]),
    (["lead", "capture", "New", "--referred-by", ""], ["acme-gmbh"]),
    (["lead", "capture", "New", "--grown-from", "e"], ["epsilon-oy"]),
    (["lead", "capture", "New", "--process", ""], ["b2b"]),
    (["referral", "give", "ac"], ["acme-gmbh"]),
    (["process", "show", ""], ["b2b"]),
    (["show", "deal_h"], ["deal_history", "deal_history_as_known"]),
    (["projections", "stage"], ["stage_visits"]),
]


@pytest.mark.parametrize(("words", "offered"), CASES, ids=lambda words: " ".join(words))
def test_offers_what_fits(
    words: list[str], offered: list[str], console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the ledger that -f names, or the one in this folder."""
    assert completed(*words, console=console, monkeypatch=monkeypatch) == offered


@pytest.mark.parametrize("words", [words for words, _ in CASES[4:14]], ids=" ".join)
def test_offers_nothing_without_a_ledger(words: list[str], empty: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says nothing either, which would end up in the command line."""
    assert completed(*words, console=empty, monkeypatch=monkeypatch) == []
    empty.ledger.write_text("something else")
    assert completed(*words, console=empty, monkeypatch=monkeypatch) == []


def test_looks_where_the_environment_says(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """$SALESLEDGER_FILE counts as it does for commands."""
    console.ledger.rename(console.folder / "other.ledger")
    assert completed("history", "ac", console=console, monkeypatch=monkeypatch) == []
    console.env["SALESLEDGER_FILE"] = "other.ledger"
    assert completed("history", "ac", console=console, monkeypatch=monkeypatch) == ["acme-gmbh"]


def test_works_in_bash_itself(console: Console) -> None:
    """The script that `completion bash` prints offers what fits."""
    words = (
        'COMP_WORDS=(salesledger history ga); COMP_CWORD=2; _salesledger_completion salesledger; echo "${COMPREPLY[@]}"'
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f'eval "$(salesledger completion bash)"; {words}'],
        cwd=console.folder,
        env=os.environ | console.env | {"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "gamma-sa\n"
