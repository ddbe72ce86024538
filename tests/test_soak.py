"""Writers and readers at once, shortly, on either kind of ledger: nothing missed, doubled or stale."""

from pathlib import Path

import pytest
from benchmarks.soak import soak

from salesledger.readmodel.reader import to_path
from support.postgres import drop, new_schema


@pytest.mark.parametrize("kind", ["file", "server"])
def test_nothing_is_missed_doubled_or_stale(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was acknowledged is in every answer to a question that was asked afterwards."""
    monkeypatch.setenv("SALESLEDGER_MIRROR", str(tmp_path))
    url = str(tmp_path / "sales.ledger") if kind == "file" else new_schema()
    try:
        seen = soak(to_path(url), writers=2, readers=2, seconds=2)
    finally:
        if kind == "server":
            drop(url)
    assert seen["commands"] > 0
    assert seen["answers"] > 0
    assert (seen["lost"], seen["doubled"]) == (0, 0)
    assert not any(seen["answers_wrong"].values())
