"""A browser, and servers in processes of their own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright

TODAY = "2026-06-30"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SALESLEDGER = Path(sys.executable).with_name("salesledger")


def run(*words: str) -> str:
    """What the command line prints."""
    return subprocess.run([SALESLEDGER, *words], check=True, capture_output=True, text=True).stdout


def make_demo(path: Path) -> Path:
    """The demo's ledger."""
    run("demo", "--keep", str(path), "--quiet")
    return path


@contextmanager
def served(path: Path, *options: str) -> Iterator[str]:
    """The address of a server on a ledger; the server is stopped in the end."""
    words = [str(SALESLEDGER), "-f", str(path), "--today", TODAY, "serve", "--port", "0", *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found, "the server didn't start"
            yield found[0].rstrip("/")
        finally:
            process.terminate()
            process.wait(timeout=20)


def launched(playwright: Playwright) -> Browser:
    """Chromium, with a new profile that is thrown away."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "there is no Chromium: set CHROMIUM, or run 'make browser', which installs it"
    return playwright.chromium.launch(executable_path=path, args=[*FLAGS], headless=True)
