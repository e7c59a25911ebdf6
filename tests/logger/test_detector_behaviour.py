"""What the detector finds of twitches and movements, near and far, weak and strong."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import signal

from bedtick.logger.settings import DetectorSettings

RATE_HZ = 400.0
DIRECTIONS = ((1, 0, 0), (0, 0, 1), (0.3, -0.5, 0.8), (-0.7, 0.7, 0.1))


def onsets_s(heard, rate_hz=RATE_HZ):
    """Onsets in seconds."""
    return [event.onset_sample / rate_hz for event in heard.events]


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


def test_jerks_every_three_to_five_seconds_are_all_found(hear, made):
    """Jerks of 15 to 100 mg every 3 to 5 s for ten minutes are all found, and nothing else."""
    chance = np.random.default_rng(7)
    counts = made.chip_noise(650, RATE_HZ, seed=7)
    truth = 20.0 + np.cumsum(chance.uniform(3.0, 5.0, 150))
    for onset_s in truth:
        peak_mg, resonance_hz = chance.uniform(15.0, 100.0), chance.uniform(4.0, 12.0)
        direction = chance.standard_normal(3)
        made.add_jerk(counts, RATE_HZ, onset_s, peak_mg, direction, resonance_hz=resonance_hz)
    found = onsets_s(hear(np.rint(counts), RATE_HZ))
    assert found == [pytest.approx(onset_s, abs=0.15) for onset_s in truth if onset_s < 648]


def test_onsets_of_clear_jerks_are_right_within_40_ms(hear, made):
    """The median error of the onsets of jerks of 30 mg, on soft and stiff beds, is below 40 ms."""
    errors = []
    for resonance_hz in (4.0, 7.0, 12.0):
        counts = made.chip_noise(220, RATE_HZ, seed=11)
        truth = [10.0 + 6.37 * k for k in range(32)]
        for k, onset_s in enumerate(truth):
            made.add_jerk(counts, RATE_HZ, onset_s, 30.0, DIRECTIONS[k % 4], resonance_hz=resonance_hz)
        found = np.array(onsets_s(hear(np.rint(counts), RATE_HZ)))
        errors.append(np.median(np.abs(found - truth)))
    assert max(errors) < 0.04


@pytest.mark.parametrize("resonance_hz", [4.0, 6.0, 8.0, 10.0, 12.0])
@pytest.mark.parametrize("damping", [0.1, 0.15, 0.25])
@pytest.mark.parametrize("peak_mg", [40.0, 150.0])
def test_a_second_twitch_half_as_strong_is_one_more(hear, made, resonance_hz, damping, peak_mg):
    """Two twitches 0.8 s apart, the second half as strong, are two on any bed with damping of 0.1 or more."""
    counts = made.chip_noise(40, RATE_HZ, seed=round(resonance_hz))
    for onset_s, mg in ((20.0, peak_mg), (20.8, peak_mg / 2)):
        made.add_jerk(counts, RATE_HZ, onset_s, mg, resonance_hz=resonance_hz, damping=damping)
    found = onsets_s(hear(np.rint(counts), RATE_HZ))
    assert found == [pytest.approx(20.0, abs=0.1), pytest.approx(20.8, abs=0.15)]


@pytest.mark.parametrize("after_s", [1.5, 3.0, 6.0])
def test_a_jerk_soon_after_a_turn_is_found(hear, made, after_s):
    """A clear jerk a second and a half after a turn, or later, is an event of its own."""
    counts = made.chip_noise(60, RATE_HZ)
    made.add_sway(counts, RATE_HZ, 30.0, 3.0, 60.0)
    made.add_tilt(counts, RATE_HZ, 30.5, 1.5)
    made.add_jerk(counts, RATE_HZ, 33.0 + after_s, 40.0)
    heard = hear(np.rint(counts), RATE_HZ)
    assert heard.kinds[0] == "turn"
    assert onsets_s(heard)[1:] == [pytest.approx(33.0 + after_s, abs=0.1)]


@pytest.mark.parametrize("seed", range(6))
def test_a_long_movement_is_at_most_two_events(hear, made, seed):
    """A restless movement of 12 s, of chance strength from one moment to the next, is one event or two."""
    chance = np.random.default_rng(seed)
    counts = made.chip_noise(60, RATE_HZ, seed)
    at = round(30 * RATE_HZ) + np.arange(round(12 * RATE_HZ))
    sway = chance.standard_normal((len(at), 3))
    low, high = (signal.butter(2, hz, "low", fs=RATE_HZ, output="sos") for hz in (6.0, 0.8))
    strength = np.exp(0.5 * signal.sosfilt(high, chance.standard_normal(len(at))) * 15)
    sway = signal.sosfilt(low, sway, axis=0) * strength[:, None]
    counts[at] += sway / np.abs(sway).max() * 80 * made.MG
    assert 1 <= len(hear(np.rint(counts), RATE_HZ).events) <= 2


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
    """A sway of 2 s that is too weak for the short window is found by the long one, and only by that."""
    counts = made.chip_noise(60, RATE_HZ, seed=1)
    made.add_sway(counts, RATE_HZ, 30.0, 2.0, 2.8)
    (event,) = hear(np.rint(counts), RATE_HZ).events
    assert event.onset_sample / RATE_HZ == pytest.approx(30.0, abs=0.4)
    settings = dataclasses.replace(DetectorSettings(), long_ratio=20.0)
    assert hear(np.rint(counts), RATE_HZ, settings=settings).events == []
