"""A synthetic mattress on which somebody taps: every three seconds or so, for as long as it is asked.

The sleeper lies on it as in `mattress`; the taps are short pushes of a flat hand, each of another strength,
length and direction. Sizes are engineering estimates: no published measurement was found. Each tap is drawn
from the seed and its own number, so that any time can be computed without the ones before it.
"""

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.emulator.mattress import Mattress
from bedtick.firmware.emulator.motion import Bed, Twitch, largest
from bedtick.firmware.emulator.sources import UniformTicks

FIRST_TAP_S = 4.0
EVERY_S = 3.0
EARLY_OR_LATE_S = 0.3
PUSH_S = (0.02, 0.05)
PEAK_G = (0.06, 0.2)
RINGS_FOR = 8.0  # time constants, after which nothing is left to compute


class TappedMattress(UniformTicks):
    """A mattress and the taps on it, as a source for an emulated chip.

    Parameters
    ----------
    seed
        Draws sleeper, bed and taps.
    bed
        Another bed than the one that `Mattress` has with this seed.
    """

    adds_noise = True

    def __init__(self, seed: int = 0, bed: Bed | None = None) -> None:
        self._seed = seed
        self._mattress = Mattress(seed)
        self.bed = bed or self._mattress.bed

    def acceleration_g(self, first_tick: int, count: int, rate_hz: float) -> NDArray[np.float64]:
        """Return what the sensor feels at `count` ticks of `rate_hz`, in g; float64, shape (count, 3)."""
        t_s = np.arange(first_tick, first_tick + count, dtype=np.float64) / rate_hz
        felt_g = self._mattress.acceleration_at(t_s)
        if not count:
            return felt_g
        reach_s = max(PUSH_S) + RINGS_FOR * self.bed.decay_s + EARLY_OR_LATE_S
        first = max(int((t_s[0] - reach_s - FIRST_TAP_S) // EVERY_S), 0)
        last = int((t_s[-1] + EARLY_OR_LATE_S - FIRST_TAP_S) // EVERY_S)
        for number in range(first, last + 1):
            self._add_tap(felt_g, t_s, number)
        return felt_g

    def _add_tap(self, felt_g: NDArray[np.float64], t_s: NDArray[np.float64], number: int) -> None:
        rng = np.random.default_rng((self._seed, 3, number))
        onset_s = FIRST_TAP_S + EVERY_S * number + rng.uniform(-EARLY_OR_LATE_S, EARLY_OR_LATE_S)
        direction = rng.standard_normal(3)
        push = Twitch(self.bed, rng.uniform(*PUSH_S), direction / np.sqrt(direction @ direction))
        peak_g = np.exp(rng.uniform(*np.log(PEAK_G)))
        begin, end = np.searchsorted(t_s, (onset_s, onset_s + RINGS_FOR * self.bed.decay_s))
        if begin < end:
            felt_g[begin:end] += push.felt(t_s[begin:end] - onset_s) * (peak_g / largest(push))
