"""What the tests from outside share: bedtick as a command and as a process, files to feed it, small disks."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bedtick.analysis.cli import main

PATIENCE_S = 60.0
NOT_HERE = 77  # exit code of a script that lacks something on this machine
BEDTICK = [sys.executable, "-c", "from bedtick.analysis.cli import main; main(prog_name='bedtick')"]


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch, tmp_path):
    """No test sees the settings or the database of whoever runs it."""
    for name in ("BEDTICK_DB", "BEDTICK_CONFIG", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def bedtick():
    """Return a function that runs a command inside this process and gives click's result."""

    def run(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def refused(bedtick):
    """Return a function that runs a command, checks that it says one line and no more, and gives the line."""

    def run(*arguments, code=1):
        result = bedtick(*arguments)
        assert isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == code
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert line.startswith("Error: ")
        return line

    return run


@pytest.fixture
def daemon():
    """Return a function that starts bedtick as a process; what still runs is ended after the test."""
    started = []

    def start(*arguments, stderr=subprocess.PIPE, **environment):
        process = subprocess.Popen(
            [*BEDTICK, *[str(argument) for argument in arguments]],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | environment,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def ended():
    """Return a function that sends a signal (or none) and gives exit code, output and errors at the end."""

    def end(process, number=None):
        if number is not None:
            process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in (err or ""), err
        return process.returncode, out, err

    return end


@pytest.fixture
def until():
    """Return a function that waits for something to become true while a process runs."""

    def wait(holds, process):
        end_s = time.monotonic() + PATIENCE_S
        while not holds():
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < end_s, "waited too long"
            time.sleep(0.02)

    return wait


@pytest.fixture
def rows():
    """Return a function that asks a database; without the file or its tables the answer is empty."""

    def ask(path, query, *values):
        if not Path(path).exists():
            return []
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.OperationalError:
            return []

    return ask


@pytest.fixture
def contents():
    """Return a function that gives all that a database says, as text that can be compared."""

    def dump(path):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return list(connection.iterdump())

    return dump


@pytest.fixture
def sound(rows):
    """Return a function that checks file and rows of a database: pages, references, unbroken raw samples."""

    def check(path):
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]
        assert rows(path, "PRAGMA foreign_key_check") == []
        for (recording,) in rows(path, "SELECT id FROM recordings"):
            lost = dict(
                rows(
                    path,
                    "SELECT sample, sum(lost_samples) FROM faults WHERE recording_id = ? GROUP BY 1",
                    recording,
                )
            )
            at = 0
            for first, count in rows(
                path,
                "SELECT first_sample, sample_count FROM raw_chunks WHERE recording_id = ? ORDER BY 1",
                recording,
            ):
                at += lost.get(at, 0)
                assert first == at
                at += count

    return check


@pytest.fixture
def recording_file(tmp_path):
    """Return a function that writes an .npz in the recording format; a rate of 100 Hz unless told."""

    def write(acc_g, name="recording.npz", **members):
        path = tmp_path / name
        np.savez(path, acc_g=acc_g, **(members or {"fs_hz": 100.0}))
        return path

    return write


@pytest.fixture
def restless(recording_file):
    """Write a minute at 100 Hz: a sensor at rest with 4 mg of noise, and twelve jerks from 3 s on."""
    return recording_file(jerks_g(60.0), "restless.npz")


@pytest.fixture
def long_restless(recording_file):
    """Write half an hour of the same, with a jerk every 5 s."""
    return recording_file(jerks_g(1800.0), "long.npz")


@pytest.fixture
def turning(recording_file):
    """Write two bouts of jerks with 45 s between them, in which the sensor is tilted by one degree."""
    still = jerks_g(45.0, every_s=1e9)
    over = np.clip(np.arange(len(still)) / 100.0 - 20.0, 0.0, 1.0)
    still[:, 0] += np.sin(np.radians(1.0)) * over + 0.02 * np.sin(np.pi * over) * np.sin(40.0 * over)
    after = jerks_g(60.0)
    after[:, 0] += np.sin(np.radians(1.0))
    return recording_file(np.concatenate((jerks_g(60.0), still, after)), "turning.npz")


def jerks_g(length_s, rate_hz=100.0, every_s=5.0):
    """Gravity, noise and ringing jerks of 80 mg; float64, shape (n, 3), g."""
    t_s = np.arange(round(length_s * rate_hz)) / rate_hz
    since_s = (t_s - 3.0) % every_s
    ringing = np.where(t_s >= 3.0, 0.08 * np.exp(-since_s / 0.15) * np.sin(2 * np.pi * 7.0 * since_s), 0.0)
    noise = 0.004 * np.random.default_rng(5).standard_normal((len(t_s), 3))
    return noise + np.stack((ringing, 0.5 * ringing, 1.0 + ringing), axis=1)


@pytest.fixture
def small_disk(tmp_path):
    """Return a function that mounts a disk of some kB; skip where this may not be done."""
    mounted = []

    def mount(size_kb):
        folder = tmp_path / f"disk-{len(mounted)}"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", folder],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            pytest.skip("a small disk can not be mounted here: that takes the rights of root")
        mounted.append(folder)
        return folder

    try:
        yield mount
    finally:
        for folder in mounted:
            subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def fill():
    """Return a function that takes all room that is left in a folder's disk, but for some kB."""

    def take(folder, leave_kb=0):
        room = os.statvfs(folder)
        size = room.f_bavail * room.f_bsize - leave_kb * 1024
        filler = folder / "filler"
        filler.write_bytes(b"\0" * size)
        return filler

    return take


@pytest.fixture
def campaign(record_property):
    """Return a function that runs a script of `cuts/` and gives what it printed; skip where it can not."""

    def run(script, *arguments):
        path = Path(__file__).parent / "cuts" / script
        words = [sys.executable, path, *map(str, arguments)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode == NOT_HERE:
            pytest.skip(done.stdout.strip())
        assert "Traceback" not in done.stderr, done.stderr
        counted = [line for line in done.stdout.splitlines() if line.endswith("broken promises")]
        record_property("counted", f"{script}: {'; '.join(counted)}")
        return done.stdout

    return run


def load_shim(path, what):
    """Return the module beside a shim's C sources; skip without a C compiler."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.COMPILER is None:
        pytest.skip(f"{what} needs a C compiler (cc)")
    return module


@pytest.fixture(scope="session")
def shim_bus():
    """Return the module that stands in for `/dev/i2c-N`."""
    return load_shim(Path(__file__).parent / "i2c_shim" / "shim_bus.py", "the stand-in for /dev/i2c-N")


@pytest.fixture(scope="session")
def shim_disk():
    """Return the module of the disk with switches."""
    return load_shim(Path(__file__).parent / "disk_shim" / "shim_disk.py", "the disk with switches")


@pytest.fixture(scope="session")
def shim_library(shim_bus, tmp_path_factory):
    """Compile the stand-in once."""
    return shim_bus.build_library(tmp_path_factory.mktemp("i2c-shim"))


@pytest.fixture
def make_bus(shim_bus, shim_library, tmp_path):
    """Return a function that makes a `/dev/i2c-91` with chips on it, for whoever gets its `environment`."""
    return lambda *chips: shim_bus.ShimBus(shim_library, tmp_path / "world", *chips)
