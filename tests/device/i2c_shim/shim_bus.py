"""A `/dev/i2c-N` that is not there: builds its library, makes the file of its chips, moves its switches.

The library stands between a program and the C library (`LD_PRELOAD`). Its chips, clocks and counters lie in
a mapped file, so they outlive a program that is killed, and whoever holds a `ShimBus` moves the switches
while the program runs. The names of switches and counters are read from `controls.h`.
"""

from __future__ import annotations

import ctypes
import mmap
import re
import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).parent
HEADER = (SOURCES / "controls.h").read_text()
COMPILER = shutil.which("cc")
FLAGS = ("-std=c17", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared")
LIBRARIES = ("-lm", "-ldl", "-lpthread")
KINDS = {"adxl345": 1, "lis3dh": 2, "mpu6050": 3, "lsm6dsox": 4, "adxl355": 5}  # as in transfer.c
USUAL_ADDRESSES = {"adxl345": 0x53, "lis3dh": 0x18, "mpu6050": 0x68, "lsm6dsox": 0x6A, "adxl355": 0x1D}
BUS_NUMBER = 91
TIMEOUT_MS = 1000  # the kernel's default


def _fields(structure: str) -> list[tuple[str, type[ctypes.c_int64]]]:
    found = re.search(rf"struct {structure} {{(.*?)}};", HEADER, re.DOTALL)
    if found is None:
        raise ValueError(f"controls.h has no struct {structure}")
    return [(name, ctypes.c_int64) for name in re.findall(r"int64_t (\w+);", found[1])]


class BusControls(ctypes.Structure):
    """`struct bus_controls` of controls.h."""

    _fields_ = _fields("bus_controls")


class DeviceControls(ctypes.Structure):
    """`struct device_controls` of controls.h."""

    _fields_ = _fields("device_controls")


DEVICES = int(re.findall(r"#define DEVICES (\d+)", HEADER)[0])


class Controls(ctypes.Structure):
    """The head of the world file."""

    _fields_ = (("bus", BusControls), ("devices", DeviceControls * DEVICES))


def build_library(folder: Path) -> Path:
    """Compile the library into a folder; raise RuntimeError with the compiler's words where that fails."""
    if COMPILER is None:
        raise RuntimeError("there is no C compiler (cc)")
    library = folder / "i2c_shim.so"
    sources = [str(path) for path in sorted(SOURCES.glob("*.c"))]
    done = subprocess.run(
        [COMPILER, *FLAGS, "-o", str(library), *sources, *LIBRARIES],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the stand-in for /dev/i2c-N does not compile:\n{done.stderr}")
    return library


class ShimBus:
    """One bus with chips on it.

    Parameters
    ----------
    library
        What `build_library` gave.
    path
        Of the world file, which is made anew.
    chips
        Chips by name, each at its usual address.

    Attributes
    ----------
    bus, devices
        Switches and counters, live: `bus.nack_next = 3`, `devices[0].ppm`.
    """

    def __init__(self, library: Path, path: Path, *chips: str) -> None:
        self.library = library
        self.path = path
        path.write_bytes(bytes(ctypes.sizeof(Controls)))
        with path.open("r+b") as file:
            self._place = mmap.mmap(file.fileno(), ctypes.sizeof(Controls))
        controls = Controls.from_buffer(self._place)
        self.bus = controls.bus
        self.devices = controls.devices
        self.bus.bus_number = BUS_NUMBER
        self.bus.timeout_ms = TIMEOUT_MS
        for device, chip in zip(self.devices, chips, strict=False):
            device.kind = KINDS[chip]
            device.address = USUAL_ADDRESSES[chip]

    @staticmethod
    def address_of(chip: str) -> int:
        """Return the address at which a chip is put."""
        return USUAL_ADDRESSES[chip]

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs in its environment to see the bus."""
        return {"LD_PRELOAD": str(self.library), "I2C_SHIM_WORLD": str(self.path)}

    def jerk(self, *, first: int, every: int, peak_mg: int = 60) -> None:
        """Have the bed jerk at set `first` and from then on every so many sets, ringing at 7 Hz."""
        self.bus.jerk_first, self.bus.jerk_every, self.bus.jerk_mg = first, every, peak_mg
        self.bus.jerk_hz, self.bus.jerk_tau_ms = 7, 150
