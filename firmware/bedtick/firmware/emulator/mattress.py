"""A synthetic mattress with a sleeper on it: every movement known, the same for the same seed.

What the sensor feels is the sum of gravity (mounted within a few degrees of flat, tilted by every
turn), a slow drift with temperature, breathing, the heartbeat, and the events drawn in `night`. The
chip adds its own noise. Ranges are those of a mattress recording as far as anything is published:
breathing 0.15-0.4 Hz tilting the sensor by 0.1-1.7 mg, heartbeat 50-90 a minute with 0.2-2 mg, a bed
that rings at 4-9 Hz with a damping of 0.1-0.2. Stiffer beds and stronger heartbeats exist (up to 12 Hz,
0.25 and 3 mg): there a twitch of 10 mg is at the limit of what an ADXL345 can show.

Each time can be computed without the ones before it, up to the tilt, which adds up from turn to turn:
stretches are drawn in order and kept.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.emulator.motion import Bed
from bedtick.firmware.emulator.night import STRETCH_S, Motion, TrueEvent, draw_stretch, gravity_g
from bedtick.firmware.emulator.sources import UniformTicks

BEAT_POINTS = 2048
BEAT_HZ = 6.5  # of the complex that one heartbeat makes
BEAT_AT, BEAT_WIDTH = 0.25, 0.07  # as fractions of a beat
MOUNTING_RAD = np.radians(3.0)


@dataclass(frozen=True)
class Sleeper:
    """What stays the same all night: the bed, the mounting, breathing, heartbeat and drift.

    `mounting` is a tilt of shape (2,) in radians; `breath_g`, `beat_g` and `drift_g` are vectors of
    shape (3,).
    """

    bed: Bed
    mounting: NDArray[np.float64]
    breath_hz: float
    breath_g: NDArray[np.float64]
    beat_hz: float
    beat_g: NDArray[np.float64]
    drift_s: float
    drift_g: NDArray[np.float64]


class Mattress(UniformTicks):
    """An endless night as a source for an emulated chip.

    Parameters
    ----------
    seed
        Any integer from 0; the same seed gives the same night.
    """

    adds_noise = True

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._sleeper = _draw_sleeper(np.random.default_rng((seed, 0)))
        self._stretches: list[list[Motion]] = []
        self._tilt = self._sleeper.mounting  # after the last stretch drawn so far
        self._tilts_before: list[NDArray[np.float64]] = []

    @property
    def bed(self) -> Bed:
        """How this mattress rings."""
        return self._sleeper.bed

    def truth(self, start_s: float, end_s: float) -> list[TrueEvent]:
        """Return the events with an onset from `start_s` up to, not including, `end_s`, in order."""
        return [
            motion.truth
            for motion in self._motions(start_s, end_s)
            if start_s <= motion.truth.onset_s < end_s
        ]

    def acceleration_g(self, first_tick: int, count: int, rate_hz: float) -> NDArray[np.float64]:
        """Return what the sensor feels at `count` ticks of `rate_hz`, in g; float64, shape (count, 3)."""
        return self.acceleration_at(np.arange(first_tick, first_tick + count, dtype=np.float64) / rate_hz)

    def acceleration_at(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the sensor feels at rising times since the night began.

        Parameters
        ----------
        t_s
            float64, shape (n,), seconds, from 0, rising.

        Returns
        -------
        ndarray
            float64, shape (n, 3), g.
        """
        if not len(t_s):
            return np.empty((0, 3))
        motions = self._motions(float(t_s[0]), float(t_s[-1]))
        felt_g = gravity_g(self._tilt_at(t_s, motions)) + _background_g(self._sleeper, t_s)
        for motion in motions:
            first, last = np.searchsorted(t_s, (motion.truth.onset_s, motion.last_s))
            if first < last:
                since_s = t_s[first:last] - motion.truth.onset_s
                felt_g[first:last] += motion.amplitude_g * motion.shape.felt(since_s)
        return felt_g

    def _motions(self, start_s: float, end_s: float) -> list[Motion]:
        """Return the motions of all stretches that touch the span."""
        first, last = int(start_s // STRETCH_S), int(end_s // STRETCH_S)
        self._draw_to(last)
        return [motion for stretch in self._stretches[max(first, 0) : last + 1] for motion in stretch]

    def _draw_to(self, last: int) -> None:
        for number in range(len(self._stretches), last + 1):
            motions = draw_stretch(self._seed, number, self._sleeper.bed, self._tilt)
            self._tilts_before.append(self._tilt)
            self._stretches.append(motions)
            self._tilt = motions[-1].tilt_after if motions else self._tilt

    def _tilt_at(self, t_s: NDArray[np.float64], motions: list[Motion]) -> NDArray[np.float64]:
        """Return the tilt at each time, shape (n, 2); each turn moves it smoothly while its force lasts."""
        tilt = np.tile(self._tilts_before[int(t_s[0] // STRETCH_S)], (len(t_s), 1))
        for motion in motions:
            if motion.truth.kind == "turn":
                done = np.clip((t_s - motion.truth.onset_s) / motion.shape.force_s, 0.0, 1.0)
                tilt += (done**2 * (3.0 - 2.0 * done))[:, None] * (motion.tilt_after - motion.tilt_before)
        return tilt


def _draw_sleeper(rng: np.random.Generator) -> Sleeper:
    return Sleeper(
        bed=Bed(rng.uniform(4.0, 9.0), rng.uniform(0.1, 0.2)),
        mounting=rng.uniform(-MOUNTING_RAD, MOUNTING_RAD, 2),
        breath_hz=rng.uniform(0.15, 0.4),
        breath_g=rng.uniform((0.1, 0.1, 0.02), (1.7, 1.7, 0.36)) / 1000.0,
        beat_hz=rng.uniform(50.0, 90.0) / 60.0,
        beat_g=_vector(rng, np.exp(rng.uniform(np.log(0.2), np.log(2.0))) / 1000.0),
        drift_s=rng.uniform(5000.0, 10000.0),
        drift_g=rng.uniform(-1.0, 1.0, 3) * np.array((4.0, 4.0, 12.0)) / 1000.0,
    )


def _vector(rng: np.random.Generator, length: float) -> NDArray[np.float64]:
    direction = rng.standard_normal(3)
    vector: NDArray[np.float64] = direction * (length / np.sqrt(direction @ direction))
    return vector


def _beat_table() -> NDArray[np.float64]:
    from_peak = np.arange(BEAT_POINTS) / BEAT_POINTS - BEAT_AT
    table: NDArray[np.float64] = np.exp(-((from_peak / BEAT_WIDTH) ** 2)) * np.cos(
        2.0 * np.pi * BEAT_HZ * from_peak
    )
    return table


BEAT = _beat_table()


def _background_g(sleeper: Sleeper, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return breathing, heartbeat (faster while breathing in) and drift; float64, shape (n, 3)."""
    breath = np.sin(2.0 * np.pi * sleeper.breath_hz * t_s)
    beats = sleeper.beat_hz * t_s + 0.05 * breath
    beat = BEAT[((beats - np.floor(beats)) * BEAT_POINTS).astype(np.int64) % BEAT_POINTS]
    drift = np.sin(2.0 * np.pi * t_s / sleeper.drift_s)
    background = np.stack((breath, beat, drift), axis=1)
    felt: NDArray[np.float64] = background @ np.stack((sleeper.breath_g, sleeper.beat_g, sleeper.drift_g))
    return felt
