"""bedtick on a real `/dev/i2c-N` boundary: smbus2 as it is, its ioctls answered by a library of chips in C.

The chips in `i2c_shim` are typed from the data sheets apart from bedtick's own emulation, and run on the
machine's clock. Nothing here depends on how fast the machine is.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bedtick.firmware.chips import CHIPS
from bedtick.logger.store.raw import read_raw

HERE = Path(__file__).parent
BUS = 91
JERK_FIRST = 1200  # 3 s
COUNTING_BASE = 500  # sets are counted as x + 500 y
CHUNKS = "SELECT count(*) FROM raw_chunks"
FAULTS = "SELECT kind, lost_samples FROM faults ORDER BY sample"


@pytest.fixture
def night(daemon, tmp_path):
    """Return a function that starts `bedtick run` on a bus, with chunks of 1 s; the database is `bed.db`."""
    config = tmp_path / "bedtick.toml"
    config.write_text("[store]\nchunk_s = 1\n")

    def start(bus, chip="auto"):
        arguments = ("--bus", BUS, "--chip", chip, "--config", config, "--db", tmp_path / "bed.db")
        return daemon("run", *arguments, **bus.environment)

    return start


@pytest.fixture
def db(tmp_path):
    """Return the path of the night's database."""
    return tmp_path / "bed.db"


def numbers_of(path, recording=1):
    """Return index and number of each stored set of a bus that was counting; int64, shape (2, n)."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        chunks = list(read_raw(connection, recording, 0, 1 << 40))
    index = np.concatenate([np.arange(chunk.first_sample, chunk.end_sample) for chunk in chunks])
    counts = np.concatenate([chunk.counts for chunk in chunks]).astype(np.int64)
    return np.stack((index, counts[:, 0] + COUNTING_BASE * counts[:, 1]))


def test_a_night_on_a_single_read_bus(night, make_bus, ended, until, rows, sound, db):
    """`run --chip auto` finds the sensor, records, finds a jerk where it is, and ends at SIGTERM."""
    bus = make_bus("adxl345")
    bus.bus.single_read = 1
    bus.jerk(first=JERK_FIRST, every=100 * JERK_FIRST)
    process = night(bus)
    until(lambda: rows(db, "SELECT 1 FROM events"), process)
    code, _, err = ended(process, signal.SIGTERM)
    assert code == 0, err
    sound(db)
    assert rows(db, "SELECT chip, bus, address FROM sensors") == [("adxl345", f"i2c-{BUS}", 0x53)]
    assert rows(db, "SELECT source, ended FROM recordings") == [("chip", "stopped")]
    # What was overwritten before the first look has no index.
    onsets = [onset for (onset,) in rows(db, "SELECT onset_sample FROM events ORDER BY 1")]
    assert onsets == pytest.approx([JERK_FIRST], abs=20 + bus.devices[0].lost)
    assert bus.bus.refused >= 1


def test_five_chips_and_a_host_that_slept(make_bus, daemon, until, ended, rows, sound, db, tmp_path):
    """One daemon records all kinds of chips; what they overwrote while it slept is counted."""
    bus = make_bus(*CHIPS)
    bus.bus.counting = 1
    tables = [
        f'[[sensor]]\nplace = "{name}"\nchip = "{name}"\naddress = {bus.address_of(name)}\n' for name in CHIPS
    ]
    config = tmp_path / "bedtick.toml"
    config.write_text("".join(["[store]\nchunk_s = 1\n", *tables]))
    process = daemon("run", "--bus", BUS, "--config", config, "--db", db, **bus.environment)
    until(lambda: rows(db, "SELECT count(DISTINCT recording_id) FROM raw_chunks") == [(len(CHIPS),)], process)
    process.send_signal(signal.SIGSTOP)
    subprocess.run(["sleep", "1.5"], check=True)  # the largest FIFO lasts for 1.23 s
    process.send_signal(signal.SIGCONT)
    seen = bus.bus.transfers
    until(lambda: bus.bus.transfers > seen + 600, process)
    code, _, err = ended(process, signal.SIGTERM)
    assert code == 0, err
    sound(db)
    overrun = rows(db, "SELECT DISTINCT recording_id FROM faults WHERE kind = 'overrun' ORDER BY 1")
    assert overrun == rows(db, "SELECT id FROM recordings ORDER BY id")
    for (recording,) in overrun:
        index, number = numbers_of(db, recording)
        assert (np.diff(number) >= 1).all()
        assert np.diff(number).max() > 50
        # A busy machine reads levels late, so an index may be off by a set or two.
        assert number - index == pytest.approx(number[0] - index[0], abs=2)


def test_a_killed_daemon_and_the_next(night, make_bus, until, ended, rows, sound, db):
    """After `kill -9` the chip goes on by itself; the next daemon starts afresh and closes the old night."""
    bus = make_bus("adxl345")
    bus.bus.counting = 1
    process = night(bus)
    until(lambda: rows(db, CHUNKS) > [(0,)], process)
    process.kill()
    process.wait()
    killed_at = bus.devices[0].produced
    process = night(bus)
    until(lambda: rows(db, "SELECT 1 FROM raw_chunks WHERE recording_id = 2"), process)
    code, _, err = ended(process, signal.SIGTERM)
    assert code == 0, err
    sound(db)
    assert [row[0] for row in rows(db, "SELECT ended FROM recordings ORDER BY id")] == [
        "unplugged",
        "stopped",
    ]
    assert numbers_of(db, 1)[1].max() <= killed_at
    index, number = numbers_of(db, 2)
    assert number[0] > killed_at
    assert index[0] == 0


def test_faults_on_the_wire_cost_samples_and_never_the_night(night, make_bus, until, ended, rows, sound, db):
    """No answer, broken and garbled transfers, and a pulled plug: the daemon goes on recording after each."""
    bus = make_bus("adxl345")
    bus.bus.counting = 1
    process = night(bus)
    until(lambda: rows(db, CHUNKS) > [(0,)], process)
    for name in ("nack_next", "break_next", "garble_next"):
        setattr(bus.bus, name, 2)
        until(lambda name=name: getattr(bus.bus, name) == 0, process)
    bus.devices[0].unplugged = 1
    failed = bus.bus.failed
    until(lambda: bus.bus.failed > failed + 2, process)
    bus.devices[0].unplugged = 0
    plugged_at = bus.devices[0].produced
    until(lambda: bus.devices[0].produced > plugged_at + 600, process)
    code, _, err = ended(process, signal.SIGTERM)
    assert code == 0, err
    sound(db)
    assert sum(lost for _, lost in rows(db, FAULTS)) > 0
    assert numbers_of(db)[1, -1] > plugged_at + 500


def test_check_on_a_real_bus(make_bus, daemon, ended, tmp_path):
    """`bedtick check` finds the sensor well."""
    bus = make_bus("adxl345")
    bus.bus.bus_hz = 400_000
    process = daemon("check", "--bus", BUS, "--db", tmp_path / "bed.db", **bus.environment)
    code, out, err = ended(process)
    assert code == 0, out + err
    assert f"ADXL345 at 0x53 on i2c-{BUS}" in " ".join(out.split())


def test_an_address_of_the_kernel_is_left_alone(night, make_bus, ended):
    """Where a driver of the kernel uses the sensor's address, `run` says so, and sends the sensor nothing."""
    bus = make_bus("adxl345")
    bus.bus.busy_address = 0x53
    code, _, err = ended(night(bus))
    assert code == 1
    assert "address 0x53 is in use by a driver of the kernel" in err
    assert bus.bus.transfers == 0


def run_contract(bus, choice):
    """Run the contract suite of the drivers as if on real hardware; return exit code and what it said."""
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", choice,
         "tests/firmware/test_chip_contract.py"],
        cwd=HERE.parents[1],
        env=surroundings | bus.environment | {"BEDTICK_REAL_BUS": str(BUS)},
        capture_output=True,
        check=False,
        text=True,
    )  # fmt: skip
    return done.returncode, done.stdout


SELF_TESTS = """
from bedtick.firmware.bus import open_bus
from bedtick.firmware.chips import CHIPS
from bedtick.firmware.clock import SystemClock
bus = open_bus(91)
for name, driver in CHIPS.items():
    chip = driver(bus, %s[name], SystemClock())
    chip.configure(driver.usual_rates_hz[0], driver.usual_range_g)
    print(name, chip.self_test().sentence)
"""


def test_every_chip_passes_its_self_test(make_bus):
    """Each driver's self-test moves the library's chip by what its data sheet allows."""
    bus = make_bus(*CHIPS)
    done = subprocess.run(
        [sys.executable, "-c", SELF_TESTS % {name: bus.address_of(name) for name in CHIPS}],
        env=os.environ | bus.environment,
        capture_output=True,
        check=True,
        text=True,
    )
    assert [line.partition(" self-test passed")[0] for line in done.stdout.splitlines()] == list(CHIPS)


def test_the_drivers_keep_their_contract_with_chips_of_other_make(make_bus):
    """What takes no long listening holds for every driver, on chips that bedtick's emulator is not."""
    bus = make_bus(*CHIPS)
    bus.bus.bus_hz = 400_000
    code, said = run_contract(bus, "hardware and (identified or thermometer)")
    assert code == 0, said
    assert "answers on" not in said
    assert bus.bus.transfers > 100


@pytest.mark.long
@pytest.mark.parametrize("single_read", [0, 1])
def test_the_whole_contract(make_bus, single_read):
    """All of the contract holds that makes sense on hardware and asks nothing of the machine's speed."""
    bus = make_bus(*CHIPS)
    bus.bus.bus_hz, bus.bus.single_read = 400_000, single_read
    code, said = run_contract(bus, "hardware and not asked_for and not self_test")
    assert code == 0, said
    assert "answers on" not in said
