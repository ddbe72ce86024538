"""One server and one browser for all tests; each test has a page of its own, on which nothing may go wrong."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from browser.serving import launched, make_demo, served

Opening = Callable[..., Page]

expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's ledger."""
    return make_demo(tmp_path_factory.mktemp("demo") / "demo.ledger")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(demo: Path) -> Iterator[str]:
    """Where the demo's ledger is shown; nothing is recorded in it."""
    with served(demo) as address:
        yield address


@pytest.fixture
def own(demo: Path, tmp_path: Path) -> Iterator[str]:
    """Where a copy is shown in which the test may record."""
    copy = tmp_path / "own.ledger"
    shutil.copyfile(demo, copy)
    shutil.copytree(demo.with_name("demo.ledger.mirror"), tmp_path / "own.ledger.mirror", dirs_exist_ok=True)
    with served(copy) as address:
        yield address


@pytest.fixture
def show(browser: Browser) -> Iterator[Opening]:
    """Opens an address in a window of its own.

    In the end no script may have failed, and the policy nothing refused.
    """
    problems: list[str] = []
    contexts = []

    def opened(address: str, **options: Any) -> Page:
        context = browser.new_context(**({"viewport": {"width": 1200, "height": 800}} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []
