"""The detector's filters are the Butterworth filters that scipy designs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from bedtick.logger.detector import filters
from bedtick.logger.detector.parameters import kernel_parameters, samples_per_quarter
from bedtick.logger.settings import DetectorSettings

RATES_HZ = (50.0, 64.04, 99.317, 100.0, 197.24, 400.0, 800.0, 3200.0)


def as_sos(sections):
    """Sections in scipy's layout."""
    return np.insert(sections, 3, 1.0, axis=1)


def scipy_chain(rate_hz, low_hz=2.0, high_hz=14.0):
    """Return the same chain as scipy designs it."""
    top_hz = 0.8 * rate_hz / 2
    corners = (("high", 0.7), ("low", min(25.0, top_hz)), ("high", low_hz), ("low", min(high_hz, top_hz)))
    return np.vstack([signal.butter(2, hz, kind, fs=rate_hz, output="sos") for kind, hz in corners])


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_chain_responds_as_scipys(rate_hz):
    """The chain's complex gain is that of scipy's filters at every frequency, at every rate."""
    sections = filters.design(2.0, 14.0, rate_hz)
    grid_hz, expected = signal.sosfreqz(scipy_chain(rate_hz), 4000, fs=rate_hz)
    assert sections.shape == (4, 5)
    np.testing.assert_allclose(signal.sosfreqz(as_sos(sections), 4000)[1], expected, rtol=1e-7, atol=1e-12)
    ours = [filters.response(sections, hz, rate_hz) for hz in grid_hz[1::50]]
    np.testing.assert_allclose(ours, expected[1::50], rtol=1e-7, atol=1e-12)


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
        for section in filters.design(low_hz, high_hz, rate_hz):
            assert max(abs(np.roots([1.0, *section[3:]]))) < 1


def test_a_corner_above_half_the_rate_is_brought_below():
    """At 50 Hz the corner of 25 Hz, which is half the rate, moves to where a filter still works."""
    sections = filters.design(2.0, 25.0, 50.0)
    assert abs(filters.response(sections[1:2], 20.0, 50.0)) ** 2 == pytest.approx(0.5)
    assert np.isfinite(sections).all()


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("at_hz", [3.0, 7.0, 12.0])
def test_the_group_delay_is_scipys(rate_hz, at_hz):
    """The delay of the chain is the sum that scipy gives for its sections."""
    sections = filters.design(2.0, 14.0, rate_hz)
    expected = sum(
        signal.group_delay((section[:3], section[3:]), w=[at_hz], fs=rate_hz)[1][0]
        for section in scipy_chain(rate_hz)
    )
    assert filters.group_delay_s(sections, at_hz, rate_hz) == pytest.approx(expected / rate_hz, rel=1e-4)


def test_parameters_count_in_samples_and_counts():
    """At 400 Hz a step has 4 samples, windows have their lengths in steps, and mg become counts."""
    settings = DetectorSettings(ring_down_s=0.25, weakest_limit_mg=40.0)
    sections = filters.design(2.0, 14.0, 400.0)
    p = kernel_parameters(settings, 1 / 256, 400.0, 1023, sections)[0]
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
    assert kernel_parameters(settings, 1 / 256, 400.0, None, sections)[0].full_scale == np.inf


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_rounding_leaves_the_noise_it_is_said_to(rate_hz):
    """The noise of rounding to whole counts, filtered, has the mean square that the floor starts from."""
    sections = filters.design(2.0, 14.0, rate_hz)
    least = kernel_parameters(DetectorSettings(), 1 / 256, rate_hz, None, sections)[0].least_noise
    rounding = np.random.default_rng(0).uniform(-0.5, 0.5, 400_000)
    assert signal.sosfilt(as_sos(sections), rounding).var() == pytest.approx(least, rel=0.2)


@pytest.mark.parametrize(("rate_hz", "samples"), [(400.0, 100), (100.0, 25), (64.04, 16), (197.24, 50)])
def test_a_quarter_second_is_whole_steps(rate_hz, samples):
    """Gravity's means are taken over whole steps, about a quarter of a second."""
    assert samples_per_quarter(rate_hz) == samples
