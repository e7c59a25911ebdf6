"""The shapes of movement as the sensor under a mattress feels them, before they are scaled to a size.

A twitch is a short push on a bed that rings: a force F(t) = (1 - cos(2 pi t / D)) / 2 over D seconds drives
x'' + 2 z w x' + w^2 x = F, and the sensor feels x''. With l = -z w + i w sqrt(1 - z^2) and
Z(t) = integral of exp(l (t - s)) F(s) ds the solution is x'' = Im(l^2 Z) / Im(l) + F, and Z is a sum of
exponentials, so any time can be evaluated without the ones before.

A limb movement or a turn lasts longer than the bed rings. It is drawn as a sway: an ellipse in a random
plane, a few times a second, with full force after 0.12 s, slowly varying, dying away with the bed's
ring-down when the force ends.

Amplitudes and shapes are engineering estimates; no published measurement of twitches at a mattress was
found.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RISE_S = 0.12


@dataclass(frozen=True)
class Bed:
    """How a bed rings: its resonance and its damping ratio."""

    resonance_hz: float
    damping: float

    @property
    def decay_s(self) -> float:
        """The time in which the ringing falls to 1/e."""
        return 1.0 / (self.damping * 2.0 * np.pi * self.resonance_hz)


@dataclass(frozen=True)
class Twitch:
    """A push of `force_s` seconds along `direction`, a unit vector of shape (3,)."""

    bed: Bed
    force_s: float
    direction: NDArray[np.float64]

    def felt(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the unscaled acceleration at times >= 0 since the onset; float64, shape (n, 3)."""
        return _pushed_resonance(self.bed, self.force_s, t_s)[:, None] * self.direction

    def left_ringing(self) -> float:
        """Return the unscaled envelope of the ringing when the push ends; from there on it only decays."""
        after_s = np.arange(0.0, 1.0 / self.bed.resonance_hz, 0.001)
        ringing = np.abs(_pushed_resonance(self.bed, self.force_s, self.force_s + after_s))
        return float((ringing * np.exp(after_s / self.bed.decay_s)).max())

    def grid_s(self) -> NDArray[np.float64]:
        """Return times that hold the largest acceleration to within a ten-thousandth."""
        return np.arange(0.0, self.force_s + 1.0 / self.bed.resonance_hz, 0.00025)


@dataclass(frozen=True)
class Sway:
    """An ellipse of `carrier_hz` in the plane of two unit vectors, shape (2, 3), for `force_s` seconds."""

    bed: Bed
    force_s: float
    plane: NDArray[np.float64]
    carrier_hz: float
    flatness: float
    swell_s: float

    def felt(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the unscaled acceleration at times >= 0 since the onset; float64, shape (n, 3)."""
        angle = 2.0 * np.pi * self.carrier_hz * t_s
        rise = np.sin(np.minimum(t_s / RISE_S, 1.0) * np.pi / 2.0) ** 2
        swell = 1.0 - 0.3 * np.sin(np.pi * t_s / self.swell_s) ** 2
        fall = np.exp(-np.maximum(t_s - self.force_s, 0.0) / self.bed.decay_s)
        size = rise * swell * fall
        in_plane = np.stack((size * np.cos(angle), size * self.flatness * np.sin(angle)), axis=1)
        felt: NDArray[np.float64] = in_plane @ self.plane
        return felt

    def left_ringing(self) -> float:
        """Return a bound on the unscaled envelope when the force ends: the swell may be anywhere."""
        return 1.0

    def grid_s(self) -> NDArray[np.float64]:
        """Return times that hold the largest acceleration to within a thousandth."""
        return np.arange(0.0, self.force_s + 0.1, 0.002)


def largest(shape: Twitch | Sway) -> float:
    """Return the largest norm of a shape's unscaled acceleration."""
    return float(np.sqrt((shape.felt(shape.grid_s()) ** 2).sum(axis=1)).max())


def _pushed_resonance(bed: Bed, force_s: float, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return x'' for the raised-cosine push; the formulas are in the module's docstring."""
    omega = 2.0 * np.pi * bed.resonance_hz
    pole = complex(-bed.damping * omega, omega * np.sqrt(1.0 - bed.damping**2))
    turn = 2.0j * np.pi / force_s
    pushed_s = np.minimum(t_s, force_s)
    ringing = np.exp(pole * pushed_s)
    memory = sum(
        weight * (np.exp(rate * pushed_s) - ringing) / (rate - pole)
        for weight, rate in ((0.5, 0.0j), (-0.25, turn), (-0.25, -turn))
    )
    memory = memory * np.exp(pole * (t_s - pushed_s))
    force = np.where(t_s < force_s, 0.5 - 0.5 * np.cos(2.0 * np.pi * t_s / force_s), 0.0)
    return np.asarray((pole**2 * memory).imag / pole.imag + force, dtype=np.float64)
