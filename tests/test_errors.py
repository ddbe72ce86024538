"""Every way in which salesledger says no: drawn in the tree, reproduced by a case, said in one clear message."""

import inspect
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from eventsourcing.persistence import RecordConflictError

from ledger.postgres_backend import PostgresBackend
from salesledger import Ledger, errors
from salesledger.errors import NOTHING_RECORDED, SalesledgerError
from salesledger.exchange.process_file import read_process
from salesledger.ledger.application import LedgerApplication
from salesledger.ledger.postgres_recorder import PostgresRecorder
from salesledger.ledger.proof import check
from salesledger.readmodel import spark_session
from support.ledgers import file_of, new_ledger

CLASSES = {
    name: cls for name, cls in vars(errors).items() if inspect.isclass(cls) and issubclass(cls, SalesledgerError)
}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger with two deals whose ids begin alike."""
    with Ledger.open(new_ledger(tmp_path / "sales.ledger"), actor="kim") as told:
        told.record("lead-captured", company="Acme", on="2026-01-05", key="k1")
        told.record("lead-captured", company="Acme Two", on="2026-01-06")
    return Ledger.open(tmp_path / "sales.ledger", actor="kim")


def other_file(ledger: Ledger) -> None:
    """Ask something else than a ledger."""
    Ledger.open(Path(__file__))


def newer(ledger: Ledger) -> None:
    """Ask a ledger of a later version."""
    with sqlite3.connect(file_of(ledger)) as connection:
        connection.execute("PRAGMA user_version = 99")
    Ledger.open(ledger.path)


def damaged(ledger: Ledger) -> None:
    """Ask a ledger of which half is missing."""
    path = file_of(ledger)
    path.write_bytes(path.read_bytes()[:8192])
    Ledger.open(ledger.path)


def locked(ledger: Ledger) -> None:
    """Record while another program holds the ledger."""
    other = sqlite3.connect(file_of(ledger), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        ledger.record("deal-won", deal="acme")
    finally:
        other.close()


def refused_by_the_system(ledger: Ledger) -> None:
    """Record where the database says that it is read-only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            LedgerApplication, "append", _raises(sqlite3.OperationalError("attempt to write a readonly database"))
        )
        ledger.record("deal-won", deal="acme")


def overtaken(ledger: Ledger) -> None:
    """Record while others are always faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LedgerApplication, "append", _raises(RecordConflictError()))
        ledger.record("deal-won", deal="acme")


def without_java(ledger: Ledger) -> None:
    """Ask with an engine for which something is missing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_HOME", "/nowhere")
        spark_session.check_java()


def forgetful(ledger: Ledger) -> None:
    """Ask with less memory than the log's rows take."""
    with Ledger.open(ledger.path, memory="1MB") as other:
        other.answer("deals")


def keyless(ledger: Ledger) -> None:
    """Add a person where the master key is gone."""
    ledger.record("person-added", name="Ann Example")
    Path(f"{ledger.path}.master").unlink()
    ledger.record("person-added", name="Bob Example")


def cut_off(_: Ledger) -> None:
    """Record where the server goes away in mid-append and stays away."""
    backend = PostgresBackend()
    try:
        with Ledger.open(backend.place, actor="kim") as ledger, pytest.MonkeyPatch.context() as patch:
            patch.setattr(PostgresRecorder, "_call", _raises(psycopg.errors.AdminShutdown()))
            ledger.record("lead-captured", company="Acme")
    finally:
        backend.close()


def unrated(ledger: Ledger) -> None:
    """Ask what an amount was worth when its currency's rate was not known yet."""
    ledger.record("rate-set", currency="USD", rate="0.9", on="2026-01-03")
    amount: dict[str, Any] = {"amount": "100", "currency": "USD", "known_at": "2026-01-04T12:00:00Z"}
    ledger.record("lead-captured", company="Beta", on="2026-01-04", **amount)
    ledger.answer("pipeline", as_of="2026-01-04", known_at="2026-01-05")


def forged(ledger: Ledger) -> None:
    """Check a proof of which a field was changed."""
    ledger.seal()
    proof = ledger.prove(1)
    proof["inclusion"]["recorded_at"] += 1
    check(proof)


def _raises(error: Exception) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> None:
        raise error

    return refuse


CASES: dict[str, tuple[Callable[[Ledger], object], str]] = {
    "UsageError": (
        lambda _: Ledger.open("mysql://server/sales"),
        "mysql:// addresses can't be used",
    ),
    "BadDate": (lambda ledger: ledger.record("deal-won", deal="acme", on="someday"), "'someday' is not a date"),
    "BadPeriod": (lambda ledger: ledger.project("metrics", period="2026..2025"), "'2026..2025' is not a period"),
    "BadFilter": (lambda ledger: ledger.project("deals", filters=["owmer:kim"]), "Did you mean owner:?"),
    "BadValue": (lambda ledger: ledger.record("deal-won", deal="acme", amount="1E+3"), "'1E+3' is not an amount"),
    "BadFile": (lambda _: read_process(Path(__file__)), "is no TOML"),
    "BadQuery": (lambda ledger: ledger.query("DROP TABLE events"), "Only a single SELECT can be asked"),
    "MissingRate": (unrated, "USD has no exchange rate on 2026-01-04"),
    "Refused": (lambda ledger: ledger.record("deal-reopened", deal="acme"), "only a closed one can be reopened"),
    "NotFound": (lambda ledger: ledger.find("deal", "nobody"), "There is no deal 'nobody'"),
    "AmbiguousId": (lambda ledger: ledger.find("deal", "acm"), "'acm' could be any of these deals: acme, acme-two"),
    "KeyReused": (lambda ledger: ledger.record("deal-won", deal="acme", key="k1"), "The key 'k1' was used for entry 4"),
    "Conflict": (overtaken, "4 tries were overtaken"),
    "NoEngine": (without_java, "The engine spark can't be started: it needs Java"),
    "TooLittleMemory": (forgetful, "needs more memory than --memory 1MB. Give more"),
    "NoSeal": (lambda ledger: ledger.prove(1), "The ledger has no seal yet"),
    "NotProved": (forged, "this is not what entry 1 of the checkpoint over 6 entries holds"),
    "StoreError": (lambda _: Ledger.create("/nowhere/sales.ledger"), "'/nowhere/sales.ledger' can't be made"),
    "NoLedger": (lambda _: Ledger.open("/nowhere/sales.ledger"), "There is no ledger at '/nowhere/sales.ledger'"),
    "NotALedger": (other_file, "it is no SQLite file"),
    "NewerLedger": (newer, "was written by a newer salesledger"),
    "LedgerExists": (lambda ledger: Ledger.create(ledger.path), "exists already"),
    "ReadOnlyLedger": (refused_by_the_system, "is read-only: reports work, recording doesn't"),
    "LockedLedger": (locked, "is locked: another program held it for 0.1 s"),
    "UnreachableLedger": (
        lambda _: Ledger.open("postgresql://kim:secret@localhost:1/sales"),
        "'postgresql://kim@localhost:1/sales' can't be reached",
    ),
    "UnknownOutcome": (cut_off, "whether that was recorded isn't known"),
    "LostKeys": (keyless, "the master key ('"),
    "DamagedLedger": (damaged, "could not be read or written"),
}
RECORDING = {
    "BadValue",
    "Refused",
    "KeyReused",
    "Conflict",
    "ReadOnlyLedger",
    "LockedLedger",
    "LostKeys",
    "DamagedLedger",
}


@pytest.mark.parametrize("name", CASES)
def test_every_error_has_a_case_that_reproduces_it(name: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly that class is raised, and its message is a sentence that names the value."""
    monkeypatch.setenv("SALESLEDGER_LOCK_SECONDS", "0.1")
    case, words = CASES[name]
    with ledger, pytest.raises(SalesledgerError) as refusal:
        case(ledger)
    assert type(refusal.value).__name__ == name
    message = str(refusal.value)
    assert words in message
    assert message.endswith(".")
    assert "\n" not in message
    if name in RECORDING:
        assert message.endswith(NOTHING_RECORDED)


def test_no_error_is_without_a_case() -> None:
    """All but the root, which is only caught, never raised."""
    assert set(CASES) == set(CLASSES) - {"SalesledgerError"}
    sources = (Path(errors.__file__).parent).rglob("*.py")
    assert not [file for file in sources if re.search(r"raise SalesledgerError\b", file.read_text(encoding="utf-8"))]


def test_the_drawn_tree_is_the_tree() -> None:
    """The picture that errors.py opens with shows each class once, below the class that it derives from."""
    drawn: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"((?:[│ ]   )*(?:[├└]── )?)([A-Z]\w+)\s{2,}\S", line)
        if match:
            drawn.append((len(match[1]) // 4, match[2]))
    parents: dict[str, str] = {}
    path: list[str] = []
    for depth, name in drawn:
        path[depth:] = [name]
        if depth:
            parents[name] = path[depth - 1]
    assert [name for _, name in drawn] == list(CLASSES)
    assert parents == {name: cls.__mro__[1].__name__ for name, cls in CLASSES.items() if cls is not SalesledgerError}


def test_exit_codes_tell_usage_from_refusal() -> None:
    """2 where the question or the value can't be understood, 1 where the ledger says no."""
    for cls in CLASSES.values():
        assert cls.exit_code == (2 if issubclass(cls, errors.UsageError) else 1)


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_says_what_it_means(name: str) -> None:
    """A docstring of its own, and a line in the tree."""
    assert CLASSES[name].__dict__["__doc__"]


def test_a_sentence_is_added_once() -> None:
    """`also` doesn't repeat what the message ends with already."""
    error = errors.Refused("No.")
    assert str(error.also(NOTHING_RECORDED).also(NOTHING_RECORDED)) == f"No. {NOTHING_RECORDED}"
