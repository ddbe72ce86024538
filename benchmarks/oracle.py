"""The best forecast there can be: it knows the firm's true process, and of its deals only what was on record by the origin.

For each deal that is open on record it asks what may have happened since its last event, by the true rates and the true chance that
an event is still unrecorded. People record a deal's events in order, so only the *first* event that is not on record is weighed:

- nothing happened on any day until the origin: the product of the chances that nothing did;
- it died in silence on some day, and nobody tidied up (or did, and has not said so);
- it moved or closed on a day d: the chance that nothing happened before d, times the rate of that kind on d, times the chance
  that such an event of this seller is recorded later than the origin. What follows it is unrecorded for certain, so it is played
  forward by the plain process.

Everything that happened `LATEST` days before the origin is on record, so up to there the state is known but for whether the deal is
dead, which is followed as two weights. That is exact given the process, save for three small things: within the last `LATEST` days
the latest category and expected date on record stand for all of those days; a wrongly typed amount is believed until it is
corrected; and what people call, which hints at wins not on record yet, is not used.

Deals go on independently of each other, so each is played `REPLAYS` times, and a path of the whole firm picks one replay of each.
Leads that come, or came and are not on record, are drawn from a library of leads played from each day of the calendar, their number
from the true rate given how many of that day are on record.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks import firm as f
from benchmarks import true_process as true
from benchmarks.firm import Bools, Deals, Firm, Floats, Ints
from benchmarks.simulator import CAPTURED, LOST, REVISED, WON, Journeys, Rows

REPLAYS = 64
"""How often each open deal is played on: the error of a path's mean is an eighth of the spread of the paths, which widens a
forecast's CRPS by less than one per cent."""
PATHS = 1000
LIBRARY = 250
"""Leads that are played from each day."""
_KINDS = 5
_OVER = 9
"""Stands for the stage of what is won, lost or dead in a replay."""


@dataclass(frozen=True)
class Foreseen:
    """What will be booked in a quarter, as seen from an origin.

    Attributes:
        origin: the day at whose beginning it is foreseen.
        quarter: of which quarter.
        samples: what may be booked, equally likely.
    """

    origin: int
    quarter: int
    samples: Floats


@dataclass
class _Wins:
    """Wins that are imagined: whose, when and how much."""

    deal: list[Ints]
    day: list[Ints]
    amount: list[Floats]

    def add(self, deals: Deals, day: int, rng: np.random.Generator) -> None:
        self.deal.append(deals.deal)
        self.day.append(np.full(len(deals), day))
        self.amount.append(np.exp(deals.log_amount) * true.discount(len(deals), rng))

    def all(self) -> tuple[Ints, Ints, Floats]:
        return np.concatenate(self.deal), np.concatenate(self.day), np.concatenate(self.amount)


def weekly_origins(quarters: range = range(f.FIRST_SCORED, f.QUARTERS - 1)) -> list[int]:
    """The Mondays of some quarters, at whose beginning forecasts are made."""
    days = range(int(f.EDGES[quarters.start]), int(f.EDGES[quarters.stop]))
    return [day for day in days if f.day_of(day).weekday() == 0]


def foresee(journeys: Journeys, origins: list[int], seed: int = 0) -> Iterator[Foreseen]:
    """This quarter and the next one, from each origin in turn.

    Args:
        journeys: what happened; of that, only what is on record by an origin is used for it.
        origins: days, ascending.
        seed: where chance begins.
    """
    rng = np.random.default_rng([seed, journeys.seed, 41])
    library = _Library(journeys.firm, max(origins[0] - f.LATEST - 1, 0), rng)
    oracle = _Oracle(journeys, rng)
    for origin in origins:
        yield from oracle.at(origin, library)


def first_unseen(journeys: Journeys, origins: list[int]) -> Iterator[tuple[Ints, Ints]]:
    """What is believed to have happened first to each deal since its last event on record.

    Args:
        journeys: what happened.
        origins: days, ascending.

    Returns:
        For each origin the deals that are open on record, and what each replay takes to have happened to them: a kind such as WIN,
        DIE where it is dead, NONE where nothing is hidden.
    """
    oracle = _Oracle(journeys, np.random.default_rng([journeys.seed, 43]))
    for origin in origins:
        oracle.read_upto(origin)
        which = oracle.recorded.open_deals()
        chosen = oracle.since(origin, which, oracle.recorded.deals(which))
        kinds = np.where(chosen >= 2, (chosen - 2) % _KINDS + 1, np.where(chosen == 1, f.DIE, f.NONE))
        yield which, kinds


class _Oracle:
    """What is on record as time goes on, and what follows from it.

    Attributes:
        recorded: the deals as they are on record at the origin.
        settled: the deals as they were on the last day up to which all is on record, `front`.
        alive, dead: how likely each of those is to be the one or the other.
    """

    def __init__(self, journeys: Journeys, rng: np.random.Generator) -> None:
        self.firm, self.rng, self.rows = journeys.firm, rng, journeys.rows
        self.recorded = _State(journeys.deals)
        self.settled = _State(journeys.deals)
        self.alive, self.dead = np.ones(journeys.deals), np.zeros(journeys.deals)
        self.by_known = np.argsort(journeys.rows.known, kind="stable")
        self.known = journeys.rows.known[self.by_known]
        self.read, self.front = 0, -1

    def read_upto(self, origin: int) -> None:
        """Take in what came on record before a day; origins only go forward."""
        upto = int(np.searchsorted(self.known, origin))
        self.recorded.record(self.rows.take(self.by_known[self.read : upto]))
        self.read = upto
        self._settle(origin - f.LATEST - 1)

    def at(self, origin: int, library: "_Library") -> Iterator[Foreseen]:
        """What is foreseen at the beginning of a day."""
        self.read_upto(origin)
        quarter = int(self.firm.calendar.quarter[origin])
        end = int(f.EDGES[quarter + 2])
        samples = self._won(origin)[[quarter, quarter + 1], None] + np.zeros((2, PATHS))
        samples += self._from_deals(origin, quarter, end)
        samples += self._from_leads(origin, quarter, end, library)
        for ahead in (0, 1):
            yield Foreseen(origin, quarter + ahead, np.sort(samples[ahead]))

    def _won(self, origin: int) -> Floats:
        rows = self.rows
        won = (rows.kind == WON) & (rows.known < origin)
        amount = np.where(rows.fixed < origin, rows.amount, rows.typed)
        quarters = self.firm.calendar.quarter[rows.day[won]]
        return np.bincount(quarters, amount[won], minlength=f.QUARTERS + 1).astype(np.float64)

    def _settle(self, upto: int) -> None:
        """Follow, to a day up to which all is on record, how likely each deal is to be alive."""
        day = self.rows.day
        for d in range(self.front + 1, upto + 1):
            begin, end = np.searchsorted(day, [d, d + 1])
            which = self.settled.open_deals()
            deals = self.settled.deals(which)
            rates = true.hazards(self.firm, d, deals)
            alive = self.alive[which] * (1 - rates.sum(axis=0))
            dead = self.dead[which] * (1 - true.TIDY_UP) + self.alive[which] * rates[f.DIE - 1]
            total = alive + dead
            self.alive[which], self.dead[which] = alive / total, dead / total
            happened = self.rows.take(np.arange(begin, end))
            self.settled.record(happened)
            moved = happened.deal[happened.kind != REVISED]
            self.alive[moved], self.dead[moved] = 1.0, 0.0
        self.front = max(self.front, upto)

    def _from_deals(self, origin: int, quarter: int, end: int) -> Floats:
        """What the deals that are open on record bring, in each path."""
        which = self.recorded.open_deals()
        deals = self.recorded.deals(which)
        self._believe_typed(deals, origin)
        chosen = self.since(origin, which, deals)
        wins = _Wins([], [], [])
        copies = np.repeat(np.arange(len(which)), REPLAYS)
        flat = chosen.reshape(-1)
        imagined = deals.take(copies)
        imagined.deal[:] = np.arange(len(copies))
        running = imagined.take(np.zeros(0, dtype=np.int64))
        window = range(self.front + 1, origin)
        for place, day in enumerate(window):
            running = _step(self.firm, day, running, wins, self.rng)
            for kind in (f.ADVANCE, f.SKIP, f.BACK, f.WIN):
                hit = imagined.take(flat == 2 + place * _KINDS + kind - 1)
                if kind == f.WIN:
                    wins.add(hit, day, self.rng)
                elif len(hit):
                    true.move(self.firm, day, hit, np.full(len(hit), kind), self.rng)
                    running = running.joined(hit)
        running = running.joined(imagined.take(flat == 0))
        for day in range(origin, end):
            running = _step(self.firm, day, running, wins, self.rng)
        return self._mixed(wins, quarter)

    def since(self, origin: int, which: Ints, deals: Deals) -> Ints:
        """What each replay takes to have happened since a deal's last event: [deal, replay].

        0: nothing; 1: it is dead or closed without a win in the end; from 2: the first event, by day and kind.
        """
        recent = deals.entered > self.front
        alive = np.where(recent, 1.0, self.alive[which])
        dead = np.where(recent, 0.0, self.dead[which])
        last = self.recorded.last[which]
        firsts: list[Floats] = []
        for day in range(self.front + 1, origin):
            rates = true.hazards(self.firm, day, deals)
            begun, unseen = deals.entered < day, day > last
            late = self.firm.delays[self.firm.calendar.late[day], 1:, deals.owner, origin - day]
            firsts.append(np.where((begun & unseen)[:, None], alive[:, None] * rates[:_KINDS].T * late, 0.0))
            quiet = np.where(unseen, 1 - true.revising(self.firm, day, deals), 1.0)
            kept = 1 - true.TIDY_UP * (1 - np.where(unseen, late[:, f.LOSE - 1], 0.0))
            dead = np.where(begun, (dead * kept + alive * rates[f.DIE - 1]) * quiet, dead)
            alive = np.where(begun, alive * (1 - rates.sum(axis=0)) * quiet, alive)
        weights = np.column_stack([alive, dead, *firsts])
        sums = np.cumsum(weights, axis=1)
        draws = (np.arange(REPLAYS) + self.rng.random((len(which), REPLAYS))) / REPLAYS * sums[:, -1:]
        found = [np.searchsorted(row, draw, side="right") for row, draw in zip(sums, draws, strict=True)]
        return np.asarray(np.minimum(np.array(found).reshape(len(which), REPLAYS), weights.shape[1] - 1))

    def _believe_typed(self, deals: Deals, origin: int) -> None:
        rows = self.rows
        wrong = (rows.known < origin) & (rows.fixed >= origin) & (rows.typed != rows.amount) & (rows.kind != WON)
        typed = dict(zip(rows.deal[wrong].tolist(), rows.typed[wrong].tolist(), strict=True))
        for place, deal in enumerate(deals.deal.tolist() if typed else ()):
            if deal in typed:
                deals.log_amount[place] = np.log(typed[deal])

    def _mixed(self, wins: _Wins, quarter: int) -> Floats:
        """Sums over the deals, each path with one replay of each deal."""
        replay, day, amount = wins.all()
        deal = replay // REPLAYS
        names, deal = np.unique(deal, return_inverse=True)
        table = np.zeros((2, REPLAYS, len(names)))
        ahead = self.firm.calendar.quarter[day] - quarter
        within = ahead >= 0
        np.add.at(table, (ahead[within], (replay % REPLAYS)[within], deal[within]), amount[within])
        picked = self.rng.integers(REPLAYS, size=(PATHS, len(names)))
        return np.stack([table[a][picked, np.arange(len(names))].sum(axis=1) for a in (0, 1)])

    def _from_leads(self, origin: int, quarter: int, end: int, library: "_Library") -> Floats:
        """What leads bring that are not on record, in each path."""
        captured = self.rows.kind == CAPTURED
        seen = self.rows.day[captured & (self.rows.known < origin)]
        owners = self.firm.seller_shares
        samples = np.zeros((2, PATHS))
        for day in range(max(origin - f.LATEST, library.first), end):
            place = day - library.first
            winners = np.flatnonzero(np.isin(library.quarter[place], (quarter, quarter + 1)))
            likely = np.ones(LIBRARY)
            if day >= origin:
                count = true.arrivals_on(self.firm, day, PATHS, self.rng)
            else:
                late = self.firm.delays[self.firm.calendar.late[day], f.CAPTURE, :, origin - day]
                share = float(owners @ late)
                mean, there = self.firm.calendar.arrivals[day], int((seen == day).sum())
                rate = self.rng.gamma(f.HEAPS + there, 1 / (f.HEAPS / mean + 1 - share), PATHS)
                count = self.rng.poisson(rate * share)
                likely = late[library.owner[place]]
            chances = likely[winners]
            if not chances.sum() > 0:
                continue
            won = self.rng.binomial(count, min(chances.sum() / likely.sum(), 1.0))
            path = np.repeat(np.arange(PATHS), won)
            lead = winners[self.rng.choice(len(winners), len(path), p=chances / chances.sum())]
            for ahead in (0, 1):
                amount = library.amount[place, lead] * (library.quarter[place, lead] == quarter + ahead)
                samples[ahead] += np.bincount(path, amount, minlength=PATHS)
        return samples


class _State:
    """What is on record of each deal."""

    def __init__(self, deals: int) -> None:
        self.open = np.zeros(deals, dtype=np.bool_)
        self.last = np.full(deals, -1)
        self.all = Deals.none(deals)

    def record(self, rows: Rows) -> None:
        """Add rows, each deal's in the order of its story: of several the last one holds."""
        deal, state = rows.deal, self.all
        self.open[deal] = ~np.isin(rows.kind, (LOST, WON))
        self.last[deal] = rows.day
        for name in ("stage", "entered", "segment", "source", "product", "owner", "category", "expected", "priced"):
            getattr(state, name)[deal] = getattr(rows, name)
        state.log_amount[deal] = np.log(np.where(rows.priced, rows.amount, 1.0))

    def open_deals(self) -> Ints:
        """Which deals are open."""
        return np.flatnonzero(self.open)

    def deals(self, which: Ints | Bools) -> Deals:
        """Some of the deals."""
        return self.all.take(which)


class _Library:
    """Leads played from each day to the end of all: in which quarter each is won, and for how much.

    Attributes:
        first: the day of the first row.
        quarter: the quarter of the win, far off where there is none: [day, lead].
    """

    def __init__(self, firm: Firm, first: int, rng: np.random.Generator) -> None:
        self.first = first
        days = f.DAYS - first
        self.quarter = np.full((days, LIBRARY), -99)
        self.amount = np.zeros((days, LIBRARY))
        self.owner = np.zeros((days, LIBRARY), dtype=np.int64)
        wins = _Wins([], [], [])
        running = true.arrive(firm, first, 0, 0, rng)
        for day in range(first, f.DAYS):
            running = _step(firm, day, running, wins, rng)
            new = true.arrive(firm, day, LIBRARY, (day - first) * LIBRARY, rng)
            self.owner[day - first] = new.owner
            running = running.joined(new)
        lead, day_won, amount = wins.all()
        self.quarter.reshape(-1)[lead] = firm.calendar.quarter[day_won]
        self.amount.reshape(-1)[lead] = amount


def _step(firm: Firm, day: int, deals: Deals, wins: _Wins, rng: np.random.Generator) -> Deals:
    """A day of imagined deals that are alive: those that go on; what they win is noted.

    What is over stays among them, with no chance of anything, until the week's end.
    """
    if not len(deals):
        return deals
    drawn = rng.random(len(deals))
    running = deals.stage != _OVER
    near = np.flatnonzero((drawn < true.bounds(firm, day)[_row_of(deals, day)]) & running)
    some = deals.take(near)
    kinds = true.draw_kinds(true.hazards(firm, day, some), drawn[near])
    wins.add(some.take(kinds == f.WIN), day, rng)
    moving = (kinds >= f.ADVANCE) & (kinds <= f.BACK)
    moved = some.take(moving)
    true.move(firm, day, moved, kinds[moving], rng)
    deals.put(near[moving], moved)
    running[near[kinds != f.NONE]] = False
    _revise(firm, day, deals, running, rng)
    deals.stage[near[kinds >= f.LOSE]] = _OVER
    return deals.take(deals.stage != _OVER) if day % 7 == 0 else deals


def _row_of(deals: Deals, day: int) -> Ints:
    return np.minimum(deals.stage, f.NEGOTIATION) * (f.DAYS + 1) + (day - deals.entered)


def _revise(firm: Firm, day: int, deals: Deals, calm: Bools, rng: np.random.Generator) -> None:
    """Somebody looks at some of the deals to which nothing happened."""
    drawn = rng.random(len(deals))
    near = np.flatnonzero(calm & (drawn < true.MOST_REVISING) & (deals.stage != f.LEAD))
    some = deals.take(near)
    looked_at = drawn[near] < true.revising(firm, day, some)
    revised = some.take(looked_at)
    true.expect(firm, day, revised, rng)
    true.hand_over(firm, revised, rng)
    deals.put(near[looked_at], revised)
