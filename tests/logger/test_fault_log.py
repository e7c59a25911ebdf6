"""The log says what is wrong when it begins, and does not repeat itself."""

from __future__ import annotations

import logging

import pytest

from bedtick.firmware.emulator import EmulatedClock
from bedtick.logger.sampling.fault_log import FaultLog

MINUTE_NS = 60 * 10**9


@pytest.fixture
def clock():
    """Return a clock that is moved by hand."""
    return EmulatedClock(5 * 10**9)


@pytest.fixture
def fault_log(clock, caplog):
    """Return a fault log whose words are caught."""
    caplog.set_level(logging.WARNING)
    return FaultLog(logging.getLogger("bed"), clock)


def test_trouble_is_said_again_after_ten_minutes_with_its_count(fault_log, clock, caplog):
    """One line when it begins, silence for ten minutes, then one line with how often it came up."""
    for _ in range(11 * 60):
        fault_log.trouble("stuck", "the bus is stuck")
        clock.advance(10**9)
    assert caplog.messages == [
        "the bus is stuck; trying again",
        "the bus is stuck; trying again (599 more times since this was last said)",
    ]


def test_each_kind_of_trouble_is_said(fault_log, caplog):
    """Another kind of trouble does not wait for the first one's ten minutes."""
    for name in ("stuck", "gone", "stuck"):
        fault_log.trouble(name, name)
    assert caplog.messages == ["stuck; trying again", "gone; trying again"]


def test_good_news_follow_what_was_said(fault_log, clock, caplog):
    """That it is over is said where the trouble was said, and not otherwise."""
    fault_log.good_news("fine")
    fault_log.trouble("stuck", "stuck")
    fault_log.good_news("fine again")
    clock.advance(MINUTE_NS)
    fault_log.trouble("stuck", "stuck")
    fault_log.good_news("fine once more")
    assert caplog.messages == ["stuck; trying again", "fine again"]
