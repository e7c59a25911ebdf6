"""What the tests of the logger share: made signals, the naive detector, and a way to detect in one call."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bedtick.firmware.recording_file import load_recording
from bedtick.logger.detector.detector import Detector
from bedtick.logger.detector.events import Event, Minute, final_kind
from bedtick.logger.settings import DetectorSettings

HERE = Path(__file__).parent


def load_beside(path):
    """Load a module that is no test; test folders are no packages."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def made():
    """Return the module of made signals."""
    return load_beside(HERE / "made_signals.py")


@pytest.fixture(scope="session")
def naive_detector():
    """Return the class of the naive detector."""
    # Each is imported by one after it.
    names = ("naive_steps", "naive_floor", "naive_onset", "naive_seen", "naive_detector")
    return [load_beside(HERE.parent / "naive" / f"{name}.py") for name in names][-1].NaiveDetector


@dataclass(frozen=True)
class Heard:
    """Everything one pass of the detector gave: `kinds` and `tilts_deg` are final, by event."""

    events: list[Event]
    kinds: list[str]
    tilts_deg: list[float | None]
    minutes: list[Minute]

    def seconds(self, reason):
        """Seconds with a reason, over all minutes."""
        return sum(minute.seconds[reason] for minute in self.minutes)


@pytest.fixture(scope="session")
def hear():
    """Return a function that runs the detector over a whole signal, in chunks where asked."""

    def run(counts, rate_hz, *, settings=None, scale_g=1 / 256, full_scale=None, chunks=None):
        settings = settings or DetectorSettings()
        detector = Detector(settings, scale_g, rate_hz, full_scale)
        edges = np.cumsum([0, *(chunks or [len(counts)])])
        founds = [detector.push(counts[a:b]) for a, b in pairwise(edges)]
        founds.append(detector.finish())
        events = [event for found in founds for event in found.events]
        tilts = {c.number: c.tilt_deg for found in founds for c in found.completions}
        return Heard(
            events,
            [final_kind(e.kind, tilts[e.number], settings) for e in events],
            [tilts[e.number] for e in events],
            [minute for found in founds for minute in found.minutes],
        )

    return run


@pytest.fixture
def recording_of(tmp_path):
    """Return a function that turns an array in g into a loaded recording."""

    def make(acc_g, **members):
        path = tmp_path / f"recording-{len(list(tmp_path.iterdir()))}.npz"
        np.savez(path, acc_g=acc_g, **(members or {"fs_hz": 100.0}))
        return load_recording(path)

    return make
