"""False events on real sensors that lie still, and what of a recording's time was good for what.

None of the recordings is of a sleeper: they are real noise and real trouble. Times of rest are those
that the README beside the recordings names.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bedtick.firmware.errors import RecordingError
from bedtick.firmware.recording_file import load_recording
from bedtick.logger.detector.detector import Detector
from bedtick.logger.importer import as_counts
from bedtick.logger.settings import DetectorSettings

STILL = ("mpu6050-still-99hz",)
RANGE_G = 4


@dataclass(frozen=True)
class Real:
    """One recording: its length, events, and seconds by what they were good for."""

    name: str
    length_s: float
    events: int
    still: bool
    seconds: dict[str, float]


def real_recordings(folder: Path) -> tuple[list[Real], list[str]]:
    """Return what the detector makes of each recording in a folder, and why others were left out."""
    heard: list[Real] = []
    refused: list[str] = []
    for path in sorted(folder.glob("*.npz")):
        try:
            heard.append(_hear(path))
        except RecordingError as error:
            refused.append(f"{path.stem}: {error}".replace(str(path), path.name))
    return heard, refused


def _hear(path: Path) -> Real:
    """Detect as `import` does: the same counts, the same missing samples."""
    recording = load_recording(path)
    taken = as_counts(recording, None, RANGE_G)
    detector = Detector(DetectorSettings(), taken.scale_g, recording.nominal_hz, taken.full_scale_counts)
    found = []
    row = 0
    for before, lost in [*recording.gaps().tolist(), (len(taken.counts) - 1, 0)]:
        found += [detector.push(taken.counts[row : before + 1]), detector.skip(lost)]
        row = before + 1
    found.append(detector.finish())
    seconds: dict[str, float] = {}
    for minute in (minute for part in found for minute in part.minutes):
        for reason, length_s in minute.seconds.items():
            seconds[reason] = seconds.get(reason, 0.0) + length_s
    length_s = float(recording.t_s[-1] - recording.t_s[0])
    return Real(path.stem, length_s, sum(len(part.events) for part in found), path.stem in STILL, seconds)
