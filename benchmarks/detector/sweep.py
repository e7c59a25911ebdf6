"""Moves each number of the detector by a fifth either way, on the same nights, and shows whether F1 holds.

A detector tuned to a point would fall off here. One hour of each scenario, ADXL345 at 400 Hz unless
told; every variant hears the very same samples.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

import tables
from bedtick.logger.detector import parameters
from bedtick.logger.settings import DetectorSettings, Settings, with_ring_down
from chips import CHIPS
from scenarios import SCENARIOS
from score import Tally, add, tally
from trial import Trial, detect

SETTINGS = (
    "band_low_hz",
    "band_high_hz",
    "high_ratio",
    "long_ratio",
    "low_ratio",
    "floor_window_s",
    "floor_quantile",
    "least_peak_mg",
    "ring_down_s",
)
# Not swept: what only turns a count into a length of steps, and what the store shares with the detector.
FIXED = ("STEP_HZ", "QUARTER_S", "NEVER_FULL")
FACTORS = (0.8, 1.2)


@dataclass(frozen=True)
class Variant:
    """One number that is moved: its name and by which factor."""

    name: str
    factor: float


def constants() -> list[str]:
    """Return the names of the numbers that `parameters` defines."""
    return [
        name
        for name, value in vars(parameters).items()
        if name.isupper() and isinstance(value, (int, float)) and name not in FIXED
    ]


def variants() -> list[Variant]:
    """Return the detector as it is, and each number moved down and up."""
    others = [Variant(name, factor) for name in (*SETTINGS, *constants()) for factor in FACTORS]
    return [Variant("as it is", 1.0), *others]


def hear_all(trial: Trial) -> list[Tally]:
    """Return the tally of one night for every variant."""
    night, counts = trial.make()
    chip = CHIPS[trial.chip]
    results = []
    for variant in variants():
        with variant_in_force(variant) as settings:
            heard = detect(counts, chip, trial.rate_hz, settings)
        results.append(tally(night, heard, chip.bound_mg))
    return results


@contextmanager
def variant_in_force(variant: Variant) -> Iterator[DetectorSettings]:
    """Give the settings of a variant; a constant is moved while the block runs."""
    settings, constants_then = moved(variant)
    before = {name: getattr(parameters, name) for name in constants_then}
    vars(parameters).update(constants_then)
    try:
        yield settings
    finally:
        vars(parameters).update(before)


def moved(variant: Variant) -> tuple[DetectorSettings, dict[str, float]]:
    """Return settings and constants as a variant has them; only what it moves is among the constants."""
    # Written out: a fifth of the 0 that stands for the usual ring-down would move nothing.
    settings = with_ring_down(Settings(), None).detector
    if variant.name in SETTINGS:
        value = getattr(settings, variant.name)
        return replace(settings, **{variant.name: type(value)(value * variant.factor)}), {}
    if variant.name in constants():
        return settings, {variant.name: getattr(parameters, variant.name) * variant.factor}
    return settings, {}


def line(variant: Variant, results: dict[str, list[Tally]]) -> list[str]:
    """Return one line of the table from the tallies of each scenario."""
    by_scenario = {name: add(found) for name, found in results.items()}
    f1 = {name: one.f1 for name, one in by_scenario.items() if one.counted.any()}
    lowest = min(f1, key=lambda name: f1[name])
    silent = [one for one in by_scenario.values() if not one.counted.any()]
    loudest = max(by_scenario, key=lambda name: by_scenario[name].false_per_hour)
    return [
        variant.name if variant.factor == 1.0 else f"{variant.name} x {variant.factor:g}",
        f"{np.mean(list(f1.values())):.4f}",
        f"{f1[lowest]:.3f} ({lowest})",
        f"{by_scenario[loudest].false_per_hour:.1f} ({loudest})",
        f"{add(silent).false_per_hour:.2f}" if silent else "-",
    ]


def sweep(nights: list[Trial], jobs: int) -> str:
    """Return the table of all variants over the nights."""
    hear_all(replace(nights[0], hours=0.05))  # compiles once, not in each process
    results: list[list[Tally]] = []
    with ProcessPoolExecutor(jobs) as pool:
        for trial, result in zip(nights, pool.map(hear_all, nights), strict=True):
            results.append(result)
            if sys.stderr.isatty():
                print(f"\r{trial.scenario:16} {len(results)} of {len(nights)}", end="", file=sys.stderr)
    lines = []
    for number, variant in enumerate(variants()):
        grouped: dict[str, list[Tally]] = {}
        for trial, result in zip(nights, results, strict=True):
            grouped.setdefault(trial.scenario, []).append(result[number])
        lines.append(line(variant, grouped))
    head = ["moved", "F1, mean of scenarios", "lowest F1", "most false/h", "false/h on nights without events"]
    return tables.table(head, lines)


def main() -> None:
    """Run the sweep and print its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chip", choices=CHIPS, default="ADXL345", help="the chip")
    parser.add_argument("--hours", type=int, default=1, help="hours of each scenario")
    parser.add_argument("--seed", type=int, default=101, help="of the first hour; the next ones follow")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    wanted = parser.parse_args()
    nights = [
        Trial(name, wanted.chip, seed=wanted.seed + hour)
        for name in SCENARIOS
        for hour in range(wanted.hours)
    ]
    print(sweep(nights, wanted.jobs))


if __name__ == "__main__":
    main()
