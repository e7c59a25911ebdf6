"""The detector's filters are the Butterworth filters that scipy designs, after a triangle over two steps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from bedtick.logger.detector import filters
from bedtick.logger.detector.parameters import kernel_parameters, samples_per_quarter, samples_per_step
from bedtick.logger.settings import DetectorSettings

RATES_HZ = (50.0, 64.04, 99.317, 100.0, 197.24, 400.0, 800.0, 3200.0)


def as_sos(sections):
    """Sections in scipy's layout."""
    return np.insert(sections, 3, 1.0, axis=1)


def steps_of(rate_hz):
    """Return the samples in a step, and the rate of steps."""
    per_step = samples_per_step(rate_hz)
    return per_step, rate_hz / per_step


def designed(rate_hz, low_hz=2.0, high_hz=14.0):
    """Return the chain for a rate of samples, and the rate at which it runs."""
    per_step, step_hz = steps_of(rate_hz)
    return filters.design(low_hz, high_hz, step_hz, per_step), step_hz


def triangle_answer(grid_hz, rate_hz):
    """Return what the triangle's weights leave of sines, by direct sums."""
    n = samples_per_step(rate_hz)
    weights = np.concatenate([np.arange(n), np.arange(n, 0, -1)]) / n**2
    return np.abs(np.exp(-2j * np.pi * np.outer(grid_hz, np.arange(2 * n)) / rate_hz) @ weights)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_chain_responds_as_scipys(rate_hz):
    """The chain's complex gain is that of scipy's filters, but for the low-pass that knows the triangle."""
    sections, step_hz = designed(rate_hz)
    top_hz = 0.8 * step_hz / 2
    corners = (("high", 0.7), ("high", 2.0), ("low", min(14.0, top_hz)))
    chain = np.vstack([signal.butter(2, hz, kind, fs=step_hz, output="sos") for kind, hz in corners])
    grid_hz, expected = signal.sosfreqz(chain, 4000, fs=step_hz)
    assert sections.shape == (4, 5)
    ours = sections[[0, 2, 3]]
    np.testing.assert_allclose(signal.sosfreqz(as_sos(ours), 4000)[1], expected, rtol=1e-7, atol=1e-12)
    gains = [filters.response(ours, hz, step_hz) for hz in grid_hz[1::50]]
    np.testing.assert_allclose(gains, expected[1::50], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("at_hz", [1.0, 7.0, 25.0, 40.0])
def test_the_triangle_is_that_of_its_weights(rate_hz, at_hz):
    """The gain of the triangle is that of a direct sum over its weights; 1 where a step is one sample."""
    per_step, step_hz = steps_of(rate_hz)
    gain = filters.triangle_gain(at_hz, step_hz, per_step)
    assert gain == pytest.approx(triangle_answer([at_hz], rate_hz)[0], rel=1e-9)


@pytest.mark.parametrize("rate_hz", [64.04, 99.317, 100.0, 197.24, 400.0, 800.0, 3200.0])
def test_motion_ends_at_25_hz_with_the_triangle(rate_hz):
    """Triangle and low-pass together have their 3 dB at 25 Hz, at every rate that reaches so far."""
    sections, step_hz = designed(rate_hz)
    low_pass = abs(filters.response(sections[1:2], 25.0, step_hz))
    assert low_pass * triangle_answer([25.0], rate_hz)[0] == pytest.approx(np.sqrt(0.5), rel=1e-6)
    np.testing.assert_array_equal(
        sections[1], filters.low_pass(filters.MOTION_HIGH_HZ, step_hz, samples_per_step(rate_hz))
    )


def test_a_triangle_that_takes_more_leaves_the_widest_low_pass():
    """Where the triangle alone takes more than 3 dB, the low-pass is as wide as the rate allows."""
    np.testing.assert_array_equal(filters.low_pass(45.0, 100.0, 8), filters.biquad("low", 40.0, 100.0))


def test_the_band_is_clean_of_what_folds():
    """At 400 Hz, what lies around the rate of steps, where it would fold into the band, is 28 dB down."""
    grid_hz = np.concatenate([np.arange(86.0, 114.0), np.arange(186.0, 200.0)])
    assert triangle_answer(grid_hz, 400.0).max() < 10 ** (-28 / 20)


@pytest.mark.parametrize("kind", ["high", "low"])
def test_the_corner_is_at_3_db(kind):
    """At its corner a section passes half of the power, and no frequency more than all of it."""
    section = filters.biquad(kind, 5.0, 100.0)
    assert abs(filters.response(section[None], 5.0, 100.0)) ** 2 == pytest.approx(0.5, rel=1e-12)
    gains = [abs(filters.response(section[None], hz, 100.0)) for hz in np.linspace(0.01, 49.9, 500)]
    assert max(gains) <= 1 + 1e-12


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("low_hz", [0.5, 2.0, 6.0])
def test_the_chain_is_stable(rate_hz, low_hz):
    """Every pole lies within the unit circle, for every corner that the settings allow."""
    for high_hz in (8.0, 14.0, 25.0):
        for section in designed(rate_hz, low_hz, high_hz)[0]:
            assert max(abs(np.roots([1.0, *section[3:]]))) < 1


def test_a_corner_above_half_the_rate_is_brought_below():
    """At 50 Hz the corner of 25 Hz, which is half the rate, moves to where a filter still works."""
    sections = filters.design(2.0, 25.0, 50.0, 1)
    assert abs(filters.response(sections[1:2], 20.0, 50.0)) ** 2 == pytest.approx(0.5)
    assert abs(filters.response(sections[3:], 20.0, 50.0)) ** 2 == pytest.approx(0.5)
    assert np.isfinite(sections).all()


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("at_hz", [3.0, 7.0, 12.0])
def test_the_group_delay_is_scipys(rate_hz, at_hz):
    """The delay of the chain is the sum that scipy gives for its sections."""
    sections, step_hz = designed(rate_hz)
    expected = sum(
        signal.group_delay((section[:3], [1.0, *section[3:]]), w=[at_hz], fs=step_hz)[1][0]
        for section in sections
    )
    assert filters.group_delay_s(sections, at_hz, step_hz) == pytest.approx(expected / step_hz, rel=1e-4)


def test_parameters_count_in_samples_and_counts():
    """At 400 Hz a step has 4 samples, windows have their lengths in steps, and mg become counts."""
    settings = DetectorSettings(ring_down_s=0.25, weakest_limit_mg=40.0)
    p = kernel_parameters(settings, 1 / 256, 400.0, 1023)[0]
    b0, b1, b2, a1, a2 = filters.design(2.0, 14.0, 100.0, 4).T
    np.testing.assert_array_equal(p.poles, np.stack([a1, a2], axis=1))
    np.testing.assert_allclose(p.gains, (b0[0] * b0[1] / 16, b0[2] * b0[3]))
    # What lets the kernel take 1 - 1/z^2 for the zeros of each.
    np.testing.assert_allclose(np.convolve([1, -2, 1], [1, 2, 1]), np.convolve([1, 0, -1], [1, 0, -1]))
    np.testing.assert_allclose(np.abs(b1), 2 * b0)
    np.testing.assert_allclose(b2, b0)
    assert (p.samples_per_step, p.step_hz, p.jerk_steps, p.envelope_steps, p.long_steps) == (
        4,
        100,
        35,
        12,
        150,
    )
    assert (p.settle_samples, p.long_gap_samples, p.quarter_steps) == (800, 40, 25)
    assert p.weakest_limit == pytest.approx(40 * 0.256)
    assert p.ring_decay ** (0.25 * 100) == pytest.approx(np.exp(-2))
    assert p.full_scale == 1023
    assert kernel_parameters(settings, 1 / 256, 400.0, None)[0].full_scale > 2**31


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_rounding_leaves_the_noise_it_is_said_to(rate_hz):
    """The noise of rounding to whole counts, filtered, has the mean square that the floor starts from."""
    p = kernel_parameters(DetectorSettings(), 1 / 256, rate_hz, None)[0]
    sections = filters.design(2.0, 14.0, p.step_hz, p.samples_per_step)
    grid_hz, answer = signal.sosfreqz(as_sos(sections), 4000, fs=p.step_hz)
    passed = (np.abs(answer) * triangle_answer(grid_hz, rate_hz)) ** 2
    left = passed.sum() * (grid_hz[1] - grid_hz[0]) / (rate_hz / 2) / 12
    assert left == pytest.approx(p.least_noise, rel=0.3)


@pytest.mark.parametrize(("rate_hz", "samples"), [(400.0, 100), (100.0, 25), (64.04, 16), (197.24, 50)])
def test_a_quarter_second_is_whole_steps(rate_hz, samples):
    """Gravity's means are taken over whole steps, about a quarter of a second."""
    assert samples_per_quarter(rate_hz) == samples
