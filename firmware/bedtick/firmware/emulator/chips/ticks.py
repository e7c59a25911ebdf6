"""The emulated oscillator under one set of settings: when it ticks and which bytes each tick leaves behind.

Times and bytes are made for thousands of ticks at once and kept, because making them one by one would
cost more than all the rest of the emulation.
"""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from bedtick.firmware.emulator.chips.contract import Output
from bedtick.firmware.emulator.sources import Source

TIMES_BLOCK = 1024
ROWS_BLOCK = 4096
NEVER_NS = 1 << 62


@dataclass(frozen=True)
class Oscillator:
    """What makes one chip's ticks its own: the source, the relative rate error, the seed of its noise."""

    source: Source
    rate_error: float
    seed: int


class Ticks:
    """Ticks of one oscillator while the chip's settings stay as they are."""

    def __init__(self, oscillator: Oscillator, output: Output, time_ns: int) -> None:
        self._oscillator = oscillator
        self._output = output
        self._row_bytes = output.row_bytes
        self._rate_hz = output.rate_hz * (1.0 + oscillator.rate_error)
        self.first = oscillator.source.ticks_until(time_ns - 1, self._rate_hz)
        self._rows = b""
        self._rows_first = 0
        self._load_times(self.first)

    def until(self, time_ns: int) -> int:
        """Return how many ticks there have been up to `time_ns`, which must not go backwards."""
        while self._times and time_ns >= self._times[-1]:
            self._load_times(self._times_first + len(self._times))
        return self._times_first + bisect_right(self._times, time_ns)

    def time_of(self, tick: int) -> int:
        """Return when a tick next to the last `until` comes; `NEVER_NS` after the source's end."""
        index = tick - self._times_first
        return self._times[index] if index < len(self._times) else NEVER_NS

    def row(self, tick: int) -> bytes:
        """Return the bytes of one tick; ticks must be asked for in rising order to be quick."""
        offset = (tick - self._rows_first) * self._row_bytes
        if not 0 <= offset < len(self._rows):
            self._load_rows(tick)
            offset = (tick - self._rows_first) * self._row_bytes
        return self._rows[offset : offset + self._row_bytes]

    def rows(self, first: int, count: int) -> bytes:
        """Return the bytes of `count` ticks in a row; quick as `row` is."""
        parts = []
        while count:
            self.row(first)  # loads the block that holds it
            offset = (first - self._rows_first) * self._row_bytes
            here = min(count, ROWS_BLOCK - first % ROWS_BLOCK)
            parts.append(self._rows[offset : offset + here * self._row_bytes])
            first, count = first + here, count - here
        return b"".join(parts)

    def _load_times(self, first: int) -> None:
        self._times_first = first
        self._times: list[int] = self._oscillator.source.times_ns(first, TIMES_BLOCK, self._rate_hz).tolist()

    def _load_rows(self, tick: int) -> None:
        block = tick // ROWS_BLOCK
        self._rows_first = block * ROWS_BLOCK
        source = self._oscillator.source
        acc_g = source.acceleration_g(self._rows_first, ROWS_BLOCK, self._rate_hz)
        # Seeded by block: a tick's noise does not depend on which ticks were asked for before.
        rng = np.random.default_rng((self._oscillator.seed, block)) if source.adds_noise else None
        self._rows = self._output.encode(acc_g, rng)
