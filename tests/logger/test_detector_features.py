"""What the detector says of an event: its kind, its strength and pace, its sub-bursts and its direction."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bedtick.logger.settings import DetectorSettings

RATE_HZ = 400.0
DIRECTIONS = ((1, 0, 0), (0, 0, 1), (0.3, -0.5, 0.8), (-0.7, 0.7, 0.1))


@pytest.mark.parametrize("angle_deg", [0.5, 1.0, 5.0])
def test_a_turn_is_a_turn_with_its_tilt(hear, made, angle_deg):
    """Gravity that moves by 0.5 degrees and more makes a turn, its tilt right within 0.1 degree."""
    counts = made.chip_noise(60, RATE_HZ)
    made.add_sway(counts, RATE_HZ, 30.0, 3.0, 60.0)
    made.add_tilt(counts, RATE_HZ, 30.5, angle_deg)
    heard = hear(np.rint(counts), RATE_HZ)
    assert heard.kinds == ["turn"]
    assert heard.tilts_deg == [pytest.approx(angle_deg, abs=0.1)]


def test_movement_without_tilt_is_no_turn(hear, made):
    """A movement after which gravity is back tilts by less than 0.1 degree and stays a movement."""
    counts = made.chip_noise(60, RATE_HZ)
    made.add_sway(counts, RATE_HZ, 30.0, 3.0, 60.0)
    heard = hear(np.rint(counts), RATE_HZ)
    assert heard.kinds == ["movement"]
    assert heard.tilts_deg == [pytest.approx(0, abs=0.1)]


@pytest.mark.parametrize(("lasts_s", "kind"), [(9.0, "movement"), (11.0, "large"), (25.0, "large")])
def test_kinds_by_duration(hear, made, lasts_s, kind):
    """An event of over 10 s is large, a shorter one a movement; the duration is right within 0.3 s."""
    counts = made.chip_noise(80, RATE_HZ)
    made.add_sway(counts, RATE_HZ, 30.0, lasts_s, 40.0)
    heard = hear(np.rint(counts), RATE_HZ)
    assert heard.kinds == [kind]
    (event,) = heard.events
    assert (event.end_sample - event.onset_sample) / RATE_HZ == pytest.approx(lasts_s, abs=0.3)


def test_a_jerk_is_a_twitch(hear, made):
    """A push of 0.12 s is a twitch, weak or strong: what the bed's ringing adds to it is taken off."""
    for peak_mg in (15.0, 60.0, 300.0):
        counts = made.chip_noise(40, RATE_HZ)
        made.add_jerk(counts, RATE_HZ, 20.0, peak_mg)
        assert hear(np.rint(counts), RATE_HZ).kinds == ["twitch"]


@pytest.mark.parametrize("resonance_hz", [4.0, 7.0, 10.0])
def test_peak_and_frequency_are_those_of_the_jerk(hear, made, resonance_hz):
    """At 60 mg the peak is within 15 % of the truth; the frequency is the bed's within 1 Hz or a tenth."""
    peaks, frequencies = [], []
    for seed in range(6):
        counts = made.chip_noise(30, RATE_HZ, seed)
        made.add_jerk(counts, RATE_HZ, 15.0, 60.0, DIRECTIONS[seed % 4], resonance_hz=resonance_hz)
        (event,) = hear(np.rint(counts), RATE_HZ).events
        peaks.append(event.peak_mg)
        frequencies.append(event.dominant_hz)
    assert peaks == [pytest.approx(60, rel=0.15)] * 6
    assert frequencies == [pytest.approx(resonance_hz, abs=max(1.0, 0.1 * resonance_hz))] * 6


def test_rms_and_snr_fit_the_peak(hear, made):
    """The rms lies below the peak; peak over floor is the ratio of the two that are told."""
    counts = made.chip_noise(30, RATE_HZ)
    made.add_jerk(counts, RATE_HZ, 20.0, 100.0)
    heard = hear(np.rint(counts), RATE_HZ)
    (event,) = heard.events
    assert 0.1 * event.peak_mg < event.rms_mg < 0.6 * event.peak_mg
    assert event.snr == pytest.approx(event.peak_mg / heard.minutes[0].floor_mg, rel=0.1)


def test_a_train_of_pulses_is_noted_with_its_rate(hear, made):
    """Pulses twice a second for eight seconds are noted as a train of 2 Hz, with one sub-burst for each."""
    counts = made.chip_noise(60, RATE_HZ)
    for k in range(16):
        made.add_jerk(counts, RATE_HZ, 30.0 + 0.5 * k, 80.0, damping=0.25)
    events = hear(np.rint(counts), RATE_HZ).events
    assert max(events, key=lambda event: event.sub_bursts).train_hz == pytest.approx(2.0, rel=0.03)
    assert sum(event.sub_bursts for event in events) == pytest.approx(16, abs=1)


def test_a_twitch_is_no_train(hear, made):
    """A single jerk has one sub-burst or two, as the bed rings, and no rate."""
    counts = made.chip_noise(30, RATE_HZ)
    made.add_jerk(counts, RATE_HZ, 20.0, 80.0)
    (event,) = hear(np.rint(counts), RATE_HZ).events
    assert event.sub_bursts <= 2
    assert event.train_hz is None


def test_the_direction_ratio_tells_a_line_from_a_circle(hear, made):
    """What moves along one line has a ratio near 1, what goes round in a plane one near a half."""
    line, circle = made.chip_noise(60, RATE_HZ), made.chip_noise(60, RATE_HZ)
    t = np.arange(round(4 * RATE_HZ)) / RATE_HZ
    size = np.minimum(1.0, np.minimum(t, 4.0 - t) / 0.1) * 60 * made.MG
    at = round(30 * RATE_HZ) + np.arange(len(t))
    line[at] += (size * np.sin(2 * np.pi * 5 * t))[:, None] * np.array([0.6, -0.64, 0.48])
    circle[at, 0] += size * np.sin(2 * np.pi * 5 * t)
    circle[at, 2] += size * np.cos(2 * np.pi * 5 * t)
    ratios = [hear(np.rint(counts), RATE_HZ).events[0].direction_ratio for counts in (line, circle)]
    assert ratios == [pytest.approx(1.0, abs=0.02), pytest.approx(0.5, abs=0.03)]


def test_the_frequency_is_that_of_the_first_two_seconds(hear, made):
    """An event that goes on for long at another pace keeps the frequency with which it began."""
    counts = made.chip_noise(80, RATE_HZ)
    made.add_sway(counts, RATE_HZ, 30.0, 2.2, 40.0, carrier_hz=8.0)
    made.add_sway(counts, RATE_HZ, 32.1, 14.0, 40.0, carrier_hz=3.0)
    first = hear(np.rint(counts), RATE_HZ).events[0]
    assert first.end_sample - first.onset_sample > 2 * RATE_HZ
    assert first.dominant_hz == pytest.approx(8.0, abs=0.5)


def test_settings_reach_the_detector(hear, made):
    """A higher threshold finds less, and a smaller `turn_deg` makes a turn of less."""
    counts = made.chip_noise(60, RATE_HZ)
    made.add_jerk(counts, RATE_HZ, 20.0, 15.0)
    made.add_sway(counts, RATE_HZ, 40.0, 2.0, 60.0)
    made.add_tilt(counts, RATE_HZ, 40.2, 0.2)
    counts = np.rint(counts)
    assert hear(counts, RATE_HZ).kinds == ["twitch", "movement"]
    stern = dataclasses.replace(DetectorSettings(), high_ratio=20.0, long_ratio=20.0, turn_deg=0.12)
    assert hear(counts, RATE_HZ, settings=stern).kinds == ["turn"]
