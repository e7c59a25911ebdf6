"""`bedtick check` from outside, and `bedtick run` where home or cache can not be written."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from bedtick.analysis.cli import main
from bedtick.firmware.emulator import EmulatedClock, Still, build_emulator
from bedtick.logger import rig

RECORDED = "SELECT ended, end_sample FROM recordings"
MACHINE = ["database", "power", "detector", "clock", "pins"]
BUS = ["bus", "wires", "others"]
SENSOR = ["sensor", "self-test", "rate", "signal", "bus load", "processor", "ring-down"]


@pytest.fixture
def wired(monkeypatch):
    """Put an emulated ADXL345 on bus 1, on emulated time, in place of /dev/i2c-1; return its rig."""
    clock = EmulatedClock(5_000_000_000)
    emulated = build_emulator(Still(), clock)
    monkeypatch.setattr(rig, "open_bus", lambda _number: emulated.bus)
    monkeypatch.setattr(rig, "SystemClock", lambda: clock)
    return emulated


@pytest.fixture
def check(bedtick, tmp_path):
    """Return a function that checks; gives what was found by name, and the exit code."""

    def run(*arguments):
        result = bedtick("check", "--db", tmp_path / "bed.db", "--json", *arguments)
        return {finding["what"]: finding for finding in json.loads(result.stdout)}, result.exit_code

    return run


def test_check_of_a_good_device(bedtick, tmp_path):
    """Each thing that a night needs has its line, none is a failure, and no recording is made."""
    db = tmp_path / "bed.db"
    result = bedtick("check", "--bus", "emulated", "--db", db)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    lines = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert [line[9:19].strip() for line in lines] == [*MACHINE, *BUS, *SENSOR, "disk"]
    states = {line[9:19].strip(): line[:8].strip() for line in lines}
    for machine in ("clock", "power", "disk", "processor"):  # whatever this machine has
        del states[machine]
    assert set(states.values()) == {"ok"}
    assert max(len(line) for line in result.stdout.splitlines() if str(db) not in line) <= 80
    said = " ".join(result.stdout.split())
    assert f"{db} can be written" in said
    assert "runs at about 400 kHz" in said
    assert "ADXL345 at 0x53 on emulated" in said
    assert bedtick("nights", "--db", db, "--json").stdout == "[]\n"


def test_narrow_terminal(bedtick, monkeypatch, tmp_path):
    """On 40 columns no line but the one with the path is wider."""
    monkeypatch.setenv("COLUMNS", "40")
    out = bedtick("check", "--bus", "emulated", "--db", tmp_path / "bed.db").stdout
    assert max(len(line) for line in out.splitlines() if str(tmp_path) not in line) <= 40


def test_check_on_a_real_bus(make_bus, daemon, ended, tmp_path):
    """Through smbus2 and the kernel's interface a good sensor passes as well."""
    bus = make_bus("adxl345")
    process = daemon("check", "--bus", 91, "--db", tmp_path / "bed.db", "--json", **bus.environment)
    code, out, err = ended(process)
    assert code == 0, err
    found = {finding["what"]: finding for finding in json.loads(out)}
    assert found["sensor"]["sentence"] == "ADXL345 at 0x53 on i2c-91"
    assert found["wires"]["sentence"] == "200 transfers, none failed"
    assert found["self-test"]["state"] == found["signal"]["state"] == "ok"


def test_check_for_programs(check):
    """With --json there is one array, each finding with the same keys."""
    found, code = check("--bus", "emulated")
    assert code == 0
    assert [list(finding) for finding in found.values()] == [
        ["what", "state", "sentence", "advice", "place"]
    ] * len(found)
    assert [finding["place"] for finding in found.values()] == [
        "bed" if what in SENSOR else None for what in found
    ]


def test_each_sensor_under_its_place(bedtick, tmp_path):
    """Two sensors are two blocks below their places; their bus is looked at once."""
    config = tmp_path / "bedtick.toml"
    config.write_text(
        "[[sensor]]\nplace = 'left'\naddress = 0x53\n"
        "[[sensor]]\nplace = 'right'\naddress = 0x1D\nchip = 'adxl345'\n"
    )
    result = bedtick("check", "--bus", "emulated", "--config", config, "--db", tmp_path / "bed.db")
    assert result.exit_code == 0, result.output
    top, left, right, rest = result.stdout.split("\n\n")
    assert "wires" in top
    assert left.startswith("left\n")
    assert "at 0x53" in left
    assert right.startswith("right\n")
    assert "at 0x1D" in right
    assert "wires" not in left + right
    assert rest.startswith("the device\n")


def test_one_of_two_sensors_is_wrong(check, tmp_path):
    """A sensor with wrong settings is a failure of its place; the other one is looked at all the same."""
    config = tmp_path / "bedtick.toml"
    config.write_text(
        "[[sensor]]\nplace = 'left'\nrate_hz = 999\naddress = 0x53\n[[sensor]]\nplace = 'right'\nbus = 2\n"
    )
    found, code = check("--bus", "emulated", "--config", config)
    assert code == 1
    assert found["sensor"]["place"] == "right"
    assert found["rate"]["place"] == "right"


def test_check_finds_weak_pull_ups(wired, check):
    """Transfers that fail now and then are a warning, with what to do; all else is still looked at."""
    wired.faults.fail_randomly(3, nack=0.02, short_read=0.01)
    found, code = check()
    assert code == 0, found
    assert found["wires"]["state"] == "warning"
    assert "pull-ups" in found["wires"]["advice"]
    assert "for good" in found["wires"]["sentence"]
    assert found["self-test"]["state"] != "failure"
    assert "samples lost" in found["rate"]["sentence"]


def test_check_finds_another_chip(wired, check):
    """A chip that is none of those known is a failure that names its identity."""
    wired.faults.identity = 0x34
    found, code = check()
    assert code == 1
    assert found["sensor"]["state"] == "failure"
    assert "0x34" in found["sensor"]["sentence"]


def test_check_finds_nothing(wired, check):
    """Where nobody answers it is said what to look at."""
    wired.faults.unplugged = True
    found, code = check()
    assert code == 1
    assert "no accelerometer answers" in found["sensor"]["sentence"]
    assert "SDA" in found["sensor"]["sentence"]
    assert "disk" in found


def test_check_finds_a_stuck_sensor(wired, check):
    """A chip that repeats one value is found out, and it is said what to do."""
    wired.faults.stuck = True
    found, code = check()
    assert code == 1
    assert found["signal"]["state"] == "failure"
    assert "stuck" in found["signal"]["sentence"]
    assert "replace it" in found["signal"]["advice"]


def test_no_colour_where_none_is_wanted(tmp_path):
    """What is no terminal gets no escape sequence, even where click would let it pass."""
    arguments = ["check", "--bus", "emulated", "--db", str(tmp_path / "bed.db")]
    result = CliRunner().invoke(main, arguments, color=True)
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("uncompiled", ["1", pytest.param("0", marks=pytest.mark.long)])
def test_run_without_a_home(daemon, ended, rows, restless, tmp_path, uncompiled):
    """Where neither home nor cache can be made, the daemon compiles for itself, if at all, and records."""
    db = tmp_path / "bed.db"
    nowhere = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null/cache", "XDG_DATA_HOME": ""}
    nowhere["NUMBA_DISABLE_JIT"] = uncompiled
    code, _, err = ended(
        daemon("run", "--bus", f"emulated:{restless}", "--speed", "max", "--db", db, **nowhere)
    )
    assert code == 0, err
    ((ended_as, end),) = rows(db, RECORDED)
    assert (ended_as, end) == ("stopped", 6000)


def test_default_database_without_a_home(refused, monkeypatch, restless):
    """Where the default place can not be made, it is named in one line."""
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.setenv("XDG_DATA_HOME", "/dev/null/data")
    assert "/dev/null/data/bedtick" in refused("import", restless)


@pytest.mark.long
def test_run_with_a_full_cache(daemon, ended, rows, restless, small_disk, fill, tmp_path):
    """A cache without room costs time, never the night."""
    db, folder = tmp_path / "bed.db", small_disk(400)
    fill(folder, 40)
    code, _, err = ended(
        daemon(
            "run", "--bus", f"emulated:{restless}", "--speed", "max", "--db", db, XDG_CACHE_HOME=str(folder)
        )
    )
    assert code == 0, err
    assert rows(db, RECORDED) == [("stopped", 6000)]


@pytest.mark.long
def test_first_starts_while_another_compiles(daemon, ended, until, rows, restless, tmp_path):
    """Processes that find another's half-filled cache do not stop it, nor themselves."""
    cache = tmp_path / "cache"

    def start(number):
        night = ("--bus", f"emulated:{restless}", "--speed", "max", "--db", tmp_path / f"{number}.db")
        return daemon("run", *night, XDG_CACHE_HOME=str(cache))

    started = [start(0)]
    until(lambda: list(cache.rglob("*.nb*")), started[0])
    started += [start(1), start(2)]
    for number, process in enumerate(started):
        code, _, err = ended(process)
        assert code == 0, err
        assert rows(tmp_path / f"{number}.db", RECORDED) == [("stopped", 6000)]
