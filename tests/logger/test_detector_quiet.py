"""What the detector never invents, and what it says about the time between events."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal

RATE_HZ = 400.0
DIRECTIONS = ((1, 0, 0), (0, 0, 1), (0.3, -0.5, 0.8), (-0.7, 0.7, 0.1))


def onsets_s(heard, rate_hz=RATE_HZ):
    """Onsets in seconds."""
    return [event.onset_sample / rate_hz for event in heard.events]


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


@pytest.mark.parametrize("a_minute", [45.0, 66.0, 90.0])
@pytest.mark.parametrize("peak_mg", [1.0, 2.0, 3.0])
def test_a_heart_on_a_quiet_chip_is_no_event(hear, made, a_minute, peak_mg):
    """Heartbeats are no events where they stand far above the noise and sway with each breath."""
    counts = (made.chip_noise(600, RATE_HZ) - made.GRAVITY) * 0.06 + made.GRAVITY
    heart = np.zeros_like(counts)
    made.add_heart(heart, RATE_HZ, peak_mg, a_minute)
    t = np.arange(len(counts)) / RATE_HZ
    counts += heart * (1 + 0.2 * np.sin(2 * np.pi * 0.25 * t))[:, None]
    assert hear(np.rint(counts * 1024), RATE_HZ, scale_g=2**-18).events == []


@pytest.mark.parametrize("hum_hz", [14.0, 20.0, 33.0, 50.0])
def test_a_hum_that_is_switched_on_is_no_event(hear, made, hum_hz):
    """A hum of 4 mg that sets in, at 14 to 50 Hz, is no event, nor are five minutes of it or its end."""
    counts = made.chip_noise(420, RATE_HZ)
    t = np.arange(len(counts)) / RATE_HZ
    size = np.clip(np.minimum(t - 60, 360 - t) / 0.5, 0, 1) * 4 * made.MG
    counts += (size * np.sin(2 * np.pi * hum_hz * t))[:, None] * np.array([0.5, 0.6, 0.62])
    assert hear(np.rint(counts), RATE_HZ).events == []


@pytest.mark.parametrize("peak_mg", [2.0, 4.0, 8.0])
def test_a_machine_that_runs_up_is_no_event(hear, made, peak_mg):
    """A washer that runs through 3 to 18 Hz within 30 s, and holds its speed, is no event."""
    counts = made.chip_noise(240, RATE_HZ)
    t = np.arange(len(counts)) / RATE_HZ
    pace_hz = 3.0 + 15.0 * np.clip((t - 60) / 30, 0, 1)
    size = np.clip((t - 60) / 8, 0, 1) * peak_mg * made.MG
    hum = size * np.sin(2 * np.pi * np.cumsum(pace_hz) / RATE_HZ)
    counts += hum[:, None] * np.array([0.3, 0.5, 0.81])
    assert hear(np.rint(counts), RATE_HZ).events == []


def test_a_truck_that_passes_is_no_event(hear, made):
    """Rumble of 5 to 15 Hz that swells to 1.5 mg rms within seconds and dies away is no event."""
    counts = made.chip_noise(600, RATE_HZ, seed=4)
    t = np.arange(len(counts)) / RATE_HZ
    band = signal.butter(2, (5.0, 15.0), "band", fs=RATE_HZ, output="sos")
    rumble = signal.sosfilt(band, np.random.default_rng(4).standard_normal(len(t)))
    swell = sum(np.exp(-0.5 * ((t - at_s) / 4.0) ** 2) for at_s in range(60, 600, 60))
    counts[:, 2] += 1.5 * made.MG * swell * rumble / rumble.std()
    assert hear(np.rint(counts), RATE_HZ).events == []


@pytest.mark.parametrize(("pushes", "peak_mg", "found"), [(1, 2.4, 1), (6, 2.4, 0), (6, 4.0, 1)])
def test_what_sways_like_a_truck_must_stand_higher(hear, made, pushes, peak_mg, found):
    """On a quiet chip a single weak jerk is an event; a row of them, no stronger, could be a truck."""
    counts = (made.chip_noise(120, RATE_HZ) - made.GRAVITY) * 0.06 + made.GRAVITY
    for push in range(pushes):
        made.add_jerk(counts, RATE_HZ, 60 + 0.4 * push, peak_mg, damping=0.2)
    assert len(hear(np.rint(counts * 1024), RATE_HZ, scale_g=2**-18).events) == found


def test_somebody_who_walks_by_is_no_event(hear, made):
    """Steps of up to 2 mg, 1.8 a second, that come near and go away again are no events."""
    counts = made.chip_noise(300, RATE_HZ, seed=5)
    for start_s in range(40, 290, 40):
        for k in range(16):
            peak_mg = 2.0 * np.exp(-(((k - 8) / 4) ** 2))
            made.add_jerk(counts, RATE_HZ, start_s + k / 1.8, peak_mg, (0, 0, 1), 10.0, 0.2)
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


@pytest.mark.parametrize(("peak_mg", "reason"), [(120.0, "hum"), (0.0, "floor")])
def test_time_in_which_nothing_shows_says_why(hear, made, peak_mg, reason):
    """A strong tone in the band makes time invalid as `hum`, strong broadband noise as `floor`."""
    counts = made.chip_noise(240, RATE_HZ)
    t = np.arange(len(counts)) / RATE_HZ
    noise = np.random.default_rng(1).standard_normal(counts.shape) * (150 * made.MG if not peak_mg else 0)
    hum = peak_mg * made.MG * np.sin(2 * np.pi * 10.0 * t)[:, None] * np.array([0.5, 0.6, 0.62])
    counts += np.where(t > 60, 1, 0)[:, None] * (noise + hum)
    heard = hear(np.rint(counts), RATE_HZ)
    assert len(heard.events) <= 1
    assert heard.minutes[0].weakest_mg < 10
    assert heard.minutes[3].weakest_mg > 50
    assert heard.minutes[3].seconds[reason] == 60
    assert heard.minutes[3].seconds["valid"] == 0


def test_a_weak_hum_only_raises_the_floor(hear, made):
    """Under a hum that leaves the floor below its limit, time stays valid and a clear jerk is still found."""
    counts = made.chip_noise(180, RATE_HZ)
    t = np.arange(len(counts)) / RATE_HZ
    counts[:, 2] += 8 * made.MG * np.sin(2 * np.pi * 9.0 * t)
    made.add_jerk(counts, RATE_HZ, 100.0, 80.0)
    heard = hear(np.rint(counts), RATE_HZ)
    assert onsets_s(heard) == [pytest.approx(100.0, abs=0.1)]
    assert heard.seconds("floor") == heard.seconds("hum") == 0


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
