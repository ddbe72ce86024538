"""What holds for every file, and for every history of files: nothing crashes, nothing is doubled, nothing known is rewritten."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exchange.importing import HEADER, RULES, Shop, day, iso, reasons, rules
from salesledger.domain.deal import DealState
from salesledger.domain.decide import fold
from salesledger.domain.timeline import standing
from salesledger.errors import BadFile
from support.ledgers import log_of, rows

DEALS = ("a1", "b2", "c3")
LAST_DAY = 60
GRID = [day(n) for n in range(LAST_DAY + 2)]


@contextmanager
def shops() -> Iterator[Shop]:
    """A new ledger for each example."""
    with tempfile.TemporaryDirectory() as folder:
        yield Shop.at(Path(folder))


@dataclass(frozen=True)
class Told:
    """What a file says of a deal."""

    phase: str
    begun: int
    ended: int | None
    price: str
    rep: str
    client: str
    item: str
    due: int

    def cells(self, deal: str) -> list[str]:
        """The row."""
        ended = "" if self.ended is None else iso(self.ended)
        return [deal, self.rep, self.client, self.item, self.phase, iso(self.begun), ended, self.price, iso(self.due)]

    def status(self, as_of: datetime) -> str | None:
        """The deal's status at a date, from the row alone."""
        if as_of < day(self.begun):
            return None
        if self.ended is None or as_of < day(self.ended):
            return "open"
        return "won" if self.phase == "Sold" else "lost"


@st.composite
def said(draw: st.DrawFn, before: int) -> Told:
    """What a file of a day may say: nothing later than that day."""
    phase = draw(st.sampled_from(["New", "Talking", "Sold", "Gone"]))
    begun = draw(st.integers(1, before))
    return Told(
        phase,
        begun,
        draw(st.integers(begun, before)) if phase in ("Sold", "Gone") else None,
        draw(st.sampled_from(["10", "20.5"])),
        draw(st.sampled_from(["Kim", "Ann", ""])),
        draw(st.sampled_from(["Acme", "Bolt", ""])),
        draw(st.sampled_from(["Chair", "Desk", ""])),
        draw(st.integers(70, 72)),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, dict[str, Told]]]:
    """Files, one after the other: the day of the import, and what the file says of some deals."""
    days = sorted(draw(st.sets(st.integers(3, LAST_DAY), min_size=1, max_size=5)))
    return [(on, {deal: draw(said(on)) for deal in DEALS if draw(st.integers(0, 5))}) for on in days]


AMOUNTS = RULES.replace('deal = "id"', 'deal = "id"\namount = "price"\nexpected_close = "due"').replace(
    'fields = { amount = "price" }', ""
)


def import_told(shop: Shop, on: int, told: dict[str, Told], text: str) -> Any:
    """Import what a file says."""
    lines = [",".join(row.cells(deal)) for deal, row in told.items()]
    report = shop.imports(*lines, header=HEADER + ",due", on=on, rules=rules(text))
    assert reasons(report) == []
    return report


def states(shop: Shop, known_at: datetime | None = None) -> dict[str, list[DealState]]:
    """What each deal is at every date of the grid, as known at a date."""
    log = log_of(shop.ledger)
    found = {}
    for deal in DEALS:
        stream = f"deal:{deal}"
        records = [r for r in log if r.stream == stream]
        found[deal] = [fold(stream, standing(records, as_of, known_at)) for as_of in GRID]
    return found


@given(histories(), st.sampled_from([RULES, AMOUNTS]))
def test_after_an_import_the_ledger_says_what_the_file_says_and_before_it_what_the_one_before_said(
    history: list[tuple[int, dict[str, Told]]], text: str
) -> None:
    """For every date; of attributes without a date, for now."""
    with shops() as shop:
        latest: dict[str, dict[str, Any]] = {}
        before: dict[str, list[DealState]] = {}
        for on, told in history:
            import_told(shop, on, told, text)
            known = states(shop, day(on) - timedelta(microseconds=1))
            for deal, earlier in before.items():
                assert known[deal] == earlier
            now = states(shop)
            for deal, row in told.items():
                assert [state.status for state in now[deal]] == [row.status(as_of) for as_of in GRID]
                latest.setdefault(deal, {})
                latest[deal] |= {name: value.casefold() for name in ("rep", "client") if (value := getattr(row, name))}
                latest[deal] |= {"item": row.item} if row.item else {}
                state = shop.state(deal)
                assert state.stage == ("trying" if row.phase == "New" else "talking")
                assert state.owner == latest[deal].get("rep")
                assert state.account == latest[deal].get("client")
                assert state.product == latest[deal].get("item")
                if text == AMOUNTS or row.phase == "Sold":
                    assert state.amount == Decimal(row.price)
                if text == AMOUNTS:
                    assert state.expected_close == day(row.due).date()
            before = {deal: now[deal] for deal in latest}


@given(histories())
def test_importing_a_file_twice_is_importing_it_once(history: list[tuple[int, dict[str, Told]]]) -> None:
    """At any point of a history; and no key is used twice."""
    with shops() as shop:
        for on, told in history:
            rehearsed = shop.imports(
                *(",".join(row.cells(deal)) for deal, row in told.items()),
                header=HEADER + ",due",
                on=on,
                rules=rules(AMOUNTS),
                dry_run=True,
            )
            report = import_told(shop, on, told, AMOUNTS)
            assert dict(rehearsed.events) == dict(report.events)
            log = rows(shop.ledger)
            again = import_told(shop, on + 1, told, AMOUNTS)
            assert (again.unchanged, dict(again.events)) == (len(told), {})
            assert rows(shop.ledger) == log


CELL = st.one_of(
    st.sampled_from(
        [
            *DEALS,
            *(
                "",
                " ",
                "Kim",
                "Acme",
                "Talking",
                "Sold",
                "Gone",
                "New",
                "2026-01-05",
                "05.01.2026",
                "31.02.2026",
                "01/02/2026",
            ),
            *(
                "1E+1000000",
                "NaN",
                "-5",
                "1,234",
                "100",
                "2999-01-01",
                "0001-01-01",
                "\0",
                '"',
                '""',
                '"x',
                "x\ny",
                "=1+1",
            ),
            *("\udcff", "x" * 600, "\x1b[31m", "\u202e", "a1:b", "12/13/2026", "1" * 5000, "١٢", "unnamed", "---"),
        ]
    ),
    st.text(max_size=5),
)
ROW = st.one_of(
    st.lists(CELL, max_size=10),
    st.tuples(
        st.sampled_from(DEALS), CELL, CELL, CELL, st.sampled_from(["Talking", "Sold", "Gone", "New"]), CELL, CELL, CELL
    ).map(list),
)


def quoted(cells: list[str]) -> str:
    """The cells as csv writes them."""
    told = io.StringIO(newline="")
    csv.writer(told, lineterminator="").writerow(cells)
    return told.getvalue()


LINE = st.one_of(ROW.map(",".join), ROW.map(quoted))


@given(st.lists(LINE, max_size=12))
def test_no_row_crashes_the_importer_and_none_is_lost(lines: list[str]) -> None:
    """Each is counted once, and rejected ones are in the file that Python's csv reads."""
    with shops() as shop:
        file = shop.folder / "shop.csv"
        file.write_bytes("\n".join([HEADER, *lines]).encode("utf-8", "surrogateescape" if _plain(lines) else "replace"))
        report = shop.imports_file(file)
        assert report.imported == len({r.stream for r in log_of(shop.ledger, "deal:")})
        if report.rejected:
            assert len(shop.rejected()) == report.rejected
            assert all(len(cells) >= 3 for cells in shop.rejected())
        assert report.text().isprintable() or "\x1b" not in report.text()
        again = shop.imports_file(file)
        assert (again.imported + again.changed, dict(again.events), again.rejected) == (0, {}, report.rejected)


def _plain(lines: list[str]) -> bool:
    try:
        "".join(lines).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


@given(
    st.binary(max_size=400) | st.lists(LINE, max_size=5).map(lambda lines: "\n".join(lines).encode("utf-8", "replace"))
)
def test_any_other_file_is_refused_with_one_message_or_imported(data: bytes) -> None:
    """Whatever its bytes are, alone or behind the header."""
    with shops() as shop:
        file = shop.folder / "shop.csv"
        for content in (data, HEADER.encode() + b"\n" + data):
            file.write_bytes(content)
            for encoding in ("utf-8", "utf-16", "cp1252"):
                with suppress(BadFile):
                    shop.imports_file(file, rules=rules(encoding=encoding), dry_run=True)
