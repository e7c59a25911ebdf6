"""Signals made for the tests, in counts of 1/256 g: noise of a chip, jerks on a ringing bed, hearts, turns.

Made apart from the emulated mattress: the bed's answer is integrated by scipy on a fine grid.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy import signal

SCALE_G = 1 / 256
MG = 0.256  # counts
GRAVITY = np.array([0.0, 0.0, 256.0])


def chip_noise(seconds, rate_hz, seed=0):
    """Noise of an ADXL345 at rest, not rounded, with 1 g on z; (n, 3) counts."""
    sd = np.array([290e-6, 290e-6, 430e-6]) * np.sqrt(rate_hz / 2) / SCALE_G
    count = round(seconds * rate_hz)
    return np.random.default_rng(seed).standard_normal((count, 3)) * sd + GRAVITY


@functools.cache
def bed_answer(resonance_hz, damping):
    """Return what a bed answers to a push of 0.12 s, of peak 1: times and values on a fine grid of 3 s."""
    fine = np.arange(0.0, 3.0, 1 / 8000)
    push = np.where(fine < 0.12, 0.5 - 0.5 * np.cos(2 * np.pi * fine / 0.12), 0.0)
    w = 2 * np.pi * resonance_hz
    _, answer, _ = signal.lsim(([1.0, 0.0, 0.0], [1.0, 2 * damping * w, w * w]), push, fine)
    return fine, answer / np.abs(answer).max()


def add_jerk(counts, rate_hz, onset_s, peak_mg, direction=(0.3, -0.5, 0.8), resonance_hz=7.0, damping=0.15):
    """Add one jerk, a push that begins at `onset_s`, to a signal in place."""
    unit = np.asarray(direction) / np.linalg.norm(direction)
    first = max(int((onset_s - 0.1) * rate_hz), 0)
    part = counts[first : first + round(3.2 * rate_hz)]
    since_s = (first + np.arange(len(part))) / rate_hz - onset_s
    shape = np.interp(since_s, *bed_answer(resonance_hz, damping), left=0.0, right=0.0)
    part += shape[:, None] * unit * peak_mg * MG


def add_sway(counts, rate_hz, onset_s, lasts_s, peak_mg, carrier_hz=4.0):
    """Add a movement that goes on: a steady sway with soft ends."""
    first, n = round(onset_s * rate_hz), round(lasts_s * rate_hz)
    t = np.arange(n) / rate_hz
    size = np.minimum(1.0, np.minimum(t, lasts_s - t) / 0.1) * peak_mg * MG
    sway = np.stack([np.cos(2 * np.pi * carrier_hz * t), 0.7 * np.sin(2 * np.pi * carrier_hz * t), 0 * t])
    counts[first : first + n] += (size * sway).T


def add_heart(counts, rate_hz, peak_mg, a_minute=66.0):
    """Add a heartbeat: a short ringing complex at each beat, on a slant."""
    t = np.arange(len(counts)) / rate_hz
    phase = t * a_minute / 60 + 0.03 * np.sin(2 * np.pi * 0.25 * t)
    since_s = ((phase + 0.5) % 1.0 - 0.5) * 60 / a_minute
    beat = np.exp(-((since_s / 0.08) ** 2)) * np.cos(2 * np.pi * 6.0 * since_s)
    counts += beat[:, None] * np.array([0.36, 0.48, 0.8]) * peak_mg * MG


def add_tilt(counts, rate_hz, at_s, angle_deg, takes_s=2.0):
    """Turn gravity towards x by an angle, within `takes_s`; the noise stays as it is."""
    t = np.arange(len(counts)) / rate_hz
    done = np.clip((t - at_s) / takes_s, 0.0, 1.0)
    angle = np.radians(angle_deg) * done**2 * (3 - 2 * done)
    counts += 256.0 * np.stack([np.sin(angle), 0 * t, np.cos(angle) - 1.0], axis=1)
