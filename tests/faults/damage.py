"""Damage: some bytes of the file are others than were written, and people go on using it.

`verify` finds whatever changed an entry. This is about all other commands: on a damaged ledger they work or say what is wrong, in
one message, and what they record is recorded.
"""

import random
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.console import STORY, Console, frozen, tell

LINES = (
    "pipeline",
    "log -n 3 -O json",
    "history acme",
    "lead capture New --on 2026-03-01",
    "check",
    "verify",
    "backup b.ledger",
)
LONGEST_SECONDS = 30
"""What takes longer hangs."""


@contextmanager
def in_time() -> Iterator[None]:
    """Raise TimeoutError in what takes too long."""

    def late(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def run(count: int, seed: int = 1) -> dict[str, int]:
    """Damage the ledger so many times, a few bytes anywhere or a whole sector, and run some commands on it.

    Returns:
        runs; commands that worked and that were refused with a message; tracebacks; commands that never ended; refusals in more
        than one line.
    """
    figures = dict.fromkeys(("runs", "accepted", "refused", "tracebacks", "hung", "untidy"), 0)
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        console = Console(Path(folder), {"SALESLEDGER_ACTOR": "kim", "SALESLEDGER_TODAY": "2026-03-31"})
        with frozen(console):
            tell(console, STORY)
            whole = console.ledger.read_bytes()
            for _ in range(count):
                figures["runs"] += 1
                damaged = _damaged(whole, draw)
                for line in draw.sample(LINES, 3):
                    for file in Path(folder).glob("[sb]*.ledger*"):
                        if not file.name.endswith("seal-key"):
                            file.unlink()
                    console.ledger.write_bytes(damaged)
                    figures[_tried(console, line, damaged)] += 1
    return figures


def _damaged(whole: bytes, draw: random.Random) -> bytes:
    content = bytearray(whole)
    if draw.random() < 0.2:
        start = draw.randrange(len(content) // 512) * 512
        content[start : start + 512] = draw.choice((bytes(512), draw.randbytes(512)))
    else:
        for _ in range(draw.choice((1, 1, 2, 20))):
            content[draw.randrange(len(content))] = draw.randrange(256)
    return bytes(content)


def _tried(console: Console, line: str, damaged: bytes) -> str:
    try:
        with in_time():
            done = console(line)
    except TimeoutError:
        found = "hung"
    except Exception as e:  # noqa: BLE001 - any at all is what is looked for
        found = f"tracebacks {type(e).__name__}: {e}"
    else:
        if done.code == 0 or (line in ("check", "verify") and done.out):
            return "accepted"
        if done.code in (1, 2) and done.err.startswith("salesledger: ") and done.err.count("\n") == 1:
            return "refused"
        found = f"untidy {done}"
    kept = Path(tempfile.mkdtemp(prefix="salesledger-fault-"))
    (kept / "what").write_text(f"{found}\n{line}\n", encoding="utf-8", errors="backslashreplace")
    (kept / "sales.ledger").write_bytes(damaged)
    return found.partition(" ")[0]
