"""Judges what was heard of a sensor: rate, noise, and the load of bus and processor.

Noise is compared with what the chip's data sheet lets expect, for each axis by itself. A bed at rest adds
something of its own, `REST_MG`; so what counts is how much there is beyond both, summed as squares.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.chips import MOST_BUS_SHARE
from bedtick.logger.check.finding import FAILURE, GOOD, WARNING, Finding

MOST_RATE_ERROR = 0.1  # several times what oscillators of such chips are off by
REST_MG = 1.5  # rms: heartbeats and the building, as a bed passes them on
LOUD = 1.5
FAR_TOO_QUIET = 0.3
LEAST_GRAVITY_G, MOST_GRAVITY_G = 0.8, 1.2
MOST_PROCESSOR_SHARE = 0.5
FASTER_BUS = "a faster bus (dtparam=i2c_arm_baudrate=400000 in config.txt)"


def judge_rate(measured_hz: float, nominal_hz: float, lost: int) -> Finding:
    """Judge the sampling rate, and how many samples were lost."""
    sentence = f"{measured_hz:.1f} Hz measured, {nominal_hz:g} Hz asked for"
    if abs(measured_hz / nominal_hz - 1) > MOST_RATE_ERROR:
        advice = "times will be right, but this sensor is not what it should be"
        return Finding("rate", WARNING, sentence, advice)
    if lost:
        advice = f"see the wires first; else the machine is too busy, or needs {FASTER_BUS}"
        return Finding("rate", WARNING, f"{sentence}, {lost} samples lost", advice)
    return Finding("rate", GOOD, f"{sentence}, no sample lost")


def judge_noise(samples_mg: NDArray[np.floating[Any]], expected_mg: tuple[float, float, float]) -> Finding:
    """Judge what a sensor gives at rest.

    Parameters
    ----------
    samples_mg
        Shape (n, 3); n may be 0.
    expected_mg
        The rms noise of each axis by the data sheet.
    """
    if len(samples_mg) == 0:
        return Finding(
            "signal", FAILURE, "no sample came", "switch the device off and on; then check the wires"
        )
    noise_mg = samples_mg.std(axis=0)
    gravity_g = float(np.linalg.norm(samples_mg.mean(axis=0))) / 1e3
    total_mg, usual_mg = float(np.linalg.norm(noise_mg)), float(np.linalg.norm(expected_mg))
    sentence = f"{total_mg:.1f} mg of noise about {gravity_g:.2f} g; usual for this chip: {usual_mg:.1f} mg"
    dead = ", ".join(name for name, rms in zip("xyz", noise_mg, strict=True) if rms == 0)
    if dead:
        advice = "the sensor repeats one value; switch it off and on, then replace it"
        return Finding("signal", FAILURE, f"stuck on {dead}: {sentence}", advice)
    doubt = _doubt(total_mg, usual_mg, gravity_g)
    return Finding("signal", WARNING if doubt else GOOD, sentence, doubt)


def _doubt(total_mg: float, usual_mg: float, gravity_g: float) -> str:
    """Return what to do about noise or gravity that is not as it should be; empty where all is well."""
    if not LEAST_GRAVITY_G < gravity_g < MOST_GRAVITY_G:
        return "at rest it should feel 1 g; is it moving, or damaged?"
    if total_mg > LOUD * math.hypot(usual_mg, REST_MG):
        return "something shakes the sensor, or its supply is noisy; check again with nobody in bed"
    if total_mg < FAR_TOO_QUIET * usual_mg:
        return "too quiet for this chip: is it what it says it is?"
    return ""


def judge_bus_load(rate_hz: int, set_s: float, sharing: int) -> Finding:
    """Judge how much of the bus's time the sensors take.

    Parameters
    ----------
    rate_hz, set_s
        The rate, and how long it takes to read one set.
    sharing
        How many such sensors share the bus.
    """
    share = rate_hz * set_s * sharing
    each = f" for each of {sharing} sensors" if sharing > 1 else ""
    sentence = f"{rate_hz} Hz{each} takes {100 * share:.0f} % of the bus's time"
    advice = f"set sensor.rate_hz lower, or use {FASTER_BUS}"
    if share >= 1:
        return Finding("bus load", FAILURE, f"{sentence}: samples will be lost", advice)
    if share > MOST_BUS_SHARE:
        return Finding("bus load", WARNING, f"{sentence}; more than half may lose samples", advice)
    return Finding("bus load", GOOD, sentence)


def judge_processor(share: float) -> Finding:
    """Judge how much of one core of the processor a sensor takes."""
    sentence = f"reading and detecting take {100 * share:.1f} % of one core"
    if share > MOST_PROCESSOR_SHARE:
        advice = "end other programs, or set sensor.rate_hz lower"
        return Finding("processor", WARNING, sentence, advice)
    return Finding("processor", GOOD, sentence)
