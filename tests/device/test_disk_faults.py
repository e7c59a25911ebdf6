"""A disk that fails under SQLite at any write or flush, is slow, or gives way to a person's `rm`.

A library in C (`disk_shim`) stands between SQLite and the C library, so that a write, a flush or a truncation
of the database or its log fails as the kernel would have it fail: full, broken, or read-only. Each case names
the number of the operation that fails; an emulated night is the same for the same recording, so an
undisturbed run of it says what must be there.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

CAN_NOT, AGAIN = "can not store", "storing again"
EVENTS = "SELECT onset_sample, end_sample, kind, peak_mg, tilt_deg, bout_id FROM events ORDER BY id"
CHUNKS = "SELECT first_sample, sample_count, data FROM raw_chunks ORDER BY first_sample"
MINUTES = "SELECT * FROM minutes ORDER BY minute"
FAULTS = "SELECT kind, lost_samples FROM faults"
WAL_FORMAT = b"\x02\x02"  # bytes 18 and 19 of a database that keeps a log; SQLite's file format, section 1.3
NOT_STORED = (  # samples that came and are not there: what an overrun cost on a busy machine never came
    "SELECT end_sample - (SELECT sum(sample_count) FROM raw_chunks)"
    " - (SELECT coalesce(sum(lost_samples), 0) FROM faults WHERE kind <> 'not_stored') FROM recordings"
)
ENDS = "SELECT ended FROM recordings ORDER BY id"
DISK_ERRORS = [errno.ENOSPC, errno.EIO, errno.EROFS]
GOOD = "0:0:5:0"
MOST_OPERATIONS = 500  # of such a recording, creation and end included: what is beyond meets no failure
SLICE_SEED, SLICE_CASES = 12, 7
FLUSH_MS = 800
HERE = Path(__file__).parent
# Records 32 s for each argument `first:count:errno:flushes`, into a file of that name, in children of a warm
# parent; `again:` before it has no operation fail.
RECORD_ON_A_BAD_DISK = """
import dataclasses, importlib.util, os, sys
from pathlib import Path
from bedtick.analysis.cli.sensor import open_rig
from bedtick.firmware.errors import BedtickError
from bedtick.logger.daemon import Control, record
from bedtick.logger.detector.detector import compiled_kernel
from bedtick.logger.rig import site_of
from bedtick.logger.settings import Settings, StoreSettings

spec = importlib.util.spec_from_file_location("shim_disk", sys.argv[1])
shim = importlib.util.module_from_spec(spec)
spec.loader.exec_module(shim)
controls = shim.controls_in(Path(os.environ["DISK_SHIM_CONTROLS"]))
compiled_kernel()

def work(case):
    first, count, error, flushes = map(int, case.removeprefix("again:").split(":"))
    controls.operations = controls.failed = 0
    controls.fail_errno, controls.fail_only_flushes = error, flushes
    controls.fail_left = count
    controls.fail_first = 0 if case.startswith("again:") else first
    settings = Settings(store=StoreSettings(chunk_s=2.0))
    rig = open_rig("emulated:" + sys.argv[2], settings.sensor, seed=0, at_real_speed=False)
    end_ns = rig.clock.boot_ns() + 32_000_000_000
    rig = dataclasses.replace(rig, has_ended=lambda: rig.clock.boot_ns() >= end_ns)
    try:
        path = Path(os.environ["DISK_SHIM_PREFIX"] + case.removeprefix("again:"))
        record(site_of(rig), settings, path, Control())
    except BedtickError as error:
        sys.stderr.write(f"{case}: {error}\\n")
        return 1
    return 0

for case in sys.argv[3:]:
    child = os.fork()
    if child == 0:
        os._exit(work(case))
    print(case, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), controls.operations, controls.failed)
"""


@dataclass(frozen=True)
class Outcome:
    """How a recording on a bad disk went: exit code, operations, those that failed, and the file."""

    code: int
    operations: int
    failed: int
    path: Path


@pytest.fixture(scope="session")
def disk_library(shim_disk, tmp_path_factory):
    """Compile the disk once."""
    return shim_disk.build_library(tmp_path_factory.mktemp("disk-shim"))


@pytest.fixture
def disk(shim_disk, disk_library, tmp_path):
    """Make the disk under `bed.db` and whatever begins like it."""
    return shim_disk.ShimDisk(disk_library, tmp_path / "controls", tmp_path / "bed.db")


@pytest.fixture
def record_on(shim_disk, disk, restless):
    """Return a function that records once for each case and gives the outcomes by case."""

    def run(cases):
        script = [sys.executable, "-c", RECORD_ON_A_BAD_DISK, shim_disk.__file__, restless]
        done = subprocess.run(
            [str(part) for part in (*script, *cases)],
            env=os.environ | disk.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "Traceback" not in done.stderr, done.stderr
        seen = [line.split() for line in done.stdout.splitlines()]
        folder, name = disk.database.parent, disk.database.name
        return {
            case: Outcome(*map(int, rest), folder / (name + case.removeprefix("again:")))
            for case, *rest in seen
        }

    return run


@pytest.fixture
def survives(record_on, rows, sound, tmp_path):
    """Return a function that runs cases of a failing disk and checks what each leaves behind.

    It gives how many met a failure, and how many of those stored everything.
    """

    def seen_by_the_next(path):
        """Copy a database as it was left, and let SQLite mend the copy as the next to open it would."""
        copy = tmp_path / "copy.db"
        for old in tmp_path.glob("copy.db*"):
            old.unlink()
        for part in path.parent.glob(f"{path.name}*"):
            shutil.copy(part, f"{copy}{part.name.removeprefix(path.name)}")
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA integrity_check").fetchall()
        sound(copy)
        return {query: rows(copy, query) for query in (EVENTS, CHUNKS, MINUTES, FAULTS, ENDS)}

    def check(cases):
        outcomes = record_on([GOOD, *cases])
        whole = seen_by_the_next(outcomes.pop(GOOD).path)
        assert (len(whole[EVENTS]), whole[FAULTS], whole[ENDS]) == (6, [], [("stopped",)])
        hit = {case: one for case, one in outcomes.items() if one.failed}
        parts = {}
        for case, one in hit.items():
            left = seen_by_the_next(one.path)
            if one.code == 0:
                assert left == whole, case
                assert one.path.read_bytes()[18:20] == WAL_FORMAT, case
            else:
                parts[case] = left
                assert left[EVENTS] == whole[EVENTS][: len(left[EVENTS])] or left[ENDS] == [(None,)]
                assert onsets(left) == onsets(whole)[: len(onsets(left))]
                assert left[CHUNKS] == whole[CHUNKS][: len(left[CHUNKS])]
        for case, again in record_on([f"again:{case}" for case in parts]).items():
            part, both = parts[case.removeprefix("again:")], seen_by_the_next(again.path)
            assert again.code == 0, case
            assert onsets(both) == onsets(part) + onsets(whole)
            assert (
                both[ENDS] == [("unplugged" if end is None else end,) for (end,) in part[ENDS]] + whole[ENDS]
            )
        sys.stdout.write(
            f"{len(hit)} cases, slice seed {SLICE_SEED}, {len(hit) - len(parts)} stored everything\n"
        )
        return len(hit), len(hit) - len(parts)

    return check


def onsets(stored):
    """Onsets and ends of all events."""
    return [event[:2] for event in stored[EVENTS]]


def for_a_moment(number):
    """Two operations in a row fail, in turn as on a full, a broken and a read-only disk."""
    return f"{number}:2:{DISK_ERRORS[number % 3]}:0"


def from_now_on(number):
    """All operations fail from some moment on."""
    return f"{number}:1000000:{DISK_ERRORS[number % 3]}:0"


def a_flush(number):
    """One flush fails: after that the kernel holds for written what is not."""
    return f"{number}:1:{errno.EIO}:1"


KINDS = [for_a_moment, from_now_on, a_flush]


def test_some_operations_fail(survives):
    """What was committed is there once, the file is sound, and the next start goes on with it."""
    numbers = random.Random(SLICE_SEED).sample(range(1, MOST_OPERATIONS), SLICE_CASES)
    hit, stored = survives([KINDS[number % 3](number) for number in numbers])
    assert hit >= SLICE_CASES // 2
    assert stored > 0


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_any_operation_fails(survives, kind):
    """The same for every single write, flush and truncation of a recording, creation and end included."""
    hit, stored = survives([kind(number) for number in range(1, MOST_OPERATIONS)])
    assert hit > MOST_OPERATIONS // 2
    assert (stored > 0) == (kind is not from_now_on)


@pytest.fixture
def slow_or_bad(daemon, disk, tmp_path):
    """Return a function that starts an emulated night at true speed on the disk; gives it and its log."""

    def start():
        config, log = tmp_path / "bedtick.toml", tmp_path / "log.txt"
        config.write_text("[store]\nchunk_s = 1\n")
        with log.open("w") as errors:
            arguments = ("run", "--bus", "emulated", "--config", config, "--db", disk.database)
            return daemon(*arguments, stderr=errors, **disk.environment), log

    return start


def test_a_disk_that_comes_back_has_cost_nothing(slow_or_bad, disk, until, ended, rows, sound):
    """Full, broken, read-only: the daemon samples on, says so once each, and stores all of it afterwards."""
    process, log = slow_or_bad()
    until(lambda: rows(disk.database, CHUNKS), process)
    for number, error in enumerate(DISK_ERRORS, 1):
        disk.fail_from_now_on(error)
        until(lambda number=number: log.read_text().count(CAN_NOT) == number, process)
        failed = disk.controls.failed
        until(lambda failed=failed: disk.controls.failed > failed, process)
        disk.mend()
        until(lambda number=number: log.read_text().count(AGAIN) == number, process)
    code, _, _ = ended(process, signal.SIGTERM)
    assert code == 0, log.read_text()
    assert log.read_text().count(CAN_NOT) == len(DISK_ERRORS)
    sound(disk.database)
    assert rows(disk.database, NOT_STORED) == [(0,)]


@pytest.fixture
def slow_night(make_bus, disk, daemon, until, rows, tmp_path):
    """Start the daemon on a bus of chips in C, with jerks every second; from then on a flush takes 800 ms.

    Gives the process and the bus; both libraries stand in the program at once.
    """
    bus = make_bus("adxl345")
    bus.jerk(first=1200, every=400)
    config = tmp_path / "bedtick.toml"
    config.write_text("[store]\nchunk_s = 1\n[sensor]\nrate_hz = 400\n")
    environment = bus.environment | disk.environment
    environment["LD_PRELOAD"] = f"{bus.library} {disk.library}"
    arguments = ("--bus", bus.bus.bus_number, "--config", config, "--db", disk.database)
    process = daemon("run", *arguments, **environment)
    until(lambda: rows(disk.database, CHUNKS), process)
    disk.controls.flush_ms = FLUSH_MS
    return process, bus


def lost_in_each_window(bus, disk, windows):
    """Give how many samples are lost in each window of at least 3 s and one flush."""
    for _ in range(windows):
        lost, flushes, produced = bus.devices[0].lost, disk.controls.flushes, bus.devices[0].produced
        time.sleep(3.0)
        for _ in range(300):  # the machine's own disk may be busy with others
            if disk.controls.flushes > flushes:
                break
            time.sleep(0.1)
        assert disk.controls.flushes > flushes
        assert bus.devices[0].produced > produced + 3 * 350
        yield bus.devices[0].lost - lost


def test_slow_flushes_cost_no_sample(slow_night, disk, ended, rows, sound):
    """With 800 ms a flush, ten FIFOs long, no sample is lost at 400 Hz, and all of it is stored.

    A busy machine may lose some by itself: a daemon that waits for its disk loses in every window.
    """
    process, bus = slow_night
    assert 0 in lost_in_each_window(bus, disk, 6)
    disk.controls.flush_ms = 0
    code, _, err = ended(process, signal.SIGTERM)
    assert code == 0, err
    sound(disk.database)
    assert rows(disk.database, NOT_STORED) == [(0,)]


@pytest.mark.long
def test_a_minute_of_slow_flushes(slow_night, disk, ended):
    """The same for a minute: hardly a window loses anything."""
    process, bus = slow_night
    lost = list(lost_in_each_window(bus, disk, 20))
    sys.stdout.write(f"samples lost in windows of 3 s, flushes of {FLUSH_MS} ms: {lost}\n")
    assert lost.count(0) >= 18
    assert ended(process, signal.SIGTERM)[0] == 0


@pytest.mark.parametrize("replaced", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_database_that_is_taken_away_ends_the_daemon(slow_or_bad, disk, until, ended, rows, replaced):
    """It does not write into a file that nobody will ever see: it says so, and the service starts anew."""
    process, _ = slow_or_bad()
    until(lambda: rows(disk.database, CHUNKS), process)
    disk.database.rename(disk.database.with_name("old.db"))
    if replaced:
        disk.database.touch()
    code, _, _ = ended(process)
    assert code == 1
    last = (disk.database.parent / "log.txt").read_text().splitlines()[-1]
    assert last.startswith(f"Error: database {disk.database}: the last ")
    assert "it was removed or replaced" in last
