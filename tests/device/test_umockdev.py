"""A second opinion on the boundary to the kernel: the daemon under umockdev, with bedtick's emulated chip."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BUS = 92
BINDING = """
import sys
sys.path.append("/usr/lib/python3/dist-packages")
import gi
gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev
"""


@pytest.fixture(scope="module", autouse=True)
def _umockdev_is_here():
    """Skip where umockdev or its binding for this Python is missing."""
    if shutil.which("umockdev-wrapper") is None:
        pytest.skip("umockdev is not installed (apt: umockdev)")
    found = subprocess.run([sys.executable, "-c", BINDING], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(
            "this Python can not use umockdev (apt: gir1.2-umockdev-1.0, python3-gi; Debian's Python version)"
        )


@pytest.fixture
def serve():
    """Return a function that puts a bus into a test bed and gives the environment in which it is seen."""
    servers = []

    def start(*arguments):
        server = subprocess.Popen(
            [sys.executable, HERE / "umockdev_bus.py", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        servers.append(server)
        folder = server.stdout.readline().strip()
        assert folder, "the server of the bus did not start"
        return {"LD_PRELOAD": "libumockdev-preload.so.0", "UMOCKDEV_DIR": folder}

    yield start
    for server in servers:
        server.communicate("")
        assert server.returncode == 0


def test_a_night_under_umockdev(serve, daemon, until, ended, rows, sound, tmp_path):
    """`run --chip auto` finds the sensor, stores whole chunks, and ends at SIGTERM."""
    db, config = tmp_path / "bed.db", tmp_path / "bedtick.toml"
    config.write_text("[store]\nchunk_s = 1\n[sensor]\nrate_hz = 100\n")
    process = daemon("run", "--bus", BUS, "--config", config, "--db", db, **serve())
    until(lambda: rows(db, "SELECT count(*) FROM raw_chunks") > [(1,)], process)
    code, _, err = ended(process, signal.SIGTERM)
    assert code == 0, err
    sound(db)
    assert rows(db, "SELECT chip, bus, address FROM sensors") == [("adxl345", f"i2c-{BUS}", 0x53)]
    assert rows(db, "SELECT source, ended FROM recordings") == [("chip", "stopped")]


@pytest.mark.long
def test_the_contract_under_umockdev(serve):
    """What takes no long listening of the drivers' contract holds."""
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    choice = "hardware and adxl345 and (identified or stopped or gravity)"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", choice,
         "tests/firmware/test_chip_contract.py"],
        cwd=HERE.parents[1],
        env=surroundings | serve() | {"BEDTICK_REAL_BUS": str(BUS)},
        capture_output=True,
        check=False,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "answers on" not in done.stdout


def test_an_address_of_the_kernel_is_named(serve, daemon, ended, tmp_path):
    """Where a driver of the kernel uses the address, `check` fails, and says which driver and what to do."""
    code, out, err = ended(daemon("check", "--bus", BUS, "--db", tmp_path / "bed.db", **serve("owned")))
    assert code == 1, out + err
    said = " ".join(out.split())
    assert "adxl345_i2c" in said
    assert "0x53" in said
    assert "/boot/firmware/config.txt" in said
