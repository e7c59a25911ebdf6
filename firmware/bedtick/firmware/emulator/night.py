"""The events of an emulated night: when somebody moves, how strongly, and what is true about it.

A night is a row of stretches of 7.5 minutes, each drawn from the seed and its own number. Every four
stretches hold, in random order, a quiet one, one with isolated events, one with bouts of jerks 3 to 5 s
apart and one with movements 20 to 30 s apart. No event crosses the end of its stretch, and after the
ring-down of each follow at least 3 s of rest. Sizes are log-uniform over wide ranges.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.emulator.motion import Bed, Sway, Twitch, largest

STRETCH_S = 450.0
FIRST_EVENT_S = 30.0  # of the whole night: whoever plugs the sensor in lies down first
LEAD_S = 3.0
TAIL_S = 4.0
REST_S = 3.0
GONE_MG = 0.5  # an event has rung down when its envelope is no more than this
TRACES = 8.0  # ring-down times after which nothing is left to compute
REGIMES = ("quiet", "isolated", "jerks", "periodic")
KINDS = ("twitch", "movement", "turn")
KIND_SHARES = {
    "quiet": (0.0, 0.7, 0.3),
    "isolated": (0.6, 0.3, 0.1),
    "jerks": (0.95, 0.05, 0.0),
    "periodic": (0.1, 0.9, 0.0),
}
PEAKS_MG = {"twitch": (2.0, 200.0), "movement": (5.0, 200.0), "turn": (50.0, 400.0)}
TURN_S, TURN_SPREAD = 12.4, 0.22  # median; log-normal so that half lie between 10.7 and 14.4 s
TILT_DEG = (0.5, 2.0)
FURTHEST_TILT_RAD = np.radians(6.0)


@dataclass(frozen=True)
class TrueEvent:
    """What is true about one event.

    `kind` is "twitch", "movement" or "turn"; `onset_s` is when the force begins and `end_s` when the
    ringing has fallen to 0.5 mg, both since the night began. `peak_mg` is the largest norm of what the
    event alone makes the sensor feel, without gravity, drift and noise. `tilt_deg` is by how much
    gravity turned.
    """

    kind: str
    onset_s: float
    end_s: float
    peak_mg: float
    tilt_deg: float


@dataclass(frozen=True)
class Motion:
    """One event and how to compute it; the tilts are rotations about y and x in radians, shape (2,)."""

    truth: TrueEvent
    shape: Twitch | Sway
    amplitude_g: float
    last_s: float
    tilt_before: NDArray[np.float64]
    tilt_after: NDArray[np.float64]


def gravity_g(tilt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return gravity as felt at tilts of shape (..., 2); float64, shape (..., 3), of norm 1."""
    across = np.sin(tilt)
    upright = np.sqrt(1.0 - (across**2).sum(axis=-1, keepdims=True))
    return np.concatenate((across, upright), axis=-1)


def draw_stretch(seed: int, number: int, bed: Bed, tilt: NDArray[np.float64]) -> list[Motion]:
    """Draw the events of one stretch, in order, for a sensor that is tilted by `tilt` when it begins."""
    order = np.random.default_rng((seed, 2, number // len(REGIMES))).permutation(len(REGIMES))
    regime = REGIMES[order[number % len(REGIMES)]]
    rng = np.random.default_rng((seed, 1, number))
    end_s = (number + 1) * STRETCH_S - TAIL_S
    time_s = number * STRETCH_S + (LEAD_S if number else FIRST_EVENT_S)
    motions: list[Motion] = []
    for rest_s in _rests(regime, rng):
        time_s += rest_s
        kind = KINDS[rng.choice(len(KINDS), p=KIND_SHARES[regime])]
        motion = _draw_motion(kind, time_s, bed, tilt, rng)
        if motion.truth.end_s > end_s:
            break
        motions.append(motion)
        time_s, tilt = motion.truth.end_s, motion.tilt_after
    return motions


def _rests(regime: str, rng: np.random.Generator) -> Iterator[float]:
    """Yield the rest before each event, in seconds after the one before has rung down."""
    while regime == "quiet":
        yield rng.uniform(200.0, 500.0)
    while regime == "isolated":
        yield REST_S + rng.exponential(40.0)
    while regime == "periodic":
        yield rng.uniform(17.0, 25.0)
    while True:
        yield rng.uniform(30.0, 120.0)
        for _ in range(rng.integers(20, 80)):
            yield REST_S + rng.uniform(0.0, 1.2)


def _draw_motion(
    kind: str, onset_s: float, bed: Bed, tilt: NDArray[np.float64], rng: np.random.Generator
) -> Motion:
    shape = _draw_twitch(bed, rng) if kind == "twitch" else _draw_sway(kind, bed, rng)
    peak_mg = _log_uniform(rng, *PEAKS_MG[kind])
    amplitude_g = peak_mg / 1000.0 / largest(shape)
    left_mg = 1000.0 * amplitude_g * shape.left_ringing()
    end_s = onset_s + shape.force_s + bed.decay_s * max(np.log(left_mg / GONE_MG), 0.0)
    tilt_after = _tilted(tilt, rng) if kind == "turn" else tilt
    return Motion(
        truth=TrueEvent(kind, onset_s, float(end_s), peak_mg, _angle_deg(tilt, tilt_after)),
        shape=shape,
        amplitude_g=amplitude_g,
        last_s=float(end_s) + TRACES * bed.decay_s,
        tilt_before=tilt,
        tilt_after=tilt_after,
    )


def _draw_twitch(bed: Bed, rng: np.random.Generator) -> Twitch:
    return Twitch(bed, rng.uniform(0.075, 0.25), _directions(rng)[0])


def _draw_sway(kind: str, bed: Bed, rng: np.random.Generator) -> Sway:
    turn_s = TURN_S * np.exp(TURN_SPREAD * rng.standard_normal())
    limb_s = _log_uniform(rng, 0.5, 5.0)
    return Sway(
        bed=bed,
        force_s=float(turn_s) if kind == "turn" else limb_s,
        plane=_directions(rng),
        carrier_hz=rng.uniform(3.0, 7.0),
        flatness=rng.uniform(0.6, 1.0),
        swell_s=rng.uniform(0.7, 3.0),
    )


def _directions(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return two random unit vectors at right angles; float64, shape (2, 3)."""
    first, other = rng.standard_normal((2, 3))
    first = first / np.sqrt(first @ first)
    second = other - (other @ first) * first
    return np.stack((first, second / np.sqrt(second @ second)))


def _tilted(tilt: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the tilt after a turn; whoever lies far to one side turns back."""
    size, heading = np.radians(rng.uniform(*TILT_DEG)), rng.uniform(0.0, 2.0 * np.pi)
    step = size * np.array((np.cos(heading), np.sin(heading)))
    moved: NDArray[np.float64] = tilt + step
    return moved if np.sqrt(moved @ moved) <= FURTHEST_TILT_RAD else tilt - step


def _angle_deg(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    chord = gravity_g(after) - gravity_g(before)
    return float(np.degrees(2.0 * np.arcsin(np.sqrt(chord @ chord) / 2.0)))


def _log_uniform(rng: np.random.Generator, lowest: float, highest: float) -> float:
    return float(np.exp(rng.uniform(np.log(lowest), np.log(highest))))
