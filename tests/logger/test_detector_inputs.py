"""What the detector makes of input that is hardly a signal: nothing, one sample, gaps alone, stuck values."""

from __future__ import annotations

import numpy as np
import pytest

from bedtick.logger.detector.detector import Detector
from bedtick.logger.settings import DetectorSettings

SETTINGS = DetectorSettings()


@pytest.mark.parametrize("counts", [np.empty((0, 3)), np.empty((0, 3), int)])
def test_no_sample_gives_nothing(hear, counts):
    """An empty block is taken, and an empty recording has no event and no minute."""
    heard = hear(counts, 400.0)
    assert (heard.events, heard.minutes) == ([], [])


def test_one_sample_is_one_settling_sample(hear):
    """A single sample covers one interval of settling time, and shows no activity and no floor."""
    heard = hear([[0, 0, 256]], 400.0)
    assert heard.events == []
    (minute,) = heard.minutes
    assert minute.seconds == {
        "valid": 0, "gap": 0, "saturated": 0, "settling": 1 / 400, "hum": 0, "floor": 0
    }  # fmt: skip
    assert (minute.activity_mg, minute.floor_mg, minute.weakest_mg) == (None, None, None)


def test_nothing_but_gaps_is_a_gap(hear):
    """Rows of NaN alone cover their time as a gap; activity and floor are unknown."""
    heard = hear(np.full((400 * 90, 3), np.nan), 400.0)
    assert heard.events == []
    assert heard.seconds("gap") == 90
    assert [(m.activity_mg, m.floor_mg, m.weakest_mg) for m in heard.minutes] == [(None, None, None)] * 2


def test_a_row_with_one_nan_is_missing(hear, made):
    """One NaN among the three axes makes the whole sample missing."""
    counts = np.rint(made.chip_noise(20, 100.0))
    one, all_three = counts.copy(), counts.copy()
    one[700, 1] = all_three[700] = np.nan
    assert hear(one, 100.0).minutes == hear(all_three, 100.0).minutes
    assert hear(one, 100.0).seconds("gap") == 1


@pytest.mark.parametrize("value", [(0, 0, 256), (0, 0, 0), (-1024, 1023, 5)])
def test_a_constant_signal_has_no_event(hear, value):
    """A chip that repeats one value for ever invents nothing, from the first second on or later."""
    assert hear(np.tile(value, (400 * 70, 1)), 400.0).events == []


def test_a_chip_that_gets_stuck_invents_nothing(hear, made):
    """Noise that freezes to one value gives at most the one step of freezing, never a lasting event."""
    counts = np.rint(made.chip_noise(120, 400.0))
    counts[400 * 60 :] = counts[400 * 60]
    heard = hear(counts, 400.0)
    assert len(heard.events) <= 1
    assert all(event.end_sample < 400 * 61 for event in heard.events)


@pytest.mark.parametrize("shape", [(3,), (0,), (4, 2), (2, 3, 1), ()])
def test_another_shape_is_refused(shape):
    """Samples that are not rows of three are refused, and the message says what shape they had."""
    with pytest.raises(ValueError, match=r"\(n, 3\)"):
        Detector(SETTINGS, 1 / 256, 400.0).push(np.zeros(shape))


@pytest.mark.parametrize(("rate_hz", "scale_g"), [(49.9, 1.0), (0.0, 1.0), (np.nan, 1.0), (400.0, 0.0)])
def test_an_impossible_rate_or_scale_is_refused(rate_hz, scale_g):
    """Rates below 50 Hz, and scales that are not positive, are refused with both named."""
    with pytest.raises(ValueError, match=f"{rate_hz} Hz with {scale_g} g"):
        Detector(SETTINGS, scale_g, rate_hz)


@pytest.mark.parametrize("rate_hz", [50.0, 3200.0])
def test_rates_at_the_limits_work(hear, made, rate_hz):
    """At the lowest and highest rates a strong jerk is found, and each second has its row."""
    seconds = 200 if rate_hz < 100 else 12
    counts = made.chip_noise(seconds, rate_hz)
    made.add_jerk(counts, rate_hz, 9.0, 400.0, resonance_hz=4.0)
    heard = hear(np.rint(counts), rate_hz)
    assert [round(event.onset_sample / rate_hz, 1) for event in heard.events] == [pytest.approx(9.0, abs=0.1)]
    assert sum(sum(minute.seconds.values()) for minute in heard.minutes) == pytest.approx(seconds)
    assert len(heard.minutes) == -(-seconds // 60)


@pytest.mark.parametrize("rate_hz", [64.04, 99.317, 100.0, 197.24, 400.0])
def test_the_size_of_a_count_makes_no_difference(hear, made, rate_hz):
    """In counts a thousand times finer a recording has the same events, none of them at its start."""
    counts = made.chip_noise(40, rate_hz, seed=8)
    made.add_jerk(counts, rate_hz, 20.0, 60.0)
    counts = np.rint(counts)
    coarse = hear(counts, rate_hz)
    fine = hear(counts * 1024, rate_hz, scale_g=2**-18)
    assert len(coarse.events) == 1
    for event, twin in zip(coarse.events, fine.events, strict=True):
        assert (event.onset_sample, event.end_sample, event.kind) == (
            twin.onset_sample,
            twin.end_sample,
            twin.kind,
        )
        assert event.peak_mg == pytest.approx(twin.peak_mg, rel=1e-9)


def test_clipping_at_the_start_leaves_no_wrong_floor(hear, made):
    """Twenty saturated seconds before the first calm one do not hide a jerk half a minute later."""
    counts = np.rint(made.chip_noise(60, 400.0))
    counts[: 20 * 400 : 400, 0] = 1023
    made.add_jerk(counts, 400.0, 45.0, 25.0)
    heard = hear(np.rint(counts), 400.0, full_scale=1023)
    assert [e.onset_sample / 400 for e in heard.events if e.onset_sample > 40 * 400] == pytest.approx(
        [45.0], abs=0.1
    )
    assert heard.seconds("saturated") == 20


def test_short_gaps_invent_nothing(hear, made):
    """Gaps of two samples, hundreds of them at any phase of the second, are gaps and no events."""
    counts = np.rint(made.chip_noise(900, 400.0, seed=5))
    for k in range(300):
        at = round((20 + 2.917 * k) * 400)
        counts[at : at + 2] = np.nan
    assert hear(counts, 400.0).events == []


@pytest.mark.parametrize("phase_s", [0.0, 0.25, 0.41, 0.45, 0.5, 0.75])
def test_a_gap_every_other_second_invents_nothing(hear, made, phase_s):
    """Gaps that leave the long window no time to fill do not pull its floor to nothing."""
    counts = np.rint(made.chip_noise(120, 400.0, seed=6))
    for second in range(2, 118, 2):
        at = round((second + phase_s) * 400)
        counts[at : at + 2] = np.nan
    assert hear(counts, 400.0).events == []


def test_a_gap_within_an_event_ends_it(hear, made):
    """A gap just after an event has opened closes it before the gap, with an onset where it was."""
    counts = np.rint(made.chip_noise(40, 400.0))
    made.add_jerk(counts, 400.0, 10.0, 200.0)
    made.add_jerk(counts, 400.0, 20.0, 200.0)
    counts[round(20.13 * 400) : round(20.13 * 400) + 400] = np.nan
    first, second = hear(np.rint(counts), 400.0).events
    assert first.end_sample > 10.2 * 400
    assert second.onset_sample / 400 == pytest.approx(20.0, abs=0.1)
    assert second.end_sample <= 20.13 * 400
    assert second.number == 2


def test_the_end_within_an_event_ends_it(hear, made):
    """A recording that stops just after an event has opened still has the event, and its tilt is unknown."""
    counts = np.rint(made.chip_noise(20.2, 400.0))
    made.add_jerk(counts, 400.0, 10.0, 200.0)
    made.add_jerk(counts, 400.0, 20.0, 200.0)
    heard = hear(np.rint(counts), 400.0)
    assert [e.onset_sample / 400 for e in heard.events] == pytest.approx([10, 20], abs=0.1)
    assert heard.tilts_deg[0] == pytest.approx(0, abs=0.1)
    assert heard.tilts_deg[1] is None
