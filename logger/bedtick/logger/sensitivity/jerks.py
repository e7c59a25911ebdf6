"""Makes known jerks, in counts, as they would have been added to a night's samples.

A chip rounds what it feels, its own noise included, and that noise is what carries a motion smaller than
a count: with at least half a count of it the rounding error no longer depends on the signal (Gray and
Stockham, Dithered quantizers, IEEE Trans. Information Theory 39, 1993). The stored counts have that noise
in them already, so a jerk's fraction of a count is rounded up as often as it is large, anew for each
sample; the mean is exact, and where there is no jerk not a count changes. A chip with less noise rests
somewhere within a count: there one place is drawn for the whole jerk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.emulator.motion import Bed, Twitch, largest

RESONANCE_HZ, DAMPING = (4.0, 12.0), (0.1, 0.25)  # of beds that nobody tapped
FORCE_S = (0.075, 0.25)  # how long a push lasts
MOST_DAMPING = 0.9  # a calibrated bed that rings less would hardly be a resonance
GONE = 0.01  # of the peak: what is left of the ringing when the jerk is taken to be over
ENDED = 0.1  # of the peak: until then a detection overlaps the jerk
DITHER_COUNTS = 0.5  # rms noise from which rounding errors do not depend on the signal


@dataclass(frozen=True)
class Jerk:
    """One jerk to add: `counts`, (n, 3) int32, from sample `onset_sample` on.

    `peak_mg` is the largest norm before rounding; at `end_sample` a tenth of that is left.
    """

    onset_sample: int
    end_sample: int
    peak_mg: float
    counts: NDArray[np.int32]


@dataclass(frozen=True)
class Rounding:
    """How the sensor counts: `scale_g` a count at `rate_hz`, with `noise_counts` of its own noise (rms)."""

    scale_g: float
    rate_hz: float
    noise_counts: float

    @property
    def is_dithered(self) -> bool:
        """Whether the sensor's own noise carries motion below a count."""
        return self.noise_counts >= DITHER_COUNTS


def calibrated_bed(ring_down_s: float, resonance_hz: float) -> Bed:
    """Return the bed whose ringing falls to 1/e in `ring_down_s`."""
    return Bed(resonance_hz, min(1.0 / (2.0 * math.pi * resonance_hz * ring_down_s), MOST_DAMPING))


def draw_jerk(
    rng: np.random.Generator, bed: Bed | None, rounding: Rounding, onset_sample: int, peak_mg: float
) -> Jerk:
    """Draw a jerk of a size: a push of any direction, on the given bed or on any that may be."""
    if bed is None:
        bed = Bed(rng.uniform(*RESONANCE_HZ), rng.uniform(*DAMPING))
    direction = rng.standard_normal(3)
    shape = Twitch(bed, rng.uniform(*FORCE_S), direction / np.sqrt(direction @ direction))
    lasts_s = shape.force_s - bed.decay_s * math.log(GONE)
    t_s = np.arange(math.ceil(lasts_s * rounding.rate_hz)) / rounding.rate_hz
    peak_counts = peak_mg / (1e3 * rounding.scale_g)
    felt_counts = shape.felt(t_s) * (peak_counts / largest(shape))
    end_s = shape.force_s - bed.decay_s * math.log(ENDED)
    return Jerk(
        onset_sample,
        onset_sample + round(end_s * rounding.rate_hz),
        peak_mg,
        _rounded(rng, felt_counts, rounding),
    )


def _rounded(
    rng: np.random.Generator, felt_counts: NDArray[np.float64], rounding: Rounding
) -> NDArray[np.int32]:
    """Round to whole counts by the rule of the module's account."""
    place = rng.random(felt_counts.shape if rounding.is_dithered else (1, 3))
    return np.floor(felt_counts + place).astype(np.int32)
