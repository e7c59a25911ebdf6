"""One sensor: who it is, its self-test, and what some seconds of listening tell of rate, noise and load.

Listening is the daemon's own work: its sampler drains the chip, and what comes goes through the detector. So
lost samples and the processor's time are those of a night.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.errors import BusError
from bedtick.firmware.sample_clock import SampleClock
from bedtick.logger.check.finding import FAILURE, GOOD, WARNING, Finding
from bedtick.logger.check.hearing import judge_bus_load, judge_noise, judge_processor, judge_rate
from bedtick.logger.check.machine import NIGHT_HOURS
from bedtick.logger.check.patience import patiently
from bedtick.logger.detector.detector import Detector
from bedtick.logger.rig import Rig, choose_rate_hz
from bedtick.logger.sampling.sampler import Sampler
from bedtick.logger.settings import DetectorSettings
from bedtick.logger.store.batch import Batch
from bedtick.logger.store.codec import pack

LISTEN_S = 3.0  # long enough to see a stuck or shaking sensor, and a rate that is badly off
COLDEST_C, WARMEST_C = -10.0, 60.0
SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Heard:
    """What some seconds of listening gave.

    Attributes
    ----------
    counts
        int32, shape (n, 3).
    rate_hz
        As measured.
    lost
        Samples that never came.
    processor_s
        Time of the processor that reading and detecting took.
    """

    counts: NDArray[np.int32]
    rate_hz: float
    lost: int
    processor_s: float


class Ear:
    """Takes samples as a recorder does, detects in them, and keeps them."""

    def __init__(self, detector: Detector) -> None:
        self.blocks = [np.empty((0, 3), np.int32)]
        self.lost = 0
        self._detector = detector

    @property
    def next_sample(self) -> int:
        """Index that the next sample will have."""
        return self._detector.sample_index

    def take(self, counts: NDArray[np.int32]) -> Batch:
        """Take samples, (n, 3) counts, that follow the last ones without a gap; nothing is to be stored."""
        self._detector.push(counts)
        self.blocks.append(counts)
        return Batch()

    def lose(self, lost: int, kind: str, detail: str) -> Batch:  # noqa: ARG002  why does not matter here
        """Note that samples never came."""
        self._detector.skip(lost)
        self.lost += lost
        return Batch()


def check_sensor(rig: Rig, settings: DetectorSettings) -> Generator[Finding, None, float]:
    """Look at one sensor; return the bytes that a night of it takes.

    Raises
    ------
    BusError, ChipError
        Where it can not be set up, or does not answer in spite of many tries.
    """
    identity = patiently(rig.chip.identify)
    sentence = f"{identity.model} at 0x{rig.address:02X} on {rig.bus_name}"
    yield Finding("sensor", WARNING if identity.remark else GOOD, sentence, identity.remark)
    set_s = patiently(rig.chip.measure_set_s)
    rate_hz = patiently(lambda: choose_rate_hz(rig.chip, rig.sensor, rig.sharing))
    patiently(lambda: rig.chip.configure(rate_hz, rig.range_g))
    yield _check_self(rig)
    yield from _check_temperature(rig)
    heard = listen(rig, settings, rate_hz)
    nominal_hz = rig.nominal_hz or float(rate_hz)
    yield judge_rate(heard.rate_hz, nominal_hz, heard.lost)
    noise_mg = rig.chip.noise_mg(rate_hz, rig.range_g)
    yield judge_noise(heard.counts * (1e3 * rig.chip.scale_g[rig.range_g]), noise_mg)
    yield judge_bus_load(rate_hz, set_s, rig.sharing)
    if len(heard.counts) == 0:
        return 0.0
    yield judge_processor(heard.processor_s / len(heard.counts) * nominal_hz)
    return len(pack(heard.counts)) / len(heard.counts) * nominal_hz * NIGHT_HOURS * 3600


def _check_self(rig: Rig) -> Finding:
    try:
        result = patiently(rig.chip.self_test)
    except BusError as error:  # hundreds of transfers in a row, none of which may fail
        return Finding("self-test", WARNING, f"can not be done: {error}", "see the wires first")
    if result.passed:
        return Finding("self-test", GOOD, result.sentence)
    return Finding("self-test", FAILURE, result.sentence, "replace the sensor, or check its supply of 3.3 V")


def _check_temperature(rig: Rig) -> Generator[Finding, None, None]:
    """Tell the temperature, where the chip has a thermometer."""
    temperature_c = patiently(rig.chip.temperature_c)
    if temperature_c is None:
        return
    sentence = f"{temperature_c:.0f} degrees C inside the chip; it may be off by many degrees"
    if COLDEST_C < temperature_c < WARMEST_C:
        yield Finding("warmth", GOOD, sentence)
    else:
        yield Finding("warmth", WARNING, sentence, "is it wired rightly, and does its supply have 3.3 V?")


def listen(rig: Rig, settings: DetectorSettings, rate_hz: int) -> Heard:
    """Sample for some seconds at a rate; raise BusError where the chip can not be set up for it."""

    def set_up() -> None:
        rig.chip.configure(rate_hz, rig.range_g)
        rig.chip.start()

    times = SampleClock(rig.nominal_hz or float(rate_hz))
    ear = Ear(Detector(settings, rig.chip.scale_g[rig.range_g], times.rate_hz))
    patiently(set_up)
    sampler = Sampler(rig.chip, rig.clock, set_up=set_up, recorder=ear, times=times, put=lambda _batch: None)
    end_ns, processor_ns = rig.clock.boot_ns() + round(LISTEN_S * SECOND_NS), 0
    while rig.clock.boot_ns() < end_ns:
        rig.clock.sleep_until(sampler.next_poll_ns)
        began_ns = time.thread_time_ns()
        sampler.poll()
        processor_ns += time.thread_time_ns() - began_ns
    sampler.count_silence(SECOND_NS)
    patiently(rig.chip.stop)
    return Heard(np.concatenate(ear.blocks), times.rate_hz, ear.lost, processor_ns / SECOND_NS)
