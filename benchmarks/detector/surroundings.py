"""What the house adds: hum, a washing machine, trucks, somebody walking, doors.

Each function adds its own into the night's samples and returns the spans, in seconds, in which a
detection counts neither way. Amplitudes are the largest norm at the sensor (field notes C.3).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from scene import Scene
from shapes import Array, Bed, Rng, direction, log_uniform, resonance

Spans = list[tuple[float, float]]
WEAK_MG = 2.0  # steps above this are as strong as jerks
APART_S = 40.0  # start to start; none of these lasts longer


def _moments(rng: Rng, length_s: float, per_hour: float) -> list[float]:
    """Return moments at random, so far apart that two trucks or walkers do not add up."""
    mean_s = 3600.0 / per_hour
    gaps_s = APART_S + rng.exponential(mean_s - APART_S, int(2 * length_s / mean_s) + 20)
    moments_s = np.cumsum(gaps_s) - APART_S
    return [float(moment_s) for moment_s in moments_s if moment_s < length_s - 5.0]


def hum(rng: Rng, scene: Scene) -> Spans:
    """Add two steady lines of 14 to 50 Hz and 0.05 to 3 mg, each on and off every few minutes."""
    length_s = scene.length_s
    for _ in range(2):
        line_hz, line = rng.uniform(14.0, 50.0), direction(rng)
        at_s = rng.uniform(0.0, 120.0)
        while at_s < length_s:
            wave = _switched(rng, scene.rate_hz, line_hz * rng.uniform(0.99, 1.01))
            scene.add(at_s, np.outer(log_uniform(rng, 0.05, 3.0) * wave, line))
            at_s += len(wave) / scene.rate_hz + rng.uniform(60.0, 300.0)
    return []


def _switched(rng: Rng, rate_hz: float, line_hz: float) -> Array:
    t_s = np.arange(round(rng.uniform(60.0, 400.0) * rate_hz)) / rate_hz
    ramp_s = log_uniform(rng, 0.05, 2.0)
    envelope = np.clip(np.minimum(t_s, t_s[-1] - t_s) / ramp_s, 0.0, 1.0)
    slow = 1.0 + 0.1 * np.sin(2 * np.pi * t_s * rng.uniform(0.005, 0.05))
    wave: Array = envelope * slow * np.sin(2 * np.pi * line_hz * t_s + rng.uniform(0.0, 6.28)) / 1.1
    return wave


def washer(rng: Rng, scene: Scene) -> Spans:
    """Add spin cycles: a ramp up from 3 Hz through the bed's resonance, 2 to 8 minutes, a ramp down."""
    length_s = scene.length_s
    at_s = rng.uniform(60.0, 400.0)
    while at_s < length_s - 120.0:
        wave = _spin(rng, scene.bed, scene.rate_hz)
        moved = np.outer(wave.real, direction(rng)) + np.outer(0.5 * wave.imag, direction(rng))
        scene.add(at_s, moved * (log_uniform(rng, 0.5, 10.0) / np.linalg.norm(moved, axis=1).max()))
        at_s += len(wave) / scene.rate_hz + rng.uniform(200.0, 700.0)
    return []


def _spin(rng: Rng, bed: Bed, rate_hz: float) -> NDArray[np.complex128]:
    """Return a cycle as a rotating number: unbalance grows with speed, the resonance by its Q."""
    up_s, steady_s, down_s = rng.uniform(20.0, 90.0), rng.uniform(120.0, 480.0), rng.uniform(20.0, 90.0)
    t_s = np.arange(round((up_s + steady_s + down_s) * rate_hz)) / rate_hz
    spin_hz = rng.uniform(13.0, 23.0)
    at_hz = np.interp(t_s, [0.0, up_s, up_s + steady_s, t_s[-1]], [3.0, spin_hz, spin_hz, 3.0])
    ratio, damping = at_hz / bed.modes[0].hertz, bed.modes[0].damping
    passed = np.sqrt((1.0 + (2 * damping * ratio) ** 2) / ((1 - ratio**2) ** 2 + (2 * damping * ratio) ** 2))
    level = (at_hz / spin_hz) ** 2 * (1.0 + passed) * np.clip(np.minimum(t_s, t_s[-1] - t_s) / 3.0, 0.0, 1.0)
    wave: NDArray[np.complex128] = level * np.exp(2j * np.pi * np.cumsum(at_hz) / rate_hz)
    return wave


def trucks(rng: Rng, scene: Scene) -> Spans:
    """Add twenty passing trucks an hour: noise of 5 to 25 Hz, 3 to 30 s, up to 2 mg, swelling slowly."""
    for at_s in _moments(rng, scene.length_s, 20.0):
        count = round(log_uniform(rng, 3.0, 30.0) * scene.rate_hz)
        low_hz = rng.uniform(5.0, 12.0)
        band = signal.butter(
            2, [low_hz, low_hz * rng.uniform(1.3, 2.0)], "bandpass", fs=scene.rate_hz, output="sos"
        )
        wave = signal.sosfilt(band, rng.standard_normal((count, 3)), axis=0)
        wave *= np.sin(np.linspace(0.0, np.pi, count))[:, None] ** 2 * np.abs(direction(rng))
        wave *= log_uniform(rng, 0.1, 2.0) / np.linalg.norm(wave, axis=1).max()
        scene.add(at_s, wave)
    return []


def _knock(rng: Rng, rate_hz: float, length_s: float, floor_hz: float) -> Array:
    """Return a blow of `length_s` as a floor with a mode of `floor_hz` passes it on, largest value 1."""
    omega, damping = 2 * math.pi * floor_hz, rng.uniform(0.04, 0.1)
    push = np.zeros(round((length_s + 4.0 / (omega * damping)) * rate_hz) + 8)
    blow = np.sin(np.linspace(0.0, np.pi, max(3, round(length_s * rate_hz))))
    push[: len(blow)] = blow
    section = resonance((0.0, omega, 0.0), floor_hz, damping, rate_hz)
    wave: Array = signal.sosfilt(section[None], push)
    wave /= np.abs(wave).max()
    return wave


def _walk(rng: Rng, scene: Scene, at_s: float, peak_mg: float) -> Spans:
    """Add one passing walker: steps 1.4 to 2.5 a second for 5 to 20 s, bell-shaped, on one floor mode."""
    length_s, step_s = rng.uniform(5.0, 20.0), 1.0 / rng.uniform(1.4, 2.5)
    knock = _knock(rng, scene.rate_hz, rng.uniform(0.03, 0.1), log_uniform(rng, 4.0, 20.0))
    wave = np.zeros(round(length_s * scene.rate_hz) + len(knock))
    for step_at_s in np.arange(0.0, length_s - step_s, step_s):
        start = round((step_at_s + rng.uniform(0.0, 0.05)) * scene.rate_hz)
        bell = math.exp(-0.5 * ((step_at_s / length_s - 0.5) / 0.2) ** 2)
        wave[start : start + len(knock)] += bell * rng.uniform(0.8, 1.2) * knock
    scene.add(at_s, np.outer(wave * (peak_mg / np.abs(wave).max()), direction(rng)))
    return [(at_s, at_s + len(wave) / scene.rate_hz)]


def weak_steps(rng: Rng, scene: Scene) -> Spans:
    """Add eight trains of steps an hour that stay below 2 mg: nothing may fire."""
    for at_s in _moments(rng, scene.length_s, 8.0):
        _walk(rng, scene, at_s, log_uniform(rng, 0.5, WEAK_MG))
    return []


def strong_steps(rng: Rng, scene: Scene) -> Spans:
    """Add eight trains of steps an hour of 2 to 20 mg: what fires there counts neither way."""
    spans: Spans = []
    for at_s in _moments(rng, scene.length_s, 8.0):
        spans += _walk(rng, scene, at_s, log_uniform(rng, WEAK_MG, 20.0))
    return spans


def doors(rng: Rng, scene: Scene) -> Spans:
    """Add twelve slammed doors an hour, 0.1 to 0.3 s of blow, 5 to 50 mg: counting neither way."""
    spans: Spans = []
    for at_s in _moments(rng, scene.length_s, 12.0):
        wave = _knock(rng, scene.rate_hz, rng.uniform(0.1, 0.3), log_uniform(rng, 4.0, 20.0))
        scene.add(at_s, np.outer(wave * log_uniform(rng, 5.0, 50.0), direction(rng)))
        spans.append((at_s, at_s + len(wave) / scene.rate_hz))
    return spans


SURROUNDINGS: dict[str, Callable[[Rng, Scene], Spans]] = {
    made.__name__: made for made in (hum, washer, trucks, weak_steps, strong_steps, doors)
}
