"""One synthetic night: what a sensor under a mattress feels, and the truth about it.

Everything is drawn from the scenario's name and a seed, each part from its own stream of chance, so
that a night with one part changed keeps the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

import plans
import shapes
import sleeper
from scenarios import SCENARIOS, Scenario
from scene import Scene
from surroundings import SURROUNDINGS, Spans

ONSET_SHARE = 0.05  # of its peak: where an event begins
END_SHARE = 0.1  # and where it is over
PARTNER_SHARE = (0.2, 0.33)


@dataclass(frozen=True)
class TrueEvent:
    """A true event: onset and end, in seconds, of its own motion without anything else, peak and family."""

    onset_s: float
    end_s: float
    peak_mg: float
    family: str


@dataclass(frozen=True)
class Night:
    """What is felt, without any chip, and what is true.

    Attributes
    ----------
    acc_mg
        (n, 3) float32, in mg, gravity included.
    rate_hz
        Its rate.
    events
        The sleeper's events, in order of onset.
    neither
        Spans, in seconds, in which a detection counts neither way.
    heart_mg
        Largest norm of the heartbeat, in mg.
    """

    acc_mg: NDArray[np.float32]
    rate_hz: float
    events: list[TrueEvent]
    neither: Spans
    heart_mg: float


def make_night(scenario: str, seed: int, length_s: float, rate_hz: float, least_mg: float) -> Night:
    """Return the night that `scenario` and `seed` name; events have at least `least_mg`."""
    chosen = SCENARIOS[scenario]

    def chance(part: str) -> np.random.Generator:
        return np.random.default_rng([seed, crc32(scenario.encode()), crc32(part.encode())])

    acc_mg = np.zeros((round(length_s * rate_hz), 3), np.float32)
    scene = Scene(shapes.draw_bed(chance("bed")), acc_mg, rate_hz)
    events, turned = add_events(chance("events"), scene, chosen.plan(chance("plan"), length_s, least_mg))
    neither = [span for name in chosen.around for span in SURROUNDINGS[name](chance(name), scene)]
    neither += _add_partner(chance("partner"), scene, chosen)
    heart_mg = _add_sleeper(chance("sleeper"), scene, turned, chosen.drift_mg)
    return Night(acc_mg, rate_hz, events, neither, heart_mg)


def add_events(
    rng: shapes.Rng, scene: Scene, planned: list[plans.Planned]
) -> tuple[list[TrueEvent], list[int]]:
    """Add the planned events; return them as they became, and the samples at which turns were over."""
    events: list[TrueEvent] = []
    turned: list[int] = []
    for each in planned:
        start_s = each.start_s if each.after_end_s is None else events[-1].end_s + each.after_end_s
        onset, end = _add_event(rng, scene, each, start_s)
        events.append(TrueEvent(onset / scene.rate_hz, end / scene.rate_hz, each.peak_mg, each.family))
        if each.tilt_deg:
            _tilt(rng, scene.acc_mg, (onset, end), each.tilt_deg)
            turned.append(end)
    return events, turned


def _add_event(rng: shapes.Rng, scene: Scene, planned: plans.Planned, start_s: float) -> tuple[int, int]:
    """Add one event; return the samples of its onset and of its end."""
    moved = shapes.felt_mg(rng, scene.bed, scene.rate_hz, planned.family, planned.peak_mg)
    start = scene.add(start_s, moved)
    norm = np.linalg.norm(moved, axis=1)
    onset = int(np.argmax(norm > ONSET_SHARE * planned.peak_mg))
    end = len(norm) - int(np.argmax(norm[::-1] > END_SHARE * planned.peak_mg))
    return start + onset, start + end


def _tilt(rng: shapes.Rng, acc_mg: NDArray[np.float32], during: tuple[int, int], tilt_deg: float) -> None:
    """Let gravity lean over, smoothly from the onset to the end, and stay."""
    leaning = 1000.0 * math.sin(math.radians(tilt_deg)) * shapes.direction(rng)
    onset, end = during
    smooth = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, end - onset))
    acc_mg[onset:end] += np.outer(smooth, leaning).astype(np.float32)[: len(acc_mg[onset:end])]
    acc_mg[end:] += leaning.astype(np.float32)


def _add_partner(rng: shapes.Rng, scene: Scene, chosen: Scenario) -> Spans:
    """Add a second sleeper's movements, weaker on this side of the bed, and return when they were."""
    if not chosen.partner_per_hour:
        return []
    planned = plans.poisson(rng, scene.length_s, 4.0, per_hour=chosen.partner_per_hour)
    softer = [
        plans.Planned(x.start_s, rng.choice(["twitch", "limb"]), x.peak_mg * rng.uniform(*PARTNER_SHARE))
        for x in planned
    ]
    events, _ = add_events(rng, scene, softer)
    return [(event.onset_s, event.end_s) for event in events]


def _add_sleeper(rng: shapes.Rng, scene: Scene, turned: list[int], drift_mg: float) -> float:
    """Add gravity, breathing, drift and heartbeat; return the heartbeat's largest norm."""
    acc_mg, rate_hz = scene.acc_mg, scene.rate_hz
    breath, moved = sleeper.breathing_mg(rng, len(acc_mg), rate_hz)
    acc_mg += moved
    beat = sleeper.heartbeat_mg(rng, breath, rate_hz, turned, shapes.log_uniform(rng, 0.2, 3.0))
    acc_mg += beat
    acc_mg += sleeper.drift_mg(rng, len(acc_mg), rate_hz, drift_mg)
    acc_mg += sleeper.mounting_mg(rng).astype(np.float32)
    return float(np.linalg.norm(beat, axis=1).max())
