"""The command line handed down to the page: what its commands are, and how one is run there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from io import StringIO
from typing import TYPE_CHECKING, Any

import click

from salesledger.cli.main import COMMANDS, Answering, root
from salesledger.errors import UsageError
from salesledger.web.commands import Command, Field, Ran, label

if TYPE_CHECKING:
    from salesledger.api import Ledger

NOT_SERVED = frozenset(
    (
        "init",
        "migrate",
        "import",
        "export",
        "backup",
        "restore",
        "demo",
        "completion",
        "record",
        "verify-proof",
        "serve",
        "backtest",
    )
)
"""Commands that work on files of the machine, or for minutes."""

_NOT_TAKEN = frozenset(("ledger", "today", "engine", "memory", "output", "format_", "help", "picture"))
_RECORDS = frozenset(("issue",))

_heard: ContextVar[tuple[StringIO, StringIO] | None] = ContextVar("heard", default=None)


class _Routed:
    """A standard stream that, where a command is run for somebody else, writes into a text of theirs."""

    def __init__(self, stream: Any, place: int) -> None:
        self._stream = stream
        self._place = place

    def __getattr__(self, name: str) -> Any:
        heard = _heard.get()
        return getattr(self._stream if heard is None else heard[self._place], name)


@contextmanager
def _listening() -> Iterator[tuple[StringIO, StringIO]]:
    """Hear what is printed meanwhile, in this thread alone."""
    for place, name in enumerate(("stdout", "stderr")):
        if not isinstance(getattr(sys, name), _Routed):
            setattr(sys, name, _Routed(getattr(sys, name), place))
    heard = (StringIO(), StringIO())
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


class Served:
    """The commands that the page offers.

    Args:
        ledger: what -f says.
        today: what --today says.
    """

    def __init__(self, ledger: str, today: str | None = None) -> None:
        self._told = {"ledger": ledger} | ({"today": today} if today else {})

    def listed(self) -> Mapping[str, Command]:
        """Every command that is offered, by name."""
        return self._listed

    @cached_property
    def _listed(self) -> dict[str, Command]:
        found: dict[str, Command] = {}
        with click.Context(root) as ctx:
            for name in COMMANDS:
                if name not in NOT_SERVED:
                    command = root.get_command(ctx, name)
                    assert command is not None
                    found |= {told.name: told for told in _described((name,), command)}
        return found

    def program(self) -> Sequence[str]:
        """What runs the command line as a program of its own."""
        return [sys.executable, "-c", "from salesledger.cli import main; main()"]

    def environment(self) -> Mapping[str, str]:
        """The variables under which the command line, run as a program, finds the same ledger."""
        return {f"SALESLEDGER_{'FILE' if name == 'ledger' else 'TODAY'}": text for name, text in self._told.items()}

    def run(self, words: Sequence[str], ledger: Ledger | None) -> Ran:
        """Run a command as if it had been typed; see `salesledger.web.commands.Commands`."""
        with _listening() as (output, notes):
            try:
                code = root.main(
                    args=[*words],
                    prog_name="salesledger",
                    standalone_mode=False,
                    obj={**self._told, "resident": ledger},
                )
            except click.ClickException as e:
                raise UsageError(_refusal(e)) from e
        said = tuple(line.removeprefix("salesledger: ") for line in notes.getvalue().splitlines() if line)
        return Ran(output.getvalue(), said, code if isinstance(code, int) else 0)


def _refusal(error: click.ClickException) -> str:
    """What is wrong with a command's values, for somebody who didn't type it: the field's name, and nothing of how to type it."""
    message = error.format_message()
    if isinstance(error, click.BadParameter) and error.param is not None and error.message:
        message = f"{label(_name(error.param))!r}: {error.message}"
    message = message.rstrip().replace("\n\t", " ")
    return message if message.endswith((".", "?")) else f"{message}."


def _described(words: tuple[str, ...], command: click.Command) -> Iterator[Command]:
    if isinstance(command, click.Group):
        if isinstance(command, Answering):
            yield from _described(words, command.own)
        for name, part in command.commands.items():
            yield from _described((*words, name), part)
        return
    names = {param.name for param in command.params}
    fields = tuple(field for param in command.params if (field := _field(param)) is not None)
    text = (command.help or "").strip().partition("\n\n")[0]
    yield Command(
        words, " ".join(text.split()), "dry_run" in names or words == ("seal",), tuple(fields), "format_" in names
    )


def _field(param: click.Parameter) -> Field | None:
    if param.name in _NOT_TAKEN or _reads_files(param) or getattr(param, "hidden", False):
        return None
    option = _option(param)
    is_flag = bool(getattr(param, "is_flag", False))
    choices = tuple(map(str, param.type.choices)) if isinstance(param.type, click.Choice) else ()
    kind = (
        "flag" if is_flag else "choice" if choices else "integer" if isinstance(param.type, click.IntRange) else "text"
    )
    return Field(
        name=_name(param),
        option=option,
        kind=kind,
        help=str(getattr(param, "help", None) or ""),
        required=param.required,
        many=bool(getattr(param, "multiple", False)) or param.nargs == -1,
        choices=choices,
        hint=param.metavar or "",
        records=param.name in _RECORDS,
    )


def _option(param: click.Parameter) -> str:
    return max((text for text in param.opts if text.startswith("--")), key=len, default="")


def _name(param: click.Parameter) -> str:
    return _option(param)[2:].replace("-", "_") or str(param.name)


def _reads_files(param: click.Parameter) -> bool:
    return isinstance(param.type, click.Path | click.File) or any(
        word in (param.metavar or "") for word in ("FILE", "CHECKPOINT")
    )
