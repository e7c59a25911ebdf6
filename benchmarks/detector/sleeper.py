"""What is always there under a sleeper: gravity, breathing, heartbeats and slow drift.

A heartbeat is an I-J-K complex with fading waves after it, 2 to 8 Hz, made of two templates of
different width whose share changes from beat to beat; its amplitude follows the breath by up to a
quarter either way. A turn changes how strongly and in which direction the heart is felt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from shapes import Array, Rng, direction, log_uniform

TEMPLATE_S = 0.8
# Centre (s), width (s) and sign with size of the waves H to N of a beat.
WAVES = (
    (0.06, 0.030, 0.25),
    (0.13, 0.030, -0.60),
    (0.20, 0.032, 1.00),
    (0.28, 0.036, -0.75),
    (0.38, 0.040, 0.35),
    (0.48, 0.045, -0.20),
    (0.59, 0.050, 0.10),
)


@dataclass(frozen=True)
class Breath:
    """Phase of breathing, (n,) in radians, at the samples."""

    phase: Array


def breathing_mg(rng: Rng, count: int, rate_hz: float) -> tuple[Breath, NDArray[np.float32]]:
    """Return the breath and what it makes the sensor feel, (n, 3): 0.15 to 0.4 Hz, 0.1 to 1.7 mg."""
    wander = np.cumsum(rng.standard_normal(count // round(rate_hz) + 2)) * 0.004
    base_hz = rng.uniform(0.15, 0.4)
    steps = np.interp(np.arange(count) / rate_hz, np.arange(len(wander)), np.clip(wander, -0.08, 0.08))
    phase = np.cumsum(2 * np.pi * base_hz * (1.0 + steps) / rate_hz)
    wave = np.sin(phase) + rng.uniform(0.0, 0.3) * np.sin(2 * phase + rng.uniform(0.0, 6.28))
    moved = np.outer(log_uniform(rng, 0.1, 1.7) * wave, direction(rng))
    return Breath(phase), moved.astype(np.float32)


def _template(rate_hz: float, stretch: float) -> Array:
    t_s = np.arange(round(TEMPLATE_S * stretch * rate_hz)) / (rate_hz * stretch)
    waves = np.zeros_like(t_s)
    for centre_s, width_s, size in WAVES:
        waves += size * np.exp(-0.5 * ((t_s - centre_s) / width_s) ** 2)
    waves -= waves.mean()
    return waves


def _beats(rng: Rng, breath: Breath, rate_hz: float) -> NDArray[np.int64]:
    """Return the samples at which beats begin: 45 to 95 a minute, with both kinds of variability."""
    length_s = len(breath.phase) / rate_hz
    mean_s = 60.0 / rng.uniform(45.0, 95.0)
    most = int(length_s / mean_s * 1.5) + 5
    slow = signal.lfilter([0.05], [1.0, -0.95], rng.standard_normal(most))
    shaky = 0.06 * slow / 0.16 + 0.01 * rng.standard_normal(most)
    about = np.minimum((np.arange(most) * mean_s * rate_hz).astype(np.int64), len(breath.phase) - 1)
    gaps_s = mean_s * (1.0 + shaky + rng.uniform(0.0, 0.06) * np.sin(breath.phase[about]))
    starts = (np.cumsum(np.clip(gaps_s, 0.5 * mean_s, 1.6 * mean_s)) * rate_hz).astype(np.int64)
    return starts[starts < len(breath.phase) - 1]


def heartbeat_mg(
    rng: Rng, breath: Breath, rate_hz: float, turned: list[int], peak_mg: float
) -> NDArray[np.float32]:
    """Return the heartbeat, (n, 3): beats of about `peak_mg` before the first turn, weaker after others.

    Parameters
    ----------
    rng
        Chance.
    breath
        Breathing, which modulates rate and strength.
    rate_hz
        The rate.
    turned
        Samples at which the sleeper had turned: another direction, and 0.5 to 1 times the strength.
    peak_mg
        Largest norm of a beat at rest in the middle of a breath.
    """
    beats = _beats(rng, breath, rate_hz)
    lying = np.searchsorted(np.array(turned), beats)
    lines = np.array([direction(rng) for _ in range(len(turned) + 1)])
    strength = np.concatenate([[1.0], rng.uniform(0.5, 1.0, len(turned))])
    breathes = 1.0 + rng.uniform(0.05, 0.25) * np.sin(breath.phase[beats] + rng.uniform(0.0, 6.28))
    size = peak_mg * strength[lying] * breathes
    stretch = rng.uniform(0.8, 1.8)
    share = np.clip(0.5 + 0.15 * rng.standard_normal(len(beats)), 0.0, 1.0)
    moved = np.zeros((len(breath.phase), 3), np.float32)
    for wide, part in ((0.92, share), (1.08, 1.0 - share)):
        impulses = np.zeros((len(breath.phase), 3), np.float32)
        impulses[beats] = lines[lying] * (size * part)[:, None]
        template = _template(rate_hz, stretch * wide).astype(np.float32)
        moved += signal.oaconvolve(impulses, template[:, None] / template.max(), axes=0)[: len(moved)]
    return moved


def mounting_mg(rng: Rng) -> Array:
    """Return gravity at the sensor, (3,), in mg: tilted by up to 15 degrees from any of the six faces."""
    face = np.roll([0.0, 0.0, rng.choice((-1.0, 1.0))], rng.integers(3))
    tilted = face + math.tan(math.radians(rng.uniform(0.0, 15.0))) * direction(rng)
    gravity: Array = 1000.0 * tilted / np.linalg.norm(tilted)
    return gravity


def drift_mg(rng: Rng, count: int, rate_hz: float, per_minute_mg: float) -> NDArray[np.float32]:
    """Return slow drift, (n, 3): ramps of a few minutes each, of up to `per_minute_mg` a minute."""
    length_min = count / rate_hz / 60.0
    knots_min = np.cumsum(rng.uniform(2.0, 10.0, int(length_min / 2.0) + 2))
    slopes = rng.uniform(-per_minute_mg, per_minute_mg, (len(knots_min), 3))
    values = np.cumsum(slopes * np.diff(knots_min, prepend=0.0)[:, None], axis=0)
    at_min = np.arange(count) / rate_hz / 60.0
    return np.column_stack(
        [np.interp(at_min, [0.0, *knots_min], [0.0, *values[:, axis]]) for axis in range(3)]
    ).astype(np.float32)
