"""What the wall clock says, when it stepped, and which time zone the house is in."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bedtick.firmware.emulator import EmulatedClock
from bedtick.logger.store.batch import WallTime
from bedtick.logger.wall_clock import EmulatedWallClock, StepWatch, SystemWallClock, boot_id, time_zone

S = 10**9
UTC = 1_800_000_000 * S


def watched(*readings):
    """Feed (boot seconds, UTC ahead by seconds or None, synced); return what the watch says."""
    walls = [
        (
            round(boot_s * S),
            WallTime(None if ahead_s is None else UTC + round((boot_s + ahead_s) * S), synced),
        )
        for boot_s, ahead_s, synced in readings
    ]
    watch = StepWatch(*walls[0])
    return [watch.stepped(*wall) for wall in walls[1:]]


def test_a_clock_that_goes_along_does_not_step():
    """Seconds that pass on both clocks alike, and slewing by half a millisecond a second, are no step."""
    assert watched((0, 0, True), (1, 0, True), (2, 0.0005, True), (3600, 0.0010, True)) == [False] * 3


@pytest.mark.parametrize(("by_s", "is_step"), [(0.049, False), (0.051, True), (-0.051, True), (-9e8, True)])
def test_a_step_is_more_than_50_ms(by_s, is_step):
    """From 50 ms on it is a step, forwards or backwards, and it is told once."""
    assert watched((0, 0, True), (1, by_s, True), (2, by_s, True)) == [is_step, False]


def test_small_moves_are_measured_from_one_to_the_next():
    """Slewing that adds up over minutes to more than a step is none."""
    readings = [(k, 0.02 * k, True) for k in range(50)]
    assert watched(*readings) == [False] * 49


def test_becoming_synchronised_counts_as_a_step():
    """A clock that becomes trustworthy, or stops to be, asks for an anchor though it did not move."""
    assert watched((0, 0, False), (1, 0, True), (2, 0, True), (3, 0, False)) == [True, False, True]


def test_a_clock_that_appears_or_goes_steps():
    """From no clock to a clock and back is a step each; no clock at all never steps."""
    assert watched((0, None, False), (1, None, False), (2, 0, False), (3, None, False)) == [False, True, True]


def test_an_emulated_wall_clock_follows_its_boot_clock():
    """It shows its first time when first read, however late, and then goes along."""
    clock = EmulatedClock(500 * S)
    wall = EmulatedWallClock(clock, UTC, synced=True)
    clock.advance(7 * S)
    assert wall.read() == WallTime(UTC, synced=True)
    clock.advance(3 * S)
    assert wall.read() == WallTime(UTC + 3 * S, synced=True)


def test_an_emulated_device_may_not_know_the_time():
    """Without a time there is none, and nothing to trust, whatever was said about it."""
    assert EmulatedWallClock(EmulatedClock(), None, synced=True).read() == WallTime(None, synced=False)


def test_the_system_clock_is_the_system_clock():
    """It tells CLOCK_REALTIME, and a truth about its synchronisation."""
    before = time.time_ns()
    said = SystemWallClock().read()
    assert before <= said.utc_ns <= time.time_ns()
    assert said.synced in {True, False}


def test_the_boot_id_is_the_kernels(monkeypatch):
    """It is what the kernel says, and None where there is no such file."""
    assert boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    monkeypatch.setattr(Path, "read_text", lambda *_: (_ for _ in ()).throw(FileNotFoundError()))
    assert boot_id() is None


@pytest.mark.parametrize(
    ("tz", "expected"), [("Europe/Berlin", "Europe/Berlin"), (":Asia/Tokyo", "Asia/Tokyo")]
)
def test_the_time_zone_of_the_environment_comes_first(monkeypatch, tz, expected):
    """TZ is taken, without the colon that it may begin with."""
    monkeypatch.setenv("TZ", tz)
    assert time_zone() == expected


@pytest.mark.parametrize(
    ("named", "link", "expected"),
    [
        ("Europe/Vienna\n", "/usr/share/zoneinfo/Etc/UTC", "Europe/Vienna"),
        ("", "/usr/share/zoneinfo/America/New_York", "America/New_York"),
        (None, "/usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        (None, "/etc/localtime", None),
    ],
)
def test_the_time_zone_of_the_system(monkeypatch, named, link, expected):
    """Else the name in /etc/timezone counts, else where /etc/localtime points to; else nobody knows."""

    def read_text(path):
        assert str(path) == "/etc/timezone"
        if named is None:
            raise FileNotFoundError
        return named

    monkeypatch.delenv("TZ", raising=False)
    monkeypatch.setattr(Path, "read_text", read_text)
    monkeypatch.setattr(Path, "resolve", lambda _: Path(link))
    assert time_zone() == expected
