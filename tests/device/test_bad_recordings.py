"""Files that are no usable recording: each command that takes one says why in one line and writes nothing."""

from __future__ import annotations

import pickle
import zipfile

import numpy as np
import pytest

STILL = np.tile((0.0, 0.0, 1.0), (500, 1))


def pickled(path):
    """Save objects, which numpy would have to unpickle."""
    np.savez(path, acc_g=np.array([{"a": 1}, None], dtype=object), fs_hz=100.0)


def text(path):
    """Write a letter under the name of a recording."""
    path.write_text("Dear doctor,\nI jerk in my sleep.\n")


def raw_pickle(path):
    """Write what would run code if it were unpickled."""
    path.write_bytes(pickle.dumps(STILL))


def cut_short(path):
    """Write the first half of a real recording, as an interrupted copy leaves it."""
    np.savez(path, acc_g=STILL, fs_hz=100.0)
    path.write_bytes(path.read_bytes()[:-4000])


def other_archive(path):
    """Write an archive of something else."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("acc_g", "fs_hz"):
            archive.writestr(name, "not an array")


def saved(acc_g, **members):
    """Return a function that saves these arrays."""
    return lambda path: np.savez(path, acc_g=acc_g, **(members or {"fs_hz": 100.0}))


INFINITE = STILL.copy()
INFINITE[300, 1] = np.inf
BACKWARDS_S = np.arange(500.0)[::-1] / 100

BAD = {
    "text": (text, "not a recording"),
    "raw pickle": (raw_pickle, "not a recording"),
    "pickled npz": (pickled, "not a recording"),
    "cut short": (cut_short, "not a recording"),
    "other archive": (other_archive, "not a recording"),
    "two axes": (saved(STILL[:, :2]), "shape (500, 2)"),
    "one axis": (saved(STILL[:, 2]), "shape (500,)"),
    "axes first": (saved(STILL.T), "shape (3, 500)"),
    "no rate": (saved(STILL, other=1.0), "fs_hz"),
    "text as numbers": (saved(STILL.astype(str)), "must hold numbers"),
    "infinite": (saved(INFINITE), "infinite"),
    "empty": (saved(STILL[:0]), "fewer than two rows"),
    "one row": (saved(STILL[:1]), "fewer than two rows"),
    "all NaN": (saved(np.full((500, 3), np.nan)), "fewer than two rows"),
    "1.6 Hz": (saved(STILL, fs_hz=1.6), "too slow"),
    "100 kHz": (saved(STILL, fs_hz=100e3), "no rate of an accelerometer"),
    "negative rate": (saved(STILL, fs_hz=-100.0), "positive"),
    "two rates": (saved(STILL, fs_hz=np.array([100.0, 200.0])), "one number"),
    "backwards": (saved(STILL, t_s=BACKWARDS_S), "increase"),
    "no scale": (saved(STILL, fs_hz=100.0, scale_g=0.0), "positive"),
    "no date": (saved(STILL, fs_hz=100.0, start_utc="yesterday"), "yesterday"),
}
WAYS = {
    "import": ("import", "{file}"),
    "replay": ("replay", "{file}", "--chip", "adxl345"),
    "run": ("run", "--speed", "max", "--bus", "emulated:{file}"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BAD)
def test_bad_recording_is_refused_in_a_line_and_nothing_is_made(refused, tmp_path, name, way):
    """No command makes a database for a file that it can not take; the line names file and fault."""
    write, says = BAD[name]
    file = tmp_path / "night.npz"
    write(file)
    db = tmp_path / "bed.db"
    line = refused(*[part.format(file=file) for part in WAYS[way]], "--db", db)
    assert str(file) in line
    assert says in line
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("way", WAYS)
def test_no_such_file(refused, tmp_path, way):
    """A file that is not there is named."""
    file = tmp_path / "none.npz"
    line = refused(*[part.format(file=file) for part in WAYS[way]], "--db", tmp_path / "bed.db")
    assert line == f"Error: {file}: no such file"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", WAYS)
def test_folder_is_no_recording(refused, tmp_path, way):
    """A folder in the place of a file is refused by name."""
    folder = tmp_path / "nights.npz"
    folder.mkdir()
    assert str(folder) in refused(
        *[part.format(file=folder) for part in WAYS[way]], "--db", tmp_path / "bed.db"
    )


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "first line must be"),
        ("x,y,z\n0,0,1\n", "first line must be"),
        ("t_s,x_g,y_g,z_g\n", "fewer than two rows"),
        ("t_s,x_g,y_g,z_g\n0,0,0,1\n0.01,0,0\n", "not a recording"),
        ("t_s,x_g,y_g,z_g\n0,0,0\n0.01,0,0\n", "3 columns"),
        ("t_s,x_g,y_g,z_g\n0,0,0,one\n", "not a recording"),
        ("t_s,x_g,y_g,z_g\n0,0,0,1\n0.01,inf,0,1\n", "infinite"),
        ("t_s,x_g,y_g,z_g\n0,nan,0,1\n0.01,nan,0,1\n", "fewer than two rows"),
        ("t_s,x_g,y_g,z_g\n0,0,0,1\n0.6,0,0,1\n1.2,0,0,1\n", "too slow"),
    ],
)
def test_bad_table_is_refused(refused, tmp_path, table, says):
    """A .csv that is not the format's is refused by its first fault."""
    file = tmp_path / "night.csv"
    file.write_text(table)
    line = refused("import", file, "--db", tmp_path / "bed.db")
    assert str(file) in line
    assert says in line
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("factor", "members"), [(1e9, {}), (1.0, {"scale_g": 1e-12})])
def test_values_too_large_for_their_scale_are_refused(refused, recording_file, tmp_path, factor, members):
    """Counts that would not fit 32 bits are no recording, rather than other numbers."""
    file = recording_file(STILL * factor, fs_hz=100.0, **members)
    assert "scale" in refused("import", file, "--db", tmp_path / "bed.db")
    assert list(tmp_path.iterdir()) == [file]


def test_rows_of_nan_are_counted_and_no_fault_of_the_file(bedtick, rows, recording_file, tmp_path):
    """Rows without a number become a gap, and a fault says how many there were."""
    acc_g = np.tile((0.0, 0.0, 1.0), (3000, 1)) + 0.001 * np.random.default_rng(1).standard_normal((3000, 3))
    acc_g[1000:1200, 1] = np.nan
    db = tmp_path / "bed.db"
    assert bedtick("import", recording_file(acc_g), "--db", db).exit_code == 0
    found = rows(db, "SELECT kind, sample, lost_samples, detail FROM faults ORDER BY id")
    assert found[0] == ("nan_rows", 0, 0, "200 rows without a number")
    assert [row[:3] for row in found[1:]] == [("gap", 1000, 200)]
    assert rows(db, "SELECT end_sample FROM recordings") == [(3000,)]
