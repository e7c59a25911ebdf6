"""Which taps are good, and when enough of them agree that a bed is calibrated."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from bedtick.firmware.errors import BedtickError
from bedtick.logger.tap.listener import Tap
from bedtick.logger.tap.ring_down import RingDown, fit_ring_down

TAPS_WANTED = 5
FEWEST_AGREEING = 4
AGREES_WITHIN = 0.25  # of the median
HAND_S = 0.06  # from a tap's onset on the hand is still there
LATEST_BEFORE_S = 0.1  # the noise is taken from what lies further before the onset
MOST_ERROR = 0.12  # relative standard deviation of one tap's time constant
MOST_UNEXPLAINED = 0.3
TAU_S = (0.02, 1.0)
RESONANCE_HZ = (2.0, 20.0)

SATURATED, CROWDED, WEAK, UNCLEAR = "saturated", "crowded", "weak", "unclear"
WHAT_TO_DO = {
    SATURATED: "too strong for the sensor's range: tap more gently, or set sensor.range_g higher",
    CROWDED: "too soon after one another: leave 3 seconds between taps",
    WEAK: "too weak: tap harder, or nearer to the sensor",
    UNCLEAR: "not a bed ringing: tap with the flat hand, let go at once, and lie still",
}


class CalibrationError(BedtickError):
    """The taps do not calibrate a bed; the message says why and what to do."""


@dataclass(frozen=True)
class Measured:
    """A tap and what became of it: how the bed rang, or one of the problems above."""

    tap: Tap
    ring_down: RingDown | None
    problem: str | None


@dataclass(frozen=True)
class Calibration:
    """What the good taps told about a bed.

    Attributes
    ----------
    taps
        How many good taps there were.
    ring_down_s
        Median of their time constants.
    resonance_hz
        Median of their natural frequencies.
    ring_down_spread
        Median distance of their time constants from the median, as a share of it.
    """

    taps: int
    ring_down_s: float
    resonance_hz: float
    ring_down_spread: float


def measure(tap: Tap, rate_hz: float) -> Measured:
    """Measure how the bed rang after a tap, or say why this can not be told from it.

    Parameters
    ----------
    tap
        As it was heard.
    rate_hz
        The sensor's measured rate.
    """
    if tap.saturated or tap.crowded:
        return Measured(tap, None, SATURATED if tap.saturated else CROWDED)
    rest = tap.samples_mg[: tap.onset - round(LATEST_BEFORE_S * rate_hz)]
    # A quiet sensor may repeat one count for a second: its rounding is noise all the same.
    noise_mg = np.hypot(rest.std(axis=0), tap.mg_per_count / math.sqrt(12))
    ring_down = fit_ring_down(tap.samples_mg[tap.onset + round(HAND_S * rate_hz) :], noise_mg, rate_hz)
    problem = _problem(ring_down)
    return Measured(tap, ring_down if problem is None else None, problem)


def _problem(ring_down: RingDown) -> str | None:
    if ring_down.error > MOST_ERROR:
        return WEAK
    is_bed = (
        TAU_S[0] <= ring_down.tau_s <= TAU_S[1]
        and RESONANCE_HZ[0] <= ring_down.resonance_hz <= RESONANCE_HZ[1]
    )
    return None if is_bed and ring_down.unexplained <= MOST_UNEXPLAINED else UNCLEAR


def calibrate(measured: list[Measured]) -> Calibration:
    """Return what the taps told, where enough of them agree.

    Raises
    ------
    CalibrationError
        Where no tap was heard, too few were good, or they disagree.
    """
    rings = [one.ring_down for one in measured if one.ring_down is not None]
    if len(rings) < FEWEST_AGREEING:
        raise CalibrationError(_too_few(measured, len(rings)))
    taus_s = np.array([ring.tau_s for ring in rings])
    middle_s = float(np.median(taus_s))
    apart = np.abs(taus_s / middle_s - 1)
    if int((apart <= AGREES_WITHIN).sum()) < FEWEST_AGREEING:
        raise CalibrationError(
            f"not calibrated: the taps disagree: the bed rang for {taus_s.min():.2f} to {taus_s.max():.2f} "
            "s; lie still, and tap at one place, each time alike"
        )
    resonance_hz = float(np.median([ring.resonance_hz for ring in rings]))
    return Calibration(len(rings), middle_s, resonance_hz, float(np.median(apart)))


def _too_few(measured: list[Measured], good: int) -> str:
    """Say how many taps were good, and what was mostly wrong with the others."""
    problems = Counter(one.problem for one in measured if one.problem is not None)
    if not problems:
        heard = "no tap was heard" if good == 0 else f"only {good} of {TAPS_WANTED} taps were heard"
        return f"not calibrated: {heard}; tap harder, nearer to the sensor, one tap every 3 seconds"
    problem = problems.most_common(1)[0][0]
    return (
        f"not calibrated: {good} of {len(measured)} taps were good, the others mostly {WHAT_TO_DO[problem]}"
    )
