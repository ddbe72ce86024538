"""Proofs that stand alone: what they show, and that no changed one shows anything."""

import copy
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from faults.tamper import sealed_ledger, unguarded
from salesledger import Ledger
from salesledger.errors import BadFile, BadValue, NoSeal, NotProved
from salesledger.ledger import seal_key
from salesledger.ledger.checkpoint import PrivateKey
from salesledger.ledger.proof import check, prove, sentences
from salesledger.ledger.seal import seal
from salesledger.ledger.sealing import seal_again, seal_now
from support.ledgers import rows

TRUST = Path(__file__).parents[2] / "docs" / "trust.md"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed ledger of 300 entries."""
    return sealed_ledger(tmp_path_factory.mktemp("proofs") / "sales.ledger", (20, 256, 300))


@pytest.fixture(scope="module")
def early(path: Path) -> str:
    """A checkpoint of it from when it had 256."""
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT note FROM seal_checkpoints WHERE size = 256").fetchone()[0])


@pytest.fixture
def growing(path: Path, tmp_path: Path) -> Path:
    """A copy of the ledger, with its key."""
    for ending in ("", ".seal-key"):
        (tmp_path / f"copy{ending}").write_bytes(Path(f"{path}{ending}").read_bytes())
    return tmp_path / "copy"


@pytest.mark.parametrize("entry", [1, 2, 5, 255, 256, 257, 300])
def test_an_entry_is_shown_to_be_sealed(entry: int, path: Path) -> None:
    """Its fields as they are stored, under the signed checkpoint."""
    shown = check(prove(path, entry))
    stored = rows(path)[entry - 1]
    names = ("originator_id", "originator_version", "topic", "state", "recorded_at", "key")
    told = [shown.stored[name] for name in names]
    assert told == [value.decode() if isinstance(value, bytes) else value for value in stored[1:]]
    assert (shown.entry, shown.size, shown.since, shown.key_from) == (entry, 300, None, "proof")


def test_a_growth_is_shown(path: Path, early: str) -> None:
    """Alone, or together with an entry; the old checkpoint is what the proof is about, too."""
    shown = check(prove(path, None, since=early), against=early)
    assert (shown.entry, shown.since, shown.size, shown.against) == (None, 256, 300, True)
    assert check(prove(path, 3, since=early)).entry == 3


def test_it_is_said_in_plain_words(path: Path, early: str) -> None:
    """What, of which ledger, signed by whom."""
    key = seal_key.read(seal_key.place_of(path))
    assert key is not None
    said = "\n".join(sentences(check(prove(path, 9, since=early), public_keys=[str(key.public)], against=early)))
    for words in ("Proved: entry 9 of salesledger/", "with 300 entries", "event 9 of deal:d9", '"n":9',
                  "begin with the 256 entries", "The checkpoint that you gave", f"Signed by {key.public}."):  # fmt: skip
        assert words in said
    assert "--public-key" not in said
    assert "--public-key" in "\n".join(sentences(check(prove(path, 9))))


def changes(value: Any) -> Iterator[Any]:
    """Everything that a value of a proof could be instead."""
    if isinstance(value, str):
        yield value[:-1] + ("A" if value[-1:] != "A" else "B")
        yield ""
    elif isinstance(value, int):
        yield from (value + 1, value - 1, True, 2**70, None, "x")
    elif isinstance(value, list):
        yield from ([], value[1:], [*value, "A" * 43 + "="], None)
    elif value is None:
        yield from ("", 0)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a proof."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))
    yield path


def test_no_changed_proof_shows_anything(path: Path, early: str) -> None:
    """Whatever part of it is changed or left out; only the remaining half of two may still stand by itself."""
    key = seal_key.read(seal_key.place_of(path))
    assert key is not None
    proof, tried = prove(path, 9, since=early), 0
    for *way, last in filter(None, places(proof)):
        inner: Any = proof
        for step in way:
            inner = inner[step]
        for changed in changes(inner[last]):
            if changed == inner[last] and type(changed) is type(inner[last]):
                continue
            spoilt = copy.deepcopy(proof)
            target: Any = spoilt
            for step in way:
                target = target[step]
            target[last] = changed
            if (*way, last)[0] == "public_keys":
                with pytest.raises((NotProved, BadFile)):
                    check(spoilt)
                continue
            with pytest.raises((NotProved, BadFile)):
                check(spoilt, public_keys=[str(key.public)])
            tried += 1
    assert tried > 50


@pytest.mark.parametrize(
    "text", [None, [], "proof", 3, {}, {"format": "salesledger-proof/2"}, {"format": "salesledger-proof/1"}]
)
def test_what_is_no_proof_is_told_so(text: Any) -> None:
    """Whatever JSON it is."""
    with pytest.raises(BadFile):
        check(text)


def test_a_proof_that_shows_nothing_is_none(path: Path) -> None:
    """A signed checkpoint alone proves neither an entry nor a growth."""
    proof = prove(path, 1)
    del proof["inclusion"]
    with pytest.raises(BadFile, match="shows neither an entry nor a growth"):
        check(proof)


def test_the_key_that_is_given_must_have_signed(path: Path) -> None:
    """What the proof itself names doesn't count then."""
    stranger = PrivateKey("salesledger/7", bytes(32))
    with pytest.raises(NotProved, match="isn't signed by the key that it should be"):
        check(prove(path, 1), public_keys=[str(stranger.public)])


def test_the_checkpoint_that_is_given_must_be_what_it_is_about(path: Path, early: str, growing: Path) -> None:
    """Of the same size with another root, there are two histories; of another size, the proof says nothing."""
    with pytest.raises(NotProved, match="says nothing about the checkpoint"):
        check(prove(path, 1), against=early)
    key = seal_key.read(seal_key.place_of(growing))
    assert key is not None
    with unguarded(growing) as connection:
        connection.execute("DELETE FROM seal_checkpoints")
        connection.execute("DELETE FROM seal_blocks")
        connection.execute("UPDATE stored_events SET recorded_at = recorded_at + 1 WHERE entry = 300")
    with pytest.raises(NotProved, match="two histories"):
        check(prove(path, 1), against=seal(growing, key).note)


def test_what_is_not_sealed_cannot_be_proved(growing: Path) -> None:
    """Nor what isn't there, nor nothing at all."""
    with Ledger.open(growing, actor="kim") as ledger:
        ledger.record("lead-captured", company="Acme")
        with pytest.raises(NoSeal, match="Entry 301 is not sealed yet: the last seal covers 300 entries"):
            ledger.prove(301)
        with pytest.raises(NotProved, match="has no entry 302"):
            ledger.prove(302)
        with pytest.raises(BadValue, match="needs an entry, or a checkpoint"):
            ledger.prove()
        seal_again(growing)
        assert check(ledger.prove(301)).size == 301


def test_a_ledger_that_did_not_grow_out_of_a_checkpoint_says_so(path: Path, growing: Path, tmp_path: Path) -> None:
    """It is older, or another."""
    with Ledger.open(growing, actor="kim") as ledger:
        ledger.record("lead-captured", company="Acme")
    later = seal_again(growing)
    assert later is not None
    with pytest.raises(NotProved, match="covers 301 entries, the ledger's last seal only 300"):
        prove(path, None, since=later.note)
    other = sealed_ledger(tmp_path / "other.ledger", (300,))
    with pytest.raises(NotProved, match="did not grow out of that checkpoint"):
        prove(other, None, since=prove(path, 1)["checkpoint"])


def test_a_growth_over_a_change_of_keys_names_both(growing: Path) -> None:
    """Each checkpoint is signed by the key of its time."""
    before = prove(growing, 1)["checkpoint"]
    seal_now(growing, recorded_by="kim", new_key=True)
    proof = prove(growing, 301, since=before)
    assert len(proof["public_keys"]) == 2
    assert check(proof).since == 300


def test_a_log_that_its_seal_does_not_fit_proves_nothing(growing: Path) -> None:
    """Rather than a proof that fails, it says to verify."""
    with unguarded(growing) as connection:
        connection.execute("UPDATE stored_events SET recorded_at = recorded_at + 1 WHERE entry = 299")
    with pytest.raises(NotProved, match="The log is not what its last seal covers"):
        prove(growing, 1)


def test_it_can_be_checked_without_salesledger(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program in docs/trust.md accepts a proof, and no changed one."""
    (program,) = re.findall(r"```python\n(.*?)```", TRUST.read_text(encoding="utf-8"), re.DOTALL)
    assert "salesledger" not in program
    monkeypatch.chdir(tmp_path)
    proof = prove(path, 258)
    Path("proof.json").write_text(json.dumps(proof))
    exec(compile(program, "trust.md", "exec"), {})
    assert capsys.readouterr().out.startswith(f"entry 258 of {check(proof).origin} is ")
    proof["inclusion"]["recorded_at"] += 1
    Path("proof.json").write_text(json.dumps(proof))
    with pytest.raises(AssertionError):
        exec(compile(program, "trust.md", "exec"), {})
