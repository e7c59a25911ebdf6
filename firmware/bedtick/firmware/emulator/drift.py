"""An oscillator whose rate drifts: any source, felt by a chip that counts ever faster or slower."""

import math

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.emulator.sources import Source

HOUR_S = 3600.0


class Drifting:
    """A source whose ticks come closer and closer.

    After `t` seconds the oscillator has counted what it would have in `t + drift t^2 / 2` seconds without
    drift. What is felt at each tick stays the same.

    Parameters
    ----------
    source
        Gives ticks and acceleration.
    per_hour
        By what fraction the rate rises in an hour; negative where it falls.
    """

    def __init__(self, source: Source, per_hour: float) -> None:
        self.adds_noise = source.adds_noise
        self._source = source
        self._drift = per_hour / HOUR_S
        self.end_ns = None if source.end_ns is None else self._real_ns(np.array([source.end_ns]))[0].item()

    def ticks_until(self, time_ns: int, rate_hz: float) -> int:
        """Return how many ticks there have been up to and including `time_ns`."""
        time_s = time_ns / 1e9
        return self._source.ticks_until(math.ceil(time_ns + self._drift * time_s * time_ns / 2), rate_hz)

    def times_ns(self, first_tick: int, count: int, rate_hz: float) -> NDArray[np.int64]:
        """Return the times of `count` ticks, fewer where the source ends; int64, shape (n,)."""
        return self._real_ns(self._source.times_ns(first_tick, count, rate_hz))

    def acceleration_g(self, first_tick: int, count: int, rate_hz: float) -> NDArray[np.float64]:
        """Return what the sensor feels at `count` ticks, in g; float64, shape (n, 3)."""
        return self._source.acceleration_g(first_tick, count, rate_hz)

    def _real_ns(self, counted_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return when the oscillator has counted so much: the root of t + drift t^2 / 2."""
        counted_s = counted_ns / 1e9
        real_s = 2.0 * counted_s / (1.0 + np.sqrt(1.0 + 2.0 * self._drift * counted_s))
        return np.rint(real_s * 1e9).astype(np.int64)
