"""Nonsense: lines for `record` and files for `import csv`, made of good ones by spoiling them, through the command line.

Whatever comes, a command ends in its time with exit code 0, 1 or 2 and without a traceback. Where it says no, the ledger is as it
was. Where it says yes, what it says to be recorded is recorded, and reports can be made of it.
"""

import json
import random
import tempfile
from pathlib import Path

from faults.damage import in_time
from salesledger.errors import NOTHING_RECORDED
from support.console import STORY, Console, Done, frozen, tell
from support.ledgers import rows

TOKENS = (
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"\xc3", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\x1b[31m",
    b'"', b'""', b"'", b"\\", b",", b";", b"\t", b"\r", b"\r\n", b"\n", b"\n\n", b"{", b"}", b"[", b"]", b":", b"=", b"#", b"%s",
    b"1E+1000000", b"-1E-1000000", b"1e400", b"NaN", b"-Infinity", b"sNaN", b"-0", b"0.00000000001", b"9" * 400, b"9" * 20_000,
    b"1,234.50", b"1.234,50", b"EUR 5", b"--5", b"true", b"null", b"99999999999999.9999", b"100000000000000",
    b"0000-01-01", b"0001-01-01", b"9999-12-31", b"10000-01-01", b"2026-02-30", b"-2026-01-01", b"2026-W01", b"1969-12-31",
    b"2026-01-01T00:00:00+25:00", b"2026-01-01T23:59:60Z", b"2026-03-29T02:30", b"yesterday",
    b"[" * 3_000, b'{"a":' * 2_000, b"x" * 70_000, b"x" * 1_100_000,
    "\u00e4\u0131\u0130\u1e9e\ufb01".encode(), "\U0001f600".encode(), b"[/red]", b"{}",
    b"../../etc/passwd", b"=cmd()", b"deal:acme", b"acme-gmbh", b"b2b", b"settings:ledger", b"__proto__", b"entry", b"key",
)  # fmt: skip
"""What is put into good lines."""

LINES = (
    b'{"type": "lead-captured", "company": "Eta AB", "on": "2026-03-01", "amount": "1200.50", "currency": "EUR", "key": "k1"}',
    b'{"type": "lead-captured", "deal": "theta", "company": "Theta", "attributes": {"size": "5", "sector": "energy"}}',
    b'{"type": "deal-advanced", "deal": "delta-ltd", "stage": "proposal", "effective_at": "2026-03-05T09:30:00+01:00"}',
    b'{"type": "deal-won", "deal": "delta-ltd", "amount": 7000, "recurring_amount": 10, "interval_months": 1, "term_months": 12}',
    b'{"type": "meeting-held", "deal": "beta-ag", "kind": "demo", "attendees": 3, "pain_points": ["slow", "dear"]}',
    b'{"type": "account-noted", "account": "acme-gmbh", "preference": "repair", "weight": 3, "key": "k2", "actor": "lee"}',
    b'{"type": "rate-set", "currency": "USD", "rate": 0.92, "on": "2026-01-01", "known_at": "2026-01-02T00:00:00Z"}',
)
"""Good lines."""

TABLE = (
    b"id,account,owner,state,begun,ended,value",
    b"L-1,Lambda Oy,Kim Lee,Won,2026-01-02,2026-02-03,1500.50",
    b'L-2,"Lambda, Oy",Kim Lee,Lost,2026-01-05,2026-02-05,',
    b"L-3,Mu Ltd,Ann Roe,Open,2026-02-01,,",
    b'"L-4","Mu ""Two"" Ltd",Ann Roe,Won,2026-02-01,2026-02-02,"1,000"',
)
"""A good file."""

RULES = Path(__file__).parents[1] / "cli" / "data" / "rules.toml"


def spoilt(content: bytes, draw: random.Random) -> bytes:
    """The content with one to four things wrong with it."""
    for _ in range(draw.randrange(1, 5)):
        a, b = sorted(draw.randrange(len(content) + 1) for _ in range(2))
        kind = draw.randrange(7)
        if kind == 0:
            content = content[:a] + draw.choice(TOKENS) + content[a:]
        elif kind == 1:
            content = content[:a] + draw.choice(TOKENS) + content[min(b, a + 12) :]
        elif kind == 2:
            content = content[:a] + draw.randbytes(draw.randrange(1, 6)) + content[a:]
        elif kind == 3:
            content = content[:a] + content[b:]
        elif kind == 4:
            content = content[:b] + content[a:b][:2_000] + content[b:]
        elif kind == 5:
            content = _value_replaced(content, draw)
        elif content:
            place = min(a, len(content) - 1)
            content = content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :]
    return content


def _value_replaced(content: bytes, draw: random.Random) -> bytes:
    """One value, between quotes or commas, exchanged for a token: what stands around it stays good."""
    marks = [i for i, byte in enumerate(content[:5_000]) if byte in b'",:']
    if len(marks) < 2:
        return content
    i = draw.randrange(len(marks) - 1)
    return content[: marks[i] + 1] + draw.choice(TOKENS) + content[marks[i + 1] :]


def run(count: int, kind: str = "lines", seed: int = 1) -> dict[str, int]:
    """Give so many spoilt inputs to a command.

    Args:
        count: how many.
        kind: 'lines' for `record`, 'csv' for `import csv`, whose rules are spoilt in one of four.
        seed: of what is drawn.

    Returns:
        runs; how many were accepted and refused; how many ended with a traceback or in no time; refused ones that changed the
        ledger or were not told in one line; accepted ones of which the ledger does not hold what was said.
    """
    figures = dict.fromkeys(
        ("runs", "accepted", "refused", "tracebacks", "hung", "refused_wrongly", "accepted_wrongly"), 0
    )
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        console = Console(Path(folder), {"SALESLEDGER_ACTOR": "kim", "SALESLEDGER_TODAY": "2026-03-31"})
        with frozen(console):
            tell(console, STORY)
            beginning = console.ledger.read_bytes()
            for _ in range(count):
                figures["runs"] += 1
                console.ledger.write_bytes(beginning)
                figures[_tried(console, {"lines": _lines, "csv": _table}[kind](console, draw))] += 1
    return figures


def _lines(console: Console, draw: random.Random) -> tuple[str, bytes]:
    lines = [spoilt(line, draw) if draw.random() < 0.4 else line for line in draw.sample(LINES, draw.randrange(1, 5))]
    return "record - -O json", b"\n".join(lines)


def _table(console: Console, draw: random.Random) -> tuple[str, bytes]:
    lines = [spoilt(line, draw) if draw.random() < (0.3 if i else 0.1) else line for i, line in enumerate(TABLE)]
    rules = RULES.read_bytes()
    (console.folder / "rules.toml").write_bytes(spoilt(rules, draw) if draw.random() < 0.25 else rules)
    (console.folder / "table.csv").write_bytes(draw.choice((b"\n", b"\n", b"\r\n", b"\r")).join(lines))
    return "import csv table.csv --rules rules.toml -O json", b""


def _tried(console: Console, given: tuple[str, bytes]) -> str:
    """What became of an input."""
    before = rows(console.ledger)
    try:
        with in_time():
            done = console(*given)
            told = console("deals -O csv") if done.code == 0 else done
    except TimeoutError:
        return _kept("hung", console, given)
    except Exception as e:  # noqa: BLE001 - any at all is what is looked for
        return _kept(f"tracebacks {type(e).__name__}: {e}", console, given)
    new = rows(console.ledger)[len(before) :]
    if rows(console.ledger)[: len(before)] != before:
        return _kept("refused_wrongly", console, given)
    if done.code == 0:
        right = told.code == 0 and _recorded(done, {row[0] for row in new})
        return "accepted" if right else _kept("accepted_wrongly", console, given)
    if done.out:  # every row of a file was rejected: the report says why
        right = done.code == 1 and not new
    else:
        right = done.code in (1, 2) and not new and done.err.count("\n") == 1 and NOTHING_RECORDED in done.err
    return "refused" if right else _kept(f"refused_wrongly {done}", console, given)


def _recorded(done: Done, new: set[object]) -> bool:
    """Whether those entries are new of which the command told."""
    told = json.loads(done.out)
    if told and "events" in told[0]:
        events = told[0]["events"]
        return bool(sum((json.loads(events) if isinstance(events, str) else events).values()) == len(new))
    return new <= {entry["entry"] for entry in told}


def _kept(what: str, console: Console, given: tuple[str, bytes]) -> str:
    """Keep an input that did harm, to be looked at."""
    folder = Path(tempfile.mkdtemp(prefix="salesledger-fault-"))
    (folder / "what").write_text(f"{what}\n{given[0]}\n", encoding="utf-8", errors="backslashreplace")
    (folder / "stdin").write_bytes(given[1])
    for name in ("table.csv", "rules.toml"):
        if (console.folder / name).exists():
            (folder / name).write_bytes((console.folder / name).read_bytes())
    return what.partition(" ")[0]
