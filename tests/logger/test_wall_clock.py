"""What the wall clock says, when it stepped, and which time zone the house is in."""

from __future__ import annotations

import ctypes
import dataclasses
import errno
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from bedtick.firmware.emulator import EmulatedClock, Still
from bedtick.logger import wall_clock
from bedtick.logger.daemon import Control, record
from bedtick.logger.emulated import World, emulated_site
from bedtick.logger.settings import Settings
from bedtick.logger.store.batch import WallTime
from bedtick.logger.wall_clock import (
    EmulatedWallClock,
    SetAlarm,
    StepWatch,
    SystemWallClock,
    boot_id,
    time_zone,
)

S = 10**9
UTC = 1_800_000_000 * S


class ScriptedWall:
    """A wall clock that is ahead of its boot clock by what a script says; without an alarm it is mute."""

    def __init__(self, boot_ns, script, *, has_alarm=True):
        self._boot_ns = boot_ns
        self._script = script  # (from boot s on, ahead by s or None, synced)
        self._has_alarm = has_alarm
        self._ahead_s = None

    def _now(self):
        return [row for row in self._script if row[0] * S <= self._boot_ns()][-1]

    def read(self):
        """Return the time now."""
        _, ahead_s, synced = self._now()
        utc_ns = None if ahead_s is None else UTC + self._boot_ns() + round(ahead_s * S)
        return WallTime(utc_ns, synced)

    def was_set(self):
        """Tell whether the script went on by a step."""
        before, self._ahead_s = self._ahead_s, self._now()[1]
        return self._has_alarm and before != self._ahead_s


def watched(*readings):
    """Feed (boot seconds, UTC ahead by seconds or None, synced); return what a watch without alarm says."""
    now = EmulatedClock(round(readings[0][0] * S))
    watch = StepWatch(ScriptedWall(now.boot_ns, readings, has_alarm=False), now.boot_ns())
    told = []
    for boot_s, *_ in readings[1:]:
        now.sleep_until(round(boot_s * S))
        told.append(watch.stepped(now.boot_ns()))
    return told


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


@pytest.mark.parametrize(("has_alarm", "told_s"), [(True, 10.3), (False, 11.0)])
def test_a_step_is_told_at_once_where_there_is_an_alarm(has_alarm, told_s):
    """The look that follows a step tells it, once; without an alarm the next that compares the clocks."""
    now = EmulatedClock(0)
    watch = StepWatch(ScriptedWall(now.boot_ns, [(0, 0, True), (10.25, 60, True)], has_alarm=has_alarm), 0)
    told = []
    for tenth in range(200):
        now.sleep_until(tenth * S // 10)
        if watch.stepped(now.boot_ns()):
            told.append(tenth / 10)
    assert told == [told_s]


def test_a_small_step_is_told_by_the_alarm():
    """What is too small to be told from a slow look is a step all the same, if the kernel says so."""
    now = EmulatedClock(0)
    watch = StepWatch(ScriptedWall(now.boot_ns, [(0, 0, True), (1, 0.001, True)]), 0)
    now.sleep_until(S)
    assert watch.stepped(now.boot_ns())


def test_a_clock_that_steps_all_the_time_is_told_of_once_a_second():
    """However often it steps, a second has one anchor; and the last step is always told."""
    now = EmulatedClock(0)
    script = [(k / 10, 3600 * (k % 7), True) for k in range(45)]
    watch = StepWatch(ScriptedWall(now.boot_ns, script), 0)
    told = []
    for twentieth in range(200):
        now.sleep_until(twentieth * S // 20)
        if watch.stepped(now.boot_ns()):
            told.append(twentieth / 20)
    assert told == [0.1, 1.1, 2.1, 3.1, 4.1, 5.1]


def test_what_was_set_before_the_watch_began_is_no_step():
    """A watch begins with the clock as it finds it."""
    now = EmulatedClock(5 * S)
    wall = ScriptedWall(now.boot_ns, [(0, 0, True)])
    watch = StepWatch(wall, now.boot_ns())
    assert not watch.stepped(now.boot_ns())


def test_the_kernel_s_alarm_is_for_the_setting_of_the_wall_clock():
    """The timer is on CLOCK_REALTIME, at a time of day, and cancelled when that clock is set."""
    alarm = SetAlarm()
    if alarm._handle is None:
        pytest.skip("no timer on the wall clock here")
    told = Path(f"/proc/self/fdinfo/{alarm._handle}").read_text()
    assert f"clockid: {time.CLOCK_REALTIME}\n" in told
    assert "settime flags: 03\n" in told
    assert not os.get_blocking(alarm._handle)
    assert not alarm.rang()


@pytest.mark.parametrize(
    ("answer", "rang"),
    [(errno.ECANCELED, True), (errno.EAGAIN, False), (None, True)],
    ids=["set", "nothing happened", "went off"],
)
def test_the_alarm_says_what_the_kernel_says(monkeypatch, answer, rang):
    """A read that is cancelled means that the clock was set; one with nothing to read, that it was not."""

    def read(_handle, _size):
        if answer is not None:
            raise OSError(answer, "as the kernel says")
        return bytes(8)

    alarm = SetAlarm()
    if alarm._handle is None:
        pytest.skip("no timer on the wall clock here")
    monkeypatch.setattr(os, "read", read)
    assert alarm.rang() == rang


def test_without_a_timer_the_alarm_is_mute(monkeypatch):
    """Where the kernel has no such timer, steps are found by comparing the clocks, and nothing fails."""

    def refuse():
        raise OSError(errno.EPERM, "not permitted")

    monkeypatch.setattr(wall_clock, "_far_timer", refuse)
    wall = SystemWallClock()
    assert [wall.was_set(), wall.was_set()] == [False, False]


def test_without_adjtimex_nothing_is_synchronised(monkeypatch):
    """On a system where nobody tells, the clock is not to be trusted."""
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    assert not SystemWallClock().read().synced


@pytest.mark.parametrize(("has_alarm", "within_s"), [(True, 0.25), (False, 1.25)])
def test_a_step_in_a_night_leaves_an_anchor(tmp_path, has_alarm, within_s):
    """A clock that is put right while the daemon records has an anchor within a drain of that moment."""
    site = emulated_site(World(Still(), "emulated"), Settings().sensors, at_real_speed=False)
    start_s = site.clock.boot_ns() / S
    script = [(0, -9e8, False), (start_s + 20.37, 0, True)]
    wall = ScriptedWall(site.clock.boot_ns, script, has_alarm=has_alarm)
    site = dataclasses.replace(site, wall=wall, seats=with_wall(site.seats, wall))
    path = tmp_path / "bed.db"
    record(site, Settings(), path, Control(lambda: site.clock.boot_ns() > (start_s + 40) * S))
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT cause, boot_ns, utc_ns - boot_ns, synced FROM anchors ORDER BY id")
        start, step, stop = rows.fetchall()
    assert (start[0], step[0], stop[0]) == ("start", "step", "stop")
    assert 0 <= step[1] / S - (start_s + 20.37) + 0.1 <= within_s + 0.1
    assert [row[2] for row in (start, step, stop)] == pytest.approx([UTC - 9e8 * S, UTC, UTC], abs=1e6)
    assert [row[3] for row in (start, step, stop)] == [0, 1, 1]


def with_wall(seats, wall):
    """Give each seat's rig another wall clock."""
    return tuple(
        dataclasses.replace(seat, open_rig=lambda seat=seat: dataclasses.replace(seat.open_rig(), wall=wall))
        for seat in seats
    )


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


@pytest.mark.parametrize("tz", ["CET-1CEST", "Mars/Olympus", "../etc/passwd"])
def test_a_rule_is_no_time_zone(monkeypatch, tz):
    """TZ may hold what is no name; then nobody knows the zone's."""
    monkeypatch.setenv("TZ", tz)
    assert time_zone() is None


@pytest.mark.parametrize(
    ("named", "link", "expected"),
    [
        ("Europe/Vienna\n", "/usr/share/zoneinfo/Etc/UTC", "Etc/UTC"),
        ("Europe/Vienna\n", "/etc/localtime", "Europe/Vienna"),
        ("", "/usr/share/zoneinfo/America/New_York", "America/New_York"),
        (None, "/usr/share/zoneinfo/Europe/Paris", "Europe/Paris"),
        (None, "/etc/localtime", None),
        ("Mars/Olympus\n", "/etc/localtime", None),
    ],
)
def test_the_time_zone_of_the_system(monkeypatch, named, link, expected):
    """Else what /etc/localtime points to counts, else the name in /etc/timezone; else nobody knows."""

    def read_text(path):
        assert str(path) == "/etc/timezone"
        if named is None:
            raise FileNotFoundError
        return named

    monkeypatch.delenv("TZ", raising=False)
    monkeypatch.setattr(Path, "read_text", read_text)
    monkeypatch.setattr(Path, "resolve", lambda _: Path(link))
    assert time_zone() == expected
