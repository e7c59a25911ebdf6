"""What the firmware tests share: rigs with an emulated chip, and the folder of real recordings."""

import numpy as np
import pytest

from bedtick.firmware.chips import CHIPS
from bedtick.firmware.emulator import EmulatedClock, RecordingSource, build_emulator
from bedtick.firmware.recording_file import load_recording


@pytest.fixture(params=[True, False], ids=["multi_read", "single_read"])
def multi_read(request):
    """Whether the bus takes several reads in one transaction."""
    return request.param


@pytest.fixture
def make_rig(multi_read):
    """Return a function that builds (driver, rig, clock) over a source, for a chip by its name."""

    def make(source, chip="adxl345", **options):
        clock = EmulatedClock(5_000_000_000)
        rig = build_emulator(source, clock, chip=chip, multi_read=multi_read, **options)
        return CHIPS[chip](rig.bus, rig.address, clock), rig, clock

    return make


@pytest.fixture
def recording_of(tmp_path):
    """Return a function that turns an array in g into a loaded recording."""

    def make(acc_g, **members):
        path = tmp_path / f"recording-{len(list(tmp_path.iterdir()))}.npz"
        members = members or {"fs_hz": 100.0}
        np.savez(path, acc_g=acc_g, **members)
        return load_recording(path)

    return make


@pytest.fixture
def ramp_source(recording_of):
    """Return a recording whose row `k` is k counts on x, -k on y and 256 on z."""
    k = np.arange(4000.0)
    counts = np.stack((k, -k, np.full(4000, 256.0)), axis=1)
    return RecordingSource(recording_of(counts / 256.0))
