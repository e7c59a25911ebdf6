"""The rate is what a person set, with a word of warning, or what the bus carries."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from bedtick.logger.rig import choose_rate_hz
from bedtick.logger.settings import SensorSettings

SLOW_SET_S = 1.3e-3  # a set of six bytes and the FIFO's level at 100 kHz


@pytest.fixture
def chosen(caplog):
    """Return a function that chooses a rate on a bus that takes `set_s` a sample; gives rate and warnings."""

    def choose(rate_hz, set_s, sharing=1):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            chip = SimpleNamespace(measure_set_s=lambda: set_s, usual_rates_hz=(400, 200, 100))
            rate = choose_rate_hz(chip, SensorSettings(rate_hz=rate_hz), sharing)
        return rate, [record.getMessage() for record in caplog.records]

    return choose


def test_rate_that_is_too_fast_for_the_bus_is_kept_with_a_warning(chosen):
    """A rate set by hand beyond half of the bus's time is kept; the log says share, key and better rate."""
    rate_hz, (warning,) = chosen(400, SLOW_SET_S)
    assert rate_hz == 400
    assert "400 Hz takes 52 %" in warning
    assert "set sensor.rate_hz to 200" in warning


def test_sensors_share_their_bus(chosen):
    """Of two sensors on a bus each may take a quarter of its time: one alone could have twice the rate."""
    assert chosen(0, 1.0e-3) == (400, [])
    assert chosen(0, 1.0e-3, sharing=2) == (200, [])
    rate_hz, (warning,) = chosen(400, 1.0e-3, sharing=2)
    assert rate_hz == 400
    assert "80 % of this sensor's part of the bus, shared by 2" in warning
    assert "set sensor.rate_hz to 200" in warning


@pytest.mark.parametrize(
    ("set_hz", "set_s", "rate_hz"),
    [
        pytest.param(400, 0.5 / 400, 400, id="half of the bus"),
        pytest.param(800, 0.3e-3, 800, id="a fast bus"),
        pytest.param(0, SLOW_SET_S, 200, id="left to the bus"),
        pytest.param(0, 9e-3, 100, id="left to a bus that is too slow for any"),
    ],
)
def test_no_warning_without_cause(chosen, set_hz, set_s, rate_hz):
    """Up to half of the bus's time, and where nothing was set, nothing is said."""
    assert chosen(set_hz, set_s) == (rate_hz, [])
