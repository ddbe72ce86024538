"""The server that the tests of the page ask, on the ledger that the tests of the command line begin with."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from salesledger.cli.served import Served
from salesledger.web.app import make_app
from salesledger.web.settings import Settings
from support.console import Console, frozen, tell

Serving = Callable[..., AbstractContextManager[TestClient]]

TODAY = "2026-03-31"


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of six leads; see `support.console.STORY`."""
    folder = tmp_path_factory.mktemp("story")
    with frozen(Console(folder, {"SALESLEDGER_TODAY": TODAY, "SALESLEDGER_ACTOR": "kim"})) as console:
        tell(console)
    return console.ledger


@pytest.fixture
def path(story: Path, tmp_path: Path) -> Path:
    """A ledger of the test's own, with the same in it."""
    for file in story.parent.glob("sales.ledger*"):
        if file.is_file():
            shutil.copyfile(file, tmp_path / file.name)
            (tmp_path / file.name).chmod(0o600)
    return tmp_path / "sales.ledger"


def serving(path: Path) -> Serving:
    """What starts a server on a ledger, with settings of one's own."""

    @contextmanager
    def start(**settings: Any) -> Iterator[TestClient]:
        told = Settings(path, today=date.fromisoformat(TODAY), **({"clerks": 1} | settings))
        app = make_app(told, Served(str(path), TODAY))
        with TestClient(app, base_url="http://127.0.0.1:5180", follow_redirects=False) as client:
            yield client

    return start


@pytest.fixture
def serve(path: Path) -> Serving:
    """What starts a server on the test's own ledger."""
    return serving(path)


@pytest.fixture(scope="module")
def client(story: Path) -> Iterator[TestClient]:
    """Somebody who asks a server that everybody may look at; nothing is recorded through it."""
    with serving(story)(read_only=True) as client:
        yield client
