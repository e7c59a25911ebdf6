"""How `check` judges what it heard of a sensor, and how it hears it."""

from __future__ import annotations

import numpy as np
import pytest

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.emulator import EmulatedClock, Still, build_emulator
from bedtick.logger.check.finding import FAILURE, GOOD, WARNING
from bedtick.logger.check.hearing import judge_bus_load, judge_noise, judge_processor, judge_rate
from bedtick.logger.check.sensor import check_sensor
from bedtick.logger.emulated import emulated_rig, mattress_world
from bedtick.logger.rig import Rig
from bedtick.logger.settings import DetectorSettings, SensorSettings
from bedtick.logger.wall_clock import SystemWallClock

USUAL_MG = (4.0, 4.0, 6.0)  # 8.2 in all


def resting(scale=1.0, gravity_mg=1000.0):
    """Return samples at rest with so many times the usual noise; float64, shape (n, 3), mg."""
    noise = np.random.default_rng(3).standard_normal((1200, 3)) * USUAL_MG * scale
    return noise + np.array((0.0, 0.0, gravity_mg))


@pytest.fixture
def make_rig():
    """Return a function that makes a rig with one emulated chip at rest, and the chip's emulator."""

    def make(chip="adxl345", **options):
        clock = EmulatedClock(5_000_000_000)
        emulated = build_emulator(Still(), clock, chip=chip, **options)
        driver = CHIPS[chip](emulated.bus, emulated.address, clock)
        rig = Rig(
            driver, emulated.address, "emulated", clock, SystemWallClock(), "emulated", SensorSettings()
        )
        return rig, emulated

    return make


@pytest.fixture
def check():
    """Return a function that checks a sensor; gives the findings by name, and the bytes of a night."""

    def run(rig):
        findings, steps = {}, check_sensor(rig, DetectorSettings())
        while True:
            try:
                finding = next(steps)
            except StopIteration as end:
                return findings, end.value
            findings[finding.what] = finding

    return run


@pytest.mark.parametrize(
    ("samples_mg", "state", "words"),
    [
        (resting(), GOOD, ""),
        (resting(1.4), GOOD, ""),
        (resting(1.7), WARNING, "nobody in bed"),
        (resting(0.2), WARNING, "too quiet"),
        (resting(gravity_mg=700.0), WARNING, "1 g"),
        (resting(gravity_mg=1300.0), WARNING, "1 g"),
        (resting() * (1, 0, 1), FAILURE, "replace it"),
        (np.empty((0, 3)), FAILURE, "wires"),
    ],
    ids=["usual", "bed", "loud", "quiet", "light", "heavy", "stuck", "silent"],
)
def test_noise_against_the_data_sheet(samples_mg, state, words):
    """Half more than the chip's own noise is a warning, so is a third of it; a dead axis is a failure."""
    finding = judge_noise(samples_mg, USUAL_MG)
    assert finding.state == state
    assert words in finding.advice


def test_bed_does_not_make_a_fine_sensor_noisy():
    """On a sensor that is finer than any bed is still, the bed's own 1.5 mg are no fault."""
    samples_mg = np.random.default_rng(4).normal((0, 0, 1000), 1.5 / np.sqrt(3), (1200, 3))
    assert judge_noise(samples_mg, (0.3, 0.3, 0.3)).state == GOOD
    assert judge_noise(samples_mg * 2, (0.3, 0.3, 0.3)).state == WARNING


@pytest.mark.parametrize(
    ("measured_hz", "lost", "state", "words"),
    [(392.0, 0, GOOD, ""), (350.0, 0, WARNING, "not what it should be"), (400.0, 2, WARNING, "baudrate")],
)
def test_rate_against_the_nominal_one(measured_hz, lost, state, words):
    """Ten percent off is a warning, and so are lost samples."""
    finding = judge_rate(measured_hz, 400.0, lost)
    assert finding.state == state
    assert words in finding.advice


@pytest.mark.parametrize(
    ("set_s", "sharing", "state"),
    [(0.001, 1, GOOD), (0.0015, 1, WARNING), (0.001, 2, WARNING), (0.0025, 1, FAILURE)],
)
def test_headroom_of_the_bus(set_s, sharing, state):
    """More than half of the bus's time is a warning, all of it a failure; sensors on one bus add up."""
    assert judge_bus_load(400, set_s, sharing).state == state


@pytest.mark.parametrize(("share", "state"), [(0.06, GOOD), (0.6, WARNING)])
def test_headroom_of_the_processor(share, state):
    """More than half of a core for one sensor is a warning."""
    assert judge_processor(share).state == state


@pytest.mark.parametrize("chip", CHIPS)
def test_sensor_in_good_order(check, chip):
    """Each chip on a quiet bed passes every line, and tells its temperature where it has a thermometer."""
    rig = emulated_rig(mattress_world(0), SensorSettings(chip=chip), at_real_speed=False)
    findings, night_bytes = check(rig)
    assert {finding.state for finding in findings.values()} == {GOOD}, findings
    assert ("warmth" in findings) == (chip != "adxl345")
    rate_hz = rig.chip.usual_rates_hz[0]
    assert 0.5 < night_bytes / (rate_hz * 8 * 3600) < 12


def test_hot_chip(make_rig, check):
    """A temperature that no bed has is a warning."""
    rig, emulated = make_rig("mpu6050")
    emulated.chip.temperature_c = 80.0
    assert check(rig)[0]["warmth"].state == WARNING


def test_clone_is_a_warning(make_rig, check, monkeypatch):
    """What the driver remarks about a part is said with the sensor."""
    rig, _ = make_rig()
    identity = type(rig.chip.identify())("ADXL345", "a clone")
    monkeypatch.setattr(rig.chip, "identify", lambda: identity)
    finding = check(rig)[0]["sensor"]
    assert (finding.state, finding.advice) == (WARNING, "a clone")


def test_listening_survives_a_bus_that_fails_now_and_then(make_rig, check):
    """Weak pull-ups do not fail the sensor: what they cost in samples is told, and all else is well."""
    rig, emulated = make_rig()
    emulated.faults.fail_randomly(3, nack=0.02, short_read=0.03)
    findings, _ = check(rig)
    assert findings["self-test"].state == WARNING
    assert "can not be done" in findings["self-test"].sentence
    assert findings["rate"].state == WARNING
    measured, _, lost = (float(word) for word in findings["rate"].sentence.split() if word[0].isdigit())
    assert measured == pytest.approx(400.0, rel=0.01)
    assert 0 < lost < 400


def test_loss_at_the_very_end_is_counted(make_rig, check, monkeypatch):
    """A host that sleeps for half a second just before the end has its loss told."""
    rig, _ = make_rig()
    drain, begun_ns = rig.chip.drain, []

    def late():
        begun_ns.append(rig.clock.boot_ns())
        if 0 < begun_ns[-1] - begun_ns[0] - 2_800_000_000 < 50_000_000:
            rig.clock.advance(500_000_000)
        return drain()

    monkeypatch.setattr(rig.chip, "drain", late)
    finding = check(rig)[0]["rate"]
    assert finding.state == WARNING
    assert "samples lost" in finding.sentence


def test_rate_that_is_badly_off(make_rig, check):
    """An oscillator that is 15 % too fast is told from the samples."""
    rig, _ = make_rig(rate_error=0.15)
    finding = check(rig)[0]["rate"]
    assert finding.state == WARNING
    assert float(finding.sentence.split()[0]) == pytest.approx(460.0, rel=0.02)
