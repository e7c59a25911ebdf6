"""The whole bench: which nights, in parallel, and what they add up to for each scenario, chip and rate."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

import sta_lta
from chips import CHIPS
from scenarios import SCENARIOS
from score import Tally, add, tally
from trial import Trial, detect

USUAL_HZ = 400.0  # LSM6DSOX (416) and ADXL355 (500) too: the detector does not know the difference
HOURS = {"ADXL345": 4, "LSM6DSOX": 2, "ADXL355": 2}
MORE = ("every-3-5s", "poisson-60", "limb-movements", "turns", "washer", "house")
MORE_CHIPS = ("MPU6050", "LIS3DH")
MORE_RATES_HZ = (100.0, 200.0, 800.0)
MORE_HOURS = 2

Result = tuple[Tally, NDArray[np.int64]]  # bedtick's tally; outcomes of STA/LTA, (grid, 3)


@dataclass(frozen=True)
class Row:
    """What all nights of one scenario, chip and rate came to."""

    scenario: str
    chip: str
    rate_hz: float
    tally: Tally
    triggers: NDArray[np.int64] = field(repr=False)

    @property
    def best_trigger(self) -> int:
        """Index of the setting of STA/LTA that has the best F1 on these very nights."""
        return int(np.argmax(sta_lta.f1_of(self.triggers)))


def trials(first_seed: int) -> list[Trial]:
    """Return the nights of the whole bench, an hour each, every one with a seed of its own."""
    wanted = [(name, chip, USUAL_HZ, hours) for chip, hours in HOURS.items() for name in SCENARIOS]
    wanted += [(name, chip, USUAL_HZ, MORE_HOURS) for chip in MORE_CHIPS for name in MORE]
    wanted += [(name, "ADXL345", rate_hz, MORE_HOURS) for rate_hz in MORE_RATES_HZ for name in MORE]
    return [
        Trial(name, chip, rate_hz, 1.0, first_seed + hour)
        for name, chip, rate_hz, hours in wanted
        for hour in range(hours)
    ]


def both(trial: Trial) -> Result:
    """Return what bedtick and each setting of STA/LTA make of one night."""
    night, counts = trial.make()
    chip = CHIPS[trial.chip]
    own = tally(night, detect(counts, chip, trial.rate_hz), chip.bound_mg)
    return own, sta_lta.outcomes(night, counts, chip)


def run_all(nights: list[Trial], jobs: int) -> list[Row]:
    """Run the nights in `jobs` processes; a line on standard error says how far they are."""
    detect(np.zeros((1000, 3), np.int32), CHIPS["ADXL345"], USUAL_HZ)  # compiles once, not in each process
    with ProcessPoolExecutor(jobs) as pool:
        results = list(_counted(pool.map(both, nights), nights))
    return _rows(nights, results)


def _counted(results: Iterable[Result], nights: list[Trial]) -> Iterable[Result]:
    hours = 0.0
    for trial, result in zip(nights, results, strict=True):
        hours += trial.hours
        if sys.stderr.isatty():
            print(f"\r{hours:.0f} h of nights, last {trial.scenario:16}", end="", file=sys.stderr, flush=True)
        yield result
    if sys.stderr.isatty():
        print(file=sys.stderr)


def _rows(nights: list[Trial], results: list[Result]) -> list[Row]:
    groups: dict[tuple[str, str, float], list[Result]] = {}
    for trial, result in zip(nights, results, strict=True):
        groups.setdefault((trial.scenario, trial.chip, trial.rate_hz), []).append(result)
    return [
        Row(*key, add([own for own, _ in group]), np.sum([triggers for _, triggers in group], axis=0))
        for key, group in groups.items()
    ]
