"""The smallest jerk that each chip shows, and whether it shows the heart: what a buyer wants to know.

Every chip is taken as bedtick runs it: at the rate it begins with on a fast bus, at its usual range, with the
step of that range and noise up to the bandwidth it has then. Twitches on beds of 4 to 12 Hz push in any
direction, all as strong as each other, `TWITCHES` of them under each of `SLEEPERS` sleepers with breath,
heartbeat (0.2 to 2 mg, field notes C.3), mounting and slow drift of their own, and once more on a bed without
anybody. The smallest jerk is the peak at which nine in ten are found, between two steps of 6 % by a straight
line. The detector has its defaults.

The heart counts as visible from the beat on whose largest wave is three times the rms of what an unmoved chip
gives on one axis, the chip's worst, between 1 and 10 Hz.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import signal

import shapes
import sleeper
from bedtick.firmware import chips as drivers
from chips import Chip, to_counts
from night import Night, TrueEvent
from score import tally
from tables import table
from trial import detect

TWITCHES = 25
SLEEPERS = 16
FIRST_S = 60.0
APART_S = 8.0
PEAKS_MG = tuple(float(peak_mg) for peak_mg in np.geomspace(1.5, 16.0, 41))
FOUND_SHARE = 0.9
HEART_MG = (0.2, 2.0)
HEART_BAND_HZ = (1.0, 10.0)
HEART_CLEAR = 3.0  # times the noise
STILL_S = 300.0
# Noise density of x, y and z at the usual range, and bandwidth over rate, at the usual rate. From the data
# sheets that `chips` names; those of LIS3DH and LSM6DSOX are not confirmed.
NOISE: Final = {
    "adxl345": ((290.0, 290.0, 430.0), 0.5),
    "lis3dh": ((220.0, 220.0, 220.0), 0.5),
    "lsm6dsox": ((75.0, 75.0, 75.0), 0.5),
    "adxl355": ((25.0, 25.0, 25.0), 0.25),
    "mpu6050": ((400.0, 400.0, 400.0), 184 / 500),
}


@dataclass(frozen=True)
class Smallest:
    """What one chip shows; peaks in mg, None where even the strongest one tried is found less often."""

    chip: str
    rate_hz: int
    range_g: int
    step_mg: float
    empty_bed_mg: float | None
    under_sleeper_mg: float | None
    false: int
    hours: float
    heart_mg: float

    @property
    def heart(self) -> str:
        """Whether a heartbeat is visible, in a word."""
        low_mg, high_mg = HEART_MG
        if self.heart_mg > high_mg:
            return "no"
        return "yes" if self.heart_mg < 2 * low_mg else "strong ones"


def chip_in_use(name: str) -> tuple[Chip, float]:
    """Return a chip as the bench takes it, with the settings that bedtick gives it, and its rate."""
    driver = drivers.CHIPS[name]
    range_g = driver.usual_range_g
    noise_ug, bandwidth_share = NOISE[name]
    full = driver.full_scale_counts[range_g]
    chip = Chip(name, noise_ug, driver.scale_g[range_g], full, bandwidth_share, least_mg=0.0, bound_mg=0.0)
    return chip, float(driver.usual_rates_hz[0])


def empty_bed_mg(_rng: shapes.Rng, count: int, _rate_hz: float) -> NDArray[np.float32]:
    """Return gravity alone, (count, 3) in mg, between two steps of any chip."""
    return np.tile(np.array([17.3, -31.1, 1000.0], np.float32), (count, 1))


def sleeper_mg(rng: shapes.Rng, count: int, rate_hz: float) -> NDArray[np.float32]:
    """Return what is always there under a sleeper, (count, 3) in mg."""
    breath, moved = sleeper.breathing_mg(rng, count, rate_hz)
    beat = sleeper.heartbeat_mg(rng, breath, rate_hz, [], shapes.log_uniform(rng, *HEART_MG))
    drift = sleeper.drift_mg(rng, count, rate_hz, 0.05)
    return moved + beat + drift + sleeper.mounting_mg(rng).astype(np.float32)


@dataclass(frozen=True)
class Bed:
    """One bed: what is felt without a twitch, (n, 3) in mg, and twitches of 1 mg at their places."""

    still_mg: NDArray[np.float32]
    unit_mg: NDArray[np.float32]
    rate_hz: float

    def recall(self, chip: Chip, peak_mg: float, seed: int) -> tuple[float, int]:
        """Return which share of twitches of a peak is found through a chip, and how many are made up."""
        felt_mg = self.still_mg + np.float32(peak_mg) * self.unit_mg
        heard = detect(to_counts(felt_mg, chip, self.rate_hz, seed), chip, self.rate_hz)
        starts_s = FIRST_S + APART_S * np.arange(TWITCHES)
        events = [TrueEvent(start_s, start_s + 0.5, peak_mg, "twitch") for start_s in starts_s]
        result = tally(Night(felt_mg, self.rate_hz, events, [], 0.0), heard, 0.0)
        return result.recall, result.false


def make_bed(rng: shapes.Rng, rate_hz: float, *, empty: bool) -> Bed:
    """Return a bed drawn by chance, with a sleeper or without."""
    count = round((FIRST_S + APART_S * TWITCHES) * rate_hz)
    unit_mg = np.zeros((count, 3), np.float32)
    bed = shapes.draw_bed(rng)
    for number in range(TWITCHES):
        moved = shapes.felt_mg(rng, bed, rate_hz, "twitch", 1.0)
        start = round((FIRST_S + APART_S * number) * rate_hz)
        unit_mg[start : start + len(moved)] += moved[: count - start].astype(np.float32)
    felt = empty_bed_mg if empty else sleeper_mg
    return Bed(felt(rng, count, rate_hz), unit_mg, rate_hz)


def smallest_mg(chip: Chip, beds: list[Bed], seed: int) -> tuple[float | None, int]:
    """Return the peak at which nine twitches in ten are found, and how many detections were false."""
    results = [
        [bed.recall(chip, peak_mg, 1000 * seed + number) for number, bed in enumerate(beds)]
        for peak_mg in PEAKS_MG
    ]
    shares = [float(np.mean([share for share, _ in found])) for found in results]
    return crossing_mg(PEAKS_MG, shares), sum(false for found in results for _, false in found)


def crossing_mg(peaks_mg: tuple[float, ...], shares: list[float]) -> float | None:
    """Return from which peak on `FOUND_SHARE` or more are found, by a straight line; None for nowhere."""
    below = [index for index, share in enumerate(shares) if share < FOUND_SHARE]
    last = below[-1] if below else -1
    if last == len(shares) - 1:
        return None
    if last < 0:
        return peaks_mg[0]
    return float(np.interp(FOUND_SHARE, shares[last : last + 2], peaks_mg[last : last + 2]))


def visible_heart_mg(chip: Chip, rate_hz: float, seed: int) -> float:
    """Return the largest wave of the weakest heartbeat that stands out of an unmoved chip's noise."""
    count = round(STILL_S * rate_hz)
    still = to_counts(empty_bed_mg(np.random.default_rng(seed), count, rate_hz), chip, rate_hz, seed)
    sections = signal.butter(2, HEART_BAND_HZ, "bandpass", fs=rate_hz, output="sos")
    banded = signal.sosfilt(sections, still - still.mean(axis=0), axis=0)[round(5.0 * rate_hz) :]
    return HEART_CLEAR * 1e3 * chip.scale_g * float(banded.std(axis=0).max())


def look(name: str, seed: int) -> Smallest:
    """Return what one chip shows."""
    chip, rate_hz = chip_in_use(name)
    draws = [np.random.default_rng([seed, 9, number]) for number in range(2 * SLEEPERS)]
    sleeping = [make_bed(rng, rate_hz, empty=False) for rng in draws[:SLEEPERS]]
    empty = [make_bed(rng, rate_hz, empty=True) for rng in draws[SLEEPERS:]]
    under_mg, false_under = smallest_mg(chip, sleeping, seed)
    alone_mg, false_alone = smallest_mg(chip, empty, seed)
    hours = 2 * SLEEPERS * len(PEAKS_MG) * (FIRST_S + APART_S * TWITCHES) / 3600.0
    range_g = drivers.CHIPS[name].usual_range_g
    heart_mg = visible_heart_mg(chip, rate_hz, seed)
    return Smallest(
        name, round(rate_hz), range_g, 1e3 * chip.scale_g, alone_mg, under_mg,
        false_under + false_alone, hours, heart_mg,
    )  # fmt: skip


def _mg(value: float | None) -> str:
    return f"over {PEAKS_MG[-1]:.0f}" if value is None else f"{value:.1f}"


def line(one: Smallest) -> list[str]:
    """Return one line of the table."""
    return [
        one.chip, str(one.rate_hz), str(one.range_g), f"{one.step_mg:.3g}", _mg(one.under_sleeper_mg),
        _mg(one.empty_bed_mg), f"{one.heart_mg:.2f}", one.heart, f"{one.false / one.hours:.2f}",
    ]  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="of beds, sleepers and noise")
    parser.add_argument("--chip", choices=NOISE, help="only this one")
    wanted = parser.parse_args()
    head = [
        "chip", "Hz", "range, g", "step, mg", "smallest jerk, mg", "without a sleeper, mg",
        "visible beat, mg", "heart", "false/h",
    ]  # fmt: skip
    names = [wanted.chip] if wanted.chip else list(NOISE)
    print(table(head, [line(look(name, wanted.seed)) for name in names]), end="")


if __name__ == "__main__":
    main()
