"""What is kept of open deals makes questions about them faster, and shows in no answer."""

from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest

from salesledger.domain.decide import Command, Correct, Void
from salesledger.domain.events import Event
from salesledger.readmodel import kept
from salesledger.readmodel import mirror as mirror_module
from salesledger.readmodel.catalogue import load
from salesledger.readmodel.engine import Answer, Engine, Question
from salesledger.readmodel.kept import is_due
from support.happenings import at, captured, contacted, lost, reopened
from support.ledgers import new_ledger, write

LOST = 7
"""The entry by which the first deal is lost."""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger of 23 entries, 20 of them in a big segment, for which a file is kept: five deals, of which two are lost."""
    monkeypatch.setattr(mirror_module, "BIG", 20)
    monkeypatch.setattr(mirror_module, "SMALL", 5)
    deals: list[tuple[str, list[Command | Event]]] = [
        (
            f"deal:d{n}",
            [
                captured(1 + n, amount="10"),
                contacted(2 + n),
                contacted(3 + n),
                lost(4 + n) if n < 2 else contacted(4 + n),
            ],
        )
        for n in range(5)
    ]
    path = write(new_ledger(tmp_path / "sales.ledger"), *deals)
    ask(path, Question())
    assert len(files(path)) == 1
    return path


def files(path: Path) -> list[Path]:
    """What is kept."""
    return list(path.with_name(f"{path.name}.mirror").rglob("open-*"))


def ask(path: Path, question: Question) -> Answer:
    """The pipeline, which must be the same without what is kept."""
    with Engine.open(path) as engine:
        answer = engine.answer("pipeline", question)
        with patch.object(kept, "fitting", return_value=None):
            assert engine.answer("pipeline", question) == answer
    return answer


def open_deals(path: Path, question: Question) -> int:
    """How many there are."""
    return sum(row["deals"] for row in ask(path, question).dicts())


def file_for(path: Path, question: Question, name: str = "pipeline") -> kept.Kept | None:
    """What is kept that a question is answered from."""
    with Engine.open(path) as engine, patch.object(kept, "reading", wraps=kept.reading) as read:
        engine.answer(name, question)
    return read.call_args.args[0] if read.called else None


def test_the_pipeline_of_any_date_is_read_from_it(path: Path) -> None:
    """The deals that were open then, also those that were lost later."""
    assert [open_deals(path, Question(as_of=at(day))) for day in (0.5, 3.5, 4.5, 20)] == [0, 3, 3, 3]
    assert file_for(path, Question(as_of=at(3.5))) == kept.newest(
        files(path)[0].parent, kept.mark_of(load()), lambda _: files(path)[0].stem[-8:]
    )


@pytest.mark.parametrize(
    "late",
    [
        Void(LOST, "typed wrongly", "kim"),
        Correct(LOST, "later", lost(9)),
        reopened(10),
        contacted(3.5),
    ],
    ids=["void", "correction", "reopened", "late news"],
)
def test_what_comes_later_may_concern_a_settled_deal(path: Path, late: Command | Event) -> None:
    """Its entries are all read again where it may be open after all."""
    write(path, ("deal:d0", [late]))
    for day in (3, 4.5, 6, 11, 40):
        ask(path, Question(as_of=at(day)))
    assert file_for(path, Question(as_of=at(6))) is not None


def test_what_was_known_earlier_is_read_from_the_mirror(path: Path) -> None:
    """And so is what an earlier entry of the log saw."""
    assert file_for(path, Question(as_of=at(3), known_at=at(3))) is None
    assert file_for(path, Question(as_of=at(3), upto=15)) is None
    assert file_for(path, Question(as_of=at(3), upto=21)) is not None
    assert open_deals(path, Question(as_of=at(20), upto=15)) == 1


@pytest.mark.parametrize("name", ["deals", "blocked", "bookings", "stage_visits"])
def test_other_questions_are_read_from_the_mirror(path: Path, name: str) -> None:
    """Only the deals that are open then, and nothing else of them, can be told from what is kept."""
    assert file_for(path, Question(as_of=at(20)), name) is None


def test_it_may_be_deleted_or_broken(path: Path) -> None:
    """The answer stays, and it is written anew: where it can't be read, with the whole mirror."""
    before = ask(path, Question(as_of=at(3.5)))
    files(path)[0].write_bytes(b"rubbish")
    assert ask(path, Question(as_of=at(3.5))) == before
    (anew,) = files(path)
    anew.unlink()
    assert ask(path, Question(as_of=at(3.5))) == before
    assert files(path) == [anew]


def test_it_is_not_written_where_there_is_no_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is read from the mirror, and nothing is tried in vain."""
    files(path)[0].unlink()
    monkeypatch.setattr(kept, "_SORTED_BYTES", 10**15)
    assert open_deals(path, Question(as_of=at(20))) == 3
    assert files(path) == []


def test_it_is_written_when_the_log_has_doubled() -> None:
    """Each entry is sorted a few times at most, however long the log grows."""
    assert not is_due(None, 0)
    assert is_due(None, 100)
    one = kept.Kept(Path("one"), 100, 0)
    assert [is_due(one, upto) for upto in (100, 150, 200)] == [False, False, True]


def test_a_folder_of_ones_own_projections_keeps_nothing(path: Path) -> None:
    """Whoever folds deals in another way is answered from the mirror."""
    folder = path.with_name("projections")
    folder.mkdir()
    (shipped,) = Path(__file__).parents[2].glob("projections/deal_changes.sql")
    (folder / "deal_changes.sql").write_text(shipped.read_text())
    assert file_for(path, Question(as_of=datetime(2026, 1, 9, tzinfo=UTC))) is None
