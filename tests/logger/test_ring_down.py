"""How well taps tell a bed's ring-down, over beds, sizes, rates and a second mode; and what is refused."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from scipy import signal

from bedtick.logger.tap.judge import (
    CROWDED,
    SATURATED,
    UNCLEAR,
    WEAK,
    Calibration,
    CalibrationError,
    Measured,
    calibrate,
    measure,
)
from bedtick.logger.tap.listener import TapListener
from bedtick.logger.tap.ring_down import RingDown, fit_ring_down

FINE_HZ = 8000
MG_PER_COUNT = 1e3 / 256
FULL_SCALE = 1023
ADXL345_UG = np.array([290.0, 290.0, 430.0])


def unit(rng):
    """Draw a direction."""
    vector = rng.standard_normal(3)
    return vector / np.linalg.norm(vector)


@functools.lru_cache(maxsize=64)
def mode(resonance_hz, damping, push_s):
    """Acceleration of one mode after a half-sine push, peak 1, on a fine grid of 3 s."""
    t = np.arange(3 * FINE_HZ) / FINE_HZ
    push = np.where(t < push_s, np.sin(np.pi * t / push_s), 0.0)
    w = 2 * np.pi * resonance_hz
    answer = signal.lfilter(*signal.bilinear([1, 0, 0], [1, 2 * damping * w, w * w], FINE_HZ), push)
    return answer / np.abs(answer).max()


def tap_shape(rng, bed, second=0.0):
    """Draw one tap on a bed of (resonance, damping), with a second mode of some weight; peak 1, fine grid."""
    push_s = rng.uniform(0.02, 0.05)
    shape = mode(*bed, push_s)[:, None] * unit(rng)
    if second:
        faster = (bed[0] * rng.uniform(1.3, 2.2), bed[1])
        shape = shape + second * mode(*faster, push_s)[:, None] * unit(rng)
    return shape / np.linalg.norm(shape, axis=1).max()


def session(bed, peaks_mg, seed, *, rate_hz=400, at_s=None, second=0.0, heart_mg=0.0, noise_ug=ADXL345_UG):
    """Make counts of a bed that is tapped every 3 s or at given times, from 4 s on, with a chip's noise."""
    rng = np.random.default_rng(seed)
    at_s = at_s or [4.0 + 3.0 * k + rng.uniform(-0.3, 0.3) for k in range(len(peaks_mg))]
    felt = np.zeros((round((at_s[-1] + 4.0) * rate_hz), 3))
    for when, peak_mg in zip(at_s, peaks_mg, strict=True):
        first = math.ceil(when * rate_hz)
        fine = np.round((first / rate_hz - when + np.arange(2.9 * rate_hz) / rate_hz) * FINE_HZ).astype(int)
        felt[first : first + len(fine)] += peak_mg * tap_shape(rng, bed, second)[fine]
    t = np.arange(len(felt)) / rate_hz
    since = ((t * 1.1 + rng.uniform()) % 1.0 - 0.5) / 1.1
    felt += heart_mg * (np.exp(-((since / 0.08) ** 2)) * np.cos(12 * np.pi * since))[:, None] * unit(rng)
    felt += np.sin(2 * np.pi * 0.25 * t)[:, None] * (1.7, 1.0, 0.3) + (20.0, -30.0, 1000.0)
    felt += rng.standard_normal(felt.shape) * noise_ug * 1e-3 * math.sqrt(rate_hz / 2)
    return np.clip(np.rint(felt / MG_PER_COUNT), -FULL_SCALE - 1, FULL_SCALE).astype(np.int32)


def heard(counts, rate_hz=400, block=13):
    """Every tap that is heard in a stream of small blocks, measured."""
    listener = TapListener(rate_hz, MG_PER_COUNT, FULL_SCALE)
    for start in range(0, len(counts), block):
        listener.take(counts[start : start + block])
    return [measure(tap, rate_hz) for tap in listener.heard()]


def tau_s(bed):
    """Time constant of a bed."""
    return 1 / (2 * np.pi * bed[0] * bed[1])


def many_beds(count, seed, peaks_mg=(30.0, 300.0), **more):
    """Calibrate drawn beds of 4 to 12 Hz and damping 0.08 to 0.3; relative errors of those accepted."""
    rng = np.random.default_rng(seed)
    tau_errors, resonance_errors = [], []
    for number in range(count):
        bed = (math.exp(rng.uniform(*np.log([4.0, 12.0]))), rng.uniform(0.08, 0.3))
        strength = math.exp(rng.uniform(*np.log(peaks_mg)))
        peaks = np.clip(strength * rng.uniform(0.7, 1.4, 5), *peaks_mg)
        try:
            found = calibrate(heard(session(bed, peaks, seed + number, **more), more.get("rate_hz", 400)))
        except CalibrationError:
            continue
        tau_errors.append(abs(found.ring_down_s / tau_s(bed) - 1))
        resonance_errors.append(abs(found.resonance_hz / bed[0] - 1))
    return np.array(tau_errors), np.array(resonance_errors)


CASES = {
    "ADXL345": {},
    "heartbeat of 3 mg": {"heart_mg": 3.0},
    "second mode": {"second": 0.4},
    "100 Hz": {"rate_hz": 100},
    "800 Hz": {"rate_hz": 800},
    "quieter chip": {"noise_ug": np.full(3, 70.0)},
}


def check_beds(count, case):
    """Check that what is accepted is right, and that most beds are accepted."""
    tau_errors, resonance_errors = many_beds(count, 100, **CASES[case])
    assert len(tau_errors) >= 0.8 * count
    assert np.median(tau_errors) <= 0.04
    assert tau_errors.max() <= 0.18
    assert resonance_errors.max() <= 0.05


@pytest.mark.parametrize("case", CASES)
def test_ring_down_over_beds(case):
    """Beds of 4 to 12 Hz, damping 0.08 to 0.3, tapped at 30 to 300 mg: what is accepted is right."""
    check_beds(12, case)


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_ring_down_over_many_beds(case):
    """The same over ten times as many beds."""
    check_beds(120, case)


def test_ring_down_without_noise():
    """A damped sinusoid on a slope is found to a percent, its natural frequency included."""
    t = np.arange(0, 1.2, 1 / 400)
    ringing = 100 * np.exp(-t / 0.3) * np.cos(2 * np.pi * 5.0 * t + 1.0)
    samples = ringing[:, None] * (0.3, 0.5, 0.8) + np.stack((5 + 3 * t, 0 * t, 1000 - 2 * t), axis=1)
    found = fit_ring_down(samples, np.full(3, 0.1), 400.0)
    assert found.tau_s == pytest.approx(0.3, rel=0.01)
    assert found.resonance_hz == pytest.approx(math.hypot(5.0, 1 / (0.6 * np.pi)), rel=0.01)
    assert found.unexplained < 0.01
    assert found.error < 0.01


def test_error_says_how_far_taps_scatter():
    """Over many noises the scatter of the time constant is what `error` says, within a third."""
    rng = np.random.default_rng(4)
    t = np.arange(0, 1.2, 1 / 400)
    clean = (40 * np.exp(-t / 0.15) * np.cos(2 * np.pi * 7.0 * t))[:, None] * (0.3, 0.5, 0.8)
    found = [
        fit_ring_down(clean + rng.standard_normal(clean.shape) * 5, np.full(3, 5.0), 400) for _ in range(120)
    ]
    scatter = np.std([np.log(one.tau_s) for one in found])
    assert scatter == pytest.approx(np.median([one.error for one in found]), rel=0.33)


def test_too_few_samples_are_refused():
    """A fit to a tenth of a second is refused."""
    with pytest.raises(ValueError, match="40 samples at 400 Hz are too few"):
        fit_ring_down(np.zeros((40, 3)), np.ones(3), 400.0)


def test_blocks_do_not_matter():
    """The same taps are heard, to the bit, however the stream is cut."""
    counts = session((6.0, 0.15), [100.0] * 3, 3)
    whole, parts = heard(counts, block=len(counts)), heard(counts, block=7)
    assert len(whole) == 3
    for one, other in zip(whole, parts, strict=True):
        assert one.ring_down == other.ring_down
        assert np.array_equal(one.tap.samples_mg, other.tap.samples_mg)


def test_onset_and_peak():
    """A tap's onset is found to 15 ms and its peak to the noise."""
    (one,) = heard(session((6.0, 0.15), [150.0], 5, at_s=[4.0]))
    # 20 steps of 50 ms lie before the two in which the onset is looked for.
    at_s = one.tap.onset / 400
    assert 1.0 <= at_s <= 1.16
    rise = np.linalg.norm(one.tap.samples_mg - one.tap.samples_mg[:300].mean(axis=0), axis=1)
    assert rise[: one.tap.onset - 6].max() < 30.0
    assert rise[one.tap.onset : one.tap.onset + 40].max() == pytest.approx(one.tap.peak_mg, abs=1.0)
    assert one.tap.peak_mg == pytest.approx(150.0, abs=20.0)


def test_stillness_is_no_tap():
    """Noise, breathing and a strong heartbeat of a minute are not heard as taps, on any chip."""
    for noise_ug in (ADXL345_UG, np.full(3, 25.0)):
        assert heard(session((6.0, 0.15), [0.0], 1, at_s=[56.0], heart_mg=3.0, noise_ug=noise_ug)) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"peaks_mg": [15000.0] * 5}, SATURATED),
        ({"peaks_mg": [100.0] * 6, "at_s": [4.0, 4.7, 8.0, 8.7, 12.0, 12.7]}, CROWDED),
        ({"bed": (12.0, 0.3), "peaks_mg": [40.0] * 5}, WEAK),
        ({"bed": (30.0, 0.05)}, UNCLEAR),
    ],
    ids=["saturated", "too fast", "too weak", "no bed"],
)
def test_each_problem_is_named(change, problem):
    """Taps that can not be used are named as what they are, and calibrate nothing."""
    values = {"bed": (6.0, 0.15), "peaks_mg": [100.0] * 5, "seed": 8} | change
    measured = heard(session(**values))
    assert {one.problem for one in measured} == {problem}
    assert all(one.ring_down is None for one in measured)
    with pytest.raises(CalibrationError, match="not calibrated: 0 of"):
        calibrate(measured)


def test_lost_samples_cost_the_tap_under_way():
    """Samples lost in the middle of a tap drop that tap and no other."""
    counts = session((6.0, 0.15), [100.0] * 3, 6, at_s=[4.0, 8.0, 12.0])
    listener = TapListener(400, MG_PER_COUNT, FULL_SCALE)
    listener.take(counts[: 400 * 8 + 200])
    listener.lose(40, "overrun", "the FIFO was full before it was read")
    listener.take(counts[400 * 8 + 240 :])
    assert len(listener.heard()) == 2
    assert listener.heard() == []
    assert listener.next_sample == len(counts)
    assert listener.last_loss == "the FIFO was full before it was read"


def taps(*taus_s):
    """Good taps with these time constants."""
    return [Measured(None, RingDown(tau, 6.0, 0.02, 0.0), None) for tau in taus_s]


def test_median_and_spread():
    """A bed's ring-down is the median over the taps; the spread is the relative median distance from it."""
    assert calibrate(taps(0.2, 0.22, 0.19, 0.2, 0.3)) == Calibration(5, 0.2, 6.0, pytest.approx(0.05))
    assert calibrate(taps(0.2, 0.2, 0.2, 0.2)).taps == 4


@pytest.mark.parametrize(
    ("measured", "complaint"),
    [
        ([], "no tap was heard; tap harder"),
        (taps(0.2, 0.2), "only 2 of 5 taps were heard"),
        (taps(0.1, 0.2, 0.3, 0.2, 0.4), "the taps disagree: the bed rang for 0.10 to 0.40 s"),
        (
            [*taps(0.2, 0.2, 0.2), Measured(None, None, WEAK)],
            "3 of 4 taps were good, the others mostly too weak: tap",
        ),
    ],
    ids=["none", "two", "disagree", "too few"],
)
def test_what_does_not_calibrate_says_why(measured, complaint):
    """Each refusal is one line that says why."""
    with pytest.raises(CalibrationError, match=complaint) as info:
        calibrate(measured)
    assert "\n" not in str(info.value)
