"""What an emulated chip feels, and when its oscillator ticks: a recording, or a sensor at rest.

A source is addressed by tick number, so a FIFO over it is two numbers and nothing happens while time
passes. Times are nanoseconds since the source began, which is when its chip first measured.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.recording_file import Recording


class Source(Protocol):
    """Acceleration by tick number, and the ticks' times."""

    @property
    def adds_noise(self) -> bool:
        """Whether the chip adds its own noise; a recording has its own already."""

    @property
    def end_ns(self) -> int | None:
        """The time of the last tick; None for a source without an end."""

    def ticks_until(self, time_ns: int, rate_hz: float) -> int:
        """Return how many ticks there have been up to and including `time_ns`."""

    def times_ns(self, first_tick: int, count: int, rate_hz: float) -> NDArray[np.int64]:
        """Return the times of `count` ticks, fewer where the source ends; int64, shape (n,)."""

    def acceleration_g(self, first_tick: int, count: int, rate_hz: float) -> NDArray[np.float64]:
        """Return what the sensor feels at `count` ticks, in g; float64, shape (n, 3)."""


class UniformTicks:
    """Tick `k` at `k / rate_hz`, without end."""

    end_ns: int | None = None

    def ticks_until(self, time_ns: int, rate_hz: float) -> int:
        """Return how many ticks there have been up to and including `time_ns`."""
        if time_ns < 0:
            return 0
        ticks = int(time_ns * rate_hz / 1e9)
        while _tick_ns(ticks, rate_hz) <= time_ns:
            ticks += 1
        while ticks and _tick_ns(ticks - 1, rate_hz) > time_ns:
            ticks -= 1
        return ticks

    def times_ns(self, first_tick: int, count: int, rate_hz: float) -> NDArray[np.int64]:
        """Return the times of `count` ticks; int64, shape (count,)."""
        ticks = np.arange(first_tick, first_tick + count, dtype=np.float64)
        return np.rint(ticks * 1e9 / rate_hz).astype(np.int64)


class Still(UniformTicks):
    """A sensor that lies flat and unmoved: 1 g on z."""

    adds_noise = True

    def acceleration_g(self, first_tick: int, count: int, rate_hz: float) -> NDArray[np.float64]:  # noqa: ARG002  the same at every tick
        """Return (0, 0, 1) g; float64, shape (count, 3)."""
        return np.tile((0.0, 0.0, 1.0), (count, 1))


class RecordingSource:
    """A recording, one row one tick, at the recording's own times.

    A gap in the recording stops the oscillator; nothing is resampled, and the chip's rate setting has
    no effect.
    """

    adds_noise = False

    def __init__(self, recording: Recording) -> None:
        self._times_ns = np.rint(recording.t_s * 1e9).astype(np.int64)
        self._acc_g = recording.acc_g
        self.end_ns: int | None = int(self._times_ns[-1])

    def ticks_until(self, time_ns: int, rate_hz: float) -> int:  # noqa: ARG002  the recording has its own rate
        """Return how many rows there have been up to and including `time_ns`."""
        return int(np.searchsorted(self._times_ns, time_ns, side="right"))

    def times_ns(self, first_tick: int, count: int, rate_hz: float) -> NDArray[np.int64]:  # noqa: ARG002  its own rate
        """Return the times of up to `count` rows; int64, shape (n,)."""
        return self._times_ns[first_tick : first_tick + count]

    def acceleration_g(self, first_tick: int, count: int, rate_hz: float) -> NDArray[np.float64]:  # noqa: ARG002  its own rate
        """Return up to `count` rows in g; float64, shape (n, 3)."""
        return self._acc_g[first_tick : first_tick + count].astype(np.float64)


def _tick_ns(tick: int, rate_hz: float) -> int:
    return round(tick * 1e9 / rate_hz)
