"""How a bed rings after a tap: the time constant and the frequency of a damped sinusoid, by least squares.

Once the hand has let go, the mattress leaves on each axis

    x(t) = exp(-t / tau) (a cos(2 pi f t) + b sin(2 pi f t)) + c + d t

with tau and f common to all axes; c + d t stands for gravity and breathing. For given tau and f the rest
is linear, so only these two are searched (variable projection: Golub and Pereyra 1973, "The
differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate"): over a
grid that holds every bed, then over ever finer ones about the best point. Each axis counts by its own noise.

Many beds have a second mode. Where one damped sinusoid leaves more than a little, a second one is fitted,
the two in turn, each beside the other; what is told is the one that holds more energy.

Means of some samples are taken first, down to 100 Hz or a little more. A mean turns a damped sinusoid into
one of the same tau and f.

How far tau can be wrong: with energy E of the ringing, summed over samples and axes in units of the noise's
variance, the Fisher information of 1 / tau beside the amplitude is E tau^2 / 4, so that no unbiased estimate
has a relative standard deviation under 2 / sqrt(E).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COARSE_HZ = 100.0  # what samples are averaged down to: four times the highest frequency looked for
FEWEST_MEANS = 20
TAU_S = (0.015, 1.5)  # wider than what is accepted, so that the best point of a good bed lies inside
FREQUENCY_HZ = (1.0, 25.0)
GRID = (12, 22)  # points of tau and of frequency, evenly spaced in their logarithms
ZOOMS = 5
ZOOM_POINTS = 5
ZOOM_FACTOR = 2.0
LITTLE = 0.03  # share of the energy above the noise that one mode may leave
ROUNDS = 3  # of fitting two modes in turn
LEAST_APART = 1.15  # ratio of two modes' frequencies: closer ones can not be told apart

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RingDown:
    """What one tap told about a bed.

    Attributes
    ----------
    tau_s
        Time in which the amplitude falls to 1/e.
    resonance_hz
        Natural frequency, of the undamped bed: sqrt(f^2 + 1 / (2 pi tau)^2).
    error
        Relative standard deviation that noise alone gives `tau_s`.
    unexplained
        Share of the energy above the noise that no mode explains: other movement.
    """

    tau_s: float
    resonance_hz: float
    error: float
    unexplained: float


@dataclass(frozen=True)
class _Mode:
    """A damped sinusoid, and the energy that it explains beside the trend and the other mode."""

    tau_s: float
    frequency_hz: float
    energy: float

    def columns(self, t_s: Floats) -> Floats:
        """Return its cosine and sine; float64, shape (n, 2)."""
        ringing = np.exp((2j * np.pi * self.frequency_hz - 1 / self.tau_s) * t_s)
        return np.stack((ringing.real, ringing.imag), axis=1)


def fit_ring_down(samples_mg: Floats, noise_mg: Floats, rate_hz: float) -> RingDown:
    """Fit the ringing that a tap left.

    Parameters
    ----------
    samples_mg
        float64, shape (n, 3), without NaN, n of 0.4 s or more: from when the hand has let go.
    noise_mg
        float64, shape (3,), above 0: standard deviation of single samples at rest.
    rate_hz
        Rate of the samples.

    Raises
    ------
    ValueError
        For too few samples.
    """
    per_mean = max(1, int(rate_hz / COARSE_HZ))
    count = len(samples_mg) // per_mean
    if count < FEWEST_MEANS:
        raise ValueError(f"{len(samples_mg)} samples at {rate_hz:g} Hz are too few for a ring-down")
    means = samples_mg[: count * per_mean].reshape(count, per_mean, 3).mean(axis=1)
    t_s = np.arange(count, dtype=np.float64) * per_mean / rate_hz
    data = means * (math.sqrt(per_mean) / noise_mg)
    modes, unexplained = _fit_modes(data, t_s)
    main = max(modes, key=lambda mode: mode.energy)
    return RingDown(
        tau_s=main.tau_s,
        resonance_hz=math.hypot(main.frequency_hz, 1 / (2 * math.pi * main.tau_s)),
        error=2 / math.sqrt(max(main.energy, 1e-9)),
        unexplained=unexplained,
    )


def _fit_modes(data: Floats, t_s: Floats) -> tuple[list[_Mode], float]:
    """Return one mode or two, and the share of the energy above the noise that they leave."""
    trend = np.stack((np.ones(len(t_s)), t_s), axis=1)
    one = _search(trend, data, t_s)
    left = _left(trend, data, [one], t_s)
    if left <= LITTLE:
        return [one], left
    two = [one, _search(np.hstack((trend, one.columns(t_s))), data, t_s)]
    for _ in range(ROUNDS):
        for this, other in ((0, 1), (1, 0)):
            beside = np.hstack((trend, two[other].columns(t_s)))
            two[this] = _refine(beside, data, t_s, two[this])
    if abs(math.log(two[0].frequency_hz / two[1].frequency_hz)) < math.log(LEAST_APART):
        return [one], left
    return two, _left(trend, data, two, t_s)


def _left(trend: Floats, data: Floats, modes: list[_Mode], t_s: Floats) -> float:
    """Return the share of the energy above the noise that the modes leave."""
    energy = float((_without(trend, data) ** 2).sum())
    left = float((_without(np.hstack((trend, *(m.columns(t_s) for m in modes))), data) ** 2).sum())
    noise = 3 * (len(data) - 2 - 2 * len(modes))  # each axis has its own linear unknowns
    return max(left - noise, 0.0) / max(energy - noise, 1e-9)


def _without(columns: Floats, data: Floats) -> Floats:
    """Return what columns of shape (n, k) leave of data, shape (n, m), by least squares."""
    basis = np.linalg.qr(columns)[0]
    left: Floats = data - basis @ (basis.T @ data)
    return left


def _search(beside: Floats, data: Floats, t_s: Floats) -> _Mode:
    """Return the best mode over the whole grid, refined."""
    grid = (np.geomspace(*TAU_S, GRID[0]), np.geomspace(*FREQUENCY_HZ, GRID[1]))
    return _refine(beside, data, t_s, _best_of(beside, data, t_s, grid))


def _refine(beside: Floats, data: Floats, t_s: Floats, best: _Mode) -> _Mode:
    """Return the best mode about a point, over ever finer grids."""
    steps = [math.log(TAU_S[1] / TAU_S[0]) / GRID[0], math.log(FREQUENCY_HZ[1] / FREQUENCY_HZ[0]) / GRID[1]]
    for _ in range(ZOOMS):
        around = [np.exp(step * np.linspace(-1.0, 1.0, ZOOM_POINTS)) for step in steps]
        taus_s = np.clip(best.tau_s * around[0], *TAU_S)
        frequencies_hz = np.clip(best.frequency_hz * around[1], *FREQUENCY_HZ)
        best = _best_of(beside, data, t_s, (taus_s, frequencies_hz))
        steps = [step / ZOOM_FACTOR for step in steps]
    return best


def _best_of(beside: Floats, data: Floats, t_s: Floats, grid: tuple[Floats, Floats]) -> _Mode:
    """Return the point of a grid at which a mode explains most of the data beside given columns.

    The energy is that of a projection on two columns, cosine c and sine s:
    (ss (cy)^2 - 2 cs (cy)(sy) + cc (sy)^2) / (cc ss - cs^2), summed over the axes y.
    """
    taus_s, frequencies_hz = (axis.ravel() for axis in np.meshgrid(*grid, indexing="ij"))
    ringing = np.exp((2j * np.pi * frequencies_hz - 1 / taus_s) * t_s[:, None])
    cosine, sine = _without(beside, ringing.real), _without(beside, ringing.imag)
    cc, ss, cs = (cosine**2).sum(axis=0), (sine**2).sum(axis=0), (cosine * sine).sum(axis=0)
    on_cosine, on_sine = cosine.T @ data, sine.T @ data
    squares = ss[:, None] * on_cosine**2 - 2 * cs[:, None] * on_cosine * on_sine + cc[:, None] * on_sine**2
    energies = squares.sum(axis=1) / np.maximum(cc * ss - cs**2, 1e-12 * cc * ss)
    top = int(energies.argmax())
    return _Mode(float(taus_s[top]), float(frequencies_hz[top]), float(energies[top]))
