"""`python -m benchmarks accuracy`: every model against the best possible, on firms whose process is known (docs/forecasting.md)."""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import firm as f
from benchmarks.measure import table
from benchmarks.scoring import LEVELS, Estimate, Row, Score, load, save, scores
from benchmarks.simulations import Simulation, folder
from salesledger.forecast.backtest import Plan, actuals, backtest
from salesledger.forecast.distribution import Forecast
from salesledger.forecast.feed import Feed
from salesledger.forecast.registry import MODELS, build
from salesledger.forecast.rows import Told
from salesledger.forecast.week import Week
from salesledger.readmodel.engine import Engine

DEFAULT = "best"
PLAIN, DRESSED = "weighted_plain", "weighted"
BASELINES = (PLAIN, DRESSED, "calls_plain", "calls", "calls_corrected", "seasonal_naive", "run_rate", "linearity")
_MICROSECOND = timedelta(microseconds=1)
_FIRST_OF_FIFTY = 101


def main(arguments: Sequence[str]) -> None:
    """Play firms, ask every model and the oracle at each weekly origin of twelve quarters, and say what holds."""
    asked = _parser().parse_args(arguments)
    names = tuple(asked.models.split(",")) if asked.models else tuple(MODELS)
    unknown = sorted(set(names) - set(MODELS))
    if unknown:
        raise SystemExit(f"There is no model {unknown[0]!r}; choose from {', '.join(MODELS)}.")
    presets = asked.preset or list(f.SIZES)
    runs = [Simulation(preset, seed, asked.keep) for preset in presets for seed in range(1, asked.seeds + 1)]
    ask = partial(_ask, names=names, jobs=asked.jobs, only_kept=asked.kept)
    rows = ask(runs, with_oracle=not asked.no_oracle)
    small: list[Row] = []
    if asked.fifty:
        half = asked.fifty // 2
        seeds = [("middle", n) for n in range(asked.fifty - half)] + [("small", n) for n in range(half)]
        fifty = [Simulation(preset, _FIRST_OF_FIFTY + n, asked.keep) for preset, n in seeds]
        small = ask(fifty, with_oracle=False)
    found = {preset: scores([r for r in rows if r.firm.startswith(f"{preset}/")]) for preset in presets if rows}
    if small:
        found["fifty"] = scores(small)
    checks = [*targets(found)]
    for preset, scored in found.items():
        print(f"\n{_TITLES[preset]}, {scored[0].firms} firms" if scored else f"\n{preset}: nothing to score")
        print(table(_lines(scored)))
    print("\nWhat must hold\n" + table([_CHECK_HEAD, *(check.cells() for check in checks)]))
    if asked.json:
        held = {preset: [asdict(score) for score in scored] for preset, scored in found.items()}
        asked.json.write_text(json.dumps(_finite({"scores": held, "checks": [asdict(c) for c in checks]}), indent=1))


def _finite(value: Any) -> Any:
    """The same for JSON, which knows no infinity: what has no figure is null."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks accuracy", description=main.__doc__)
    parser.add_argument(
        "--preset", action="append", choices=list(f.SIZES), help="only firms of this size; can be repeated"
    )
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="how many firms of each size (10)")
    parser.add_argument(
        "--fifty", type=int, default=0, metavar="N", help="N smaller firms besides, for coverage alone (0)"
    )
    parser.add_argument("--models", metavar="A,B", help="only these models")
    parser.add_argument("--no-oracle", action="store_true", help="leave out the oracle, which is the slow part")
    parser.add_argument("--kept", action="store_true", help="ask nobody anew: score what is kept of these firms")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="firms at a time (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the scores here as well")
    parser.add_argument(
        "--keep", type=Path, default=folder(), metavar="DIR", help="where firms are kept ($SALESLEDGER_SIMULATIONS)"
    )
    return parser


def _ask(
    runs: Sequence[Simulation], names: tuple[str, ...], jobs: int, *, only_kept: bool, with_oracle: bool
) -> list[Row]:
    """What the models and the oracle said of each firm; the models' rows are kept as PRESET/SEED.models.csv."""
    if only_kept:
        runs = [run for run in runs if run.place(".models.csv").exists()]
    work = partial(_ask_one, names=names, only_kept=only_kept, with_oracle=with_oracle)
    if jobs == 1:
        return [row for run in runs for row in _told(*work(run))]
    with ProcessPoolExecutor(jobs) as pool:
        return [row for done in pool.map(work, runs) for row in _told(*done)]


def _ask_one(
    run: Simulation, names: tuple[str, ...], *, only_kept: bool, with_oracle: bool
) -> tuple[str, float, list[Row]]:
    began, kept = time.perf_counter(), run.place(".models.csv")
    if only_kept:
        rows = [row for row in load(kept) if row.model in names]
    else:
        rows = said_by_models(run, names)
        save(kept, rows)
    return run.name, time.perf_counter() - began, rows + (run.oracle() if with_oracle else [])


def _told(name: str, seconds: float, rows: list[Row]) -> list[Row]:
    print(f"... {name}: {seconds:.0f} s for the models", flush=True)
    answers = Counter(row.model for row in rows)
    for model, count in answers.items():
        if silent := max(answers.values()) - count:
            print(f"    {model} could not tell {silent} times; those are left out of its score", flush=True)
    return rows


def said_by_models(run: Simulation, names: Sequence[str]) -> list[Row]:
    """What the package's backtest says of a firm's ledger, each model at each origin; where one can't tell, there is no row."""
    end = f.day_of(int(f.EDGES[f.QUARTERS - 1]))
    plan = Plan(tuple(names), f.day_of(int(f.EDGES[f.FIRST_SCORED])), end - timedelta(days=1))
    with Engine.open(run.ledger()) as engine:

        def feed(last: date) -> Iterator[Week]:
            found = Feed.open(engine, _end_of(last))
            return iter(()) if found is None else found.weeks()

        told = [each for said in backtest(plan, feed, build) for each in said]
        spans = {each.span.label: each.span for each in told}
        booked = actuals(engine, [*spans.values()], _end_of(f.day_of(f.DAYS + f.LATEST + 30)))
    return [_row(run.name, each, float(booked[each.span.label])) for each in told if isinstance(each.answer, Forecast)]


def _end_of(day: date) -> datetime:
    """The last instant of a day; simulated ledgers keep UTC."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC) - _MICROSECOND


def _row(firm: str, told: Told, actual: float) -> Row:
    answer = told.answer
    assert isinstance(answer, Forecast)
    quantiles = np.full(len(LEVELS), answer.mean) if answer.quantiles is None else answer.quantiles
    return Row(
        firm=firm,
        model=told.model,
        origin=told.origin,
        period=told.span.label,
        ahead=told.span.offset,
        horizon_days=told.horizon_days,
        actual=actual,
        mean=answer.mean,
        quantiles=quantiles,
    )


@dataclass(frozen=True)
class Check:
    """Something that must hold.

    Attributes:
        what: in words.
        seen: the figure.
        low: it must be at least this.
        high: and at most this.
    """

    what: str
    seen: Estimate
    low: float = float("-inf")
    high: float = float("inf")

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.low <= self.seen.value <= self.high

    def cells(self) -> list[str]:
        """The check as text, a cell a column."""
        low = "" if self.low == float("-inf") else f"{self.low:.2f}"
        high = "" if self.high == float("inf") else f"{self.high:.2f}"
        return [self.what, _figure(self.seen, 3), low, high, "holds" if self.holds else "missed"]


_CHECK_HEAD = ["what", "seen ± error", "least", "most", ""]
_AHEAD = ("this quarter", "next quarter")
_TITLES = {
    "large": "About 170 wins a quarter",
    "middle": "About 40 wins a quarter",
    "small": "About 20 wins a quarter",
    "fifty": "Firms of 20 and of 40 wins a quarter",
}


def targets(found: dict[str, list[Score]]) -> Iterator[Check]:
    """What must hold of the default forecast, and whether it does, as far as there are scores for it."""
    for ahead, most, dressed, plain in ((0, 1.18, 0.27, 0.85), (1, 1.23, 0.20, 0.80)):
        by = _by_model(found.get("large", []), ahead)
        default, when = by.get(DEFAULT), _AHEAD[ahead]
        if default is None:
            continue
        if "oracle" in by:
            yield Check(f"CRPS of '{DEFAULT}' over the oracle's, {when}", default.to_oracle, high=most)
        for name, least in ((DRESSED, dressed), (PLAIN, plain)):
            if name in by:
                gain = 1 - default.crps.value / by[name].crps.value
                yield Check(f"gain over '{name}', {when}", Estimate(gain, float("nan")), low=least)
    for ahead, low, high in ((0, 0.76, 0.84), (1, 0.74, 0.86)):
        default = _by_model(found.get("fifty", []), ahead).get(DEFAULT)
        if default is not None and default.covers_80 is not None and default.covers_95 is not None:
            yield Check(f"80 % intervals cover, smaller firms, {_AHEAD[ahead]}", default.covers_80, low, high)
            yield Check(f"95 % intervals cover, smaller firms, {_AHEAD[ahead]}", default.covers_95, 0.92, 0.98)
    for preset in f.SIZES:
        for ahead in (0, 1):
            by = _by_model(found.get(preset, []), ahead)
            baselines = [by[name] for name in BASELINES if name in by]
            if DEFAULT in by and baselines:
                best = min(baselines, key=lambda score: score.crps.value)
                ratio = by[DEFAULT].crps.value / best.crps.value
                what = f"CRPS over that of the best baseline ('{best.model}'), {preset}, {_AHEAD[ahead]}"
                yield Check(what, Estimate(ratio, float("nan")), high=1.05)


def _by_model(scored: Sequence[Score], ahead: int) -> dict[str, Score]:
    return {score.model: score for score in scored if score.ahead == ahead}


def _lines(scored: Sequence[Score]) -> list[list[str]]:
    """A table: models by their score this quarter, this quarter's figures and the next's side by side."""
    head = ["model"]
    for name in ("this", "next"):
        head += [f"CRPS {name}", "× oracle", "80 %", "95 %", "WAPE", "bias"]
    this, later = _by_model(scored, 0), _by_model(scored, 1)
    return [head, *([name, *_figures(this[name]), *_figures(later[name])] for name in this if name in later)]


def _figures(score: Score) -> list[str]:
    return [
        _figure(score.crps, 3),
        "–" if np.isnan(score.to_oracle.value) else f"{score.to_oracle.value:.2f}",
        _share(score.covers_80),
        _share(score.covers_95),
        f"{score.wape.value:.3f}",
        f"{score.bias.value:+.3f}",
    ]


def _share(covered: Estimate | None) -> str:
    if covered is None:
        return "–"
    return f"{100 * covered.value:.0f}" + ("" if np.isnan(covered.error) else f" ± {100 * covered.error:.0f}")


def _figure(estimate: Estimate, places: int) -> str:
    if np.isnan(estimate.error):
        return f"{estimate.value:.{places}f}"
    return f"{estimate.value:.{places}f} ± {estimate.error:.{places}f}"
