"""What the detector finds, what it never invents, and what it says about the time in between."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from bedtick.logger.settings import DetectorSettings

RATE_HZ = 400.0
DIRECTIONS = ((1, 0, 0), (0, 0, 1), (0.3, -0.5, 0.8), (-0.7, 0.7, 0.1))


def onsets_s(heard, rate_hz=RATE_HZ):
    """Onsets in seconds."""
    return [event.onset_sample / rate_hz for event in heard.events]


# -- what is found ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("peak_mg", [12, 20, 40, 80, 200])
@pytest.mark.parametrize("resonance_hz", [4.0, 7.0, 12.0])
def test_jerks_are_found_with_their_onset(hear, made, peak_mg, resonance_hz):
    """Jerks of 12 to 200 mg in any direction, on soft and stiff beds, are found, onsets within 0.1 s."""
    counts = made.chip_noise(120, RATE_HZ, seed=peak_mg)
    truth = [10.0 + 6.37 * k for k in range(16)]
    for k, onset_s in enumerate(truth):
        made.add_jerk(counts, RATE_HZ, onset_s, peak_mg, DIRECTIONS[k % 4], resonance_hz=resonance_hz)
    heard = hear(np.rint(counts), RATE_HZ)
    assert onsets_s(heard) == [pytest.approx(onset_s, abs=0.1) for onset_s in truth]


@pytest.mark.parametrize("rate_hz", [100.0, 200.0, 800.0])
def test_jerks_are_found_at_every_rate(hear, made, rate_hz):
    """The other rates of the chip find the same jerks, with the same times."""
    counts = made.chip_noise(60, rate_hz)
    truth = [10.0 + 6.37 * k for k in range(7)]
    for onset_s in truth:
        made.add_jerk(counts, rate_hz, onset_s, 20.0)
    assert onsets_s(hear(np.rint(counts), rate_hz), rate_hz) == [pytest.approx(t, abs=0.1) for t in truth]


def test_jerks_every_three_seconds_do_not_lift_the_floor(hear, made):
    """Two hundred jerks, one every 3 s for 10 min, are all found, and the floor stays where quiet had it."""
    counts = made.chip_noise(660, RATE_HZ)
    truth = [40.0 + 3.0 * k for k in range(200)]
    for onset_s in truth:
        made.add_jerk(counts, RATE_HZ, onset_s, 40.0)
    heard = hear(np.rint(counts), RATE_HZ)
    assert onsets_s(heard) == [pytest.approx(onset_s, abs=0.1) for onset_s in truth]
    quiet = hear(np.rint(made.chip_noise(60, RATE_HZ)), RATE_HZ).minutes[0]
    assert heard.minutes[8].weakest_mg < 1.3 * quiet.weakest_mg


@pytest.mark.parametrize("peak_mg", [20.0, 60.0, 200.0])
@pytest.mark.parametrize("apart_s", [0.7, 0.8, 1.0, 1.2])
def test_two_twitches_are_two(hear, made, apart_s, peak_mg):
    """Two twitches at least 0.7 s apart, on a bed that rings down with 0.2 s, are two events."""
    counts = made.chip_noise(40, RATE_HZ)
    for onset_s in (20.0, 20.0 + apart_s):
        made.add_jerk(counts, RATE_HZ, onset_s, peak_mg, damping=1 / (0.2 * 2 * math.pi * 7.0))
    heard = hear(np.rint(counts), RATE_HZ)
    assert onsets_s(heard) == [pytest.approx(20.0, abs=0.1), pytest.approx(20.0 + apart_s, abs=0.1)]
    assert heard.events[0].end_sample <= heard.events[1].onset_sample


def test_twitches_within_half_a_second_are_one(hear, made):
    """A second push within 0.4 s belongs to the first: a new event starts after 0.6 s at the earliest."""
    counts = made.chip_noise(40, RATE_HZ)
    for onset_s in (20.0, 20.4):
        made.add_jerk(counts, RATE_HZ, onset_s, 60.0)
    assert onsets_s(hear(np.rint(counts), RATE_HZ)) == [pytest.approx(20.0, abs=0.1)]


@pytest.mark.parametrize("peak_mg", [15.0, 40.0, 200.0])
def test_a_movement_that_sways_is_one_event(hear, made, peak_mg):
    """Sways of one movement are no new jerks: it stays one event, weak or strong."""
    counts = made.chip_noise(60, RATE_HZ)
    made.add_sway(counts, RATE_HZ, 30.0, 6.0, peak_mg)
    assert len(hear(np.rint(counts), RATE_HZ).events) == 1


@pytest.mark.parametrize("damping", [0.05, 0.1, 0.25])
def test_a_bed_that_rings_is_one_event(hear, made, damping):
    """A strong jerk on a bed that rings for longer than it is said to is not split by its own ringing."""
    counts = made.chip_noise(40, RATE_HZ)
    made.add_jerk(counts, RATE_HZ, 20.0, 300.0, resonance_hz=4.0, damping=damping)
    assert onsets_s(hear(np.rint(counts), RATE_HZ)) == [pytest.approx(20.0, abs=0.1)]


def test_weak_movement_that_lasts_is_found(hear, made):
    """A sway too weak for the short window is found by the long one."""
    counts = made.chip_noise(60, RATE_HZ)
    made.add_sway(counts, RATE_HZ, 30.0, 6.0, 4.0)
    (event,) = hear(np.rint(counts), RATE_HZ).events
    assert event.onset_sample / RATE_HZ == pytest.approx(30.0, abs=0.6)


# -- what is never invented ------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate_hz", "seed"), [(100.0, 1), (200.0, 2), (400.0, 3), (800.0, 4)])
def test_half_an_hour_of_noise_has_no_event(hear, made, rate_hz, seed):
    """Thirty minutes of the noise of an ADXL345 are thirty quiet, valid minutes."""
    heard = hear(np.rint(made.chip_noise(1800, rate_hz, seed)), rate_hz)
    assert heard.events == []
    assert heard.seconds("valid") == pytest.approx(1800 - heard.seconds("settling"))
    assert heard.seconds("settling") <= 3


@pytest.mark.parametrize("a_minute", [50.0, 66.0, 90.0])
def test_a_heart_is_no_event(hear, made, a_minute):
    """A heartbeat of 2.5 mg at any pace invents nothing in ten minutes."""
    counts = made.chip_noise(600, RATE_HZ)
    made.add_heart(counts, RATE_HZ, 2.5, a_minute)
    assert hear(np.rint(counts), RATE_HZ).events == []


def test_breathing_and_drift_are_no_events(hear, made):
    """Sway below the band, ten times the noise, invents nothing and spoils no second."""
    counts = made.chip_noise(300, RATE_HZ)
    t = np.arange(len(counts)) / RATE_HZ
    counts[:, 0] += 10 * made.MG * np.sin(2 * np.pi * 0.3 * t)
    counts[:, 2] += 60 * made.MG * np.sin(2 * np.pi * t / 200)
    heard = hear(np.rint(counts), RATE_HZ)
    assert heard.events == []
    assert heard.seconds("floor") == 0


# -- kinds and features ----------------------------------------------------------------------------------


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


def test_the_frequency_is_that_of_the_first_two_seconds(hear, made):
    """An event that goes on for long at another pace keeps the frequency with which it began."""
    counts = made.chip_noise(80, RATE_HZ)
    made.add_sway(counts, RATE_HZ, 30.0, 2.2, 40.0, carrier_hz=8.0)
    made.add_sway(counts, RATE_HZ, 32.1, 14.0, 40.0, carrier_hz=3.0)
    first = hear(np.rint(counts), RATE_HZ).events[0]
    assert first.end_sample - first.onset_sample > 2 * RATE_HZ
    assert first.dominant_hz == pytest.approx(8.0, abs=0.5)


# -- the time in between ---------------------------------------------------------------------------------


@pytest.mark.parametrize("heart_mg", [0.0, 2.5])
def test_the_smallest_detectable_jerk_is_true(hear, made, heart_mg):
    """Jerks of 1.3 times `weakest_mg` are found, nearly all; of those of 0.4 times it, nearly none."""
    background = made.chip_noise(320, RATE_HZ)
    made.add_heart(background, RATE_HZ, heart_mg)
    weakest_mg = hear(np.rint(background), RATE_HZ).minutes[3].weakest_mg
    truth = [60.0 + 6.37 * k for k in range(40)]
    shares = {}
    for factor in (0.4, 1.3):
        counts = background.copy()
        for k, onset_s in enumerate(truth):
            resonance_hz = (5.0, 7.0, 10.0)[k % 3]
            made.add_jerk(
                counts, RATE_HZ, onset_s, factor * weakest_mg, DIRECTIONS[k % 4], resonance_hz=resonance_hz
            )
        found = np.array(onsets_s(hear(np.rint(counts), RATE_HZ)))
        shares[factor] = np.mean([np.abs(found - t).min(initial=9) < 0.5 for t in truth])
    assert shares[1.3] >= 0.9
    assert shares[0.4] <= 0.1


def test_reasons_of_seconds(hear, made):
    """Seconds are saturated, lost or settling just where that is so: half-open, 2 s after a longer gap."""
    counts = np.rint(made.chip_noise(120, RATE_HZ))
    counts[30 * 400 + 7, 0] = -1024  # one sample at full scale
    counts[40 * 400 + 399, 2] = 1023
    counts[50 * 400 : 50 * 400 + 40] = np.nan  # a short gap of 0.1 s: no settling
    counts[60 * 400 : 60 * 400 + 41] = np.nan  # a longer one: settling until 62.1 s
    heard = hear(counts, RATE_HZ, full_scale=1023)
    assert heard.seconds("saturated") == 2
    assert heard.seconds("gap") == 2
    assert heard.seconds("settling") == 2 + 2
    assert heard.minutes[0].seconds["settling"] == 2


def test_without_a_full_scale_nothing_is_saturated(hear, made):
    """A recording of unknown range has no saturated time."""
    counts = np.rint(made.chip_noise(20, RATE_HZ))
    counts[15 * 400] = 10**6
    assert hear(counts, RATE_HZ).seconds("saturated") == 0


@pytest.mark.parametrize("rate_hz", [64.04, 99.317, 100.0, 197.24, 400.0])
def test_seconds_add_up_to_the_samples(hear, rate_hz):
    """Three hours of seconds, at any rate, add up to samples over rate; every minute but the last is full."""
    count = round(3 * 3600 * rate_hz) + 17
    heard = hear(np.tile([0, 0, 256], (count, 1)), rate_hz)
    total = sum(math.fsum(minute.seconds.values()) for minute in heard.minutes)
    assert total == pytest.approx(count / rate_hz, rel=1e-12)
    assert [minute.minute for minute in heard.minutes] == list(range(len(heard.minutes)))
    for minute in heard.minutes[:-1]:
        assert sum(minute.seconds.values()) == pytest.approx(60, abs=1.01 / rate_hz)


def test_a_hum_becomes_the_floor(hear, made):
    """A hum that sets in is one event, until the floor has taken it in; then its time is not valid."""
    counts = made.chip_noise(240, RATE_HZ)
    t = np.arange(len(counts)) / RATE_HZ
    hum = np.where(t > 60, 120 * made.MG * np.sin(2 * np.pi * 9.0 * t), 0)
    counts += hum[:, None] * np.array([0.5, 0.6, 0.62])
    heard = hear(np.rint(counts), RATE_HZ)
    (event,) = heard.events
    assert event.onset_sample / RATE_HZ == pytest.approx(60, abs=0.1)
    assert event.end_sample / RATE_HZ < 60 + 45
    assert heard.kinds == ["large"]
    assert heard.minutes[0].weakest_mg < 10
    assert heard.minutes[3].weakest_mg > 50
    assert heard.minutes[3].seconds["floor"] == 60
    assert heard.minutes[3].seconds["valid"] == 0


def test_a_weak_hum_only_raises_the_floor(hear, made):
    """Under a hum that leaves the floor below its limit, time stays valid and a clear jerk is still found."""
    counts = made.chip_noise(180, RATE_HZ)
    t = np.arange(len(counts)) / RATE_HZ
    counts[:, 2] += 8 * made.MG * np.sin(2 * np.pi * 9.0 * t)
    made.add_jerk(counts, RATE_HZ, 100.0, 80.0)
    heard = hear(np.rint(counts), RATE_HZ)
    assert onsets_s(heard) == [pytest.approx(100.0, abs=0.1)]
    assert heard.seconds("floor") == 0


def test_the_floor_survives_a_gap(hear, made):
    """After a gap of ten minutes a jerk is found from 2 s on: the floor is kept, not learnt anew."""
    counts = made.chip_noise(700, RATE_HZ)
    made.add_jerk(counts, RATE_HZ, 652.3, 40.0)
    counts[50 * 400 : 650 * 400] = np.nan
    heard = hear(np.rint(counts), RATE_HZ)
    assert onsets_s(heard) == [pytest.approx(652.3, abs=0.1)]
    assert heard.seconds("gap") == 600


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_mounting_makes_no_difference(hear, made, axes):
    """The same night with the sensor on its side has the same events, onsets and peaks."""
    counts = made.chip_noise(60, RATE_HZ)
    for onset_s in (10.0, 20.0, 30.0, 40.0):
        made.add_jerk(counts, RATE_HZ, onset_s, 30.0)
    counts = np.rint(counts)
    turned = hear(counts[:, axes], RATE_HZ).events
    for event, other in zip(hear(counts, RATE_HZ).events, turned, strict=True):
        assert (event.onset_sample, event.end_sample) == (other.onset_sample, other.end_sample)
        assert event.peak_mg == pytest.approx(other.peak_mg, rel=1e-9)


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
