"""Recording files: acceleration recorded elsewhere, as `.npz` or `.csv`, checked and brought into one shape.

An `.npz` holds `acc_g`, float (n, 3) in g, and either `fs_hz`, the rate, or `t_s` (n,), the times in
seconds; both at once are refused, for they could contradict each other. It may hold `scale_g`, the size
of one count, and `start_utc`, an ISO 8601 time (UTC where it names no zone). A `.csv` has the header
`t_s,x_g,y_g,z_g`.

Row `i` of a file with `fs_hz` is at `i / fs_hz`. Rows with a NaN are taken out and counted; they leave
a step in the times. Times count from the first row that is left, and the start in UTC, which belongs to
the file's first row, moves along with it.
"""

import hashlib
import math
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bedtick.firmware.errors import RecordingError

CSV_HEADER = "t_s,x_g,y_g,z_g"
SLOWEST_HZ, FASTEST_HZ = 50.0, 3200.0
GAP_INTERVALS = 1.5
MOST_USUAL_G = 4.0
LONGEST_GAP_S = 86_400.0  # a longer one is a clock that was set meanwhile, or two nights in one file
FIRST_YEAR, LAST_YEAR = 1970, 2199  # nanoseconds of later years do not fit 64 bits
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Recording:
    """One recording.

    Attributes
    ----------
    t_s
        float64, shape (n,), seconds, strictly increasing from 0; n is at least 2.
    acc_g
        float32 or float64 as in the file, shape (n, 3), g, finite.
    nominal_hz
        `fs_hz` of the file, else one over the median interval.
    scale_g
        Size of one count in g, None where the file does not say.
    start_utc_ns
        UTC of the first row, nanoseconds since 1970, None where nobody knows.
    nan_rows
        How many rows were taken out.
    digest
        SHA-256 over times, acceleration, scale and start, in hex: the same content has the same digest.
    """

    t_s: NDArray[np.float64]
    acc_g: NDArray[np.float32] | NDArray[np.float64]
    nominal_hz: float
    scale_g: float | None
    start_utc_ns: int | None
    nan_rows: int
    digest: str

    def gaps(self) -> NDArray[np.int64]:
        """Return where samples are missing: int64, shape (k, 2).

        Each row holds the index before the gap and how many samples are lost. A gap is a step of more
        than 1.5 median intervals.
        """
        steps = np.diff(self.t_s)
        before = np.flatnonzero(steps > GAP_INTERVALS * np.median(steps))
        lost = np.maximum(np.rint(steps[before] * self.nominal_hz).astype(np.int64) - 1, 1)
        return np.stack((before.astype(np.int64), lost), axis=1)


def doubt_about_units(recording: Recording) -> str | None:
    """Say what looks like m/s^2 or mg, since nothing feels several g most of the time; else None."""
    usual_g = float(np.median(np.linalg.norm(recording.acc_g, axis=1)))
    if usual_g <= MOST_USUAL_G:
        return None
    return (
        f"it shows {usual_g:.4g} g most of the time, where rest is 1 g; is acc_g in g? "
        "(divide m/s^2 by 9.80665, mg by 1000)"
    )


@dataclass(frozen=True)
class _Content:
    """What a file holds, as read."""

    acc_g: NDArray[Any]
    t_s: NDArray[Any] | None
    fs_hz: float | None
    scale_g: float | None
    start_utc_ns: int | None


def load_recording(path: Path | str, start: datetime | None = None) -> Recording:
    """Read a recording file.

    Parameters
    ----------
    path
        An `.npz` or `.csv` file.
    start
        When the first row was taken, with a time zone; wins over the file's own `start_utc`.

    Raises
    ------
    RecordingError
        One line that names the file and what is wrong with it.
    """
    path = Path(path)
    try:
        content = _read(path)
        return _recording(content, content.start_utc_ns if start is None else _utc_ns(start))
    except RecordingError as error:
        raise RecordingError(f"{path}: {error}") from error.__cause__


def _read(path: Path) -> _Content:
    try:
        if path.suffix.lower() == ".csv":
            return _read_csv(path)
        return _read_npz(path)
    except FileNotFoundError as error:
        raise RecordingError("no such file") from error
    except OSError as error:
        raise RecordingError(f"cannot be read: {error.strerror or error}") from error


def _read_npz(path: Path) -> _Content:
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            raise RecordingError(
                "not a recording: give an .npz file, or a .csv with the header " + CSV_HEADER
            )
    try:
        with np.load(path, allow_pickle=False) as members:
            return _npz_content(members)
    except RecordingError:
        raise
    except (
        ValueError,
        EOFError,
        KeyError,
        RuntimeError,
        MemoryError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        # RuntimeError is an encrypted member, MemoryError a header that claims a huge array.
        raise RecordingError(
            "not a recording: damaged, or holds something other than plain arrays"
        ) from error


def _npz_content(members: Mapping[str, NDArray[Any]]) -> _Content:
    if "acc_g" not in members:
        raise RecordingError("not a recording: has no acc_g (acceleration in g, one row x, y, z a sample)")
    if ("fs_hz" in members) == ("t_s" in members):
        raise RecordingError(
            "needs either fs_hz (one rate) or t_s (a time for each row), not both and not neither"
        )
    return _Content(
        acc_g=_array(members, "acc_g"),
        t_s=_array(members, "t_s") if "t_s" in members else None,
        fs_hz=_number(members, "fs_hz"),
        scale_g=_number(members, "scale_g"),
        start_utc_ns=_start_of(members),
    )


def _array(members: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    value = members[name]
    if not isinstance(value, np.ndarray):  # numpy hands over what is no array as the bytes it found
        raise RecordingError(f"not a recording: {name} is no array")
    return value


def _number(members: Mapping[str, NDArray[Any]], name: str) -> float | None:
    if name not in members:
        return None
    value = _array(members, name)
    if value.size != 1 or value.dtype.kind not in "iuf":
        raise RecordingError(f"{name} must be one number")
    number = float(value.reshape(()))
    if not (math.isfinite(number) and number > 0):
        raise RecordingError(f"{name} is {number}: must be a positive number")
    return number


def _start_of(members: Mapping[str, NDArray[Any]]) -> int | None:
    if "start_utc" not in members:
        return None
    text = str(_array(members, "start_utc"))
    try:
        start = datetime.fromisoformat(text)
    except ValueError as error:
        raise RecordingError(f"start_utc {text!r} is no ISO 8601 time like 2026-01-31T22:15:00Z") from error
    return _utc_ns(start.replace(tzinfo=UTC) if start.tzinfo is None else start)


def _utc_ns(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise RecordingError("the start time needs a time zone, like 2026-01-31T22:15:00+01:00")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise RecordingError(f"a start in the year {moment.year} is outside {FIRST_YEAR} to {LAST_YEAR}")
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def _read_csv(path: Path) -> _Content:
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline().strip().replace(" ", "")
            if header != CSV_HEADER:
                raise RecordingError(f"not a recording: the first line must be {CSV_HEADER}")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # an empty table is reported below
                table = np.loadtxt(file, delimiter=",", ndmin=2)
    except UnicodeDecodeError as error:
        raise RecordingError("not a recording: not a text file") from error
    except ValueError as error:
        if isinstance(error, RecordingError):
            raise
        raise RecordingError(f"not a recording: {_first_bad_line(path)}") from error
    if table.size and table.shape[1] != 4:
        raise RecordingError(f"rows have {table.shape[1]} columns, not the 4 of {CSV_HEADER}")
    table = table.reshape(-1, 4)
    return _Content(np.ascontiguousarray(table[:, 1:]), table[:, 0].copy(), None, None, None)


def _first_bad_line(path: Path) -> str:
    """Name the first line that is not four numbers; for a file that could not be read as such."""
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines()[1:], start=2):
        values = line.split("#")[0].split(",") if line.strip() else []
        if len(values) not in {0, 4}:
            return f"line {number} has {len(values)} columns, not the 4 of {CSV_HEADER}"
        for value in values:
            if not _is_number(value):
                return f"line {number} holds {value.strip()[:20]!r}, which is no number"
    return "some line is not four numbers"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _recording(content: _Content, start_utc_ns: int | None) -> Recording:
    acc_g = _checked_acceleration(content.acc_g)
    t_s = _checked_times(content, len(acc_g))
    is_nan = np.isnan(acc_g).any(axis=1)
    nan_rows = int(is_nan.sum())
    if nan_rows:
        acc_g, t_s = acc_g[~is_nan], t_s[~is_nan]
    if len(t_s) < 2:
        raise RecordingError("holds fewer than two rows of numbers")
    first_s = float(t_s[0])
    if first_s:
        t_s = t_s - first_s
    nominal_hz = _checked_rate(content.fs_hz or 1.0 / float(np.median(np.diff(t_s))))
    if start_utc_ns is not None:
        start_utc_ns += round(first_s * 1e9)
    digest = _digest(t_s, acc_g, content.scale_g, start_utc_ns)
    return Recording(t_s, acc_g, nominal_hz, content.scale_g, start_utc_ns, nan_rows, digest)


def _checked_acceleration(acc_g: NDArray[Any]) -> NDArray[Any]:
    if acc_g.ndim != 2 or acc_g.shape[1] != 3:
        raise RecordingError(f"acc_g has the shape {acc_g.shape}; it must be (rows, 3)")
    if acc_g.dtype.kind not in "iuf":
        raise RecordingError(f"acc_g holds {acc_g.dtype}; it must hold numbers in g")
    if acc_g.dtype not in (np.float32, np.float64):
        acc_g = acc_g.astype(np.float64)
    if np.isinf(acc_g).any():
        raise RecordingError("acc_g holds infinite values; mark missing rows with NaN")
    return acc_g


def _checked_times(content: _Content, rows: int) -> NDArray[np.float64]:
    if content.fs_hz is not None:
        return np.arange(rows, dtype=np.float64) / content.fs_hz
    t_s = np.asarray(content.t_s)
    if t_s.shape != (rows,) or t_s.dtype.kind not in "iuf":
        raise RecordingError(
            f"t_s has the shape {t_s.shape}; it must hold one number for each of {rows} rows"
        )
    t_s = t_s.astype(np.float64)
    if not np.isfinite(t_s).all() or not (np.diff(t_s) > 0).all():
        raise RecordingError("t_s does not increase from row to row")
    longest_s = float(np.diff(t_s).max(initial=0.0))
    if longest_s > LONGEST_GAP_S:
        raise RecordingError(
            f"t_s has a gap of {longest_s:.0f} s: more than a day; give each night a file of its own"
        )
    since_first: NDArray[np.float64] = t_s - t_s[:1]
    return since_first


def _checked_rate(rate_hz: float) -> float:
    if rate_hz < SLOWEST_HZ:
        raise RecordingError(
            f"{rate_hz:.3g} Hz is too slow for twitches; at least {SLOWEST_HZ:.0f} Hz is needed"
        )
    if rate_hz > FASTEST_HZ:
        raise RecordingError(
            f"{rate_hz:.3g} Hz is no rate of an accelerometer; at most {FASTEST_HZ:.0f} Hz is read"
        )
    return rate_hz


def _digest(t_s: NDArray[Any], acc_g: NDArray[Any], scale_g: float | None, start_utc_ns: int | None) -> str:
    content = hashlib.sha256(f"{acc_g.dtype.str} {scale_g} {start_utc_ns}".encode())
    content.update(np.ascontiguousarray(t_s).data)
    content.update(np.ascontiguousarray(acc_g).data)
    return content.hexdigest()
