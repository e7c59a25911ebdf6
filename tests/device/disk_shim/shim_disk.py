"""A disk that is slow, full or broken when told to: builds its library, makes and moves its switches.

The library stands between a program and the C library (`LD_PRELOAD`), for the files whose path begins with
a prefix. Its counters and switches lie in a mapped file, so whoever holds a `ShimDisk` sees and moves them
while the program runs. Their names are read from `controls.h`.
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
LIBRARIES = ("-ldl", "-lpthread")
FOR_EVER = 1 << 62


class DiskControls(ctypes.Structure):
    """`struct disk_controls` of controls.h."""

    _fields_ = tuple((name, ctypes.c_int64) for name in re.findall(r"int64_t (\w+);", HEADER))


def controls_in(path: Path) -> DiskControls:
    """Map a file of switches that is there already."""
    with path.open("r+b") as file:
        place = mmap.mmap(file.fileno(), ctypes.sizeof(DiskControls))
    return DiskControls.from_buffer(place)


def build_library(folder: Path) -> Path:
    """Compile the library into a folder; raise RuntimeError with the compiler's words where that fails."""
    if COMPILER is None:
        raise RuntimeError("there is no C compiler (cc)")
    library = folder / "disk_shim.so"
    done = subprocess.run(
        [COMPILER, *FLAGS, "-o", str(library), str(SOURCES / "disk_shim.c"), *LIBRARIES],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the disk with switches does not compile:\n{done.stderr}")
    return library


class ShimDisk:
    """The disk under a database and the files beside it.

    Parameters
    ----------
    library
        What `build_library` gave.
    path
        Of the file of switches, which is made anew.
    database
        The database; its `-wal`, `-shm` and `-journal` are watched with it.

    Attributes
    ----------
    controls
        Switches and counters, live: `controls.flush_ms = 800`.
    """

    def __init__(self, library: Path, path: Path, database: Path) -> None:
        self.library = library
        self.path = path
        self.database = database
        path.write_bytes(bytes(ctypes.sizeof(DiskControls)))
        self.controls = controls_in(path)

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs in its environment to write to this disk."""
        return {
            "LD_PRELOAD": str(self.library),
            "DISK_SHIM_CONTROLS": str(self.path),
            "DISK_SHIM_PREFIX": str(self.database.resolve()),
        }

    def fail_from_now_on(self, error: int) -> None:
        """Have all further operations fail with an error number."""
        self.controls.fail_errno = error
        self.controls.fail_left = FOR_EVER
        self.controls.fail_first = 1

    def mend(self) -> None:
        """Have no operation fail any more."""
        self.controls.fail_first = 0
