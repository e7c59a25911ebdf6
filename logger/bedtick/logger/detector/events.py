"""What the detector gives: events, their completion, minutes; and the rules that name an event's kind."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bedtick.logger.settings import DetectorSettings, effective_ring_down_s

TWITCH, MOVEMENT, LARGE, TURN = "twitch", "movement", "large", "turn"


@dataclass(frozen=True)
class Event:
    """A closed event, with the kind that is known before its tilt is.

    Attributes
    ----------
    number
        Counts the events of one detector pass from 1 on, in the order of their onsets.
    onset_sample, end_sample
        Half-open interval of sample indices.
    peak_mg, rms_mg
        Largest and root-mean-square norm of motion (0.7 to 25 Hz) between onset and end.
    dominant_hz
        Frequency of the largest power of motion within 2 s from the onset; None where too short.
    snr
        Peak over noise floor, a ratio of amplitudes.
    ring_down_s
        How long the bed would ring from this event's largest envelope down to the low threshold.
    kind
        By duration alone: `large`, `movement` or `twitch`.
    sub_bursts
        How often the envelope rose by 3 dB after a fall by 3 dB, the first rise included.
    direction_ratio
        Share of its band energy that lies along its strongest direction, 1/3 to 1; None where there is none.
    train_hz
        Rate of its sub-bursts where at least four follow each other evenly at 0.3 to 4 Hz; else None.
    """

    number: int
    onset_sample: int
    end_sample: int
    peak_mg: float
    rms_mg: float
    dominant_hz: float | None
    snr: float
    ring_down_s: float
    kind: str
    sub_bursts: int
    direction_ratio: float | None
    train_hz: float | None


@dataclass(frozen=True)
class Completion:
    """What became known 4 s after the end of event `number`: its tilt, None where samples are missing."""

    number: int
    tilt_deg: float | None


@dataclass(frozen=True)
class Minute:
    """One minute of a recording's samples: how loud it was, and what its seconds were good for.

    `activity_mg` (rms of motion), `floor_mg` (rms noise of the band, summed over the axes) and
    `weakest_mg` (the smallest jerk that would have been found) are None where no sample came or no
    floor is known yet. `seconds` maps `valid` and each reason to seconds; they add up to the time covered.
    """

    minute: int
    activity_mg: float | None
    floor_mg: float | None
    weakest_mg: float | None
    seconds: dict[str, float]


def kind_of(duration_s: float, ring_down_s: float, settings: DetectorSettings) -> str:
    """Return the kind by duration: `large`, `movement` or `twitch`, the first that fits."""
    if duration_s > settings.large_s:
        return LARGE
    return MOVEMENT if duration_s - ring_down_s >= settings.movement_s else TWITCH


def final_kind(kind: str, tilt_deg: float | None, settings: DetectorSettings) -> str:
    """Return the kind once the tilt is known: `turn` where gravity moved far enough, else as it was."""
    return TURN if tilt_deg is not None and tilt_deg >= settings.turn_deg else kind


def ring_down_s(top_to_low: float, settings: DetectorSettings) -> float:
    """Return how long a bed rings from `top_to_low` (a ratio of energies) down to the low threshold."""
    return effective_ring_down_s(settings) * 0.5 * math.log(max(top_to_low, 1.0))
