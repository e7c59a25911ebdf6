"""Buses, chips, settings and options that are not as they should be: one line, and nothing written."""

from __future__ import annotations

import logging
from contextlib import nullcontext

import pytest

from bedtick.analysis.cli.sensor import open_rig
from bedtick.firmware.clock import SystemClock
from bedtick.firmware.emulator import Still, build_emulator
from bedtick.logger import rig
from bedtick.logger.daemon import Control, record
from bedtick.logger.settings import Settings

NEEDS_A_SENSOR = ("run", "check")


@pytest.fixture
def wired(monkeypatch):
    """Put an emulated chip on bus 1 in place of /dev/i2c-1, the lowest seam; return its fault switches."""
    emulated = build_emulator(Still(), SystemClock())
    monkeypatch.setattr(rig, "open_bus", lambda _number: emulated.bus)
    return emulated.faults


@pytest.fixture
def waits(bedtick, monkeypatch, caplog):
    """Return a function that runs a command which waits; gives the one line that it logged in two looks."""

    def run(*arguments):
        looks = []
        monkeypatch.setattr(
            "bedtick.logger.signals.stop_on_signals",
            lambda: nullcontext(lambda: looks.append(1) or len(looks) > 2),
        )
        with caplog.at_level(logging.INFO):
            assert bedtick(*arguments).exit_code == 0
        (line,) = [entry.getMessage() for entry in caplog.records]
        assert line.endswith("trying again until it answers")
        return line

    return run


@pytest.fixture
def settings_file(tmp_path):
    """Return a function that writes a settings file."""

    def write(text):
        path = tmp_path / "bedtick.toml"
        path.write_text(text)
        return path

    return write


def test_no_such_bus(refused, tmp_path):
    """`run` on a bus that is not there says which, and what to do."""
    line = refused("run", "--bus", "7", "--db", tmp_path / "bed.db")
    assert "/dev/i2c-7 does not exist" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("wired")
def test_no_chip_at_the_address(waits, settings_file, tmp_path):
    """A silent address is named at once with what to check, and waited for; nothing is written until then."""
    config = settings_file("[sensor]\naddress = 0x1D\n")
    line = waits("run", "--config", config, "--db", tmp_path / "bed.db")
    assert line.startswith("place bed: emulated: no accelerometer answers (tried 0x1D)")
    assert "raspi-config" in line
    assert not (tmp_path / "bed.db").exists()


def test_stranger_where_a_sensor_may_be(waits, wired, tmp_path):
    """Among all chips, an unknown one is named by what it answers, and a sensor is waited for."""
    wired.identity = 0x34
    line = waits("run", "--db", tmp_path / "bed.db")
    assert "no accelerometer answers" in line
    assert "address 0x53: not an ADXL345: DEVID reads 0x34, expected 0xE5" in line
    assert list(tmp_path.iterdir()) == []


def test_another_chip_at_the_address(refused, wired, tmp_path):
    """A chip that was named and is another one is told apart from none at all, and not waited for."""
    wired.identity = 0x34
    line = refused("run", "--chip", "adxl345", "--db", tmp_path / "bed.db")
    assert "0x53" in line
    assert "not an ADXL345: DEVID reads 0x34, expected 0xE5" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", NEEDS_A_SENSOR)
def test_check_and_run_find_the_same_trouble(bedtick, wired, command, tmp_path):
    """What stops a night, `check` says as well, as a failure of the sensor with exit code 1."""
    wired.identity = 0x34
    result = bedtick(command, "--chip", "adxl345", "--db", tmp_path / "bed.db")
    assert result.exit_code == 1
    assert "DEVID reads 0x34" in " ".join(result.output.split())


def test_check_of_a_bus_that_is_not_there(bedtick, tmp_path):
    """`check --bus 7` fails in words, and still looks at the rest."""
    result = bedtick("check", "--bus", "7", "--db", tmp_path / "bed.db")
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert "failure bus /dev/i2c-7 does not exist" in said
    assert "ok database" in said
    assert "ok detector" in said
    assert result.stderr == "Error: 1 of these would cost a night; see above.\n"


def test_first_look_at_a_full_fifo(rows, sound, tmp_path):
    """A daemon that is late for its very first drain records all the same."""
    settings = Settings()
    late = open_rig("emulated", settings.sensor, seed=0, at_real_speed=False)
    looks = []

    def stop():
        if not looks:
            late.clock.advance(1_000_000_000)
        looks.append(late.clock.boot_ns())
        return len(looks) > 500

    record(rig.site_of(late), settings, tmp_path / "bed.db", Control(stop))
    sound(tmp_path / "bed.db")
    ((end,),) = rows(tmp_path / "bed.db", "SELECT end_sample FROM recordings")
    assert end == pytest.approx((looks[-1] - looks[0]) / 1e9 * 400, abs=60)


def test_unknown_chip(refused, restless, tmp_path):
    """A chip that bedtick does not know is refused with those it knows, before any file is made."""
    before = sorted(tmp_path.iterdir())
    db = ("--db", tmp_path / "bed.db")
    for arguments in (
        ("run", "--bus", "emulated", "--chip", "bma999"),
        ("replay", restless, "--chip", "bma999"),
        ("import", restless, "--as", "bma999"),
    ):
        line = refused(*arguments, *db)
        assert "bma999" in line
        assert "adxl345" in line
        assert sorted(tmp_path.iterdir()) == before


BAD_SETTINGS = {
    "[detector]\nhigh_ration = 3\n": ("unknown key detector.high_ration", "high_ratio"),
    "[detectors]\n": ("unknown table [detectors]", "detector"),
    "chunk_s = 5\n": ("unknown table [chunk_s]", "store"),
    "store = 5\n": ("store must be a table", "[store]"),
    "[detector]\nhigh_ratio = 0.1\n": ("detector.high_ratio = 0.1", "2.1 to 20.0"),
    "[detector]\nhigh_ratio = nan\n": ("detector.high_ratio = nan", "2.1 to 20.0"),
    "[detector]\nhigh_ratio = 'much'\n": ("detector.high_ratio = 'much'", "a number"),
    "[detector]\nbout_min_events = 2.5\n": ("detector.bout_min_events = 2.5", "a whole number"),
    "[detector]\nbout_gap_s = true\n": ("detector.bout_gap_s = True", "a number"),
    "[sensor]\nrate_hz = 9999\n": ("sensor.rate_hz = 9999", "0 to 4000"),
    "[sensor]\nchip = 'bma999'\n": ("sensor.chip = 'bma999'", "auto, adxl345"),
    "[[sensor]]\n[[sensor]]\n": ("[[sensor]] 2", "'bed' is taken"),
    "[[sensor]]\n[[sensor]]\nsidee = 'left'\n": ("[[sensor]] 2: unknown key sensor.sidee", "place"),
    "sensor = []\n": ("names no sensor", "[sensor]"),
    "[sensor]\nplace = 3\n": ("sensor.place = 3", "a text"),
    "[sensor\n": ("not valid TOML",),
    "\x00": ("not valid TOML",),
}
NOT_OFFERED = {
    "[sensor]\nrate_hz = 150\n": ("sensor.rate_hz 150 Hz", "0, 100, 200, 400, 800 Hz"),
    "[sensor]\nchip = 'adxl355'\nrange_g = 16\n": ("sensor.range_g 16 g", "ADXL355 offers 0, 2, 4, 8 g"),
    "[[sensor]]\n[[sensor]]\nplace = 'left'\n": ("sensors 'bed' and 'left' share a bus", "address = 0x1D"),
}
TAKES_SETTINGS = {
    "run": ("run", "--bus", "emulated"),
    "print": ("run", "--print-config"),
    "check": ("check", "--bus", "emulated"),
    "import": ("import", "{file}"),
    "replay": ("replay", "{file}", "--chip", "adxl345"),
}


@pytest.mark.parametrize("text", BAD_SETTINGS)
def test_bad_settings_are_refused_by_name(refused, settings_file, tmp_path, text):
    """A bad key is named, with what is allowed in its place."""
    path = settings_file(text)
    line = refused("run", "--bus", "emulated", "--config", path, "--db", tmp_path / "bed.db")
    assert str(path) in line
    for words in BAD_SETTINGS[text]:
        assert words in line
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", NOT_OFFERED)
def test_what_a_chip_does_not_offer_is_refused(refused, settings_file, tmp_path, text):
    """A rate or range that the chip lacks, or sensors that can not be told apart, end `run` in one line."""
    path = settings_file(text)
    line = refused("run", "--bus", "emulated", "--config", path, "--db", tmp_path / "bed.db")
    for words in NOT_OFFERED[text]:
        assert words in line
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("command", TAKES_SETTINGS)
def test_every_command_with_settings_refuses_bad_ones(refused, restless, settings_file, tmp_path, command):
    """No command that takes settings overlooks a key that it does not know."""
    path = settings_file("[detector]\nhigh_ration = 3\n")
    before = sorted(tmp_path.iterdir())
    arguments = [part.format(file=restless) for part in TAKES_SETTINGS[command]]
    assert "high_ration" in refused(*arguments, "--config", path, "--db", tmp_path / "bed.db")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", TAKES_SETTINGS)
def test_settings_file_that_is_not_there(refused, restless, tmp_path, monkeypatch, command):
    """A settings file named by option or by variable must be there."""
    path = tmp_path / "none.toml"
    arguments = [part.format(file=restless) for part in TAKES_SETTINGS[command]]
    arguments += ["--db", tmp_path / "bed.db"]
    assert str(path) in refused(*arguments, "--config", path)
    monkeypatch.setenv("BEDTICK_CONFIG", str(path))
    assert str(path) in refused(*arguments)
    assert not (tmp_path / "bed.db").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--bus", "i2c-1"),
        ("run", "--bus", "-1"),
        ("run", "--bus", "emulated:"),
        ("run", "--bus", ""),
        ("run", "--speed", "2"),
        ("run", "--seed", "-1"),
        ("check", "--bus", "all"),
        ("import",),
        ("import", "night.npz", "--start", "bedtime"),
        ("import", "night.npz", "--start", "2026-02-31T22:00"),
        ("import", "night.npz", "--start", "9999-12-31T23:59:59-12:00"),
        ("replay", "night.npz"),
        ("summary", "yesterday"),
        ("events", "2026-13-01"),
        ("nights", "--scoring", "best"),
        ("dream",),
    ],
)
def test_wrong_usage_is_exit_code_2(bedtick, tmp_path, monkeypatch, arguments):
    """What can not be meant is click's to refuse: exit code 2, the usage, and the wrong word."""
    monkeypatch.chdir(tmp_path)
    result = bedtick(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: ")
    assert list(tmp_path.iterdir()) == []


def test_printed_settings_are_settings(bedtick, settings_file):
    """What `run --print-config` writes is taken by `--config`, and comes out the same."""
    first = bedtick("run", "--print-config")
    assert first.exit_code == 0
    assert bedtick("run", "--print-config", "--config", settings_file(first.stdout)).stdout == first.stdout


def test_printed_settings_are_those_of_the_file(bedtick, settings_file):
    """`run --print-config --config FILE` shows the file's values, and the default beside each."""
    path = settings_file("[sensor]\nplace = 'attic \"left\" \\\\ bed'\n[detector]\nturn_deg = 1\n")
    shown = bedtick("run", "--print-config", "--config", path).stdout
    assert "turn_deg = 1.0" in shown
    assert "(degrees; 0.05 to 20.0; default 0.3)" in shown
    assert bedtick("run", "--print-config", "--config", settings_file(shown)).stdout == shown
