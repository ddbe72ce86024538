"""The command line without a process of its own: run a command, see what it printed and how it ended."""

import io
import os
import shlex
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from salesledger.cli.main import Answering, root, run
from salesledger.ledger import seal_key
from salesledger.ledger import store as store_module
from support.ledgers import Clock, clock

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
"""What the ledger's clock shows when a console starts; each command takes a second."""


@dataclass(frozen=True)
class Done:
    """What became of a command: its exit code, and what it printed where."""

    code: int
    out: str
    err: str


class _Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@dataclass
class Console:
    """A folder in which commands are run, one after the other.

    Attributes:
        folder: where the ledger is.
        env: the variables whose names begin with SALESLEDGER.
        told: the ledger's clock, where it isn't the machine's.
        width: how wide the terminal is; None where standard output is none.
    """

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    told: Clock | None = None
    width: int | None = None

    def __call__(self, line: str | list[str], stdin: bytes | str = b"") -> Done:
        """Run 'salesledger ...', as a shell would split it."""
        args = shlex.split(line) if isinstance(line, str) else line
        if self.told is not None:
            self.told.now += timedelta(seconds=1)
        printed, complained = io.BytesIO(), io.BytesIO()
        out = (io.TextIOWrapper if self.width is None else _Terminal)(printed, "utf-8", newline="")
        err = io.TextIOWrapper(complained, "utf-8")
        given = io.TextIOWrapper(io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin), "utf-8")
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("SALESLEDGER")]:
                patch.delenv(name)
            for name, value in self.env.items():
                patch.setenv(name, value)
            if self.width is not None:
                patch.setenv("COLUMNS", str(self.width))
            patch.chdir(self.folder)
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(sys, "stdin", given)
            code = run(args)
            out.flush()
            err.flush()
        return Done(code, printed.getvalue().decode(), complained.getvalue().decode())

    def ok(self, line: str | list[str], stdin: bytes | str = b"") -> str:
        """What a command prints that must succeed and complain of nothing."""
        done = self(line, stdin)
        assert (done.code, done.err) == (0, ""), done
        return done.out

    def no(self, line: str | list[str], stdin: bytes | str = b"", code: int | None = None) -> str:
        """The one line on standard error of a command that must fail, without its prefix."""
        done = self(line, stdin)
        assert done.code == code if code is not None else done.code in (1, 2), done
        assert done.out == "", done
        assert done.err.startswith("salesledger: "), done
        assert done.err.count("\n") == 1, done
        return done.err.removeprefix("salesledger: ").rstrip("\n")

    @property
    def ledger(self) -> Path:
        """The ledger that the commands work on."""
        return self.folder / "sales.ledger"


@contextmanager
def frozen(console: Console) -> Iterator[Console]:
    """Run the console's commands under a clock of its own, with ledger ids and keys that can be foretold."""
    with ExitStack() as stack:
        console.told = stack.enter_context(clock(NOW))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(store_module, "uuid", SimpleNamespace(uuid4=lambda: uuid.UUID(int=0xE1D6E2)))
        patch.setattr(seal_key, "new_seed", lambda: sha256(str(console.told).encode()).digest())
        yield console


@contextmanager
def unchanged(console: Console) -> Iterator[None]:
    """Nothing within changes the ledger, nor leaves a file beside it (SQLite's index of its empty write-ahead log aside)."""

    def beside() -> set[str]:
        return {
            file.name for file in console.folder.iterdir() if file.stat().st_size and not file.name.endswith("-shm")
        }

    before, files = console.ledger.read_bytes(), beside()
    yield
    assert console.ledger.read_bytes() == before
    assert beside() == files


def commands(group: click.Command = root, path: tuple[str, ...] = ()) -> dict[str, click.Command]:
    """Every command that does something, by its words."""
    if not isinstance(group, click.Group):
        return {" ".join(path): group}
    found: dict[str, click.Command] = {" ".join(path): group.own} if isinstance(group, Answering) else {}
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found |= commands(command, (*path, name))
    return found


STORY = """
init --timezone Europe/Berlin --currency EUR
lead touch "ACME GmbH" --channel article --content "Why invoices are late" --on 2025-12-20
lead capture "ACME GmbH" --source pr --owner sue --attr size=120 --attr sector=energy --on 2026-01-10
lead contact acme --channel call --outcome reached --on 2026-01-12
lead qualify acme --use-case billing --budget 10k --authority CFO --timing Q1 --on 2026-01-13
lead hand-over acme --to ann --on 2026-01-14
lead accept acme --on 2026-01-15
meeting hold acme --kind demo --attendees 3 --pain "late invoices" --on 2026-01-20
deal offer acme --amount 4800 --recurring 100 --every month --term 12 --on 2026-02-01
deal offer acme --counter --amount 4500 --on 2026-02-03
deal win acme --amount 4500 --on 2026-02-20
account open "ACME GmbH" --attr sector=energy --on 2026-02-20
referral ask acme --names 3 --on 2026-02-21
referral give acme "Beta AG" --owner ann --amount 900 --on 2026-02-25
lead qualify beta --on 2026-03-01
lead capture "Gamma SA" --source event --owner kim --amount "2500 EUR" --product Pro --on 2026-01-05
lead qualify gamma --on 2026-01-08
meeting hold gamma --on 2026-01-15
deal lose gamma --reason price --competitor Rival --on 2026-02-10
lead capture "Delta Ltd" --source event --owner kim --amount 7000 --product Pro --on 2026-01-07
lead qualify delta --on 2026-02-02
lead capture "Epsilon Oy" --source referral --owner ann --on 2026-03-15
lead capture "Zeta BV" --source outbound --owner kim --on 2026-03-02
lead disqualify zeta --reason "no budget" --on 2026-03-09
correct 13 --reason "read from the wrong line" --set amount=4400
"""
"""How the ledger of the golden outputs came to be: five leads, one of them won, one lost, one disqualified, a correction."""


def tell(console: Console, story: str = STORY) -> None:
    """Run each line of a story."""
    for line in story.strip().splitlines():
        console.ok(line)
