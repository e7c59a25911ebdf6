"""`bedtick tap` from outside: what it says, stores and refuses, and what the next recording makes of it."""

from __future__ import annotations

import json
import signal
from contextlib import nullcontext

import numpy as np
import pytest

from bedtick.firmware.emulator import EmulatedAdapter, Mattress, Still, TappedMattress
from bedtick.firmware.emulator.motion import Bed, Twitch, largest
from bedtick.firmware.emulator.sources import UniformTicks
from bedtick.logger import emulated
from bedtick.logger.emulated import World

STORED = (
    "SELECT sensor_id, utc_ns, software, taps, ring_down_s, resonance_hz, ring_down_spread FROM calibrations"
)
SCORED = "SELECT s.settings FROM scorings s ORDER BY s.id"
SOFT_BED = Bed(5.0, 0.08)  # rings for 0.4 s
RATE_HZ = 400.0


def noisy(acc_g, seed=1):
    """Add the noise of an ADXL345 to what a sensor feels; float64, shape (n, 3), g."""
    sd_g = np.array([290e-6, 290e-6, 430e-6]) * np.sqrt(RATE_HZ / 2)
    return acc_g + sd_g * np.random.default_rng(seed).standard_normal(acc_g.shape)


@pytest.fixture
def soft_taps(recording_file):
    """Write 20 s of taps on a bed that rings for 0.4 s."""
    acc_g = TappedMattress(3, SOFT_BED).acceleration_g(0, 8000, RATE_HZ)
    return recording_file(noisy(acc_g), "taps.npz", fs_hz=RATE_HZ)


@pytest.fixture
def soft_twitches(recording_file):
    """Write two and a half minutes on the same bed with eight strong twitches, each a push of 50 ms."""
    acc_g = np.tile((0.0, 0.0, 1.0), (60_000, 1))
    push = Twitch(SOFT_BED, 0.05, np.array((0.6, 0.0, 0.8)))
    since_s = np.arange(1600) / RATE_HZ
    for onset_s in range(60, 140, 10):
        first = round(onset_s * RATE_HZ)
        acc_g[first : first + 1600] += 0.12 * push.felt(since_s) / largest(push)
    return recording_file(noisy(acc_g), "twitches.npz", fs_hz=RATE_HZ)


def test_emulated_taps_calibrate_their_bed(bedtick, rows, tmp_path):
    """The emulated bed's ring-down and resonance are found, said, and stored with its sensor."""
    path = tmp_path / "bed.db"
    result = bedtick("tap", "--bus", "emulated", "--db", path)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    said = " ".join(result.stdout.split())
    assert "Lie down as at night" in said
    assert all(f" {number}/5 " in said for number in (1, 2, 3, 4, 5))
    ((sensor, _, software, taps, ring_down_s, resonance_hz, spread),) = rows(path, STORED)
    bed = Mattress(0).bed
    assert ring_down_s == pytest.approx(bed.decay_s, rel=0.05)
    assert resonance_hz == pytest.approx(bed.resonance_hz, rel=0.02)
    assert (taps, software.split()[0]) == (5, "bedtick")
    assert 0.0 < spread < 0.1
    assert f"{resonance_hz:.1f} Hz" in said
    assert f"{ring_down_s:.2f} s" in said
    place = rows(path, "SELECT place, chip, bus, address FROM sensors WHERE id = ?", sensor)
    assert place == [("bed", "adxl345", "emulated", 0x53)]
    assert rows(path, "SELECT count(*) FROM recordings") == [(0,)]


def test_tap_for_programs(bedtick, rows, tmp_path):
    """With --json there is one object and nothing else; a second calibration uses the same sensor row."""
    path = tmp_path / "bed.db"
    printed = [json.loads(bedtick("tap", "--bus", "emulated", "--db", path, "--json").stdout) for _ in "12"]
    assert printed[0] == printed[1]
    assert list(printed[0]) == [
        "place", "chip", "bus", "address", "taps", "ring_down_s", "resonance_hz", "ring_down_spread",
    ]  # fmt: skip
    assert printed[0]["ring_down_s"] == pytest.approx(rows(path, STORED)[0][4], abs=1e-4)
    assert [row[0] for row in rows(path, STORED)] == [1, 1]


@pytest.mark.parametrize("synced", [True, False])
def test_time_of_a_calibration(bedtick, rows, monkeypatch, tmp_path, synced):
    """The time is stored where the clock is synchronised, and null where it is not to be trusted."""
    now_ns = 1_800_000_000 * 10**9
    world = World(TappedMattress(0), "emulated", None, now_ns, synced)
    monkeypatch.setattr(emulated, "tapped_world", lambda **_seed: world)
    path = tmp_path / "bed.db"
    assert bedtick("tap", "--bus", "emulated", "--db", path).exit_code == 0
    ((_, utc_ns, *_),) = rows(path, STORED)
    # The clock's first reading is the one that is stored.
    assert utc_ns == (now_ns if synced else None)
    checked = " ".join(bedtick("check", "--bus", "emulated", "--db", path).stdout.split())
    assert ("tapped on 2027-01-15" if synced else "tapped when the clock was not synchronised") in checked


def test_twitch_is_no_movement_on_a_tapped_bed(bedtick, rows, soft_taps, soft_twitches, tmp_path):
    """A strong twitch on a bed that rings for long is a movement at first, and a twitch after `tap`."""

    def kinds():
        done = bedtick("run", "--bus", f"emulated:{soft_twitches}", "--speed", "max", "--db", path)
        assert done.exit_code == 0, done.output
        newest = "SELECT kind FROM events WHERE scoring_id = (SELECT max(id) FROM scorings)"
        return [kind for (kind,) in rows(path, newest)]

    path = tmp_path / "bed.db"
    assert kinds() == ["movement"] * 8
    assert bedtick("tap", "--bus", "emulated", "--db", path).exit_code == 0  # another bed: the newest counts
    assert bedtick("tap", "--bus", f"emulated:{soft_taps}", "--db", path).exit_code == 0
    after = kinds()
    assert len(after) == 8
    assert after.count("twitch") >= 6  # noise may lengthen one beyond its ringing
    used = [json.loads(settings)["ring_down_s"] for (settings,) in rows(path, SCORED)]
    assert used[0] == 0.2
    assert used[1] == pytest.approx(SOFT_BED.decay_s, rel=0.05)
    assert used[1] == rows(path, STORED)[1][4]


def test_which_recordings_a_calibration_reaches(bedtick, rows, restless, soft_taps, tmp_path):
    """Imports and replays take 0.2 s; what is set by hand goes before what was tapped, and is said to."""
    path, config = tmp_path / "bed.db", tmp_path / "bedtick.toml"
    config.write_text("[detector]\nring_down_s = 0.3\n")
    tapped = bedtick("tap", "--bus", f"emulated:{soft_taps}", "--db", path, "--config", config)
    assert "detector.ring_down_s = 0.3 is set by hand" in tapped.stdout
    bedtick("import", restless, "--db", path)
    bedtick("replay", restless, "--chip", "adxl345", "--db", path)
    bedtick("run", "--bus", f"emulated:{restless}", "--speed", "max", "--db", path, "--config", config)
    used = [json.loads(settings)["ring_down_s"] for (settings,) in rows(path, SCORED)]
    assert used == [0.2, 0.2, 0.3]


def test_check_tells_of_the_calibration(bedtick, tmp_path):
    """`check` says whether this bed was tapped, and what to do where it was not; neither is a failure."""
    path, config = tmp_path / "bed.db", tmp_path / "bedtick.toml"
    config.write_text("[detector]\nring_down_s = 0.3\n")

    def said(*options):
        result = bedtick("check", "--bus", "emulated", "--db", path, *options)
        assert result.exit_code == 0, result.output
        return " ".join(result.stdout.split())

    assert "ok ring-down not measured on this bed: 0.2 s is taken -> bedtick tap measures it" in said()
    bedtick("tap", "--bus", "emulated", "--db", path)
    assert "ok ring-down 0.17 s at 7.2 Hz, tapped" in said()
    assert "ok ring-down 0.3 s, set by hand" in said("--config", config)


class Scaled(UniformTicks):
    """A tapped mattress whose taps are all so many times as strong."""

    adds_noise = True

    def __init__(self, times, bed=None):
        self._times = times
        self._bed = bed

    def acceleration_g(self, first_tick, count, rate_hz):
        """Return gravity and the scaled rest."""
        still = np.array((0.0, 0.0, 1.0))
        felt_g = TappedMattress(0, self._bed).acceleration_g(first_tick, count, rate_hz)
        return still + self._times * (felt_g - Mattress(0).acceleration_g(first_tick, count, rate_hz))


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (Still(), "no tap was heard"),
        (Scaled(0.4, Bed(12.0, 0.3)), "too weak: tap harder"),
        (Scaled(200.0), "too strong for the sensor's range: tap more gently"),
    ],
    ids=["nobody taps", "too weak", "saturated"],
)
def test_failed_calibration_changes_nothing(bedtick, contents, monkeypatch, tmp_path, source, complaint):
    """Taps that tell nothing end with one line that says why, exit code 1, and the database as it was."""
    path = tmp_path / "bed.db"
    assert bedtick("tap", "--bus", "emulated", "--db", path).exit_code == 0
    before = contents(path)
    monkeypatch.setattr(emulated, "tapped_world", lambda **_seed: World(source, "emulated"))
    for options in ((), ("--json",)):
        result = bedtick("tap", "--bus", "emulated", "--db", path, *options)
        assert result.exit_code == 1
        (line,) = result.stderr.splitlines()
        assert complaint in line
        assert bool(result.stdout) == (not options)
    assert contents(path) == before


class Pulled(TappedMattress):
    """A tapped mattress on which somebody trips over the wires after some ten seconds."""

    def __init__(self):
        super().__init__(0)
        self.faults = None

    def acceleration_g(self, first_tick, count, rate_hz):
        """Return what is felt; from the second block of samples on the bus is dead."""
        if first_tick:
            self.faults.nack_next(1000)
        return super().acceleration_g(first_tick, count, rate_hz)


def test_sensor_that_is_lost(bedtick, rows, caplog, monkeypatch, tmp_path):
    """A sensor that falls silent while somebody taps is said to be lost, in one line."""
    source = Pulled()

    def wire(devices, clock, *, faults):
        source.faults = faults
        return EmulatedAdapter(devices, clock, faults=faults)

    monkeypatch.setattr(emulated, "EmulatedAdapter", wire)
    monkeypatch.setattr(emulated, "tapped_world", lambda **_seed: World(source, "emulated"))
    path = tmp_path / "bed.db"
    result = bedtick("tap", "--bus", "emulated", "--db", path)
    assert result.exit_code == 1
    assert " 2/5 " in result.stdout
    (line,) = result.stderr.splitlines()
    assert "the sensor was lost" in line
    assert "check its wires" in line
    assert caplog.messages == []
    assert rows(path, STORED) == []


def test_tap_beside_a_recording(daemon, ended, until, rows, refused, tmp_path):
    """While a daemon records, `tap` leaves its sensor alone and says what to do."""
    path = tmp_path / "bed.db"
    process = daemon("run", "--bus", "emulated", "--db", path)
    until(lambda: rows(path, "SELECT 1 FROM anchors"), process)
    line = refused("tap", "--bus", "emulated", "--db", path)
    assert "bedtick is recording" in line
    assert "stop it" in line
    assert ended(process, signal.SIGTERM)[0] == 0
    assert rows(path, STORED) == []


def test_interrupted_tap_changes_nothing(bedtick, rows, monkeypatch, tmp_path):
    """Ctrl-C ends with exit code 1, says so, and stores nothing."""
    asked = iter(range(10**6))
    monkeypatch.setattr(
        "bedtick.logger.signals.stop_on_signals", lambda: nullcontext(lambda: next(asked) > 200)
    )
    path = tmp_path / "bed.db"
    result = bedtick("tap", "--bus", "emulated", "--db", path)
    assert result.exit_code == 1
    assert " 1/5 " in result.stdout
    assert result.stderr == "Error: stopped before five taps were heard; nothing was changed\n"
    assert rows(path, STORED) == []
