"""A bed in which something happens every few seconds: jerks of many sizes, and now and then a turn.

The synthetic mattress of the emulator sleeps through its first minutes, as people do; a night that is cut
after half a minute needs more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.emulator.sources import UniformTicks

MOTIONS = 2000  # two hours and more
FIRST_S = 4.0  # after the detector has settled
SHORTEST_S, LONGEST_S = 1.0, 6.0  # from one motion to the next
RINGING_HZ, RING_DOWN_S = 7.0, 0.15
WEAKEST_G, STRONGEST_G = 0.01, 0.12
TURN_SHARE, TURN_RAD, TURN_S = 0.1, 0.02, 1.0


class RestlessBed(UniformTicks):
    """One night of it; `seed` decides when what happens."""

    adds_noise = True

    def __init__(self, seed: int) -> None:
        chance = np.random.default_rng(seed)
        self._onsets_s = FIRST_S + np.cumsum(chance.uniform(SHORTEST_S, LONGEST_S, MOTIONS))
        self._peaks_g = np.geomspace(WEAKEST_G, STRONGEST_G, 100)[chance.integers(0, 100, MOTIONS)]
        turns = chance.random(MOTIONS) < TURN_SHARE
        self._tilts_rad = np.cumsum(np.where(turns, chance.choice([-TURN_RAD, TURN_RAD], MOTIONS), 0.0))

    def acceleration_g(self, first_tick: int, count: int, rate_hz: float) -> NDArray[np.float64]:
        """Return what the sensor feels at `count` ticks, in g; float64, shape (n, 3)."""
        t_s = (first_tick + np.arange(count)) / rate_hz
        last = np.searchsorted(self._onsets_s, t_s, side="right") - 1  # the motion that rings now
        since_s = np.where(last >= 0, t_s - self._onsets_s[last], np.inf)
        ringing = self._peaks_g[last] * np.exp(-since_s / RING_DOWN_S)
        ringing = np.where(last >= 0, ringing * np.sin(2 * np.pi * RINGING_HZ * t_s), 0.0)
        before_rad = np.where(last >= 1, self._tilts_rad[last - 1], 0.0)
        after_rad = np.where(last >= 0, self._tilts_rad[last], 0.0)
        tilt_rad = before_rad + (after_rad - before_rad) * np.clip(since_s / TURN_S, 0.0, 1.0)
        return np.stack((ringing + np.sin(tilt_rad), 0.5 * ringing, np.cos(tilt_rad) + ringing), axis=1)
