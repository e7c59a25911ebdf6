"""What a jerk does to a bed: forces of many shapes, and a bed that answers with one or two resonances.

A force is drawn from a family (half-sine, skewed pulse, flexion and extension, a burst of muscle noise,
or many of these one after the other), pushes in a direction of its own with a little of it across and
later, and drives one or two damped modes. What the sensor feels is either the acceleration of the
mass itself (s^2 over the mode's polynomial) or what a lossy coupling passes on (w s over it): in both
the acceleration has no mean, as nothing is left moving. This is deliberately another model than the
one of the emulated chip: a detector that is good at both is not tuned to either.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Array = NDArray[np.float64]
Rng = np.random.Generator

SIMULATED_HZ = 400.0  # slower outputs are simulated at a multiple of their rate, at least this
RING_TIMES = 6.0  # ring-down time constants simulated after a force: down to 1/400


@dataclass(frozen=True)
class Mode:
    """One resonance: how strongly it is driven, along which line it moves, None for any."""

    hertz: float
    damping: float
    weight: float
    line: Array | None


@dataclass(frozen=True)
class Bed:
    """The main mode, perhaps a second, and whether the mass itself is felt or a coupling."""

    modes: tuple[Mode, ...]
    felt_on_mass: bool

    @property
    def ring_s(self) -> float:
        """Longest time constant of ring-down, in seconds."""
        return max(1.0 / (2 * math.pi * mode.hertz * mode.damping) for mode in self.modes)


def direction(rng: Rng) -> Array:
    """Return a unit vector, (3,), evenly over the sphere."""
    vector = rng.standard_normal(3)
    return vector / float(np.linalg.norm(vector))


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """Return a number whose logarithm is evenly spread from `low` to `high`."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def draw_bed(rng: Rng) -> Bed:
    """Return a bed of 4 to 12 Hz and damping 0.1 to 0.25 (field notes C.3), often with a second mode."""
    main = Mode(log_uniform(rng, 4.0, 12.0), rng.uniform(0.1, 0.25), 1.0, None)
    second_hz = main.hertz * rng.uniform(1.3, 2.2)
    second = Mode(second_hz, rng.uniform(0.1, 0.25), rng.uniform(0.0, 0.4), direction(rng))
    return Bed((main, second), bool(rng.integers(2)))


def _half_sine(_rng: Rng, rate_hz: float, length_s: float) -> Array:
    return np.sin(np.linspace(0.0, np.pi, max(4, round(length_s * rate_hz))))


def _skewed(rng: Rng, rate_hz: float, length_s: float) -> Array:
    power = rng.uniform(1.0, 4.0)
    t = np.arange(round(2.0 * length_s * rate_hz)) / (rate_hz * length_s)  # in lengths
    pulse: Array = t**power * np.exp(-t * (power + 2.0) * 1.5)
    pulse /= pulse.max()
    return pulse


def _flexion_extension(rng: Rng, rate_hz: float, length_s: float) -> Array:
    first = _half_sine(rng, rate_hz, length_s * rng.uniform(0.3, 0.6))
    back = _half_sine(rng, rate_hz, length_s * rng.uniform(0.4, 0.8))
    return np.concatenate([first, -rng.uniform(0.4, 1.0) * back])


def _muscle_burst(rng: Rng, rate_hz: float, length_s: float) -> Array:
    """Rectified-like noise under a window, smoothed as a muscle's twitch smooths its EMG (20 to 50 ms)."""
    noise = np.abs(rng.standard_normal(max(4, round(length_s * rate_hz)))) * _half_sine(
        rng, rate_hz, length_s
    )
    t_s = np.arange(round(0.25 * rate_hz)) / rate_hz
    twitch_s = rng.uniform(0.02, 0.05)
    pulse: Array = np.convolve(noise, t_s * np.exp(-t_s / twitch_s))
    pulse /= np.abs(pulse).max()
    return pulse


PULSES: tuple[Callable[[Rng, float, float], Array], ...] = (
    _half_sine,
    _skewed,
    _flexion_extension,
    _muscle_burst,
)


def _train(rng: Rng, rate_hz: float, length_s: float) -> Array:
    """Overlapping pulses of both signs, a new one every 0.1 to 0.35 s, until the length is full."""
    total = np.zeros(round((length_s + 1.2) * rate_hz))
    at_s = 0.0
    while at_s < length_s - 0.15:
        pulse = PULSES[rng.integers(len(PULSES))](rng, rate_hz, rng.uniform(0.12, 0.45))
        start = round(at_s * rate_hz)
        part = total[start : start + len(pulse)]
        part += rng.choice((-1.0, 1.0)) * rng.uniform(0.5, 1.0) * pulse[: len(part)]
        at_s += rng.uniform(0.1, 0.35)
    return total


def _force(rng: Rng, rate_hz: float, family: str) -> Array:
    """Return a force over time, (n,), of a family: `twitch`, `body`, `limb` or `turn`."""
    if family == "limb":
        return _train(rng, rate_hz, log_uniform(rng, 0.5, 5.0))
    if family == "turn":
        return _train(rng, rate_hz, rng.uniform(9.0, 15.0))
    longest_s, shortest_s = (0.5, 0.1) if family == "body" else (0.25, 0.075)
    return PULSES[rng.integers(len(PULSES))](rng, rate_hz, rng.uniform(shortest_s, longest_s))


def resonance(felt: tuple[float, float, float], hertz: float, damping: float, rate_hz: float) -> Array:
    """Return one digital section, (6,) as `scipy.signal.sosfilt` takes it, of a damped resonance.

    The bilinear transform of (f0 s^2 + f1 s + f2) / (s^2 + 2 d w s + w^2), f being `felt`; SciPy's own is
    general and takes a hundred times as long.
    """
    omega, twice = 2 * math.pi * hertz, 2.0 * rate_hz

    def digital(c0: float, c1: float, c2: float) -> tuple[float, float, float]:
        square = c0 * twice**2
        return square + c1 * twice + c2, 2 * (c2 - square), square - c1 * twice + c2

    section = np.array([*digital(*felt), *digital(1.0, 2 * damping * omega, omega**2)])
    section /= section[3]
    return section


def _answer(mode: Mode, felt_on_mass: bool, push: Array, rate_hz: float) -> Array:
    felt = (1.0, 0.0, 0.0) if felt_on_mass else (0.0, 2 * math.pi * mode.hertz, 0.0)
    section = resonance(felt, mode.hertz, mode.damping, rate_hz)
    along = push if mode.line is None else np.outer(push @ mode.line, mode.line)
    moved: Array = mode.weight * signal.sosfilt(section[None], along, axis=0)
    return moved


def felt_mg(rng: Rng, bed: Bed, rate_hz: float, family: str, peak_mg: float) -> Array:
    """Return what one event makes the sensor feel, (n, 3) in mg; its largest norm is `peak_mg`."""
    finer = math.ceil(SIMULATED_HZ / rate_hz)
    fine_hz = rate_hz * finer
    tail = np.zeros(round(RING_TIMES * bed.ring_s * fine_hz))
    force = np.concatenate([_force(rng, fine_hz, family), tail])
    late = round(rng.uniform(0.01, 0.03) * fine_hz)
    across = rng.uniform(0.0, 0.3) * np.concatenate([np.zeros(late), force[:-late]])
    push = np.outer(force, direction(rng)) + np.outer(across, direction(rng))
    answers = [_answer(mode, bed.felt_on_mass, push, fine_hz) for mode in bed.modes]
    moved: Array = np.sum(answers, axis=0)[::finer]
    return moved * (peak_mg / float(np.linalg.norm(moved, axis=1).max()))
