"""What an idempotency key promises on every back end: the same wish is done once, another one is refused."""

from typing import Any

import pytest
from eventsourcing.persistence import IntegrityError

from ledger.contract import FIRST, Backend
from ledger.store_contract import WithStores, contents
from salesledger.domain.decide import Record
from salesledger.domain.timeline import Recorded
from salesledger.errors import KeyReused
from salesledger.ledger.batch import Proposal
from salesledger.ledger.store import Store
from support.happenings import captured, contacted, meeting, touched, won
from support.ledgers import propose, record
from support.story import correct, void


class KeyContract(WithStores):
    """Commands with a key."""

    def test_the_same_key_with_the_same_content_is_done_once(self, backend: Backend, store: Store) -> None:
        """The second time it is already done, and says which entry it is."""
        first = propose(store, "deal:a", captured(1), key="k-1")
        again = propose(store, "deal:a", captured(1), key="k-1")
        assert (first.already, again.already) == (False, True)
        assert again.recorded == first.recorded
        assert len(contents(backend)) == 1

    def test_what_the_ledger_filled_in_is_not_other_content(self, store: Store) -> None:
        """Stage, process, owner and price that the wish left open."""
        propose(store, "deal:a", captured(1, amount="5"), key="k-1")
        propose(store, "deal:a", meeting(2), key="k-2")
        propose(store, "deal:a", won(3), key="k-3")
        for wish, key in ((captured(1, amount="5.00"), "k-1"), (meeting(2), "k-2"), (won(3), "k-3")):
            assert propose(store, "deal:a", wish, key=key).already

    def test_who_repeats_it_and_when_it_defaulted_to_is_not_content(self, store: Store) -> None:
        """A date counts only where it was given."""
        propose(store, "deal:a", captured(1), key="k-1")
        assert propose(store, "deal:a", captured(1, recorded_by="lee"), key="k-1").already
        assert propose(store, "deal:a", captured(9), key="k-1", dated=False).already

    @pytest.mark.parametrize(
        ("stream", "wish", "what"),
        [
            ("deal:a", captured(1, source="event"), "source"),
            ("deal:a", captured(1, company="B"), "company"),
            ("deal:a", captured(1, amount="5"), "amount"),
            ("deal:a", captured(2), "effective_at"),
            ("deal:a", captured(1, known_at=2), "known_at"),
            ("deal:b", captured(1), "whom it is about"),
            ("deal:a", touched(1), "its type"),
            ("deal:a", void(FIRST), "its type"),
        ],
    )
    def test_the_same_key_with_other_content_is_refused(
        self, backend: Backend, store: Store, stream: str, wish: Any, what: str
    ) -> None:
        """With what differs, and nothing recorded."""
        propose(store, "deal:a", captured(1), key="k-1")
        with pytest.raises(KeyReused, match=f"The key 'k-1' was used for entry {FIRST} .*which differs in {what}"):
            propose(store, stream, wish, key="k-1")
        assert len(contents(backend)) == 1

    def test_a_void_and_a_correction_are_done_once_too(self, backend: Backend, store: Store) -> None:
        """The same wish under the same key."""
        record(store, "deal:a", captured(1), contacted(2), contacted(3))
        for wish in (void(5), correct(6, contacted(3, channel="mail"))):
            first = propose(store, "deal:a", wish, key=f"k-{wish.entry}")
            again = propose(store, "deal:a", wish, key=f"k-{wish.entry}")
            assert again.already
            assert again.recorded == first.recorded
        assert [topic for *_, topic in contents(backend)][3:] == ["event-voided", "event-voided", "lead-contacted"]

    @pytest.mark.parametrize(
        "wish",
        [
            void(5, "another reason"),
            void(6),
            correct(5, contacted(2)),
            contacted(2),
        ],
    )
    def test_the_key_of_a_void_stands_for_that_void_only(self, backend: Backend, store: Store, wish: Any) -> None:
        """Not for another entry, another reason, a correction or an event."""
        record(store, "deal:a", captured(1), contacted(2), contacted(3))
        propose(store, "deal:a", void(5), key="k-1")
        before = backend.log()
        with pytest.raises(KeyReused):
            propose(store, "deal:a", wish, key="k-1")
        assert backend.log() == before

    @pytest.mark.parametrize(
        "wish",
        [
            correct(5, contacted(2, channel="letter")),
            correct(5, contacted(1.5, channel="mail")),
            correct(5, meeting(2)),
            correct(5, contacted(2, channel="mail"), "another reason"),
            void(5),
        ],
    )
    def test_the_key_of_a_correction_stands_for_its_replacement_too(
        self, backend: Backend, store: Store, wish: Any
    ) -> None:
        """Another replacement under the same key would be lost."""
        record(store, "deal:a", captured(1), contacted(2))
        propose(store, "deal:a", correct(5, contacted(2, channel="mail")), key="k-1")
        before = backend.log()
        with pytest.raises(KeyReused):
            propose(store, "deal:a", wish, key="k-1")
        assert backend.log() == before

    def test_a_key_stands_for_one_thing_in_an_append(self, backend: Backend, store: Store) -> None:
        """Two wishes under one key are refused."""
        group = [Proposal("deal:a", Record(captured(1)), "k"), Proposal("deal:b", Record(captured(1)), "k")]
        with pytest.raises(KeyReused, match="occurs twice"):
            store.record([group])
        assert contents(backend) == []

    def test_the_same_wish_twice_in_an_append_is_done_once(self, backend: Backend, store: Store) -> None:
        """Under one key."""
        wish = Proposal("deal:a", Record(captured(1)), "k")
        outcomes = store.record([[wish], [wish]])
        assert [[o.already for o in group] for group in outcomes] == [[False], [True]]
        assert outcomes[0][0].recorded == outcomes[1][0].recorded
        assert contents(backend) == [("deal:a", 1, "lead-captured")]

    def test_the_key_of_a_group_that_was_refused_is_free(self, store: Store) -> None:
        """It stands for nothing."""
        refused = [Proposal("deal:a", Record(captured(1)), "k"), Proposal("deal:a", Record(captured(1)), None)]
        outcomes = store.record([refused, [Proposal("deal:b", Record(captured(1)), "k")]], on_refused=lambda *_: None)
        assert [[o.stream for o in group] for group in outcomes] == [[], ["deal:b"]]

    def test_a_lost_reply_is_not_recorded_twice(self, backend: Backend, store: Store) -> None:
        """The database committed and the answer never came: the key finds what was done."""
        append = store.app.append

        def cut_off(pending: Any) -> list[Recorded]:
            append(pending)
            store.app.append = append  # type: ignore[method-assign]
            raise IntegrityError("the reply was lost")

        store.app.append = cut_off  # type: ignore[method-assign]
        assert propose(store, "deal:a", captured(1), key="k-1").already
        assert contents(backend) == [("deal:a", 1, "lead-captured")]
