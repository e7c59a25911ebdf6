"""The cache of compiled code: used where it is sound, thrown away where it is not, and never needed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bedtick.logger.detector import compiled

START = """
import json
import numpy as np
from bedtick.logger.detector.detector import Detector, compiled_kernel
from bedtick.logger.settings import DetectorSettings
counts = np.rint(np.random.default_rng(0).standard_normal((2000, 3)) + [0, 0, 256])
counts[1500:1540, 2] += 60 * np.sin(np.arange(40) / 2)
detector = Detector(DetectorSettings(), 1 / 256, 100.0)
events = detector.push(counts).events + detector.finish().events
kernel = compiled_kernel()
entries = (kernel.run, kernel.skip, kernel.end)
hits = [sum(f.stats.cache_hits.values()) for f in entries if hasattr(f, "stats")]
print(json.dumps({"cached": kernel.cached, "hits": sum(hits), "onsets": [e.onset_sample for e in events]}))
"""


def start(cache, **environment):
    """Start a process that detects, with its cache in a folder; return what it says of kernel and events."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("CACHE_D", "NUMBA"))
    }
    done = subprocess.run(
        [sys.executable, "-c", START],
        env=inherited | {"XDG_CACHE_HOME": str(cache)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def files_of(directory):
    """All files of the cache but the manifest."""
    return sorted(p for p in directory.rglob("*") if p.is_file() and p.name != compiled.MANIFEST)


def test_a_second_start_takes_the_cache_and_a_damaged_one_is_made_anew(tmp_path):
    """A start takes what another compiled; where every file was cut short it compiles anew for the next."""
    compiled.load_kernel()
    directory = tmp_path / "bedtick" / "numba"
    shutil.copytree(compiled.cache_directory(), directory)
    taken = start(tmp_path)
    assert (taken["cached"], taken["hits"]) == (True, 3)
    assert len(taken["onsets"]) == 1
    for path in files_of(directory):
        os.truncate(path, path.stat().st_size // 2)
    assert start(tmp_path) == taken | {"hits": 0}
    assert compiled._is_sound(directory)
    assert start(tmp_path) == taken


@pytest.mark.parametrize("cache", ["/dev/null", "/proc"])
def test_a_folder_that_can_not_be_made_is_done_without(cache):
    """Where no folder can be made the kernel works all the same, without a cache."""
    said = start(cache, NUMBA_DISABLE_JIT="1")
    assert said["cached"] is False
    assert len(said["onsets"]) == 1


@pytest.fixture
def sound(tmp_path):
    """Return a cache folder as numba and the manifest would leave it."""
    directory = tmp_path / "numba"
    (directory / "kernel_1").mkdir(parents=True)
    (directory / "kernel_1" / "run.nbi").write_bytes(b"an index")
    (directory / "kernel_1" / "run.1.nbc").write_bytes(b"some code")
    compiled._write_manifest(directory, compiled._digest_of_sources())
    assert compiled._is_sound(directory)
    return directory


def test_a_sound_folder_is_kept(sound):
    """What fits its manifest stays as it is."""
    before = [path.read_bytes() for path in files_of(sound)]
    assert compiled._prepare(sound)
    assert [path.read_bytes() for path in files_of(sound)] == before


def truncated(directory):
    """Cut one file short by a byte."""
    os.truncate(files_of(directory)[0], 7)


def emptied(directory):
    """Leave one file with its name only, as a power cut does."""
    os.truncate(files_of(directory)[-1], 0)


def changed(directory):
    """Change a file without changing its length."""
    files_of(directory)[0].write_bytes(b"sOme code")


def gone(directory):
    """Lose a file."""
    files_of(directory)[0].unlink()


def foreign(directory):
    """Put a file there that nobody knows."""
    (directory / "kernel_1" / "other.nbi").write_bytes(b"?")


def without_manifest(directory):
    """Lose the manifest."""
    (directory / compiled.MANIFEST).unlink()


def damaged_manifest(directory):
    """Cut the manifest short."""
    os.truncate(directory / compiled.MANIFEST, 10)


def odd_manifest(directory):
    """Make the manifest another kind of JSON."""
    (directory / compiled.MANIFEST).write_text("[]")


@pytest.mark.parametrize(
    "damage",
    [truncated, emptied, changed, gone, foreign, without_manifest, damaged_manifest, odd_manifest],
)
def test_whatever_does_not_fit_is_thrown_away(sound, damage):
    """Any damage empties the folder, which is then ready to be filled anew."""
    damage(sound)
    assert compiled._prepare(sound)
    assert list(sound.iterdir()) == []


def test_other_sources_make_the_cache_stale(sound, monkeypatch):
    """A cache that was compiled from other sources is thrown away, though its files are whole."""
    monkeypatch.setattr(compiled, "_digest_of_sources", lambda: "another")
    assert compiled._prepare(sound)
    assert files_of(sound) == []


def test_the_digest_covers_every_file_of_the_kernel(monkeypatch):
    """Each source of the kernel, and the layout, counts into the digest."""
    before = compiled._digest_of_sources()
    read = Path.read_bytes
    kernel = Path(compiled.__file__).with_name("kernel")
    for source in [*kernel.glob("*.py"), kernel.with_name("layout.py")]:
        monkeypatch.setattr(Path, "read_bytes", lambda p, s=source: read(p) + b"#" * (p == s))
        assert compiled._digest_of_sources() != before


def test_sources_that_change_while_compiling_make_the_cache_stale(tmp_path, monkeypatch):
    """What was compiled before an upgrade is not taken for what came with it."""

    def compile_and_upgrade(*, cached):
        assert cached
        (tmp_path / "numba" / "run.nbi").write_bytes(b"old code")
        monkeypatch.setattr(compiled, "_digest_of_sources", lambda: "another")
        return "run", "skip", "end"

    monkeypatch.setattr(compiled, "_compile", compile_and_upgrade)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    compiled.load_kernel(tmp_path / "numba")
    assert not compiled._is_sound(tmp_path / "numba")


def test_a_file_where_the_folder_should_be_is_done_without(tmp_path):
    """A file in the folder's place is left alone, and there is no cache."""
    place = tmp_path / "numba"
    place.write_bytes(b"mine")
    assert not compiled._prepare(place)
    assert place.read_bytes() == b"mine"


def test_a_disk_that_fills_while_compiling_only_costs_the_cache(tmp_path, monkeypatch):
    """Where the cache can not be written, the kernel is compiled without it."""
    asked = []

    def compile_or_fail(*, cached):
        asked.append(cached)
        if cached:
            raise OSError(28, "No space left on device")
        return "run", "skip", "end"

    monkeypatch.setattr(compiled, "_compile", compile_or_fail)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    kernel = compiled.load_kernel(tmp_path / "numba")
    assert (kernel.run, kernel.skip, kernel.end, kernel.cached) == ("run", "skip", "end", False)
    assert asked == [True, False]


def test_a_manifest_that_can_not_be_written_is_no_error(sound, monkeypatch):
    """A full disk, or a folder that another start has just cleared, is found out at the next start."""
    (sound / compiled.MANIFEST).unlink()
    monkeypatch.setattr(Path, "write_text", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    compiled._write_manifest(sound, "sources")
    monkeypatch.setattr(Path, "read_bytes", lambda *_: (_ for _ in ()).throw(FileNotFoundError()))
    compiled._write_manifest(sound, "sources")
    assert not compiled._is_sound(sound)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"CACHE_DIRECTORY": "/var/cache/bedtick", "XDG_CACHE_HOME": "/x"}, "/var/cache/bedtick/numba"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/bedtick/numba"),
        ({"HOME": "/home/ida"}, "/home/ida/.cache/bedtick/numba"),
    ],
)
def test_the_folder_is_the_services_else_the_users(monkeypatch, environment, expected):
    """The cache folder of systemd comes first, then the user's own."""
    for name in ("CACHE_DIRECTORY", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert compiled.cache_directory() == Path(expected)
