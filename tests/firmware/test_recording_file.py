"""Recording files: what is read, and one clear line for each thing that is not a recording."""

import io
import re
import zipfile
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from bedtick.firmware.errors import RecordingError
from bedtick.firmware.recording_file import load_recording

STILL = np.tile((0.0, 0.0, 1.0), (50, 1))


@pytest.fixture
def saved(tmp_path):
    """Return a function that saves members as an .npz and returns its path."""

    def save(**members):
        path = tmp_path / "night.npz"
        np.savez(path, **members)
        return path

    return save


def test_a_rate_gives_the_times(saved):
    """With fs_hz row i is at i / fs_hz, and the acceleration is as in the file."""
    acc_g = np.random.default_rng(1).normal(size=(500, 3)).astype(np.float32)
    recording = load_recording(saved(acc_g=acc_g, fs_hz=64.04))
    assert np.array_equal(recording.t_s, np.arange(500) / 64.04)
    assert np.array_equal(recording.acc_g, acc_g)
    assert recording.acc_g.dtype == np.float32
    assert (recording.nominal_hz, recording.nan_rows) == (64.04, 0)
    assert (recording.scale_g, recording.start_utc_ns) == (None, None)


def test_times_give_the_rate_and_start_from_zero(saved):
    """With t_s the rate is one over the median interval, and times count from the first row."""
    recording = load_recording(saved(acc_g=STILL, t_s=100.0 + np.arange(50) * 0.0125))
    assert recording.nominal_hz == pytest.approx(80.0)
    assert recording.t_s[0] == 0.0
    assert recording.t_s[-1] == pytest.approx(49 * 0.0125)


def test_a_csv_is_read_like_an_npz(saved, tmp_path):
    """The same rows as text give the same recording."""
    rows = np.column_stack((np.arange(50) * 0.01, np.random.default_rng(2).normal(size=(50, 3))))
    path = tmp_path / "night.csv"
    np.savetxt(path, rows, delimiter=",", header="t_s,x_g,y_g,z_g", comments="", fmt="%.17g")
    from_text = load_recording(path)
    from_arrays = load_recording(saved(acc_g=rows[:, 1:], t_s=rows[:, 0]))
    assert np.array_equal(from_text.acc_g, from_arrays.acc_g)
    assert from_text.digest == from_arrays.digest


def test_rows_with_nan_become_gaps(saved):
    """NaN rows are taken out and counted, and leave a step that gaps() finds."""
    acc_g = STILL.copy()
    acc_g[10, 1] = np.nan
    acc_g[20:25] = np.nan
    recording = load_recording(saved(acc_g=acc_g, fs_hz=100.0))
    assert recording.nan_rows == 6
    assert len(recording.t_s) == 44
    assert recording.gaps().tolist() == [[9, 1], [18, 5]]


def test_nan_rows_at_the_start_move_the_start(saved):
    """Where the first rows are missing, times and UTC begin with the first row there is."""
    acc_g = STILL.copy()
    acc_g[:30] = np.nan
    recording = load_recording(saved(acc_g=acc_g, fs_hz=100.0, start_utc="2026-01-31T22:00:00Z"))
    expected = datetime(2026, 1, 31, 22, 0, 0, 300_000, tzinfo=UTC)
    assert recording.start_utc_ns == round(expected.timestamp() * 1e3) * 1_000_000
    assert recording.t_s[:2] == pytest.approx((0.0, 0.01))


def test_gaps_are_steps_over_one_and_a_half_intervals(saved):
    """Jitter is no gap; a step of 1.6 intervals lacks one sample, one of 101 lacks 100."""
    steps = np.full(49, 0.01)
    steps[5], steps[20], steps[30] = 0.0149, 0.016, 1.01
    recording = load_recording(saved(acc_g=STILL, t_s=np.concatenate(((0.0,), np.cumsum(steps)))))
    assert recording.gaps().tolist() == [[20, 1], [30, 100]]


def test_a_recording_without_gaps_has_none(saved):
    """No gap is an empty table of two columns."""
    assert load_recording(saved(acc_g=STILL, fs_hz=100.0)).gaps().shape == (0, 2)


@pytest.mark.parametrize("text", ["2026-01-31T23:15:00+01:00", "2026-01-31T22:15:00Z", "2026-01-31T22:15:00"])
def test_the_start_is_utc_unless_it_names_a_zone(saved, text):
    """The file's start may carry any zone; without one it is UTC."""
    recording = load_recording(saved(acc_g=STILL, fs_hz=100.0, start_utc=text))
    assert recording.start_utc_ns == int(datetime(2026, 1, 31, 22, 15, tzinfo=UTC).timestamp()) * 10**9


def test_a_start_given_by_hand_wins(saved):
    """A start given to the function replaces the file's; without a zone it is refused."""
    path = saved(acc_g=STILL, fs_hz=100.0, start_utc="2020-01-01T00:00:00Z")
    start = datetime(2026, 1, 31, 23, 15, tzinfo=timezone(timedelta(hours=1)))
    assert load_recording(path, start).start_utc_ns == int(start.timestamp()) * 10**9
    with pytest.raises(RecordingError, match="time zone"):
        load_recording(path, start.replace(tzinfo=None))


def test_the_digest_tells_contents_apart(saved):
    """The same content has the same digest; acceleration, times, scale and start each change it."""
    members = {"acc_g": STILL, "fs_hz": 100.0, "scale_g": 0.001, "start_utc": "2026-01-01T00:00:00Z"}
    changes = [
        {"acc_g": STILL * 2},
        {"fs_hz": 101.0},
        {"scale_g": 0.002},
        {"start_utc": "2026-01-02T00:00:00Z"},
    ]
    digests = [load_recording(saved(**(members | change))).digest for change in changes]
    first = load_recording(saved(**members)).digest
    assert first == load_recording(saved(**members)).digest
    assert len({first, *digests}) == 5
    assert re.fullmatch("[0-9a-f]{64}", first)


def test_whole_numbers_are_accepted(saved):
    """Acceleration in whole numbers of g is a recording too."""
    recording = load_recording(saved(acc_g=STILL.astype(np.int16), fs_hz=np.int64(100)))
    assert recording.acc_g.dtype == np.float64
    assert np.array_equal(recording.acc_g, STILL)


def with_value(value):
    """Return still acceleration with one odd value."""
    acc_g = STILL.copy()
    acc_g[7, 1] = value
    return acc_g


BAD_MEMBERS = [
    ({"fs_hz": 100.0}, "has no acc_g"),
    ({"acc_g": STILL}, "either fs_hz .* or t_s"),
    ({"acc_g": STILL, "fs_hz": 100.0, "t_s": np.arange(50.0)}, "not both"),
    ({"acc_g": STILL[:, :2], "fs_hz": 100.0}, r"shape \(50, 2\)"),
    ({"acc_g": STILL[:, 0], "fs_hz": 100.0}, r"shape \(50,\)"),
    ({"acc_g": np.full((50, 3), "a"), "fs_hz": 100.0}, "must hold numbers"),
    ({"acc_g": with_value(np.inf), "fs_hz": 100.0}, "infinite"),
    ({"acc_g": with_value(-np.inf), "fs_hz": 100.0}, "infinite"),
    ({"acc_g": np.empty((0, 3)), "fs_hz": 100.0}, "fewer than two rows"),
    ({"acc_g": STILL[:1], "fs_hz": 100.0}, "fewer than two rows"),
    ({"acc_g": STILL * np.nan, "fs_hz": 100.0}, "fewer than two rows"),
    ({"acc_g": np.empty((0, 3)), "t_s": np.empty(0)}, "fewer than two rows"),
    ({"acc_g": STILL, "fs_hz": 1.6}, "1.6 Hz is too slow for twitches"),
    ({"acc_g": STILL, "fs_hz": 5000.0}, "5e\\+03 Hz is no rate"),
    ({"acc_g": STILL, "fs_hz": np.nan}, "fs_hz is nan"),
    ({"acc_g": STILL, "fs_hz": -100.0}, "fs_hz is -100"),
    ({"acc_g": STILL, "fs_hz": np.array((1.0, 2.0))}, "fs_hz must be one number"),
    ({"acc_g": STILL, "fs_hz": "fast"}, "fs_hz must be one number"),
    ({"acc_g": STILL, "fs_hz": 100.0, "scale_g": 0.0}, "scale_g is 0"),
    ({"acc_g": STILL, "fs_hz": 100.0, "start_utc": "yesterday"}, "start_utc 'yesterday' is no ISO 8601"),
    ({"acc_g": STILL, "fs_hz": 100.0, "start_utc": "9999-01-01T00:00:00Z"}, "the year 9999 is outside"),
    (
        {"acc_g": STILL, "t_s": np.arange(len(STILL)) / 100 + 1e9 * (np.arange(len(STILL)) > 5)},
        "more than a day",
    ),
    ({"acc_g": STILL, "t_s": np.zeros(50)}, "does not increase"),
    ({"acc_g": STILL, "t_s": -np.arange(50.0)}, "does not increase"),
    ({"acc_g": STILL, "t_s": np.where(np.arange(50) == 3, np.nan, np.arange(50) / 100)}, "does not increase"),
    ({"acc_g": STILL, "t_s": np.arange(49.0)}, "one number for each of 50 rows"),
    ({"acc_g": STILL, "t_s": np.full(50, "late")}, "one number for each of 50 rows"),
    ({"acc_g": STILL, "t_s": np.arange(50.0)}, "1 Hz is too slow"),
]


@pytest.mark.parametrize(("members", "words"), BAD_MEMBERS)
def test_a_bad_npz_is_one_line_that_names_the_file(saved, members, words):
    """Whatever is wrong with an .npz, the error is one line with the file and the fault."""
    path = saved(**members)
    with pytest.raises(RecordingError, match=words) as caught:
        load_recording(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


HEADER = "t_s,x_g,y_g,z_g\n"
BAD_TEXTS = [
    ("", "first line must be t_s,x_g,y_g,z_g"),
    ("time,x,y,z\n0,0,0,1\n", "first line must be"),
    (HEADER, "fewer than two rows"),
    (HEADER + "0,0,0,1\n0.01,0,0,hello\n", "hello"),
    (HEADER + "0,0,0\n0.01,0,0\n", "3 columns"),
    (HEADER + "0,0,0,1\n0.01,0,0,1\n0.02,0,0\n", "line 4 has 3 columns"),
    (HEADER + "0,0,0,1\n0.01,0,0\n", "not a recording"),
    (HEADER + "0,0,0,1\n0.01,0,0,inf\n", "infinite"),
    (HEADER + "0.01,0,0,1\n0,0,0,1\n", "does not increase"),
    (HEADER + "0,0,0,1\n1,0,0,1\n", "too slow"),
]


@pytest.mark.parametrize(("text", "words"), BAD_TEXTS)
def test_a_bad_csv_is_one_line_that_names_the_file(tmp_path, text, words):
    """Whatever is wrong with a .csv, the error is one line with the file and the fault."""
    path = tmp_path / "night.csv"
    path.write_text(text)
    with pytest.raises(RecordingError, match=words) as caught:
        load_recording(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    """No such file is said in one line, for either kind."""
    for name in ("none.npz", "none.csv"):
        with pytest.raises(RecordingError, match=f"{name}: no such file"):
            load_recording(tmp_path / name)


def test_a_folder_is_no_recording(tmp_path):
    """A folder cannot be read as a file."""
    with pytest.raises(RecordingError, match="cannot be read"):
        load_recording(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x93NUMPY", b"SQLite format 3\x00"])
@pytest.mark.parametrize("name", ["x.npz", "x.db", "x"])
def test_another_kind_of_file_is_no_recording(tmp_path, content, name):
    """What is neither an .npz nor a .csv is refused by its content."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="not a recording"):
        load_recording(path)


def test_binary_under_the_name_of_a_csv_is_no_recording(tmp_path):
    """Bytes that are no text are said not to be a recording."""
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xff\xfe\x00\x81" * 100)
    with pytest.raises(RecordingError, match="not a recording"):
        load_recording(path)


def test_pickled_objects_are_not_loaded(saved):
    """Arrays of objects would run code on loading and are refused."""
    with pytest.raises(RecordingError, match="plain arrays"):
        load_recording(saved(acc_g=np.array([{"a": 1}], dtype=object), fs_hz=100.0))


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.95])
def test_a_damaged_npz_is_no_recording(saved, tmp_path, keep):
    """A file cut short is refused."""
    whole = saved(acc_g=np.random.default_rng(1).normal(size=(5000, 3)), fs_hz=100.0).read_bytes()
    path = tmp_path / "cut.npz"
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(RecordingError, match="not a recording"):
        load_recording(path)


def test_flipped_bytes_within_an_npz_are_noticed(saved, tmp_path):
    """A damaged array fails its checksum."""
    whole = bytearray(saved(acc_g=np.random.default_rng(1).normal(size=(5000, 3)), fs_hz=100.0).read_bytes())
    whole[3000] ^= 0xFF
    path = tmp_path / "flipped.npz"
    path.write_bytes(whole)
    with pytest.raises(RecordingError, match="damaged"):
        load_recording(path)


def test_a_zip_of_something_else_is_no_recording(tmp_path):
    """A zip without arrays is refused."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("acc_g.npy", b"nothing")
        archive.writestr("fs_hz.npy", b"nothing")
    path = tmp_path / "other.npz"
    path.write_bytes(content.getvalue())
    with pytest.raises(RecordingError, match="not a recording"):
        load_recording(path)


@pytest.mark.parametrize(
    ("name", "rate_hz", "gaps"),
    [
        ("mpu6050-still-99hz.npz", 99.317, 0),
        ("floorboard-a-64hz.npz", 64.04, 55),
        ("floorboard-b-64hz.npz", 64.04, 34),
        ("ax3-adxl345-196hz.npz", 197.24, 0),
    ],
)
def test_real_recordings_are_read(data_folder, name, rate_hz, gaps):
    """The real recordings give their rates and their gaps."""
    recording = load_recording(data_folder / name)
    assert recording.nominal_hz == pytest.approx(rate_hz, abs=0.005)
    assert len(recording.gaps()) == gaps


@pytest.mark.parametrize("name", ["mpu6050-night-a-1.6hz.npz", "mpu6050-night-b-1.6hz.npz"])
def test_real_nights_at_1_6_hz_are_refused(data_folder, name):
    """Nights that are too slow for twitches are refused as such."""
    with pytest.raises(RecordingError, match="too slow for twitches"):
        load_recording(data_folder / name)
