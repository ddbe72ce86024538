"""The simulated firm: what its ledger holds is what happened in it, and the oracle knows no more than was on record."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from benchmarks import firm as f
from benchmarks.oracle import Foreseen, first_unseen, foresee, weekly_origins
from benchmarks.simulated_ledger import write
from benchmarks.simulator import CAPTURED, LOST, REVISED, WON, Journeys, simulate

from salesledger import Ledger
from salesledger.readmodel.engine import Engine

LAST = range(f.QUARTERS - 4, f.QUARTERS - 1)


@cache
def played(seed: int, leads_a_day: float | None = None) -> Journeys:
    """A small firm."""
    firm = f.make_firm("small", seed)
    return simulate(replace(firm, leads_a_day=leads_a_day or firm.leads_a_day), seed)


def test_the_same_seed_gives_the_same_firm() -> None:
    """Chance begins at the seed and nowhere else."""
    one, other = played(2), simulate(f.make_firm("small", 2), 2)
    assert np.array_equal(one.rows.known, other.rows.known)
    assert np.array_equal(one.booked, other.booked)
    assert one.calls == other.calls


def test_the_ledger_books_what_was_won(tmp_path: Path) -> None:
    """Every quarter's bookings in the ledger are those of the firm, to the cent, and the ledger has nothing to complain about."""
    journeys, path = played(1, 0.4), tmp_path / "firm.ledger"
    write(journeys, path)
    with Engine.open(path) as engine:
        answer = engine.ask("SELECT year(won_on), quarter(won_on), sum(bookings) FROM bookings GROUP BY ALL")
    booked = {(year - f.BEGIN.year) * 4 + quarter - 1: float(total) for year, quarter, total in answer.rows}
    assert booked == pytest.approx({q: total for q, total in enumerate(journeys.booked) if total})
    with Ledger.open(path) as ledger:
        assert ledger.check() == []


def test_what_is_known_of_a_deal_is_the_beginning_of_its_story() -> None:
    """Events are recorded late, but no deal's event before an earlier one of the same deal, and none after four weeks."""
    rows = played(1).rows
    order = np.argsort(rows.deal, kind="stable")
    same = rows.deal[order][1:] == rows.deal[order][:-1]
    assert (np.diff(rows.day[order])[same] > 0).all()
    assert (np.diff(rows.known[order])[same] >= 0).all()
    late = rows.known - rows.day
    assert late.min() == 0
    assert 14 < late.max() <= f.LATEST
    assert 0.15 < (late > 0).mean() < 0.5


def test_every_deal_is_captured_first_and_closes_once() -> None:
    """A story begins with its capture; nothing follows a win or a loss; some deals stay open for ever."""
    rows, deals = played(1).rows, played(1).deals
    assert (np.bincount(rows.deal[rows.kind == CAPTURED], minlength=deals) == 1).all()
    closed = np.isin(rows.kind, (LOST, WON))
    last = np.full(deals, -1)
    last[rows.deal] = rows.day
    assert (rows.day[closed] == last[rows.deal[closed]]).all()
    assert np.bincount(rows.deal[closed], minlength=deals).max() == 1
    assert 0 < (np.bincount(rows.deal[closed], minlength=deals) == 0).sum() < 0.2 * deals


def test_people_push_at_a_quarters_end_and_expect_too_early() -> None:
    """The last weeks of a quarter bring more wins than the first ones; few deals are won by the day that was expected."""
    journeys = played(1)
    rows = journeys.rows
    won = rows.kind == WON
    left = journeys.firm.calendar.ends[rows.day[won]] - rows.day[won]
    assert (left <= 21).sum() > 2 * (left > 70).sum()
    won_on = np.full(journeys.deals, f.DAYS * 2)
    won_on[rows.deal[won]] = rows.day[won]
    expecting = (rows.kind == REVISED) & (rows.expected != f.NO_DATE)
    assert (won_on[rows.deal[expecting]] <= rows.expected[expecting]).mean() < 0.3


def test_the_oracle_knows_what_is_likely_to_be_hidden() -> None:
    """Over many origins as many deals have moved or closed without being on record as the oracle believes."""
    journeys = played(1)
    rows, origins = journeys.rows, weekly_origins(range(f.QUARTERS - 9, f.QUARTERS - 1))[::3]
    believed, spread, happened = 0.0, 0.0, 0
    for origin, (deals, first) in zip(origins, first_unseen(journeys, origins), strict=True):
        chance = np.isin(first, (f.ADVANCE, f.SKIP, f.BACK, f.WIN)).mean(axis=1)
        believed += chance.sum()
        spread += (chance * (1 - chance)).sum()
        unseen = (rows.day < origin) & (rows.known >= origin) & np.isin(rows.deal, deals)
        for deal in np.unique(rows.deal[unseen]):
            happened += int(rows.kind[unseen & (rows.deal == deal)][0] != LOST)
    assert happened > 100
    assert abs(happened - believed) < 3 * np.sqrt(spread)


def test_the_oracle_is_as_sure_as_it_may_be() -> None:
    """What came lies evenly among what it foresaw: neither always above nor below, and within its intervals as often as said."""
    seen = [(journeys, x) for journeys in (played(1), played(2)) for x in _quarterly(journeys)]
    place = np.array([(x.samples < journeys.booked[x.quarter]).mean() for journeys, x in seen])
    assert 0.3 < place.mean() < 0.7
    assert ((place > 0.1) & (place < 0.9)).mean() > 0.55
    assert ((place > 0.01) & (place < 0.99)).mean() > 0.85


def test_the_oracle_does_not_see_what_is_not_on_record() -> None:
    """Whatever is recorded after the origin, it foresees the same to the last bit."""
    journeys = played(1)
    origin = weekly_origins()[-20]
    known = journeys.rows.known < origin
    blind = replace(journeys, rows=journeys.rows.take(known))
    (this, later), (same, as_later) = foresee(journeys, [origin]), foresee(blind, [origin])
    assert np.array_equal(this.samples, same.samples)
    assert np.array_equal(later.samples, as_later.samples)


def test_a_quarter_that_is_nearly_over_is_nearly_known() -> None:
    """The nearer a quarter's end, the narrower what is foreseen of it; what is won and on record is the least of it."""
    journeys = played(1)
    origins = [int(f.EDGES[f.QUARTERS - 3]) + days for days in (0, 85)]
    first, _, last, _ = foresee(journeys, origins)
    assert np.std(last.samples) < 0.7 * np.std(first.samples)
    rows = journeys.rows
    won = (rows.kind == WON) & (rows.known < origins[1]) & (rows.day >= origins[0])
    assert last.samples.min() >= rows.typed[won].sum() * 0.5


def _quarterly(journeys: Journeys) -> list[Foreseen]:
    origins = [int(f.EDGES[q]) + 30 for q in LAST]
    return list(foresee(journeys, origins))
