"""The ledger that the tests of the command line begin with, and the console that they sit at."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.console import Console, frozen, tell

DATA = Path(__file__).parent / "data"


def _console(folder: Path) -> Console:
    return Console(folder, {"SALESLEDGER_TODAY": "2026-03-31", "SALESLEDGER_ACTOR": "kim"})


@pytest.fixture(scope="session")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of six leads; see `support.console.STORY`."""
    with frozen(_console(tmp_path_factory.mktemp("beginning"))) as console:
        tell(console)
    return console.ledger


@pytest.fixture
def empty(tmp_path: Path) -> Console:
    """A console in a folder without a ledger, under the machine's own clock; its today is the last day of March 2026."""
    return _console(tmp_path)


@pytest.fixture
def console(beginning: Path, empty: Console) -> Iterator[Console]:
    """A console on a copy of that ledger, some hours later, with a few files to read beside it."""
    shutil.copyfile(beginning, empty.ledger)
    for file in DATA.iterdir():
        shutil.copyfile(file, empty.folder / file.name)
    with frozen(empty):
        assert empty.told is not None
        empty.told.now = empty.told.now.replace(hour=18)
        yield empty
