"""The accuracy of forecasts: how rows are scored, kept, and held against what was promised."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import scoringrules
from benchmarks import firm as f
from benchmarks.accuracy import main, said_by_models, targets
from benchmarks.scoring import LEVELS, Row, load, save, scores
from benchmarks.simulations import Simulation
from benchmarks.simulator import simulate

NORMAL = np.array([-2.5758, -1.2816, 0.0, 1.2816, 2.5758])
_AT = np.array([0.005, 0.1, 0.5, 0.9, 0.995])


def row(model: str, firm: str = "large/1", *, origin: int = 0, spread: float = 10.0, actual: float = 100.0) -> Row:
    """A forecast of a quarter, around 100."""
    quantiles = 100 + spread * np.interp(LEVELS, _AT, NORMAL)
    day = date(2024, 1, 7) + timedelta(weeks=origin)
    return Row(firm, model, day, "2024Q1", 0, 84 - 7 * origin, actual, 100.0, quantiles)


def test_the_crps_is_that_of_a_kept_library() -> None:
    """Twice the mean pinball loss over the levels; for a point its absolute error."""
    said = row("m", actual=117.0)
    theirs = scoringrules.crps_quantile(np.asarray(117.0), said.quantiles, LEVELS, backend="numpy")
    assert said.crps == pytest.approx(float(theirs))
    assert row("m", spread=0.0, actual=117.0).crps == pytest.approx(17.0)
    assert row("m", spread=0.0).is_point


def test_an_interval_covers_from_end_to_end() -> None:
    """The ends of an interval are within it."""
    assert row("m", actual=100 + 12.816).covers(0.8)
    assert not row("m", actual=100 + 12.9).covers(0.8)


def test_rows_are_kept_as_they_are(tmp_path: Path) -> None:
    """What is read is what was written, to the cent."""
    rows = [row("a", origin=n, actual=90.0 + n) for n in range(3)]
    save(tmp_path / "rows.csv", rows)
    again = load(tmp_path / "rows.csv")
    assert [replace(r, quantiles=LEVELS) for r in again] == [replace(r, quantiles=LEVELS) for r in rows]
    assert np.allclose(again[0].quantiles, rows[0].quantiles, atol=0.005)


def test_a_model_is_held_against_the_oracle_where_it_could_tell() -> None:
    """Its score is over its own origins and the ratio over the same ones of the oracle; the error is that of the firms' figures."""
    firms = ["large/1", "large/2"]
    rows = [row("oracle", firm, origin=n, actual=110.0) for firm in firms for n in range(3)]
    rows += [row("oracle", firm, origin=3, actual=400.0) for firm in firms]
    rows += [row("best", firm, origin=n, spread=20.0, actual=110.0) for firm in firms for n in range(3)]
    by_name = {score.model: score for score in scores(rows)}
    best = by_name["best"]
    expected = row("best", spread=20.0, actual=110.0).crps / row("oracle", actual=110.0).crps
    assert best.firms == 2
    assert best.to_oracle.value == pytest.approx(expected)
    assert best.crps.error == pytest.approx(0.0)
    assert best.covers_80 is not None
    assert best.covers_80.value == 1.0
    assert by_name["oracle"].crps.value > best.crps.value


def test_what_was_promised_holds_or_is_missed() -> None:
    """A default near the oracle holds; one that is twice as far off is missed."""
    good = [row("oracle"), row("best", spread=11.0), row("weighted", spread=60.0)]
    bad = [row("oracle"), row("best", spread=40.0), row("weighted", spread=30.0)]
    held = {check.what: check.holds for check in targets({"large": scores(good)})}
    missed = {check.what: check.holds for check in targets({"large": scores(bad)})}
    assert len(held) == 3
    assert all(held.values())
    assert not any(missed.values())


def test_what_is_kept_can_be_scored_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Kept rows give the tables, what holds, and the same as JSON, without any firm being played."""
    (tmp_path / "large").mkdir()
    for seed in (1, 2):
        later = [replace(row(name, f"large/{seed}", actual=105.0), ahead=1) for name in ("best", "oracle")]
        said, best = [row("best", f"large/{seed}", actual=105.0), later[0]], later[1]
        save(tmp_path / "large" / f"{seed}.models.csv", said)
        save(tmp_path / "large" / f"{seed}.oracle.csv", [row("oracle", f"large/{seed}", actual=105.0), best])
    main(["--kept", "--seeds", "3", "--preset", "large", "--keep", str(tmp_path), "--json", str(tmp_path / "all.json")])
    printed = capsys.readouterr().out
    assert "About 170 wins a quarter, 2 firms" in printed
    assert "holds" in printed
    told = json.loads((tmp_path / "all.json").read_text())
    assert {(s["model"], s["ahead"]) for s in told["scores"]["large"]} == {
        (m, a) for m in ("best", "oracle") for a in (0, 1)
    }
    assert all(check["seen"]["value"] == pytest.approx(1.0) for check in told["checks"])


def test_a_firm_goes_through_the_whole_package(tmp_path: Path) -> None:
    """Its ledger is written, replayed by the package's own backtest, and every weekly origin of twelve quarters answered."""
    run = Simulation("small", 7, tmp_path)
    tiny = replace(f.make_firm("small", 7), leads_a_day=0.5)
    run.__dict__["journeys"] = simulate(tiny, 7)
    said = said_by_models(run, ["run_rate"])
    assert {r.ahead for r in said} == {0, 1}
    assert len({r.period for r in said}) == 13
    assert len({r.origin for r in said if r.ahead == 0}) == len({r.origin for r in said if r.ahead == 1}) == 157
    booked = {r.period: r.actual for r in said}
    assert booked["2024Q2"] == pytest.approx(run.journeys.booked[17])
