"""What every back end of the log promises; a back end subclasses these and says how it is reached."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import timedelta

import pytest
from eventsourcing.persistence import IntegrityError

from salesledger.domain.clocks import to_micros
from salesledger.domain.events import Event
from salesledger.ledger.mapper import KeyedEvent, LedgerMapper, Pending
from salesledger.ledger.recorder import LedgerRecorder
from salesledger.ledger.store import Store
from support.happenings import at, contacted
from support.ledgers import Clock, clock

FIRST = 4
"""The entry that follows the beginning of a ledger: its opening, its process and its currency."""


LATER = 9_000_000_000_000_000
"""A stamp behind all others."""


class Backend(ABC):
    """A place that holds one ledger."""

    @abstractmethod
    def store(self) -> Store:
        """One more program that has the ledger open."""

    @abstractmethod
    def execute(self, statement: str) -> None:
        """Run SQL as somebody who goes round the ledger; it raises what the database raises."""

    @abstractmethod
    def log(self) -> list[tuple[int, str, int, str, bytes, int, str | None]]:
        """Entry, stream, version, topic, state, recorded_at in microseconds and key of every entry, in order."""


def stored(stream: str, version: int, event: Event | None = None, key: str | None = None) -> KeyedEvent:
    """An event as the recorder takes it."""
    return LedgerMapper().to_stored_event(Pending(stream, version, event or contacted(version), key))


class RecorderContract:
    """The log itself, under the rules of the domain."""

    @pytest.fixture
    def backend(self) -> Backend:
        """A fresh ledger in euros."""
        raise NotImplementedError

    @pytest.fixture
    def time(self) -> Iterator[Clock]:
        """A clock that stands at the tenth of January until it is moved."""
        with clock(at(10)) as told:
            yield told

    @pytest.fixture
    def recorder(self, backend: Backend, time: Clock) -> Iterator[LedgerRecorder]:
        """A recorder of the ledger."""
        with backend.store() as store:
            yield store.app.recorder

    def test_an_append_gives_contiguous_entries(self, backend: Backend, recorder: LedgerRecorder) -> None:
        """In the order given, behind all others."""
        assert recorder.append([stored("deal:a", 1), stored("deal:b", 1), stored("deal:a", 2)])[0] == FIRST
        assert recorder.append([stored("deal:a", 3)])[0] == FIRST + 3
        added = [row[:3] for row in backend.log()[FIRST - 1 :]]
        assert added == [(4, "deal:a", 1), (5, "deal:b", 1), (6, "deal:a", 2), (7, "deal:a", 3)]
        assert recorder.max_notification_id() == 7

    def test_the_librarys_own_way_in_appends_too(self, recorder: LedgerRecorder) -> None:
        """`insert_events` says which entries it made."""
        assert list(recorder.insert_events([stored("deal:a", 1), stored("deal:a", 2)]) or ()) == [FIRST, FIRST + 1]

    def test_what_is_read_is_what_was_written(self, recorder: LedgerRecorder) -> None:
        """Stream, version, topic, bytes, key and stamp."""
        event = stored("deal:a", 1, contacted(1, channel="ü\x1b[31m'\""), key="k-1")
        recorder.append([event])
        (found,) = recorder.select_events("deal:a")
        assert (found.originator_id, found.originator_version, found.topic) == ("deal:a", 1, "lead-contacted/1")
        assert bytes(found.state) == event.state
        assert (found.id, found.key, found.recorded_at) == (FIRST, "k-1", to_micros(at(10)))
        assert recorder.select_entry(FIRST) == recorder.select_keyed("k-1") == found

    def test_a_version_is_written_once(self, backend: Backend, recorder: LedgerRecorder) -> None:
        """The second writer learns that it was overtaken; nothing of its append stays."""
        recorder.append([stored("deal:a", 1)])
        before = backend.log()
        with backend.store() as other, pytest.raises(IntegrityError):
            other.app.recorder.append([stored("deal:b", 1), stored("deal:a", 1, contacted(9))])
        assert backend.log() == before

    def test_a_key_is_used_once(self, backend: Backend, recorder: LedgerRecorder) -> None:
        """Checked in the transaction of the append, whichever stream it is about; nothing of the append stays."""
        recorder.append([stored("deal:a", 1, key="k-1")])
        before = backend.log()
        for again in (
            [stored("deal:b", 1), stored("deal:c", 1, key="k-1")],
            [stored("deal:b", 1, key="x"), stored("deal:b", 2, key="x")],
        ):
            with pytest.raises(IntegrityError):
                recorder.append(again)
        assert backend.log() == before
        assert recorder.select_keyed("x") is None

    def test_events_without_a_key_do_not_collide(self, recorder: LedgerRecorder) -> None:
        """No key is not a key."""
        recorder.append([stored("deal:a", 1), stored("deal:a", 2)])
        assert [found.key for found in recorder.select_events("deal:a")] == [None, None]

    def test_an_append_has_one_stamp(self, backend: Backend, recorder: LedgerRecorder) -> None:
        """The moment of the write."""
        recorder.append([stored("deal:a", version) for version in range(1, 50)])
        assert {row[5] for row in backend.log()[FIRST - 1 :]} == {to_micros(at(10))}

    def test_the_stamp_never_decreases(self, backend: Backend, recorder: LedgerRecorder, time: Clock) -> None:
        """Also where the clock steps back, and whoever wrote before."""
        steps = [at(10), at(8), at(8) + timedelta(microseconds=1), at(-500), at(11)]
        with backend.store() as other:
            for version, now in enumerate(steps, start=1):
                time.now = now
                (recorder if version % 2 else other.app.recorder).append([stored("deal:a", version)])
        assert [row[5] for row in backend.log()[FIRST - 1 :]] == [to_micros(at(10))] * 4 + [to_micros(at(11))]

    def test_a_stream_is_read_in_order(self, recorder: LedgerRecorder) -> None:
        """Or a part of it, or from its end."""
        recorder.append([stored(stream, version) for version in range(1, 6) for stream in ("deal:a", "deal:aa")])

        def versions(**part: int | bool | None) -> list[int]:
            return [found.originator_version for found in recorder.select_events("deal:a", **part)]  # type: ignore[arg-type]

        assert versions() == [1, 2, 3, 4, 5]
        assert versions(gt=2) == [3, 4, 5]
        assert versions(lte=2) == [1, 2]
        assert versions(gt=1, lte=4, desc=True) == [4, 3, 2]
        assert versions(desc=True, limit=1) == [5]
        assert recorder.select_events("deal:") == []

    def test_many_streams_are_read_at_once(self, recorder: LedgerRecorder) -> None:
        """Each in its order, however many are asked for and whether they are there or not."""
        recorder.append([stored(stream, version) for version in (1, 2) for stream in ("deal:b", "deal:a", "deal:c")])
        asked = ["deal:b", "deal:a", "deal:nobody", *(f"deal:{n}" for n in range(50_000))]
        found = [(logged.originator_id, logged.originator_version) for logged in recorder.select_many(asked)]
        assert found == [("deal:a", 1), ("deal:a", 2), ("deal:b", 1), ("deal:b", 2)]

    def test_who_holds_the_lock_is_not_overtaken(
        self, backend: Backend, recorder: LedgerRecorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """From before it reads until its append is committed, all at once, or none of it."""
        monkeypatch.setenv("SALESLEDGER_LOCK_SECONDS", "0.05")
        with backend.store() as other:
            with recorder.exclusively():
                assert recorder.append([stored("deal:a", 1)])[0] == FIRST
                with pytest.raises(Exception, match="locked"):
                    other.app.recorder.append([stored("deal:a", 1)])
                assert other.app.recorder.select_events("deal:a") == []
            assert len(other.app.recorder.select_events("deal:a")) == 1

            def half() -> None:
                with recorder.exclusively():
                    recorder.append([stored("deal:b", 1)])
                    recorder.append([stored("deal:a", 1)])

            with pytest.raises(IntegrityError):
                half()
            assert other.app.recorder.append([stored("deal:b", 1)])[0] == FIRST + 1

    def test_the_whole_log_is_read_in_order(self, recorder: LedgerRecorder) -> None:
        """From an entry, up to one, so many, of some topics."""
        recorder.append([stored("deal:a", version) for version in range(1, 6)])
        assert [n.id for n in recorder.select_notifications(None, 100)] == [1, 2, 3, 4, 5, 6, 7, 8]
        assert [n.id for n in recorder.select_notifications(3, 2)] == [3, 4]
        assert [n.id for n in recorder.select_notifications(3, 100, stop=5)] == [3, 4, 5]
        assert [n.id for n in recorder.select_notifications(3, 2, inclusive_of_start=False)] == [4, 5]
        topics = ["ledger-opened/1", "currency-set/1"]
        assert [n.topic for n in recorder.select_notifications(1, 100, topics=topics)] == topics

    def test_streams_are_listed_in_the_order_of_their_beginning(self, recorder: LedgerRecorder) -> None:
        """From a name up to, but without, another."""
        recorder.append([stored("deal:b", 1), stored("deal:a", 1), stored("deal:b", 2), stored("account:a", 1)])
        assert recorder.select_streams("deal:", "deal;") == ["deal:b", "deal:a"]
        assert recorder.select_streams("deal:", "deal:b") == ["deal:a"]

    def test_what_is_not_there_is_not_found(self, recorder: LedgerRecorder) -> None:
        """No entry, no key, no stream."""
        assert recorder.select_entry(99) is None
        assert recorder.select_keyed("nobody") is None
        assert recorder.select_events("deal:nobody") == []

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE stored_events SET topic = 't' WHERE entry = 1",
            "UPDATE stored_events SET key = 'mine' WHERE entry = 4",
            "UPDATE stored_events SET entry = 99 WHERE entry = 4",
            "DELETE FROM stored_events",
            "DELETE FROM stored_events WHERE entry = 4",
            *(
                f"INSERT INTO stored_events SELECT {entry}, {stream}, {version}, topic, state, {recorded_at}, {key} "
                "FROM stored_events WHERE entry = 1"
                for entry, stream, version, recorded_at, key in [
                    (4, "'deal:x'", 1, LATER, "NULL"),
                    (0, "'deal:x'", 1, LATER, "NULL"),
                    (-7, "'deal:x'", 1, LATER, "NULL"),
                    (99, "'deal:a'", 1, LATER, "NULL"),
                    (99, "'deal:x'", 1, LATER, "'k-1'"),
                    (99, "'deal:x'", 0, LATER, "NULL"),
                    (99, "'deal:x'", 1, 1, "NULL"),
                    (99, "NULL", 1, LATER, "NULL"),
                ]
            ),
        ],
    )
    def test_the_database_itself_refuses_to_change_the_past(
        self, backend: Backend, recorder: LedgerRecorder, statement: str
    ) -> None:
        """No entry is changed, taken away, replaced or put before others, even by somebody who goes round the ledger."""
        recorder.append([stored("deal:a", 1, key="k-1")])
        before = backend.log()
        with pytest.raises(Exception, match=r"append-only|conflict|constraint"):
            backend.execute(statement)
        assert backend.log() == before
        assert recorder.append([stored("deal:a", 2)])[0] == FIRST + 1
