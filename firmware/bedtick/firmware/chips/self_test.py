"""Judging a self-test: how far each axis moved when the proof mass was pushed, and how far it may."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.chips.contract import Block, SelfTest
from bedtick.firmware.clock import Clock
from bedtick.firmware.errors import ChipError

Limits = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Pace:
    """How long the output settles after a change of the push, and how long it is averaged."""

    settle_ns: int
    average_ns: int


def settled_mean(drain: Callable[[], Block], clock: Clock, pace: Pace) -> NDArray[np.float64]:
    """Return the mean of each axis, in counts, after the output has settled; float64, shape (3,).

    Raises `ChipError` where nothing is measured.
    """
    clock.sleep_until(clock.boot_ns() + pace.settle_ns)
    drain()
    clock.sleep_until(clock.boot_ns() + pace.average_ns)
    counts = drain().counts
    if not len(counts):
        raise ChipError("the self-test measures nothing (is the sensor's supply 3.3 V?)")
    mean: NDArray[np.float64] = counts.mean(axis=0)
    return mean


def judge(shift: NDArray[np.float64], limits: Limits) -> SelfTest:
    """Return whether each axis moved as far as it should; all in counts."""
    x, y, z = (float(value) for value in shift)
    failed = [
        f"{axis} moved {value:+.0f} counts, allowed {low:+.0f} to {high:+.0f}"
        for axis, value, (low, high) in zip("xyz", (x, y, z), limits, strict=True)
        if not low <= value <= high
    ]
    if failed:
        sentence = f"failed: {'; '.join(failed)} (repeat with the bed at rest, then change the chip)"
    else:
        sentence = f"passed: x {x:+.0f}, y {y:+.0f}, z {z:+.0f} counts"
    return SelfTest(not failed, (x, y, z), limits, f"self-test {sentence}")
