"""-o never writes over what a ledger lives on, whichever command it stands behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from salesledger import Ledger
from salesledger.cli.render import write
from salesledger.errors import UsageError
from salesledger.exchange.export import export
from salesledger.exchange.rejects import RejectsFile
from support.console import Console, commands

FILES = (
    "sales.ledger",
    "sales.ledger.keys",
    "sales.ledger.master",
    "sales.ledger.seal-key",
    "copy",
    "copy.keys",
    "copy.master",
    "moved-keys",
    "moved-master",
    "moved-seal-key",
    "another-name",
)
"""A ledger and its keys, a backup with keys, keys without their names, and a link."""


@pytest.fixture
def kept(console: Console) -> Iterator[Console]:
    """A ledger with everything that can lie beside it; after the test all of it is as it was."""
    console.ok("person add 'Kim Lee'")
    assert console("seal --new-key").code == 0
    console.ok("backup copy --keys")
    for ending in ("keys", "master", "seal-key"):
        (console.folder / f"moved-{ending}").write_bytes((console.folder / f"sales.ledger.{ending}").read_bytes())
    (console.folder / "another-name").symlink_to("sales.ledger")
    before = {name: (console.folder / name).read_bytes() for name in FILES}
    yield console
    assert {name: (console.folder / name).read_bytes() for name in FILES} == before


WRITERS = sorted(
    name for name, command in commands().items() if any(param.name == "output" for param in command.params)
)


def test_every_command_with_an_output_spares_the_ledger(kept: Console) -> None:
    """Before it looks at anything else, and whatever it would have written."""
    for command in WRITERS:
        said = kept.no(f"{command} -o sales.ledger", code=2)
        assert "'sales.ledger' is the ledger, which nothing is written over. Name another file with -o." in said
        assert "Nothing was written." in said


@pytest.mark.parametrize("line", ["pipeline -O csv", "seal", "process template b2b", "deal win gamma"])
def test_all_that_belongs_to_a_ledger_is_spared(line: str, kept: Console) -> None:
    """By what the file holds, or by the name that it has beside a ledger; and nothing is done."""
    entries = len(kept.ok("log -O jsonl").splitlines())
    for name in FILES:
        assert "which nothing is written over" in kept.no(f"{line} -o {name}", code=2)
    assert len(kept.ok("log -O jsonl").splitlines()) == entries


@pytest.mark.parametrize("name", ["sales.ledger-wal", "sales.ledger.mirror/x/1.parquet", "copy.seal-key", "new.ledger"])
def test_names_that_a_ledger_will_need_are_spared(name: str, kept: Console) -> None:
    """Though nothing is there yet."""
    kept.env["SALESLEDGER_SEAL_KEY"] = "new.ledger"
    assert "which nothing is written over" in kept.no(f"deals -O csv -o {name}", code=2)
    assert not (kept.folder / name).exists() or name.endswith("-wal")


def test_a_damaged_ledger_in_use_is_spared(console: Console) -> None:
    """It isn't known by its first bytes any more."""
    console.ledger.write_bytes(b"\0" * 100 + console.ledger.read_bytes()[100:])
    before = console.ledger.read_bytes()
    assert "is the ledger" in console.no("-f sales.ledger check -O csv -o sales.ledger", code=2)
    assert console.ledger.read_bytes() == before


def test_a_ledger_is_spared_by_whatever_writes(console: Console, tmp_path: Path) -> None:
    """Also where no option named the file: each writer looks for itself."""
    before = console.ledger.read_bytes()
    with pytest.raises(UsageError, match="a ledger or a backup of one"):
        write("text", str(console.ledger))
    with pytest.raises(UsageError, match="with --rejects"):
        RejectsFile(Path(f"{console.ledger}.master"), ["a"], ",", ())
    with Ledger.open(console.ledger) as ledger, pytest.raises(UsageError, match="a ledger or a backup of one"):
        export(ledger.engine, "csv", console.ledger, ledger.question())
    assert console.ledger.read_bytes() == before


def test_other_files_are_written_over(console: Console) -> None:
    """A report that is asked for again, whatever the file is called."""
    for name in ("deals.csv", "deals.keys", "sales.ledger.csv"):
        (console.folder / name).write_text("old")
        console.ok(f"deals -O csv -o {name}")
        assert "acme" in (console.folder / name).read_text()


def test_a_device_is_not_read(console: Console) -> None:
    """What can't be replaced is no ledger."""
    console.ok(f"deals -O csv -o {os.devnull}")
