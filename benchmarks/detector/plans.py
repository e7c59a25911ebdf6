"""When events come, and which: one function for each pattern of a night."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shapes import Rng, log_uniform

FIRST_S = 40.0  # the first moments of a night belong to the noise floor
LAST_S = 20.0  # an event that begins later might not be over
LARGEST_MG = 200.0


@dataclass(frozen=True)
class Planned:
    """One event to come: when its force begins, its family, its peak and the lasting tilt it leaves.

    Where `after_end_s` is given, the force begins that long after the end of the event before, and
    `start_s` is only about right.
    """

    start_s: float
    family: str
    peak_mg: float
    tilt_deg: float = 0.0
    after_end_s: float | None = None


def jerks(rng: Rng, starts_s: NDArray[np.float64] | list[float], least_mg: float) -> list[Planned]:
    """Return twitches and, one in eight, whole-body jerks, with peaks log-uniform up to 200 mg."""
    return [
        Planned(
            float(start_s),
            "body" if rng.random() < 0.125 else "twitch",
            log_uniform(rng, least_mg, LARGEST_MG),
        )
        for start_s in starts_s
    ]


def every(rng: Rng, length_s: float, least_mg: float, *, from_s: float, to_s: float) -> list[Planned]:
    """Return jerks from beginning to end, start to start evenly between `from_s` and `to_s`."""
    starts_s = FIRST_S + np.cumsum(rng.uniform(from_s, to_s, int(length_s / from_s)))
    return jerks(rng, starts_s[starts_s < length_s - LAST_S], least_mg)


def bouts(rng: Rng, length_s: float, least_mg: float) -> list[Planned]:
    """Return bouts of 5 to 10 minutes, a jerk each 3 to 5 s, with 3 to 15 minutes between them."""
    starts_s: list[float] = []
    at_s = FIRST_S + rng.uniform(0.0, 120.0)
    while at_s < length_s - LAST_S:
        end_s = min(at_s + rng.uniform(300.0, 600.0), length_s - LAST_S)
        while at_s < end_s:
            starts_s.append(at_s)
            at_s += rng.uniform(3.0, 5.0)
        at_s += rng.uniform(180.0, 900.0)
    return jerks(rng, starts_s, least_mg)


def poisson(rng: Rng, length_s: float, least_mg: float, *, per_hour: float) -> list[Planned]:
    """Return jerks at random, at least 1.5 s from start to start."""
    starts_s = FIRST_S + np.cumsum(
        1.5 + rng.exponential(3600.0 / per_hour - 1.5, int(3 * per_hour * length_s / 3600.0) + 20)
    )
    return jerks(rng, starts_s[starts_s < length_s - LAST_S], least_mg)


def weighted(
    rng: Rng, length_s: float, least_mg: float, *, per_hour: float, early: float, late: float
) -> list[Planned]:
    """Return jerks at random whose rate goes evenly from `early` to `late` times `per_hour`."""
    every_one = poisson(rng, length_s, least_mg, per_hour=per_hour * max(early, late))
    share = [(early + (late - early) * x.start_s / length_s) / max(early, late) for x in every_one]
    return [x for x, kept in zip(every_one, share, strict=True) if rng.random() < kept]


def whole_bed(rng: Rng, length_s: float, least_mg: float) -> list[Planned]:
    """Return whole-body jerks of 50 to 300 mg, about sixty an hour."""
    return [
        Planned(x.start_s, "body", log_uniform(rng, 50.0, 300.0))
        for x in poisson(rng, length_s, least_mg, per_hour=60.0)
    ]


def limb_movements(rng: Rng, length_s: float, least_mg: float) -> list[Planned]:
    """Return series of limb movements, start to start log-normal about a median drawn from 14 to 28 s."""
    median_s = rng.uniform(14.0, 28.0)
    apart_s = np.clip(median_s * np.exp(0.3 * rng.standard_normal(int(length_s / 5.0))), 8.0, None)
    starts_s = FIRST_S + np.cumsum(apart_s)
    return [
        Planned(float(start_s), "limb", log_uniform(rng, least_mg, LARGEST_MG))
        for start_s in starts_s[starts_s < length_s - LAST_S]
    ]


def turns(rng: Rng, length_s: float, least_mg: float) -> list[Planned]:
    """Return about six turns an hour, a few jerks soon after each and at random between."""
    planned: list[Planned] = []
    at_s = FIRST_S + rng.uniform(0.0, 300.0)
    while at_s < length_s - 120.0:
        tilt_deg = float(rng.choice((-1.0, 1.0)) * log_uniform(rng, 0.3, 2.0))
        planned.append(Planned(at_s, "turn", log_uniform(rng, 50.0, 500.0), tilt_deg))
        soon = jerks(rng, [at_s + 18.0], least_mg)[0]
        planned.append(replace(soon, after_end_s=rng.uniform(1.5, 10.0)))
        planned += jerks(rng, at_s + 26.0 + np.cumsum(rng.uniform(5.0, 60.0, rng.integers(1, 8))), least_mg)
        at_s = max(planned[-1].start_s + 10.0, at_s + rng.uniform(300.0, 900.0))
    return [x for x in planned if x.start_s < length_s - LAST_S]


def pairs(rng: Rng, length_s: float, least_mg: float) -> list[Planned]:
    """Return pairs of twitches 0.8 to 1.2 s apart, the second 0.5 to 1 times the first, every 10 to 30 s."""
    planned: list[Planned] = []
    for start_s in FIRST_S + np.cumsum(rng.uniform(10.0, 30.0, int(length_s / 10.0))):
        peak_mg = log_uniform(rng, least_mg, LARGEST_MG)
        second_s = float(start_s) + rng.uniform(0.8, 1.2)
        planned.append(Planned(float(start_s), "twitch", peak_mg))
        planned.append(Planned(second_s, "twitch", peak_mg * rng.uniform(0.5, 1.0)))
    return [x for x in planned if x.start_s < length_s - LAST_S]


def nothing(_rng: Rng, _length_s: float, _least_mg: float) -> list[Planned]:
    """Return no event: the sleeper lies still."""
    return []
