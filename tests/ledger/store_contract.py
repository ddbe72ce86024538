"""What recording promises on every back end: whole, decided on what the log holds, and never lost."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from eventsourcing.persistence import IntegrityError

from ledger.contract import FIRST, Backend
from salesledger.domain.decide import Record
from salesledger.domain.timeline import Recorded
from salesledger.errors import Conflict, KeyReused, NotFound, Refused, SalesledgerError
from salesledger.ledger import store as store_module
from salesledger.ledger.batch import Batch, NewId, Proposal
from salesledger.ledger.store import TRIES, Store
from support.happenings import (
    at,
    captured,
    contacted,
    defined,
    given_lead,
    lost,
    meeting,
    offered,
    opened,
    qualified,
    revised,
    touched,
    won,
)
from support.ledgers import clock, propose, record
from support.story import void


def interleaved(store: Store, between: Callable[[], object]) -> list[int]:
    """Let something happen each time that the store has decided and is about to append; the tries are counted."""
    append, tries = store.app.append, list[int]()

    def late(pending: Any) -> list[Recorded]:
        tries.append(len(tries) + 1)
        between()
        return append(pending)

    store.app.append = late  # type: ignore[method-assign]
    return tries


def contents(backend: Backend) -> list[tuple[str, int, str]]:
    """Stream, version and topic of what was recorded, the ledger's beginning left out."""
    return [(row[1], row[2], row[3].partition("/")[0]) for row in backend.log() if row[0] >= FIRST]


class WithStores:
    """A ledger that two programs have open, at the first of March."""

    @pytest.fixture
    def backend(self) -> Backend:
        """A fresh ledger in euros."""
        raise NotImplementedError

    @pytest.fixture
    def backend_without_currency(self) -> Backend:
        """A fresh ledger whose currency nobody has said."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, backend: Backend) -> Iterator[Store]:
        """A program that has it open."""
        with clock(at(60)), backend.store() as opened_store:
            yield opened_store

    @pytest.fixture
    def other(self, backend: Backend, store: Store) -> Iterator[Store]:
        """Another one."""
        with backend.store() as opened_store:
            yield opened_store


class StoreContract(WithStores):
    """Commands into the log."""

    # -- whole --------------------------------------------------------------------------------------------------------

    def test_one_refusal_ends_the_call_and_nothing_is_recorded(self, backend: Backend, store: Store) -> None:
        """Groups before it neither."""
        groups = [[Proposal("deal:a", Record(captured(1)))], [Proposal("deal:b", Record(won(1)))]]
        with pytest.raises(Refused):
            store.record(groups)
        assert contents(backend) == []

    def test_refused_groups_are_told_and_the_others_recorded(self, backend: Backend, store: Store) -> None:
        """Each group whole or not at all; later ones are judged on the earlier ones that passed."""
        told: list[tuple[int, SalesledgerError]] = []
        groups = [
            [Proposal("deal:a", Record(captured(1))), Proposal("deal:a", Record(qualified(2)))],
            [Proposal("deal:a", Record(lost(3))), Proposal("deal:a", Record(won(3)))],
            [Proposal("deal:a", Record(contacted(4)))],
            [Proposal("deal:a", Record(qualified(5)))],
        ]
        outcomes = store.record(groups, on_refused=lambda i, e: told.append((i, e)))
        assert [(i, type(e)) for i, e in told] == [(1, Refused), (3, Refused)]
        assert [[r.entry for o in group for r in o.recorded] for group in outcomes] == [[4, 5], [], [6], []]
        assert [t for *_, t in contents(backend)] == ["lead-captured", "lead-qualified", "lead-contacted"]

    def test_a_refusal_says_which_group_it_is_about(self, store: Store) -> None:
        """Counted from nought."""
        with pytest.raises(Refused) as refusal:
            store.record([[Proposal("deal:a", Record(captured(1)))], [Proposal("deal:b", Record(won(1)))]])
        assert refusal.value.group == 1

    def test_a_group_can_be_made_from_what_is_there(self, backend: Backend, store: Store, other: Store) -> None:
        """The log and the groups before it; it is made anew where others were faster."""

        def contact_more(batch: Batch) -> list[Proposal]:
            so_far = len(batch.records("deal:a"))
            return [Proposal("deal:a", Record(contacted(2, outcome=f"after {so_far}")))]

        record(store, "deal:a", captured(1))
        tries = interleaved(store, lambda: record(other, "deal:a", contacted(2)) if len(tries) == 1 else None)
        store.record([contact_more, contact_more], streams=["deal:a", "deal:nobody"])
        assert [getattr(r.event, "outcome", None) for r in store.records("deal:a")] == [
            None,
            None,
            "after 2",
            "after 3",
        ]

    def test_a_process_that_is_defined_with_a_lead_is_in_force_for_it(self, store: Store) -> None:
        """In one append."""
        groups = [
            [Proposal("process:art", Record(defined(1)))],
            [Proposal("deal:a", Record(captured(2, process="art")))],
        ]
        outcomes = store.record(groups)
        assert outcomes[1][0].recorded[0].event.stage == "only"  # type: ignore[attr-defined]

    def test_a_dry_run_decides_and_records_nothing(self, backend: Backend, store: Store) -> None:
        """It shows what would be."""
        (group,) = store.record([[Proposal("deal:a", Record(captured(1)))]], dry_run=True)
        assert group[0].recorded[0].event.stage == "lead"  # type: ignore[attr-defined]
        assert contents(backend) == []

    def test_recorded_is_what_is_read(self, store: Store, other: Store) -> None:
        """Entry, version, stamp, key and event."""
        made = propose(store, "deal:a", captured(1), key="k-1").recorded
        assert list(made) == other.records("deal:a")
        assert other.entry(FIRST) == made[0] == other.keyed("k-1")
        assert other.records_of(["deal:b", "deal:a"]) == {"deal:b": [], "deal:a": list(made)}
        assert (other.exists("deal:a"), other.exists("deal:b")) == (True, False)
        assert (made[0].recorded_at, made[0].known_at, made[0].key) == (at(60), at(60), "k-1")

    # -- decided on what the log holds --------------------------------------------------------------------------------

    def test_who_is_overtaken_decides_anew(self, backend: Backend, store: Store, other: Store) -> None:
        """What still fits is recorded behind what came first."""
        record(store, "deal:a", captured(1))
        tries = interleaved(store, lambda: None if len(tries) > 1 else record(other, "deal:a", meeting(2)))
        made = record(store, "deal:a", won(3))
        assert (tries, [r.version for r in made]) == ([1, 2], [3])
        assert [t for *_, t in contents(backend)] == ["lead-captured", "meeting-held", "deal-won"]

    def test_who_is_overtaken_by_what_makes_the_wish_impossible_is_refused(
        self, backend: Backend, store: Store, other: Store
    ) -> None:
        """The rules are judged on what is there by then, never on what was."""
        record(store, "deal:a", captured(1))
        interleaved(store, lambda: record(other, "deal:a", lost(2)) if len(contents(backend)) == 1 else None)
        with pytest.raises(Refused, match="the deal is lost since 2026-01-02"):
            record(store, "deal:a", won(3))
        assert [t for *_, t in contents(backend)] == ["lead-captured", "deal-lost"]

    def test_who_takes_a_name_first_has_it(self, backend: Backend, store: Store, other: Store) -> None:
        """The other one gets a number."""
        wish = Proposal(NewId("deal", "ACME GmbH"), Record(captured(1)))
        interleaved(store, lambda: other.record([[wish]]) if not contents(backend) else None)
        assert store.record([[wish]])[0][0].stream == "deal:acme-gmbh-2"
        assert [s for s, *_ in contents(backend)] == ["deal:acme-gmbh", "deal:acme-gmbh-2"]

    def test_two_who_use_one_key_at_once_record_it_once(self, backend: Backend, store: Store, other: Store) -> None:
        """The loser finds what the winner did, or that the key stands for something else."""
        between: list[Callable[[], object]] = [lambda: propose(other, "deal:a", captured(1), key="k-1")]
        interleaved(store, lambda: between.pop()() if between else None)
        assert propose(store, "deal:a", captured(1), key="k-1").already
        between.append(lambda: propose(other, "deal:b", captured(1), key="k-2"))
        with pytest.raises(KeyReused):
            propose(store, "deal:c", captured(1), key="k-2")
        assert [s for s, *_ in contents(backend)] == ["deal:a", "deal:b"]

    def test_two_who_void_the_same_entry_at_once_strike_it_once(
        self, backend: Backend, store: Store, other: Store
    ) -> None:
        """The second is told by what it is struck already."""
        record(store, "deal:a", captured(1), contacted(2))
        interleaved(store, lambda: record(other, "deal:a", void(5)) if len(contents(backend)) == 2 else None)
        with pytest.raises(Refused, match="Entry 5 is struck out already by entry 6"):
            record(store, "deal:a", void(5))

    def test_the_last_try_cannot_be_overtaken(self, backend: Backend, store: Store, other: Store) -> None:
        """It holds the write lock from before it looks: others wait until it is done."""
        record(store, "deal:a", captured(1))
        tries = interleaved(store, lambda: record(other, "deal:a", contacted(2)) if len(tries) < TRIES else None)
        record(store, "deal:a", won(3))
        assert len(tries) == TRIES == 4
        assert [t for *_, t in contents(backend)] == ["lead-captured", *["lead-contacted"] * (TRIES - 1), "deal-won"]

    def test_after_some_tries_it_gives_up(
        self, backend: Backend, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And says that it was overtaken; nothing of it is recorded."""
        monkeypatch.setattr(store_module, "PAUSE_SECONDS", 0)
        tries: list[Any] = []

        def overtaken(pending: Any) -> list[Recorded]:
            tries.append(pending)
            raise IntegrityError("somebody was faster")

        store.app.append = overtaken  # type: ignore[method-assign]
        with pytest.raises(Conflict, match=f"{TRIES} tries were overtaken. Try again. Nothing was recorded."):
            record(store, "deal:a", captured(1))
        assert len(tries) == TRIES
        assert contents(backend) == []

    def test_refusals_are_told_once_however_many_tries_it_takes(self, store: Store, other: Store) -> None:
        """Only what the last try decided counts."""
        told: list[int] = []
        tries = interleaved(store, lambda: record(other, "deal:a", captured(1)) if len(tries) == 1 else None)
        groups = [[Proposal("deal:b", Record(won(1)))], [Proposal("deal:a", Record(captured(1)))]]
        store.record(groups, on_refused=lambda i, _: told.append(i))
        assert told == [0, 1]

    def test_the_clock_of_a_decision_never_lies_behind_the_log(self, store: Store) -> None:
        """A clock that steps back can't turn what is recorded into the future."""
        record(store, "deal:a", captured(1))
        with clock(at(3)):
            assert store.now() == at(60)
            (entry,) = record(store, "deal:a", contacted(59))
        assert (entry.recorded_at, entry.event.effective_at) == (at(60), at(59))

    def test_what_happens_now_follows_the_machine_where_another_clock_ran_far_ahead(self, store: Store) -> None:
        """Two machines' clocks differ a little; only the log's stamps must follow one that was wrong by weeks."""
        record(store, "deal:a", captured(1))
        present = {}
        for day in (3, 58.9, 59.5, 61):
            with clock(at(day)):
                present[day] = store.present()
        assert present == {3: at(3), 58.9: at(58.9), 59.5: at(60), 61: at(61)}

    # -- what it refers to --------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("stream", "wish", "why"),
        [
            ("deal:b", captured(1, account="nobody"), "There is no account 'nobody'. Open it with 'account open'"),
            ("deal:b", captured(1, referred_by="nobody"), "There is no account 'nobody'"),
            ("deal:b", captured(1, grown_from="nobody"), "There is no deal 'nobody'. Check the id"),
            ("deal:a", revised(2, account="nobody"), "There is no account 'nobody'"),
            ("account:x", given_lead(2, lead="nobody"), "There is no deal 'nobody'"),
            ("deal:b", captured(1, account="struck"), "There is no account 'struck'"),
            ("deal:b", captured(1, grown_from="struck"), "There is no deal 'struck'"),
        ],
    )
    def test_what_it_refers_to_must_be_there(
        self, backend: Backend, store: Store, stream: str, wish: Any, why: str
    ) -> None:
        """Accounts and deals that nobody recorded, or that were struck out, can't be named."""
        record(store, "deal:a", captured(1))
        record(store, "account:x", opened(1))
        for kind in ("account", "deal"):
            (entry,) = record(store, f"{kind}:struck", opened(1) if kind == "account" else captured(1))
            record(store, f"{kind}:struck", void(entry.entry))
        before = backend.log()
        with pytest.raises(NotFound, match=why):
            record(store, stream, wish)
        assert backend.log() == before

    def test_what_is_recorded_with_it_can_be_referred_to(self, store: Store) -> None:
        """A referral and the lead that it started, in one append."""
        record(store, "account:x", opened(1))
        group = [
            Proposal(NewId("deal", "Beta"), Record(captured(2, referred_by="x"))),
            Proposal("account:x", lambda streams: Record(given_lead(2, lead=streams[0].partition(":")[2]))),
        ]
        assert [o.stream for o in store.record([group])[0]] == ["deal:beta", "account:x"]

    def test_a_prospect_that_was_touched_keeps_its_name_when_it_is_captured(self, store: Store) -> None:
        """The capture joins the touches; a second capture gets a number."""
        wishes = [touched(1, company="Acme"), captured(2), captured(3)]
        streams = [store.record([[Proposal(NewId("deal", "Acme"), Record(wish))]])[0][0].stream for wish in wishes]
        assert streams == ["deal:acme", "deal:acme", "deal:acme-2"]

    # -- one currency -------------------------------------------------------------------------------------------------

    def test_the_first_amount_sets_the_currency(self, backend_without_currency: Backend) -> None:
        """In the same append; amounts in another one are refused from then on, those of the same append too."""
        with clock(at(60)), backend_without_currency.store() as store:
            record(store, "deal:a", captured(1))
            assert store.settings().currency is None
            refused: list[str] = []
            groups = [
                [Proposal("deal:b", Record(captured(1, amount="5", currency="CHF")))],
                [Proposal("deal:c", Record(captured(1, amount="5", currency="USD")))],
                [Proposal("deal:d", Record(captured(1, amount="5", currency="CHF")))],
            ]
            store.record(groups, on_refused=lambda _, e: refused.append(str(e)))
            assert store.settings().currency == "CHF"
            assert len(refused) == 1
            assert "The ledger keeps its amounts in CHF and has no exchange rate for USD" in refused[0]
            with pytest.raises(Refused, match="has no exchange rate for EUR"):
                record(store, "deal:a", offered(2))

    def test_a_refused_amount_sets_no_currency(self, backend_without_currency: Backend) -> None:
        """The next one that is recorded does."""
        with clock(at(60)), backend_without_currency.store() as store:
            groups = [
                [Proposal("deal:a", Record(offered(1, currency="USD")))],
                [Proposal("deal:b", Record(captured(1, amount="5", currency="CHF")))],
            ]
            store.record(groups, on_refused=lambda *_: None)
            assert store.settings().currency == "CHF"
            assert [r.event.type_name() for r in store.records("settings:ledger")] == ["ledger-opened", "currency-set"]

    def test_two_who_set_the_currency_at_once_agree(self, backend_without_currency: Backend) -> None:
        """Whoever is overtaken is judged by the currency that the other one set."""
        with clock(at(60)), backend_without_currency.store() as store, backend_without_currency.store() as other:
            processes = store.processes
            overtaken: list[int] = []

            def late() -> Any:
                if not overtaken:
                    overtaken.append(1)
                    record(other, "deal:a", captured(1, amount="5", currency="USD"))
                return processes()

            store.processes = late  # type: ignore[method-assign]
            with pytest.raises(Refused, match="keeps its amounts in USD"):
                record(store, "deal:b", captured(1, amount="5", currency="CHF"))
            assert [r.event.type_name() for r in store.records("settings:ledger")] == ["ledger-opened", "currency-set"]

    # -- never lost ---------------------------------------------------------------------------------------------------

    def test_threads_lose_and_double_nothing(self, backend: Backend, store: Store) -> None:
        """Four at once, each on a deal of its own and all on one."""

        def sell(worker: int) -> list[int]:
            entries = []
            with backend.store() as mine:
                entries += [r.entry for r in record(mine, f"deal:own-{worker}", captured(1))]
                for n in range(5):
                    for stream in (f"deal:own-{worker}", "deal:shared"):
                        entries += persist(mine, stream, f"{worker}-{n}")
            return entries

        record(store, "deal:shared", captured(1))
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(sell, range(4)))
        told = sorted(entry for entries in done for entry in entries)
        log = backend.log()
        assert told == [row[0] for row in log if row[0] > FIRST]
        assert [row[0] for row in log] == list(range(1, len(log) + 1))
        for stream in ("deal:shared", "deal:own-0"):
            versions = [row[2] for row in log if row[1] == stream]
            assert versions == list(range(1, len(versions) + 1))
        assert sorted(r.event.outcome for r in store.records("deal:shared")[1:]) == sorted(  # type: ignore[attr-defined]
            f"{worker}-{n}" for worker in range(4) for n in range(5)
        )


def persist(store: Store, stream: str, outcome: str) -> list[int]:
    """Record a contact and try again as long as others are faster."""
    while True:
        try:
            return [r.entry for r in record(store, stream, contacted(2, outcome=outcome))]
        except Conflict:
            continue
