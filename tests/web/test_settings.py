"""What a server is started with, and what it does in time."""

from pathlib import Path

import pytest

from salesledger.errors import BadFile, UsageError
from salesledger.web.roles import Right, read_tokens
from salesledger.web.settings import Settings
from web.conftest import Serving

SECRET = "a-secret-of-32-characters-or-so-1"


def test_a_question_that_never_ends_is_stopped(serve: Serving) -> None:
    """After its time, and the next one is answered."""
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE (a.range * b.range) % 7 = 3"
    with serve(seconds=0.5) as client:
        answer = client.get("/api/commands/query", params={"sql": endless})
        assert answer.status_code == 409
        assert "took longer than 0.5 s" in answer.json()["error"]
        assert client.get("/api/projections").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org"])
def test_a_server_that_others_reach_needs_tokens(path: Path, host: str) -> None:
    """Without any it doesn't start."""
    with pytest.raises(UsageError, match="need a token"):
        Settings(path, host=host).check()


def test_tokens_are_read_from_a_private_file(tmp_path: Path) -> None:
    """A line each, with roles and perhaps an actor."""
    file = tmp_path / "tokens"
    file.write_text(f"# who may come in\nreader {SECRET}\nrecorder,auditor {SECRET}x ann\n")
    file.chmod(0o600)
    reader, both = read_tokens(file)
    assert (reader.visitor.rights, reader.visitor.actor) == (frozenset({Right.LOOK}), None)
    assert (both.visitor.rights, both.visitor.actor) == (frozenset(Right), "ann")


def test_tokens_that_others_may_read_or_guess_are_refused(tmp_path: Path) -> None:
    """With the remedy."""
    file = tmp_path / "tokens"
    file.write_text(f"reader {SECRET}\n")
    file.chmod(0o644)
    with pytest.raises(BadFile, match="may be read by others"):
        read_tokens(file)
    file.chmod(0o600)
    for text, why in (
        ("reader short\n", "could be guessed"),
        (f"king {SECRET}\n", "not a role"),
        ("reader\n", "is not 'ROLE TOKEN'"),
    ):
        file.write_text(text)
        with pytest.raises(BadFile, match=why):
            read_tokens(file)
