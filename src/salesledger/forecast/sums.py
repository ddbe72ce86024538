"""The distribution of a sum of independent parts: deals that are won or not, and deals that may yet come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from salesledger.forecast.distribution import LEVELS
from salesledger.forecast.week import Real

CELLS = 1024
"""How many steps the range of a sum is cut into."""

EXACT = 600
"""So many deals, those that spread the sum most, are summed exactly; the many small ones behind them as a normal."""

_AT_ONCE = 32
_NOTHING = 1e-7


def total(
    fixed: float, chance: Real, worth: Real, spread: float, coming: Real, coming_worth: Real
) -> tuple[float, float, Real]:
    """The distribution of what is fixed, deals that are won or not, and a Poisson number of deals that may come.

    The characteristic functions are multiplied and turned back by a Fourier transform (the compound distributions of
    Klugman, Panjer, Willmot, Loss Models, section 9.6, there by FFT).

    Args:
        fixed: what is certain, 0 and more.
        chance: the chance of each deal to be won.
        worth: what each is expected to be worth if it is won.
        spread: the standard deviation of that, as a share of it.
        coming: the expected number of deals of each kind that will yet come and be won.
        coming_worth: what one of each kind is expected to be worth.

    Returns:
        The mean, the standard deviation, and the quantiles at LEVELS.
    """
    certain = float(np.sum(chance * worth) + np.sum(coming * coming_worth))
    square = 1 + spread * spread
    each = chance * worth * worth * (square - chance)
    variance = float(np.sum(each) + np.sum(coming * coming_worth**2) * square)
    if variance <= 0 or certain <= 0:
        return fixed + certain, 0.0, np.full(len(LEVELS), fixed + certain)
    order = np.argsort(-each, kind="stable")
    few, many = order[:EXACT], order[EXACT:]
    deviation = variance**0.5
    reach = certain + 9 * deviation + float(np.max(worth[few], initial=0.0))
    step = reach / CELLS
    kinds, kind_worth = _gathered(coming, coming_worth)
    rest_mean, rest_variance = float(np.sum(chance[many] * worth[many])), float(np.sum(each[many])) + step * step / 4
    transform = np.zeros(CELLS // 2 + 1, dtype=complex)
    for at in range(0, len(transform), _AT_ONCE):
        frequency = 2 * np.pi * np.arange(at, min(at + _AT_ONCE, len(transform))) / reach
        log = np.log(1 + chance[few] * (_normal(frequency, worth[few], spread) - 1)).sum(axis=1)
        log += ((_normal(frequency, kind_worth, spread) - 1) * kinds).sum(axis=1)
        part = np.exp(log + 1j * frequency * rest_mean - frequency**2 / 2 * rest_variance)
        transform[at : at + len(part)] = part
        if np.max(np.abs(part)) < _NOTHING:  # a sum of many parts is smooth: it has no high frequencies
            break
    density = np.maximum(np.fft.irfft(np.conj(transform), CELLS), 0)
    cumulative = np.cumsum(density)
    cumulative /= cumulative[-1]
    below = np.concatenate([[0.0], cumulative])
    edges = (np.arange(CELLS + 1) - 0.5) * step
    rise = np.concatenate([[True], np.diff(below) > 1e-12])
    quantiles = np.interp(LEVELS, below[rise], edges[rise])
    return fixed + certain, deviation, fixed + np.maximum(quantiles, 0)


def _normal(frequency: Real, worth: Real, spread: float) -> NDArray[np.complex128]:
    """The characteristic functions of amounts, of shape (frequencies, amounts)."""
    return np.asarray(np.exp(1j * np.outer(frequency, worth) - np.outer(frequency**2, (spread * worth) ** 2) / 2))


def _gathered(coming: Real, worth: Real, kinds: int = 48) -> tuple[Real, Real]:
    """Fewer kinds with the same mean: those of about the same worth put together."""
    order = np.argsort(worth, kind="stable")
    counts, sums = [], []
    for part in np.array_split(order, kinds):
        count = float(np.sum(coming[part]))
        if count > 0:
            counts.append(count)
            sums.append(float(np.sum(coming[part] * worth[part])) / count)
    return np.array(counts), np.array(sums)
