"""Seals on the command line: made by what records, checked by whoever wants to."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from faults.tamper import unguarded
from support.console import Console, unchanged


@pytest.fixture
def sealed(empty: Console) -> Console:
    """A console with a ledger that has its key."""
    empty.ok("init --currency EUR")
    empty.ok("lead capture Acme --on 2026-03-01")
    return empty


def verdict(console: Console, more: str = "") -> dict[str, object]:
    """What verifying says, for machines."""
    (row,) = json.loads(console(f"verify {more} -O json").out)
    assert isinstance(row, dict)
    return row


class TestRecording:
    """Whatever records seals."""

    def test_seals_from_the_first_entry_on(self, empty: Console) -> None:
        """`init` makes the key, which the first entry names."""
        assert "sealed with the key sales.ledger.seal-key" in empty.ok("init")
        key = empty.folder / "sales.ledger.seal-key"
        assert key.stat().st_mode & 0o777 == 0o600
        (first,) = json.loads(empty.ok("log entry:1 -O json"))
        assert first["seal_key"] == verdict(empty)["public_key"]
        assert verdict(empty)["sealed"] == 2

    @pytest.mark.parametrize(
        "line",
        [
            "lead capture Beta --on 2026-03-02",
            "process define --template counter --on 2026-03-02",
            "void 4 --reason wrong",
            "record lines.jsonl",
            "import csv deals.csv --rules rules.toml",
        ],
    )
    def test_of_every_kind_seals(self, line: str, sealed: Console) -> None:
        """Nothing stays unsealed behind it."""
        for file in (Path(__file__).parent / "data").iterdir():
            (sealed.folder / file.name).write_bytes(file.read_bytes())
        line_of = '{"type": "lead-captured", "company": "Gamma", "on": "2026-03-03"}\n'
        (sealed.folder / "lines.jsonl").write_text(line_of)
        before = verdict(sealed)["entries"]
        assert sealed(line).code == 0
        after = verdict(sealed)
        assert after["ok"]
        assert after["sealed"] == after["entries"] != before

    def test_nothing_seals_nothing(self, sealed: Console) -> None:
        """A dry run, a question."""
        with unchanged(sealed):
            sealed.ok("lead capture Beta --dry-run")
            sealed.ok("deals")

    def test_without_a_key_at_hand_is_silent(self, sealed: Console) -> None:
        """What isn't sealed is said by verify, and sealed once the key is back."""
        key = sealed.folder / "sales.ledger.seal-key"
        text = key.read_text()
        key.unlink()
        sealed.ok("lead capture Beta --on 2026-03-02")
        assert "The last entry is not sealed: the seal key is not at 'sales.ledger.seal-key'." in sealed.ok("verify")
        key.write_text(text)
        sealed.ok("lead capture Gamma --on 2026-03-02")
        assert "not sealed" not in sealed.ok("verify")

    def test_never_fails_where_sealing_does(self, sealed: Console) -> None:
        """It is a warning in a line."""
        (sealed.folder / "sales.ledger.seal-key").write_text("spoilt")
        done = sealed("lead capture Beta --on 2026-03-02")
        assert done.code == 0
        assert done.out.startswith("entry 5:")
        assert done.err.startswith(
            "salesledger: warning: recorded, but not sealed: 'sales.ledger.seal-key' is no seal key"
        )
        assert done.err.count("\n") == 1


class TestInit:
    """What becomes of the key when a ledger is made."""

    def test_makes_no_key_where_none_is_wanted(self, empty: Console) -> None:
        """`seal` makes it later, and says so."""
        assert "key" not in empty.ok("init --no-seal-key")
        assert not list(empty.folder.glob("*key*"))
        assert "Nothing is sealed" in empty.ok("verify")
        done = empty("seal")
        assert "Made the seal key sales.ledger.seal-key." in done.err
        assert done.out.startswith("salesledger/")

    def test_takes_the_key_that_is_there(self, empty: Console) -> None:
        """One key for several ledgers, where the environment names it."""
        empty.env["SALESLEDGER_SEAL_KEY"] = str(empty.folder / "mine")
        empty.ok("init -f one.ledger")
        key = (empty.folder / "mine").read_text()
        empty.ok("init -f two.ledger")
        assert (empty.folder / "mine").read_text() == key
        assert verdict(empty, "-f one.ledger")["public_key"] == verdict(empty, "-f two.ledger")["public_key"]
        assert verdict(empty, "-f two.ledger")["ok"]

    def test_leaves_no_key_where_no_ledger_is_made(self, sealed: Console) -> None:
        """Nor does it touch the one of the ledger that is there."""
        key = (sealed.folder / "sales.ledger.seal-key").read_bytes()
        assert "exists already" in sealed.no("init")
        assert (sealed.folder / "sales.ledger.seal-key").read_bytes() == key
        sealed.no("init -f nowhere/x.ledger")
        (sealed.folder / "other.ledger.seal-key").write_text("spoilt")
        assert sealed.no("init -f other.ledger").endswith("No ledger was made.")
        assert not (sealed.folder / "other.ledger").exists()


class TestVerify:
    """What a person sees."""

    def test_names_what_was_changed_and_ends_with_1(self, sealed: Console) -> None:
        """Which entries, and what to do."""
        with unguarded(sealed.ledger) as connection:
            connection.execute(
                "UPDATE stored_events SET state = CAST(replace(state, 'Acme', 'Evil') AS BLOB) WHERE entry = 4"
            )
        done = sealed("verify")
        assert done.code == 1
        assert "FOUND: The seal at size 4 doesn't fit the log: entry 4 was changed" in done.out
        assert "Restore the ledger from a backup" in done.out
        findings = verdict(sealed)["findings"]
        assert isinstance(findings, list)
        assert set(findings[0]) == {"rule", "problem", "remedy", "first_entry", "last_entry"}

    def test_finds_an_old_copy_by_a_checkpoint_from_outside(self, sealed: Console) -> None:
        """Which nothing in the file itself can show."""
        old = sealed.ledger.read_bytes()
        sealed.ok("lead capture Beta --on 2026-03-02")
        sealed.ok("seal -o outside.txt")
        assert "Of 1 checkpoint from outside, 1 fitted." in sealed.ok("verify --against outside.txt")
        sealed.ledger.write_bytes(old)
        assert sealed("verify").code == 0
        done = sealed("verify --against outside.txt")
        assert done.code == 1
        assert "put back to an older copy" in done.out

    def test_takes_the_public_key_as_text_or_from_a_file(self, sealed: Console) -> None:
        """And then doesn't say that it comes from the ledger."""
        key = str(verdict(sealed)["public_key"])
        (sealed.folder / "key.txt").write_text(f"{key}\n")
        for given in (key, "key.txt"):
            assert "from the ledger itself" not in sealed.ok(f"verify --public-key {given}")

    def test_changes_nothing(self, sealed: Console) -> None:
        """Neither the ledger nor what lies beside it."""
        with unchanged(sealed):
            sealed.ok("verify")

    def test_draws_its_progress_on_a_terminal_only(self, sealed: Console) -> None:
        """Standard error stays empty."""
        assert sealed("verify").err == ""

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("verify --against gone.txt", "can't be read: No such file or directory"),
            ("verify --public-key gone.txt", "'gone.txt' is neither a public key"),
            ("verify-proof gone.json", "can't be read: No such file or directory"),
        ],
    )
    def test_says_which_file_is_not_there(self, line: str, words: str, sealed: Console) -> None:
        """With exit code 2."""
        assert words in sealed.no(line, code=2)


class TestProofs:
    """Proofs need no ledger."""

    def test_are_checked_in_an_empty_folder(self, sealed: Console, tmp_path_factory: pytest.TempPathFactory) -> None:
        """The file is enough."""
        sealed.ok("prove 4 -o proof.json")
        elsewhere = Console(tmp_path_factory.mktemp("elsewhere"))
        (elsewhere.folder / "proof.json").write_bytes((sealed.folder / "proof.json").read_bytes())
        said = elsewhere.ok("verify-proof proof.json")
        assert said.startswith("Proved: entry 4 of salesledger/")
        assert '"company":"Acme"' in said
        assert [file.name for file in elsewhere.folder.iterdir()] == ["proof.json"]

    def test_that_fail_end_with_1(self, sealed: Console) -> None:
        """And print nothing that could be taken for proved."""
        proof = json.loads(sealed.ok("prove 4"))
        proof["inclusion"]["entry"] = 3
        assert "The proof fails" in sealed.no(["verify-proof", "-"], stdin=json.dumps(proof), code=1)

    def test_show_what_comes_from_outside_with_its_escapes(self, sealed: Console) -> None:
        """A terminal is not steered by a proof."""
        with closing(sqlite3.connect(sealed.ledger)) as connection, connection:
            connection.execute(
                "INSERT INTO stored_events SELECT 5, 'deal:' || char(27) || '[31m', 1, topic, state, recorded_at, NULL "
                "FROM stored_events WHERE entry = 4"
            )
        sealed.ok("seal")
        sealed.ok("prove 5 -o proof.json")
        assert "\x1b" not in sealed.ok("verify-proof proof.json")

    def test_of_a_struck_entry_are_made_with_a_note(self, sealed: Console) -> None:
        """Which void, when and why, on standard error; an entry that was restored stands again."""
        assert sealed("prove 4").err == ""
        sealed.ok("void 4 --reason 'entered twice'")
        assert "entry 4 no longer stands: struck out by entry 5, recorded " in sealed("prove 4").err
        assert "(entered twice)" in sealed("prove 4 -o proof.json").err
        assert "not that it still stands" in sealed.ok("verify-proof proof.json")
        assert sealed("prove 5").err == ""
        sealed.ok("void 5 --reason 'it was not'")
        assert sealed("prove 4").err == ""
        assert "entry 5 no longer stands: struck out by entry 6" in sealed("prove 5").err
