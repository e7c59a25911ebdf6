"""Runs bedtick's detector over one synthetic night."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedtick.logger.detector.detector import Detector
from bedtick.logger.settings import DetectorSettings
from chips import CHIPS, Chip, to_counts
from night import Night, make_night
from score import Detections, Tally, tally

BLOCK = 16384


@dataclass(frozen=True)
class Trial:
    """One night: which scenario, chip, rate, length and seed."""

    scenario: str
    chip: str = "ADXL345"
    rate_hz: float = 400.0
    hours: float = 1.0
    seed: int = 0

    def make(self) -> tuple[Night, NDArray[np.int32]]:
        """Return the night, and the counts the chip gives for it."""
        chip = CHIPS[self.chip]
        night = make_night(self.scenario, self.seed, self.hours * 3600.0, self.rate_hz, chip.least_mg)
        return night, to_counts(night.acc_mg, chip, self.rate_hz, self.seed)


def detect(
    counts: NDArray[np.int32], chip: Chip, rate_hz: float, settings: DetectorSettings | None = None
) -> Detections:
    """Return what the detector says about counts, (n, 3), of a chip."""
    detector = Detector(settings or DetectorSettings(), chip.scale_g, rate_hz, chip.full_scale_counts)
    blocks = [detector.push(counts[start : start + BLOCK]) for start in range(0, len(counts), BLOCK)]
    blocks.append(detector.finish())
    events = [event for block in blocks for event in block.events]
    seconds: dict[str, float] = {}
    for block in blocks:
        for minute in block.minutes:
            for reason, length_s in minute.seconds.items():
                seconds[reason] = seconds.get(reason, 0.0) + length_s
    return Detections(
        np.array([event.onset_sample for event in events]) / rate_hz,
        np.array([event.end_sample for event in events]) / rate_hz,
        seconds.pop("valid", 0.0),
        seconds,
    )


def run(trial: Trial, settings: DetectorSettings | None = None) -> Tally:
    """Make a night, detect on it and score it."""
    night, counts = trial.make()
    chip = CHIPS[trial.chip]
    return tally(night, detect(counts, chip, trial.rate_hz, settings), chip.bound_mg)
