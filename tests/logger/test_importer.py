"""A recording file goes into the detector and the store: once, whole, and the same as through the chip."""

from __future__ import annotations

import dataclasses
import sqlite3

import numpy as np
import pytest

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.errors import RecordingError, SettingsError
from bedtick.firmware.recording_file import load_recording
from bedtick.logger import importer
from bedtick.logger.daemon import Control
from bedtick.logger.importer import IMPORT_SCALE_G, Imported, as_counts, import_recording
from bedtick.logger.replay import replay_recording
from bedtick.logger.settings import DetectorSettings, SensorSettings, Settings
from bedtick.logger.store.codec import unpack

SETTINGS = Settings()
OTHER = Settings(detector=DetectorSettings(high_ratio=4.0, long_ratio=4.0))
START = "2026-01-10T22:30:00Z"
START_NS = 1_768_084_200 * 10**9


@pytest.fixture
def db_path(tmp_path):
    """Return where the database of a test goes."""
    return tmp_path / "night.db"


def rows(path, sql):
    """All rows of a query."""
    with sqlite3.connect(path) as db:
        return db.execute(sql).fetchall()


def everything(path):
    """Return the whole content of a database, as SQL."""
    with sqlite3.connect(path) as db:
        return list(db.iterdump())


@pytest.fixture
def jerky(recording_of, made):
    """Return a function that makes a recording of 60 s with five jerks, rows taken out or turned to NaN."""

    def make(*, rate_hz=100.0, without=None, nan=None, members=None):
        counts = made.chip_noise(60, rate_hz, seed=4)
        for k in range(5):
            made.add_jerk(counts, rate_hz, 12.0 + 9 * k, 90.0)
        acc_g, t_s = np.rint(counts) / 256, np.arange(len(counts)) / rate_hz
        if nan is not None:
            acc_g[nan] = np.nan
        keep = np.ones(len(t_s), bool)
        if without is not None:
            keep[without] = False
            return recording_of(acc_g[keep], t_s=t_s[keep], **(members or {}))
        return recording_of(acc_g, fs_hz=rate_hz, **(members or {}))

    return make


def onsets(path):
    """Onset samples of all events, in order."""
    return [row[0] for row in rows(path, "SELECT onset_sample FROM events ORDER BY onset_sample")]


def stored_counts(path):
    """All raw samples of the only recording; int32, shape (n, 3)."""
    chunks = rows(path, "SELECT data, sample_count FROM raw_chunks ORDER BY first_sample")
    return np.vstack([unpack(data, count) for data, count in chunks])


# -- counts ----------------------------------------------------------------------------------------------


def test_without_a_scale_counts_are_of_2_to_the_minus_18_g(recording_of):
    """Samples become whole counts of 2^-18 g, rounded to the nearest, with no full scale known."""
    recording = recording_of(np.array([[0.0, 1.0, -1.0], [2**-18, 0.6 * 2**-18, 0.4 * 2**-18]]), fs_hz=100.0)
    counts = as_counts(recording, None, 4)
    assert counts.counts.tolist() == [[0, 2**18, -(2**18)], [1, 1, 0]]
    assert (counts.scale_g, counts.full_scale_counts, counts.chip) == (IMPORT_SCALE_G, None, "recording")


def test_a_scale_of_the_file_is_kept(recording_of, db_path):
    """A file that names its scale is stored in its own counts, to the last one."""
    wanted = np.random.default_rng(0).integers(-500, 500, (900, 3))
    recording = recording_of(wanted * 0.0039, fs_hz=100.0, scale_g=0.0039)
    import_recording(recording, SETTINGS, db_path)
    assert rows(db_path, "SELECT scale_g, full_scale_counts FROM recordings") == [(0.0039, None)]
    assert np.array_equal(stored_counts(db_path), wanted)


@pytest.mark.parametrize(("range_g", "full"), [(2, 511), (4, 1023), (16, 4095)])
def test_as_a_chip_rounds_and_clips(recording_of, range_g, full):
    """As an ADXL345, samples are rounded to 1/256 g and clipped at the range, its full scale."""
    recording = recording_of(np.array([[0.0019, 0.002, -0.9], [99.0, -99.0, 1.0]]), fs_hz=100.0)
    counts = as_counts(recording, "adxl345", range_g)
    assert counts.counts.tolist() == [[0, 1, -230], [full, -full - 1, 256]]
    assert (counts.scale_g, counts.full_scale_counts, counts.chip) == (1 / 256, full, "adxl345")


def test_an_unknown_chip_is_refused(recording_of, db_path):
    """A chip that nobody knows is refused with those that are known, and no database is made."""
    recording = recording_of(np.zeros((500, 3)))
    with pytest.raises(SettingsError, match="no chip is called 'mpu9999'; there are adxl345"):
        import_recording(recording, SETTINGS, db_path, chip="mpu9999")
    assert not db_path.exists()


def test_values_too_large_for_their_scale_are_refused(recording_of, db_path):
    """Raw counts taken for g are refused, instead of being stored as something else."""
    recording = recording_of(np.full((500, 3), 16384.0))
    with pytest.raises(RecordingError, match="acc_g goes up to"):
        import_recording(recording, SETTINGS, db_path)
    assert not db_path.exists()


# -- once ------------------------------------------------------------------------------------------------


def test_importing_twice_changes_nothing(jerky, db_path):
    """The same recording with the same settings is there already, and not a byte is written."""
    recording = jerky()
    assert import_recording(recording, SETTINGS, db_path) == Imported(1, True, True)
    before = everything(db_path)
    assert import_recording(recording, SETTINGS, db_path) == Imported(1, False, False)
    assert everything(db_path) == before


def test_other_settings_score_again_beside(jerky, db_path):
    """Other detector settings add a scoring that is not the live one; raw samples and faults stay single."""
    recording = jerky(without=slice(2000, 2100))
    import_recording(recording, SETTINGS, db_path)
    queries = ("SELECT * FROM raw_chunks", "SELECT * FROM faults", "SELECT * FROM anchors")
    before = [rows(db_path, query) for query in queries]
    assert import_recording(recording, OTHER, db_path) == Imported(1, False, True)
    assert rows(db_path, "SELECT live FROM scorings ORDER BY id") == [(1,), (0,)]
    assert [rows(db_path, query) for query in queries] == before
    per_scoring = rows(db_path, "SELECT scoring_id, count(*) FROM minutes GROUP BY 1")
    assert per_scoring == [(1, 1), (2, 1)]
    assert import_recording(recording, OTHER, db_path) == Imported(1, False, False)


def test_settings_of_the_store_do_not_score_again(jerky, db_path):
    """What does not change detection does not make a new scoring."""
    import_recording(jerky(), SETTINGS, db_path)
    again = import_recording(
        jerky(), dataclasses.replace(SETTINGS, sensors=(SensorSettings(place="sofa"),)), db_path
    )
    assert again == Imported(1, False, False)


def test_as_a_chip_is_another_recording(jerky, db_path):
    """The file itself, as a chip, and as the chip at another range, are three recordings."""
    recording = jerky()
    narrow = dataclasses.replace(SETTINGS, sensors=(SensorSettings(range_g=2),))
    ids = [
        import_recording(recording, settings, db_path, chip=chip).recording_id
        for settings, chip in ((SETTINGS, None), (SETTINGS, "adxl345"), (narrow, "adxl345"), (narrow, None))
    ]
    assert ids == [1, 2, 3, 1]


def test_an_interrupted_import_leaves_nothing(jerky, db_path):
    """An import that fails half-way leaves no recording behind, and works the next time."""

    def fail(_done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_recording(jerky(), SETTINGS, db_path, progress=fail)
    assert rows(db_path, "SELECT count(*) FROM recordings") == [(0,)]
    assert import_recording(jerky(), SETTINGS, db_path).is_new_recording


# -- gaps and clocks -------------------------------------------------------------------------------------


def test_a_gap_is_a_fault_and_lost_time(jerky, db_path):
    """A step in the times is a fault at its first lost sample and its own time; its seconds are no quiet."""
    import_recording(jerky(without=slice(2010, 2160)), SETTINGS, db_path)
    ((kind, sample, boot_ns, lost, detail),) = rows(
        db_path, "SELECT kind, sample, boot_ns, lost_samples, detail FROM faults"
    )
    assert (kind, sample, lost) == ("gap", 2010, 150)
    assert boot_ns == pytest.approx(20.1 * 1e9, abs=1e3)
    assert "1.51 s" in detail
    assert rows(db_path, "SELECT sum(gap_s), sum(settling_s) FROM minutes") == [
        (pytest.approx(2, abs=0.02), pytest.approx(2 + 2, abs=0.02))
    ]
    assert rows(db_path, "SELECT end_sample, ended FROM recordings") == [(6000, "stopped")]
    assert len(onsets(db_path)) == 4  # the jerk in the gap is gone


def test_samples_after_a_gap_keep_their_time(jerky, db_path):
    """Chunks after a gap begin at the index and time of their first row; a jerk there is at its own time."""
    import_recording(jerky(without=slice(2010, 2160)), SETTINGS, db_path)
    chunks = rows(db_path, "SELECT first_sample, boot_ns FROM raw_chunks ORDER BY 1")
    assert (2160, 21_600_000_000) in chunks
    for first_sample, boot_ns in chunks:
        assert boot_ns == pytest.approx(first_sample * 1e7, abs=1e3)
    assert onsets(db_path) == pytest.approx([1200, 3000, 3900, 4800], abs=10)


def test_nan_rows_are_counted_and_leave_gaps(jerky, db_path):
    """NaN rows are told in one fault, and each run of them is a gap."""
    nan = np.r_[2000:2050, 2550]
    import_recording(jerky(nan=nan), SETTINGS, db_path)
    faults = rows(db_path, "SELECT kind, sample, lost_samples, detail FROM faults ORDER BY id")
    assert faults[0][:3] == ("nan_rows", 0, 0)
    assert "51 rows" in faults[0][3]
    assert [fault[:3] for fault in faults[1:]] == [("gap", 2000, 50), ("gap", 2550, 1)]
    assert rows(db_path, "SELECT sum(gap_s) FROM minutes") == [(2.0,)]


def test_the_clock_of_the_file_is_kept(jerky, db_path):
    """A start in UTC is an anchor that can be trusted, and so is every chunk."""
    import_recording(jerky(members={"start_utc": START}), SETTINGS, db_path)
    anchors = rows(db_path, "SELECT sample, boot_ns, utc_ns, synced, cause FROM anchors")
    assert anchors == [(0, 0, START_NS, 1, "start")]
    for boot_ns, utc_ns, synced in rows(db_path, "SELECT boot_ns, utc_ns, synced FROM raw_chunks"):
        assert (utc_ns, synced) == (START_NS + boot_ns, 1)


def test_without_a_clock_there_is_none(jerky, db_path):
    """A file without a start has an anchor that knows no UTC."""
    import_recording(jerky(), SETTINGS, db_path)
    assert rows(db_path, "SELECT utc_ns, synced, cause FROM anchors") == [(None, 0, "start")]
    assert rows(db_path, "SELECT DISTINCT utc_ns, synced FROM raw_chunks") == [(None, 0)]


def test_a_start_by_hand_is_an_anchor_by_hand(jerky, db_path):
    """The start that a person gives is kept as such: no clock said so."""
    import_recording(jerky(), SETTINGS, db_path, hand_start_utc_ns=START_NS)
    anchors = rows(db_path, "SELECT sample, boot_ns, utc_ns, synced, cause FROM anchors")
    assert anchors == [(0, 0, START_NS, 0, "hand")]


def test_progress_comes_to_the_end(recording_of, db_path, monkeypatch):
    """Progress counts rows upwards, up to all of them, across gaps."""
    monkeypatch.setattr(importer, "BLOCK_SAMPLES", 16384)
    t_s = np.arange(40_000) / 400
    t_s[25_000:] += 5
    told = []
    import_recording(recording_of(np.zeros((40_000, 3)), t_s=t_s), SETTINGS, db_path, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 40_000
    assert len(told) >= 3


def test_a_still_recording_has_no_event(recording_of, made, db_path):
    """Five minutes of noise are stored with every second valid but the first, and no event."""
    import_recording(recording_of(np.rint(made.chip_noise(300, 100.0)) / 256), SETTINGS, db_path)
    assert onsets(db_path) == []
    assert rows(db_path, "SELECT sum(valid_s) FROM minutes") == [(298.0,)]


# -- the same as through the chip ------------------------------------------------------------------------


def events_both_ways(recording, tmp_path):
    """Events of `import --as adxl345` and of `replay --chip adxl345`."""
    straight, through = tmp_path / "import.db", tmp_path / "replay.db"
    import_recording(recording, SETTINGS, straight, chip="adxl345")
    replay_recording(recording, SETTINGS, through, chip="adxl345", control=Control())
    sql = "SELECT onset_sample, end_sample, kind, peak_mg FROM events ORDER BY onset_sample"
    return rows(straight, sql), rows(through, sql)


def assert_same_events(one, other):
    """Check for the same events: kinds and peaks alike, onsets within two samples."""
    assert [event[2] for event in one] == [event[2] for event in other]
    for event, twin in zip(one, other, strict=True):
        assert abs(event[0] - twin[0]) <= 2
        assert event[3] == pytest.approx(twin[3], rel=1e-6)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("chip", CHIPS)
def test_import_and_replay_give_the_same_counts(recording_of, tmp_path, chip, dtype, order):
    """To the last count, at each half of one and at both ends, whatever way the file's array lies."""
    range_g = CHIPS[chip].usual_range_g
    halves = np.random.default_rng(7).integers(-2000, 2000, (1200, 3)) + 0.5
    acc_g = halves * CHIPS[chip].scale_g[range_g]
    acc_g[500:520] = (1.01 * range_g, -1.01 * range_g, 99.0)
    recording = recording_of(np.asarray(acc_g, dtype=dtype, order=order), fs_hz=100.0)
    assert recording.acc_g.flags.c_contiguous == (order == "C")
    straight, through = tmp_path / "import.db", tmp_path / "replay.db"
    import_recording(recording, SETTINGS, straight, chip=chip)
    replay_recording(recording, SETTINGS, through, chip=chip, control=Control())
    assert len(stored_counts(straight)) == 1200
    assert np.array_equal(stored_counts(straight), stored_counts(through))


@pytest.mark.parametrize("rate_hz", [100.0, 197.24, 400.0])
def test_import_and_replay_find_the_same(jerky, tmp_path, rate_hz):
    """A made recording has the same events straight and through chip, bus and daemon."""
    one, other = events_both_ways(jerky(rate_hz=rate_hz), tmp_path)
    assert len(one) == 5
    assert one == other


def test_import_and_replay_find_the_same_after_gaps(jerky, tmp_path):
    """Gaps of the recording stop the emulated chip, and move later events by two samples at most."""
    without = np.r_[1700:1720, 2500:2700, 4000:4400]
    one, other = events_both_ways(jerky(without=without), tmp_path)
    assert len(one) >= 4
    assert_same_events(one, other)


def test_a_replay_is_there_once(jerky, db_path):
    """A whole replay is there already the next time; with other settings, or once stopped, it runs again."""
    recording = jerky()
    stopped = replay_recording(recording, SETTINGS, db_path, chip="adxl345", control=Control(lambda: True))
    first, second, third = (
        replay_recording(recording, settings, db_path, chip="adxl345", control=Control())
        for settings in (SETTINGS, SETTINGS, OTHER)
    )
    assert (stopped.is_new, stopped.is_whole) == (True, False)
    assert (first.is_new, first.is_whole) == (True, True)
    assert (second.recording_id, second.is_new) == (first.recording_id, False)
    assert third.is_new


def test_the_real_floorboard_is_the_same_both_ways(data_folder, tmp_path):
    """The real recording of walking and shaking has the same events both ways; its gaps are no quiet."""
    one, other = events_both_ways(load_recording(data_folder / "floorboard-a-64hz.npz"), tmp_path)
    assert len(one) >= 5
    assert_same_events(one, other)
    ((gap_s, faults),) = rows(
        tmp_path / "import.db", "SELECT (SELECT sum(gap_s) FROM minutes), (SELECT count(*) FROM faults)"
    )
    assert gap_s > 0
    assert faults > 0


def test_the_real_still_sensor_has_no_event(data_folder, tmp_path):
    """The unmoved sensor has no event, either way, until a hand stops it in its last two seconds."""
    recording = load_recording(data_folder / "mpu6050-still-99hz.npz")
    hand = len(recording.t_s) - 2 * recording.nominal_hz
    import_recording(recording, SETTINGS, tmp_path / "own.db")
    assert [onset for onset in onsets(tmp_path / "own.db") if onset < hand] == []
    one, other = events_both_ways(recording, tmp_path)
    assert [event for event in one if event[0] < hand] == []
    assert_same_events(one, other)
