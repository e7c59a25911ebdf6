"""What `bedtick live` tells of a sensor, frame by frame, on the emulated clock."""

from __future__ import annotations

import numpy as np
import pytest

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.emulator import EmulatedClock, RecordingSource, Still, build_emulator
from bedtick.firmware.errors import StoreError
from bedtick.logger.detector.detector import Detector
from bedtick.logger.detector.events import TURN, TWITCH
from bedtick.logger.emulated import emulated_rig, mattress_world
from bedtick.logger.live import FEWEST_FLOOR_FRAMES, HOLD_FRAMES, Meter, free_sensor, watch
from bedtick.logger.rig import Rig
from bedtick.logger.settings import DetectorSettings, SensorSettings
from bedtick.logger.store.database import recording_lock
from bedtick.logger.wall_clock import SystemWallClock

RATE_HZ = 100.0
MEASURES = 0x08  # of POWER_CTL, in the data sheet of the ADXL345
JERK_S, TURN_S = 8.0, 16.0


@pytest.fixture
def make_rig():
    """Return a function that makes a rig with an emulated ADXL345 over a source, and its emulator."""

    def make(source):
        clock = EmulatedClock(5_000_000_000)
        emulated = build_emulator(source, clock)
        driver = CHIPS["adxl345"](emulated.bus, emulated.address, clock)
        rig = Rig(
            driver,
            emulated.address,
            "emulated",
            clock,
            SystemWallClock(),
            "emulated",
            SensorSettings(),
            nominal_hz=RATE_HZ if isinstance(source, RecordingSource) else None,
            has_ended=lambda: emulated.chip.ended,
        )
        return rig, emulated

    return make


@pytest.fixture
def frames():
    """Return a function that watches a rig for some emulated seconds; gives the frames."""

    def run(rig, for_s=1e9, meanwhile=lambda _frame: None):
        shown = []

        def show(frame):
            shown.append(frame)
            meanwhile(frame)

        watch(rig, DetectorSettings(), show, lambda: bool(shown) and shown[-1].time_s >= for_s)
        return shown

    return run


@pytest.fixture
def night(recording_of):
    """Return 25 s with a jerk of 80 mg, and one that leaves the sensor tilted by two degrees."""
    t_s = np.arange(round(25 * RATE_HZ)) / RATE_HZ
    acc_g = 0.004 * np.random.default_rng(5).standard_normal((len(t_s), 3)) + (0.0, 0.0, 1.0)
    for onset_s in (JERK_S, TURN_S):
        since_s = np.clip(t_s - onset_s, 0.0, None)
        acc_g[:, 2] += 0.08 * np.exp(-since_s / 0.15) * np.sin(2 * np.pi * 7.0 * since_s)
    acc_g[:, 0] += np.sin(np.radians(2.0)) * np.clip((t_s - TURN_S) / 0.3, 0.0, 1.0)
    return RecordingSource(recording_of(acc_g, fs_hz=RATE_HZ))


@pytest.mark.parametrize("chip", CHIPS)
def test_ten_frames_a_second_from_every_chip(frames, chip):
    """However slowly its FIFO is drained, there is a frame at least each tenth of a second, with a level."""
    rig = emulated_rig(mattress_world(0), SensorSettings(chip=chip), at_real_speed=False)
    shown = frames(rig, 10.0)
    assert max(np.diff([frame.time_s for frame in shown])) <= 0.1
    assert all(frame.level_mg is not None for frame in shown[2:])
    assert shown[-1].rate_hz == pytest.approx(rig.chip.usual_rates_hz[0], rel=0.01)
    assert shown[-1].lost == 0


def test_slowest_rate_still_has_a_level_in_each_frame(frames):
    """At 100 Hz, too, no frame is without samples."""
    rig = emulated_rig(mattress_world(0), SensorSettings(rate_hz=100), at_real_speed=False)
    assert all(frame.level_mg is not None for frame in frames(rig, 10.0)[2:])


def test_frames_are_left_out_where_showing_takes_long(make_rig, frames):
    """A terminal that takes a quarter second for each frame gets four a second, and no backlog."""
    rig, _ = make_rig(Still())
    shown = frames(rig, 10.0, lambda _frame: rig.clock.advance(250_000_000))
    assert 30 <= len(shown) <= 41


def test_no_backlog_after_a_long_wait(make_rig, frames):
    """A terminal that was blocked for two seconds is not sent the frames that it missed."""
    rig, _ = make_rig(Still())

    def block(frame):
        if 5.0 <= frame.time_s < 5.1:
            rig.clock.advance(2_000_000_000)

    times_s = np.array([frame.time_s for frame in frames(rig, 10.0, block)])
    assert max(np.diff(times_s)) > 1.9
    assert np.count_nonzero((times_s > 7.0) & (times_s < 8.0)) <= 13


def test_motion_is_that_of_the_peaks(made):
    """The motion since an event's onset has its peak, within the event, and one value for each step."""
    counts = made.chip_noise(20.0, 400.0, seed=3)
    made.add_jerk(counts, 400.0, 15.0, 120.0)
    detector = Detector(DetectorSettings(), 1 / 256, 400.0)
    (event,) = detector.push(np.rint(counts).astype(np.int32)).events
    motion_mg = detector.motion_mg(event.onset_sample)
    assert len(motion_mg) == 2000 - event.onset_sample // 4
    assert motion_mg.max() == pytest.approx(event.peak_mg, rel=0.01)
    assert motion_mg.argmax() < (event.end_sample - event.onset_sample) / 4
    detector.push(np.rint(counts[:400]).astype(np.int32))
    assert detector.motion_mg(event.onset_sample)[: len(motion_mg)].tolist() == motion_mg.tolist()
    assert len(detector.motion_mg(0)) == 1024
    assert len(detector.motion_mg(detector.sample_index)) == 0


def test_event_as_it_happens(make_rig, frames, night):
    """An event is in the frames within 1.5 s of its onset, with the peak that the meter held."""
    shown = frames(make_rig(night)[0])
    first = next(frame for frame in shown if frame.events)
    (event,) = first.events
    assert event.start_s == pytest.approx(JERK_S, abs=0.1)
    assert first.time_s < JERK_S + 1.5
    assert event.kind == TWITCH
    assert first.peak_mg == pytest.approx(event.peak_mg, rel=0.05)
    assert first.peak_mg > 8 * first.floor_mg


def test_turn_gets_its_kind_later(make_rig, frames, night):
    """Once the tilt is known an event becomes a turn; the other one stays what it was."""
    kinds = [event.kind for event in frames(make_rig(night)[0])[-1].events]
    assert kinds == [TWITCH, TURN]


def test_unplugged_sensor_is_trouble_and_comes_back(make_rig, frames):
    """While nobody answers frames go on and say why; later levels come again, with the loss."""
    rig, emulated = make_rig(Still())

    def pull(frame):
        emulated.faults.unplugged = 5.0 <= frame.time_s < 8.0

    shown = frames(rig, 20.0, pull)
    assert max(np.diff([frame.time_s for frame in shown])) <= 0.1
    silent = [frame for frame in shown if 5.5 < frame.time_s < 8.0]
    assert all(frame.level_mg is None and "no answer" in frame.trouble for frame in silent)
    assert shown[-1].trouble == ""
    assert shown[-1].level_mg is not None
    assert 0.8 < shown[-1].lost / shown[-1].rate_hz / 3.0 < 1.6


def test_sensor_rests_afterwards(make_rig, frames):
    """At the end the chip no longer measures; where it is gone, that does no harm."""
    rig, emulated = make_rig(Still())
    frames(rig, 1.0)
    assert emulated.bus.read(emulated.address, 0x2D, 1)[0] & MEASURES == 0
    rig, emulated = make_rig(Still())
    frames(rig, 1.0, lambda _frame: setattr(emulated.faults, "unplugged", True))


def test_meter_knows_its_floor_after_two_seconds():
    """The floor is a fifth from below: a person who moves most of the time does not lift it much."""
    meter = Meter()
    assert (meter.floor_mg, meter.peak_mg) == (None, None)
    for _ in range(FEWEST_FLOOR_FRAMES - 1):
        meter.add(4.0)
    meter.add(None)
    assert meter.floor_mg is None
    meter.add(4.0)
    assert meter.floor_mg == 4.0
    for _ in range(2 * FEWEST_FLOOR_FRAMES):
        meter.add(80.0)
    assert meter.floor_mg == 4.0


def test_meter_holds_the_peak_for_three_seconds():
    """The largest level stays until it is three seconds old."""
    meter = Meter()
    for level_mg in [90.0] + [5.0] * (HOLD_FRAMES - 1):
        meter.add(level_mg)
    assert meter.peak_mg == 90.0
    meter.add(5.0)
    assert meter.peak_mg == 5.0


def test_running_recording_is_not_disturbed(tmp_path):
    """Where the database is being recorded into it is said what to do; where there is none, none is made."""
    path = tmp_path / "bed.db"
    with free_sensor(path):
        assert not path.exists()
    with recording_lock(path), pytest.raises(StoreError, match="systemctl stop bedtick"), free_sensor(path):
        pass
    with free_sensor(path), recording_lock(path) as is_free:
        assert not is_free
