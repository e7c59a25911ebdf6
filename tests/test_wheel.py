"""The wheel: what is in it, and that it runs where nothing of the developers' is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
OFFLINE = ("No matching distribution", "Could not find a version", "connection", "resolve")
ROOMS = ("firmware", "logger", "analysis")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Build the wheel; skip where the build's own tools can not be fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT, check=False)
    if done.returncode and any(words in done.stderr for words in OFFLINE):
        pytest.skip("the wheel can not be built without a network: pip fetches hatchling for it")
    assert done.returncode == 0, done.stderr
    (path,) = folder.iterdir()
    return path


def run(*command, check=True, cwd=None, **environment):
    """Run a program to its end; Python sees no other packages than its own."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "BEDTICK"))}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=check,
        cwd=cwd,
        env=bare | environment,
    )


def needed(name, found=None):
    """Names of the distributions that one needs to run, its own among them; no extras, no groups."""
    found = set() if found is None else found
    if name in found:
        return found
    found.add(name)
    for text in distribution(name).requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            needed(requirement.name.lower(), found)
    return found


@pytest.fixture
def bare(wheel, tmp_path):
    """Make an environment of the wheel and what it says it needs, no more; give its scripts' folder."""
    home = tmp_path / "bare"
    run(sys.executable, "-m", "venv", "--without-pip", home)
    (packages,) = home.glob("lib/python*/site-packages")
    for name in needed("bedtick") - {"bedtick"}:
        files = distribution(name).files or []
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            (packages / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    python = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel)
    return home / "bin"


def members(wheel):
    """Names of the files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_holds_the_three_rooms_and_no_more(wheel):
    """Every source file of the three rooms is in the wheel, typed, and no other module."""
    expected = {
        path.relative_to(ROOT / room).as_posix()
        for room in ROOMS
        for path in (ROOT / room / "bedtick").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {f"bedtick/{room}/py.typed" for room in ROOMS} <= expected
    shipped = {name for name in members(wheel) if ".dist-info/" not in name and ".data/" not in name}
    assert shipped == expected
    assert "bedtick/__init__.py" not in shipped


def test_wheel_brings_the_units_along(wheel):
    """What is in systemd/ is installed under share/bedtick/systemd."""
    shared = {name.partition(".data/data/")[2] for name in members(wheel)} - {""}
    assert shared == {
        f"share/bedtick/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "systemd").rglob("*")
        if path.is_file()
    }


def test_wheel_says_what_it_is(wheel):
    """Name, licence, Python and the command are in the wheel's metadata; tools for developers are not."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        (scripts,) = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
        text = archive.read(metadata).decode()
        assert "bedtick = bedtick.analysis.cli:main" in archive.read(scripts).decode()
    assert "Name: bedtick\n" in text
    assert "License-Expression: MIT\n" in text
    assert "Requires-Python: >=3.11\n" in text
    required = {re.match(r"[\w-]+", line)[0] for line in re.findall(r"Requires-Dist: (.*)", text)}
    assert required.isdisjoint({"pytest", "ruff", "mypy", "hypothesis", "scipy"})


def test_wheel_runs_without_tools_for_developers(bare, tmp_path):
    """From another folder: help, a check on the emulated chip, an import, and the morning's screens."""
    for tool in ("pytest", "scipy", "hypothesis"):
        assert run(bare / "python", "-c", f"import {tool}", check=False).returncode == 1
    place = {
        "cwd": tmp_path,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "BEDTICK_DB": str(tmp_path / "bed.db"),
    }
    listed = run(bare / "bedtick", "--help", **place).stdout
    assert all(section in listed for section in ("Tonight:", "Morning:", "Laptop:"))
    noise = 0.001 * np.random.default_rng(4).standard_normal((6000, 3))
    np.savez(tmp_path / "still.npz", acc_g=noise + np.array((0.0, 0.0, 1.0)), fs_hz=100.0)
    assert "recording 1" in run(bare / "bedtick", "import", "still.npz", **place).stdout
    assert "Night r1" in run(bare / "bedtick", "summary", **place).stdout
    assert run(bare / "bedtick", "events", "--json", **place).stdout == "[]\n"
    where = run(bare / "python", "-c", "import bedtick.logger as it; print(it.__file__)", **place).stdout
    assert str(bare.parent) in where


@pytest.mark.long
def test_wheel_from_the_package_index(wheel, tmp_path):
    """Installed by pip with what it asks for, the wheel runs the demo."""
    home = tmp_path / "fresh"
    run(sys.executable, "-m", "venv", home)
    done = run(home / "bin" / "python", "-m", "pip", "install", "-q", wheel, check=False)
    if done.returncode and any(words in done.stderr for words in OFFLINE):
        pytest.skip("what the wheel needs can not be fetched without a network")
    assert done.returncode == 0, done.stderr
    shown = run(home / "bin" / "bedtick", "demo", cwd=tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache")).stdout
    assert "Invented: 0." in shown
