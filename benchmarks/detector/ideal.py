"""How far from the limit: an ideal energy detector in white noise, and bedtick on the same kind of noise.

The ideal detector knows the noise of every axis, the band (2 to 14 Hz) and the best window for the
bed at hand, and looks at windows that do not overlap; only direction and waveform are unknown to it.
Its statistic is the whitened energy in the window: chi-square with 2 B T for each of three axes where
there is noise alone, noncentral with the jerk's energy where there is one (Urkowitz, "Energy detection
of unknown deterministic signals", Proc. IEEE 55, 1967). Its threshold is set for the same false
detections an hour that the issue allows. No detector that must find window and floor itself is there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import signal, stats

import shapes
from chips import CHIPS, Chip, to_counts
from night import Night, TrueEvent
from score import tally
from trial import detect

BAND_HZ = (2.0, 14.0)
FALSE_PER_HOUR = 0.5
RATE_HZ = 400.0
WINDOWS_S = (0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8)
DRAWS = 300
APART_S = 8.0
AMPLITUDES_MG = {
    "ADXL345": (3.0, 4.0, 5.0, 6.0, 8.0, 10.0),
    "LSM6DSOX": (0.6, 0.8, 1.0, 1.3, 1.6, 2.0),
    "ADXL355": (0.2, 0.3, 0.4, 0.5, 0.6, 0.8),
}


@dataclass(frozen=True)
class Limit:
    """Recall by peak in white noise: what an ideal energy detector would have, and what bedtick has."""

    chip: str
    peaks_mg: tuple[float, ...]
    ideal: tuple[float, ...]
    bedtick: tuple[float, ...]


def limit(name: str, seed: int) -> Limit:
    """Return both recalls for a chip, over `DRAWS` twitches on as many beds at each peak."""
    chip, peaks_mg = CHIPS[name], AMPLITUDES_MG[name]
    rng = np.random.default_rng([seed, 1967])
    unit = [shapes.felt_mg(rng, shapes.draw_bed(rng), RATE_HZ, "twitch", 1.0) for _ in range(DRAWS)]
    energies = np.array([_energies(moved, chip) for moved in unit])
    ideal = tuple(_ideal_recall(energies, peak_mg) for peak_mg in peaks_mg)
    own = tuple(_own_recall(unit, chip, peak_mg, seed) for peak_mg in peaks_mg)
    return Limit(name, peaks_mg, ideal, own)


def _noise_mg2_per_hz(chip: Chip) -> shapes.Array:
    """One-sided power density of each axis, (3,): the chip's own and that of its rounding."""
    density: shapes.Array = (np.array(chip.noise_ug) * 1e-3) ** 2
    return density + (1e3 * chip.scale_g) ** 2 / 12 / (RATE_HZ / 2)


def _energies(moved: shapes.Array, chip: Chip) -> list[float]:
    """Return the most whitened energy in each window: the noncentrality for a peak of 1 mg."""
    sections = signal.butter(4, BAND_HZ, "bandpass", fs=RATE_HZ, output="sos")
    padded = np.concatenate([np.zeros((200, 3)), moved, np.zeros((200, 3))])
    banded = signal.sosfiltfilt(sections, padded, axis=0)
    power = np.sum(banded**2 / _noise_mg2_per_hz(chip), axis=1) * 2 / RATE_HZ
    total = np.concatenate([[0.0], np.cumsum(power)])
    lengths = [round(window_s * RATE_HZ) for window_s in WINDOWS_S]
    return [float(np.max(total[length:] - total[:-length])) for length in lengths]


def _ideal_recall(energies: shapes.Array, peak_mg: float) -> float:
    """Return the mean recall over beds, each with the window that is best for it."""
    found = []
    for window_s, energy in zip(WINDOWS_S, energies.T, strict=True):
        freedom = 3 * 2 * (BAND_HZ[1] - BAND_HZ[0]) * window_s
        threshold = stats.chi2.isf(FALSE_PER_HOUR * window_s / 3600.0, freedom)
        found.append(stats.ncx2.sf(threshold, freedom, energy * peak_mg**2))
    return float(np.mean(np.max(found, axis=0)))


def _own_recall(unit: list[shapes.Array], chip: Chip, peak_mg: float, seed: int) -> float:
    """Return bedtick's recall of the same twitches at this peak, every `APART_S` in the chip's noise."""
    acc_mg = np.zeros((round((60.0 + APART_S * len(unit)) * RATE_HZ), 3), np.float32)
    events = []
    for number, moved in enumerate(unit):
        start_s = 50.0 + APART_S * number
        start = round(start_s * RATE_HZ)
        acc_mg[start : start + len(moved)] += (peak_mg * moved).astype(np.float32)
        events.append(TrueEvent(start_s, start_s + 0.5, peak_mg, "twitch"))
    acc_mg += np.array([17.3, -31.1, 1000.0], np.float32)
    counts = to_counts(acc_mg, chip, RATE_HZ, math.floor(seed + 1000 * peak_mg))
    heard = detect(counts, chip, RATE_HZ)
    return tally(Night(acc_mg, RATE_HZ, events, [], 0.0), heard, 0.0).recall
