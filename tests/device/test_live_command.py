"""`bedtick live` on a terminal, in a pipe, and where it must not begin."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from itertools import pairwise

import numpy as np
import pytest

from bedtick.logger.store.database import recording_lock

PATIENCE_S = 60.0
BEDTICK = [sys.executable, "-c", "from bedtick.analysis.cli import main; main(prog_name='bedtick')"]
HEADING = "t_s,level_mg,floor_mg,event"
LINE = re.compile(r"\d+\.\d,(\d+\.\d\d)?,(\d+\.\d\d)?,[a-z0-9.; ]*")
SHOW_CURSOR, FIRST_SCREEN = b"\x1b[?25h", b"\x1b[?1049l"


class Terminal:
    """A terminal with bedtick in its foreground; `seen` is all that was written to it."""

    def __init__(self, arguments, columns, environment):
        self.master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.modes = termios.tcgetattr(self._slave)
        self.seen = b""
        self.process = subprocess.Popen(
            [*BEDTICK, *arguments],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=os.environ | {"TERM": "xterm"} | environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  one thread only
        )

    def read(self):
        """Take what was written meanwhile."""
        while select.select([self.master], [], [], 0.05)[0]:
            self.seen += os.read(self.master, 65536)

    def until(self, words):
        """Read until the words were seen."""
        end_s = time.monotonic() + PATIENCE_S
        while words not in self.seen:
            assert time.monotonic() < end_s, self.seen
            assert self.process.poll() is None, self.seen
            self.read()

    def ended(self):
        """Wait for the end; give the exit code."""
        end_s = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < end_s, self.seen
            self.read()
        self.read()
        return self.process.returncode

    def modes_now(self):
        """Give the terminal's modes."""
        return termios.tcgetattr(self._slave)

    def close(self):
        """End what still runs."""
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self._slave)


@pytest.fixture
def terminal():
    """Return a function that runs `bedtick live` on a terminal."""
    opened = []

    def run(*arguments, columns=80, **environment):
        opened.append(Terminal(["live", *map(str, arguments)], columns, environment))
        return opened[-1]

    yield run
    for one in opened:
        one.close()


@pytest.fixture
def short(recording_file):
    """Write five seconds at 100 Hz with a jerk after three."""
    t_s = np.arange(500) / 100
    acc_g = 0.004 * np.random.default_rng(5).standard_normal((500, 3)) + (0.0, 0.0, 1.0)
    since_s = np.clip(t_s - 3.0, 0.0, None)
    acc_g[:, 2] += 0.08 * np.exp(-since_s / 0.15) * np.sin(2 * np.pi * 7.0 * since_s)
    return recording_file(acc_g, "short.npz")


@pytest.mark.parametrize("way", ["key", signal.SIGINT, signal.SIGTERM])
def test_terminal_is_left_clean(terminal, way):
    """However it is ended the cursor is shown again on the first screen, with every mode as it was."""
    screen = terminal("--bus", "emulated")
    screen.until(b"level")
    if way == "key":
        os.write(screen.master, b"\x03")
    else:
        screen.process.send_signal(way)
    assert screen.ended() == 0
    after = screen.seen[screen.seen.rindex(FIRST_SCREEN) :]
    assert SHOW_CURSOR in screen.seen[screen.seen.rindex(b"\x1b[?25l") :]
    assert b"\x1b" not in after[len(FIRST_SCREEN) :]
    assert b"nothing was stored" in after
    assert screen.modes_now() == screen.modes


def test_narrow_terminal_without_utf_8_or_colours(terminal):
    """On 40 columns of ASCII nothing is wider, and no colour is set."""
    screen = terminal("--bus", "emulated", columns=40, PYTHONIOENCODING="ascii", NO_COLOR="1")
    screen.until(b"rate")
    screen.process.send_signal(signal.SIGTERM)
    assert screen.ended() == 0
    drawn = screen.seen[: screen.seen.rindex(FIRST_SCREEN)].decode("ascii")
    assert not re.search(r"\x1b\[[\d;]*m", drawn)
    texts = re.split(r"\x1b\[[\d;?]*[A-Za-z]", drawn)
    assert [text for text in texts if len(text) >= 40] == []


def test_sensor_that_is_not_there_is_told_on_the_first_screen(terminal):
    """An error is one line, and the second screen is not even begun."""
    screen = terminal("--bus", "7")
    assert screen.ended() == 1
    assert b"/dev/i2c-7 does not exist" in screen.seen
    assert b"\x1b" not in screen.seen


def test_pipe_that_is_closed(daemon):
    """A reader that has seen enough ends it without a complaint."""
    process = daemon("live", "--bus", "emulated")
    assert process.stdout.readline().strip() == HEADING
    process.stdout.readline()
    process.stdout.close()
    process.wait(PATIENCE_S)
    assert process.returncode == 0
    assert process.stderr.read() == ""


def test_lines_for_programs(bedtick, short):
    """Without a terminal there is a line a second, with the event in the second in which it ended."""
    result = bedtick("live", "--bus", f"emulated:{short}")
    assert (result.exit_code, result.stderr) == (0, "")
    heading, *lines = result.stdout.splitlines()
    assert heading == HEADING
    assert all(LINE.fullmatch(line) for line in lines)
    times_s = [float(line.split(",")[0]) for line in lines]
    assert all(later - earlier > 0.5 for earlier, later in pairwise(times_s))
    assert sum("twitch" in line for line in lines) <= 1
    strongest_mg = max(float(line.split(",")[1] or 0) for line in lines)
    assert 40 < strongest_mg < 80


def test_running_recording_is_refused(refused, tmp_path):
    """While a recording runs the sensor is not touched, and it is said what to do."""
    path = tmp_path / "bed.db"
    with recording_lock(path):
        line = refused("live", "--db", path)
    assert "bedtick is recording" in line
    assert "systemctl stop bedtick" in line


def test_nothing_is_stored(bedtick, short, tmp_path):
    """No database is made, and one that is recorded into is no hindrance to an emulated sensor."""
    assert bedtick("live", "--bus", f"emulated:{short}", "--db", tmp_path / "bed.db").exit_code == 0
    assert sorted(tmp_path.iterdir()) == [short]
    with recording_lock(tmp_path / "bed.db"):
        assert bedtick("live", "--bus", f"emulated:{short}", "--db", tmp_path / "bed.db").exit_code == 0


def test_several_sensors_need_a_place(refused, tmp_path):
    """Where the settings have two sensors it is asked for one of them."""
    config = tmp_path / "bedtick.toml"
    config.write_text("[[sensor]]\naddress = 0x53\n[[sensor]]\nplace = 'left'\naddress = 0x1D\n")
    assert "--place" in refused("live", "--bus", "emulated", "--config", config)
