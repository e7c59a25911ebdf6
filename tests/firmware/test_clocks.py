"""The clocks that samples are timed by."""

import pytest

from bedtick.firmware.clock import SystemClock
from bedtick.firmware.emulator import EmulatedClock


def test_the_emulated_clock_jumps_to_where_it_sleeps():
    """Sleeping takes no time and never goes back."""
    clock = EmulatedClock(100)
    clock.sleep_until(1000)
    assert clock.boot_ns() == 1000
    clock.sleep_until(10)
    assert clock.boot_ns() == 1000


def test_the_emulated_clock_adds_up_what_passes():
    """Time that passes is added; negative time is refused."""
    clock = EmulatedClock(100)
    clock.advance(23)
    assert clock.boot_ns() == 123
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


def test_the_system_clock_has_reached_what_it_slept_for():
    """After sleeping until a time the system's clock is not before it."""
    clock = SystemClock()
    target_ns = clock.boot_ns() + 1_000_000
    clock.sleep_until(target_ns)
    assert clock.boot_ns() >= target_ns
    clock.sleep_until(0)
    assert clock.is_real
