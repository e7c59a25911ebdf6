"""The synthetic mattress: what it says is true, repeats, and does not depend on how it is asked."""

from itertools import pairwise

import numpy as np
import pytest

from bedtick.firmware.emulator import Mattress
from bedtick.firmware.emulator.mattress import _background_g
from bedtick.firmware.emulator.motion import Bed, Twitch, largest
from bedtick.firmware.emulator.night import STRETCH_S, gravity_g

RATE_HZ = 400.0
NIGHT_S = 4 * STRETCH_S  # every four stretches hold each regime once


def event_signal_mg(mattress, event, rate_hz=4000.0):
    """Return what one event adds, from its onset to its end, as norms in mg."""
    t_s = event.onset_s + np.arange(int((event.end_s - event.onset_s) * rate_hz)) / rate_hz
    motions = mattress._motions(t_s[0], t_s[-1])
    still = gravity_g(mattress._tilt_at(t_s, motions)) + _background_g(mattress._sleeper, t_s)
    return np.sqrt(((mattress.acceleration_at(t_s) - still) ** 2).sum(axis=1)) * 1000.0


@pytest.mark.parametrize("seed", range(3))
def test_the_truth_about_peaks_is_exact(seed):
    """Each event's largest norm, without gravity, drift and noise, is its stated peak."""
    mattress = Mattress(seed)
    events = mattress.truth(0, NIGHT_S)
    for event in events[:: max(1, len(events) // 40)]:
        assert event_signal_mg(mattress, event).max() == pytest.approx(event.peak_mg, rel=2e-3)


@pytest.mark.parametrize("seed", range(3))
def test_events_begin_briskly_and_are_over_at_their_end(seed):
    """Within 0.25 s an event reaches a fifth of its peak, and after its end nothing above 0.6 mg is left."""
    mattress = Mattress(seed)
    for event in mattress.truth(0, NIGHT_S)[::5]:
        assert event_signal_mg(mattress, event)[:1000].max() > 0.2 * event.peak_mg
        t_s = event.end_s + np.arange(1000) / 1000.0
        motions = mattress._motions(t_s[0], t_s[-1])
        still = gravity_g(mattress._tilt_at(t_s, motions)) + _background_g(mattress._sleeper, t_s)
        rest_mg = np.sqrt(((mattress.acceleration_at(t_s) - still) ** 2).sum(axis=1)) * 1000
        assert rest_mg.max() < 0.6 * max(1.0, event.peak_mg / 100)


def test_the_same_seed_gives_the_same_night():
    """Two mattresses of one seed agree; another seed differs."""
    first, again, other = Mattress(7), Mattress(7), Mattress(8)
    assert first.truth(0, NIGHT_S) == again.truth(0, NIGHT_S)
    assert np.array_equal(first.acceleration_g(0, 5000, RATE_HZ), again.acceleration_g(0, 5000, RATE_HZ))
    assert first.truth(0, NIGHT_S) != other.truth(0, NIGHT_S)


def test_a_known_seed_gives_a_known_night():
    """The night of seed 1 is the one it always was."""
    first = Mattress(1).truth(0, NIGHT_S)[0]
    assert (first.kind, round(first.onset_s, 6), round(first.peak_mg, 6)) == (
        "movement",
        49.654979,
        14.780064,
    )


@pytest.mark.parametrize("chunk", [1, 7, 32, 4096])
def test_chunks_do_not_matter(chunk):
    """However many ticks are asked for at once, each feels the same."""
    mattress = Mattress(2)
    event = mattress.truth(0, NIGHT_S)[3]
    first = int(event.onset_s * RATE_HZ) - 300
    whole = mattress.acceleration_g(first, 1000, RATE_HZ)
    parts = [mattress.acceleration_g(first + k, min(chunk, 1000 - k), RATE_HZ) for k in range(0, 1000, chunk)]
    assert np.allclose(np.concatenate(parts), whole, rtol=0, atol=1e-12)


def test_the_order_of_asking_does_not_matter():
    """A late stretch feels the same whether or not the earlier ones were asked for."""
    ahead, in_order = Mattress(3), Mattress(3)
    for k in range(3000):
        in_order.truth(k, k + 1)
    tick = int(2950 * RATE_HZ)
    assert np.array_equal(
        ahead.acceleration_g(tick, 100, RATE_HZ), in_order.acceleration_g(tick, 100, RATE_HZ)
    )


@pytest.mark.parametrize("boundary", [1, 2, 3, 4])
def test_nothing_jumps_where_stretches_meet(boundary):
    """Across the end of a stretch the sensor feels no step."""
    for seed in range(5):
        tick = int(boundary * STRETCH_S * RATE_HZ) - 50
        felt_mg = Mattress(seed).acceleration_g(tick, 100, RATE_HZ) * 1000
        assert np.abs(np.diff(felt_mg, axis=0)).max() < 0.5


@pytest.mark.parametrize("seed", range(6))
def test_events_leave_rest_between_them_and_stay_in_their_stretch(seed):
    """At least 3 s of rest follow each event, none crosses a stretch, none comes in the first 30 s."""
    events = Mattress(seed).truth(0, 2 * NIGHT_S)
    assert all(later.onset_s - event.end_s >= 3.0 for event, later in pairwise(events))
    assert all(event.onset_s // STRETCH_S == event.end_s // STRETCH_S for event in events)
    assert events[0].onset_s >= 30.0


def test_the_night_holds_what_people_report():
    """Jerks every 3-5 s, movements about every 20-30 s, isolated events, long rests and turns all occur."""
    events = [event for seed in range(4) for event in Mattress(seed).truth(0, 3 * NIGHT_S)]
    gaps_s = np.diff([event.onset_s for event in events])
    assert {event.kind for event in events} == {"twitch", "movement", "turn"}
    assert ((gaps_s > 3.0) & (gaps_s < 5.5)).sum() > 300
    assert ((gaps_s > 18.0) & (gaps_s < 32.0)).sum() > 60
    assert (gaps_s > 120.0).sum() > 10


def test_sizes_and_durations_are_drawn_wide():
    """Peaks and durations fill the ranges they are drawn from and never leave them."""
    events = [event for seed in range(8) for event in Mattress(seed).truth(0, 3 * NIGHT_S)]
    for kind, low_mg, high_mg in (("twitch", 2, 200), ("movement", 5, 200), ("turn", 50, 400)):
        peaks_mg = np.array([event.peak_mg for event in events if event.kind == kind])
        assert peaks_mg.min() >= low_mg
        assert peaks_mg.max() <= high_mg
        assert peaks_mg.min() < 1.5 * low_mg
        assert peaks_mg.max() > high_mg / 1.5
    turns_s = [event.end_s - event.onset_s for event in events if event.kind == "turn"]
    assert 11.0 < np.median(turns_s) < 15.0


def test_turns_tilt_the_sensor_by_what_they_say():
    """Gravity before and after a turn differs by the stated angle; other events leave it alone."""
    mattress = Mattress(0)
    events = mattress.truth(0, 3 * NIGHT_S)
    for event in events:
        if event.kind != "turn":
            assert event.tilt_deg == 0.0
            continue
        before, after = (
            mattress.acceleration_at(np.arange(start_s, start_s + 0.01, 0.001)).mean(axis=0)
            for start_s in (event.onset_s - 0.02, event.end_s + 1.0)
        )
        cosine = before @ after / np.sqrt((before @ before) * (after @ after))
        assert np.degrees(np.arccos(cosine)) == pytest.approx(event.tilt_deg, abs=0.35)
        assert 0.45 <= event.tilt_deg <= 2.05


def test_the_sensor_stays_nearly_flat():
    """After a day of turns the sensor still lies within a few degrees of flat."""
    mattress = Mattress(4)
    far = mattress.acceleration_g(int(86400 * 10.0), 10, 10.0).mean(axis=0)
    assert np.degrees(np.arccos(far[2] / np.sqrt(far @ far))) < 9.0


def test_truth_is_half_open():
    """An event belongs to the span that holds its onset, start included, end not."""
    mattress = Mattress(5)
    event = mattress.truth(0, NIGHT_S)[2]
    assert mattress.truth(event.onset_s, event.onset_s + 1e-9) == [event]
    assert mattress.truth(event.onset_s - 1e-9, event.onset_s) == []


def test_no_ticks_feel_nothing():
    """Zero ticks give an empty table."""
    assert Mattress(0).acceleration_g(0, 0, RATE_HZ).shape == (0, 3)


def test_a_push_on_a_ringing_bed_obeys_its_equation():
    """The closed form of a twitch agrees with stepping the resonator's equation."""
    bed, force_s, step_s = Bed(7.0, 0.15), 0.12, 1e-5
    omega, position, speed, stepped = 2 * np.pi * 7.0, 0.0, 0.0, []
    for k in range(60_000):
        time_s = k * step_s
        force = 0.5 - 0.5 * np.cos(2 * np.pi * time_s / force_s) if time_s < force_s else 0.0
        felt = force - 2 * 0.15 * omega * speed - omega**2 * position
        stepped.append(felt)
        speed += felt * step_s
        position += speed * step_s
    twitch = Twitch(bed, force_s, np.array((0.0, 0.0, 1.0)))
    closed = twitch.felt(np.arange(60_000) * step_s)[:, 2]
    assert np.abs(closed - stepped).max() < 2e-3 * largest(twitch)
