"""On a PostgreSQL server every command prints what it prints on a file: the golden outputs, byte by byte."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cli.conftest import DATA
from cli.test_golden import GOLDEN, SESSIONS, told
from salesledger.ledger.place import connect_to_read, place_of
from salesledger.ledger.postgres_place import PostgresPlace
from support.console import Console, frozen
from support.postgres import drop, new_schema

ON_FILES = {"init", "demo", "completion", "migrate"}
"""Sessions that name files themselves, or speak of files."""

LONG = {"backtest", "forecast"}
"""Sessions that compute for long what hangs on no database; `make postgres` tries them, too."""

CHOSEN = sorted(set(SESSIONS) - ON_FILES - (set() if os.environ.get("SALESLEDGER_TEST_ALL") else LONG))


@pytest.fixture
def console(beginning: Path, empty: Console) -> Iterator[Console]:
    """A console whose ledger is a copy of the beginning on the server."""
    url = new_schema()
    place = PostgresPlace.of(url)
    with closing(connect_to_read(beginning)) as log, place.making() as draft:
        log.begin()
        draft.take(log)
    for file in DATA.iterdir():
        shutil.copyfile(file, empty.folder / file.name)
    empty.env |= {"SALESLEDGER_FILE": url, "SALESLEDGER_KEYS": "keys", "SALESLEDGER_MIRROR": str(empty.folder)}
    (empty.folder / "keys").mkdir()
    with frozen(empty):
        assert empty.told is not None
        empty.told.now = empty.told.now.replace(hour=18)
        yield empty
    drop(url)


def as_on_a_file(console: Console, session: str) -> str:
    """A session with the ledger's address and the files of its keys called as they are where it is a file."""
    place = place_of(PostgresPlace.of(console.env["SALESLEDGER_FILE"]))
    assert isinstance(place, PostgresPlace)
    session = session.replace(str(place.beside("")), "sales.ledger").replace(str(place), "sales.ledger")
    session = session.replace(f"{console.folder}/keys/{place.url.name}", "sales.ledger")
    return re.sub(r'\d+(?= bytes)|(?<="bytes": )\d+', "N", session)


@pytest.mark.parametrize("name", CHOSEN)
def test_the_output_is_the_golden_one(name: str, console: Console) -> None:
    """The same commands, the same answers, the same complaints."""
    session = "".join(told(line, console(line)) + "\n" for line in SESSIONS[name]).removesuffix("\n")
    golden = (GOLDEN / f"{name.replace(' ', '_')}.txt").read_text(encoding="utf-8")
    assert as_on_a_file(console, session) == as_on_a_file(console, golden)
