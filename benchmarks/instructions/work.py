"""One piece of the night's work, to be run under a counter of instructions: so many seconds of samples.

`daemon`: the daemon itself, from the driver's reads to the committed rows. Below smbus2, where the kernel
would be, a table of registers answers; like the controller of a Raspberry Pi Zero to 4 it takes one read a
call. Time is emulated, so nothing sleeps. `live` and `import`: the detector alone, in blocks of 13 samples
(what a drain gives at 400 Hz) and of 65536. `stand-in`: only the table's answers, to be taken off.
"""

from __future__ import annotations

import ctypes
import errno
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np
import smbus2.smbus2
from numpy.typing import NDArray

from bedtick.firmware.bus import I2CBus
from bedtick.firmware.chips.adxl345 import Adxl345
from bedtick.firmware.emulator import EmulatedClock
from bedtick.logger.daemon import Control, record
from bedtick.logger.detector.detector import Detector
from bedtick.logger.rig import Rig, site_of
from bedtick.logger.settings import DetectorSettings, Settings
from bedtick.logger.wall_clock import EmulatedWallClock

RATE_HZ = 400
ADDRESS = 0x53
DEPTH = 32
# ADXL345 data sheet, register map
DEVICE_ID, POWER_CTL, INT_SOURCE, DATA, FIFO_CTL, FIFO_STATUS = 0x00, 0x2D, 0x30, 0x32, 0x38, 0x39
SET_BYTES = 6
IDENTITY = 0xE5
HEADER = struct.Struct("@HHHP")  # i2c_msg in the kernel's i2c.h: address, flags, length, pointer
NOISE_MG = (4.1, 4.1, 6.1)
JERK_EVERY_S = 20
BLOCKS = {"live": 13, "import": 65536}


def make_counts(seconds: int) -> NDArray[np.int16]:
    """Return the noise of an ADXL345 in counts, (n, 3), with a jerk of 30 mg every 20 s."""
    rng = np.random.default_rng(8)
    acc_mg = rng.normal(size=(seconds * RATE_HZ, 3)) * NOISE_MG
    acc_mg[:, 2] += 1000.0
    t_s = np.arange(RATE_HZ) / RATE_HZ
    for start in range(JERK_EVERY_S * RATE_HZ // 2, len(acc_mg) - RATE_HZ, JERK_EVERY_S * RATE_HZ):
        acc_mg[start : start + RATE_HZ, 2] += 30 * np.sin(2 * np.pi * 7 * t_s) * np.exp(-t_s / 0.2)
    return np.rint(acc_mg * 0.256).astype("<i2")


class Registers:
    """Answers I2C_RDWR calls from a table of registers; a set leaves its FIFO with each read of the data.

    Parameters
    ----------
    counts
        The sets to come, (n, 3).
    clock
        The clock by which they come, from the moment the chip is told to measure.
    """

    def __init__(self, counts: NDArray[np.int16], clock: EmulatedClock) -> None:
        self._clock = clock
        self._start_ns = 0
        self._table = ctypes.create_string_buffer(64)
        self._table[DEVICE_ID] = IDENTITY
        self._place = ctypes.addressof(self._table)
        self._counts = counts
        self._taken = 0

    @property
    def ended(self) -> bool:
        """Whether the last set has been read."""
        return self._taken >= len(self._counts)

    def ioctl(self, _fd: int, _request: int, call: ctypes.Structure) -> None:
        """Carry one register write, or one read with its pointer before it."""
        if call.nmsgs > 2:
            raise OSError(errno.EOPNOTSUPP, "one read a call")
        first = ctypes.addressof(call.msgs.contents)
        address, _, length, source = HEADER.unpack(ctypes.string_at(first, HEADER.size))
        if address != ADDRESS:
            raise OSError(errno.EREMOTEIO, "no such chip")
        register = ctypes.string_at(source, 1)[0]
        if call.nmsgs == 1:
            self._write(register, ctypes.string_at(source + 1, length - 1))
            return
        self._refresh(register)
        _, _, length, target = HEADER.unpack(ctypes.string_at(first + HEADER.size, HEADER.size))
        ctypes.memmove(target, self._place + register, length)

    def _write(self, register: int, data: bytes) -> None:
        ctypes.memmove(self._place + register, data, len(data))
        if register == POWER_CTL:
            self._taken, self._start_ns = 0, self._clock.boot_ns()

    def _refresh(self, register: int) -> None:
        if register == FIFO_CTL:
            passed_ns = self._clock.boot_ns() - self._start_ns
            come = min(passed_ns * RATE_HZ // 1_000_000_000, len(self._counts))
            self._table[FIFO_STATUS] = min(come - self._taken, DEPTH)
        elif register == INT_SOURCE:
            row = min(self._taken, len(self._counts) - 1)
            ctypes.memmove(self._place + DATA, self._counts[row].tobytes(), SET_BYTES)
            self._taken += 1


def run_daemon(counts: NDArray[np.int16], database: Path) -> None:
    """Record all sets as `bedtick run` would."""
    clock = EmulatedClock()
    chip = Registers(counts, clock)
    smbus2.smbus2.ioctl = chip.ioctl
    driver = Adxl345(I2CBus(smbus2.SMBus(), "a table"), ADDRESS, clock)
    rig = Rig(
        driver, ADDRESS, "table", clock, EmulatedWallClock(clock, None, synced=False), source="emulated",
        sensor=Settings().sensor, has_ended=lambda: chip.ended,
    )  # fmt: skip
    record(site_of(rig), Settings(), database, Control())


def run_detector(counts: NDArray[np.int16], block: int) -> None:
    """Push all samples through the detector."""
    samples = counts.astype(np.int32)
    detector = Detector(DetectorSettings(), 1 / 256, float(RATE_HZ), 1023)
    for start in range(0, len(samples), block):
        detector.push(samples[start : start + block])


def run_stand_in(counts: NDArray[np.int16]) -> None:
    """Let the table answer for every set, with nothing above it."""
    chip = Registers(counts, EmulatedClock())
    pair = smbus2.i2c_msg.write(ADDRESS, [INT_SOURCE]), smbus2.i2c_msg.read(ADDRESS, 10)
    call = smbus2.smbus2.i2c_rdwr_ioctl_data.create(*pair)
    while not chip.ended:
        chip.ioctl(0, 0, call)


def main() -> None:
    """Do the work that the command line names, for its number of seconds."""
    kind, seconds = sys.argv[1], int(sys.argv[2])
    counts = make_counts(seconds)
    if kind in BLOCKS:
        run_detector(counts, BLOCKS[kind])
        return
    if kind == "stand-in":
        run_stand_in(counts)
        return
    with tempfile.TemporaryDirectory() as folder:
        run_daemon(counts, Path(folder, "night.db"))


if __name__ == "__main__":
    main()
