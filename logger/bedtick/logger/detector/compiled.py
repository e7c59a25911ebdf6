"""Loads the kernel compiled, from a cache on disk that a pulled plug can not turn into a crash.

numba checks neither the length nor the content of its cache files before it unpickles them, so a
file that a power cut left short ends the program at import. Here a manifest of SHA-256 sums,
written and flushed after the files it names, is checked first: whatever does not fit is thrown
away and compiled anew. The manifest also names the kernel's sources, since numba itself looks only
at the file of the outermost function.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bedtick.logger.detector import layout as lay

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Kernel:
    """The entries of the kernel, compiled where numba compiles at all."""

    run: Callable[..., None]
    skip: Callable[..., None]
    end: Callable[..., None]
    cached: bool


def cache_directory() -> Path:
    """Return the folder for compiled code: systemd's cache folder, else the user's."""
    system = os.environ.get("CACHE_DIRECTORY")
    if system:
        return Path(system) / "numba"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bedtick" / "numba"


def load_kernel(directory: Path | None = None) -> Kernel:
    """Return the compiled kernel, from the cache where that is sound.

    A folder that can not be written, or holds damage that can not be removed, only costs the time
    to compile again.
    """
    directory = directory or cache_directory()
    cached = _prepare(directory)
    # Of what is compiled now: by the time that this is over, an upgrade may have changed them.
    sources = _digest_of_sources()
    # numba reads the variable when it is first imported, and the sources import numba.
    if cached:
        os.environ["NUMBA_CACHE_DIR"] = str(directory)
    from numba import config  # noqa: PLC0415  heavy, and must come after the cache is checked

    if cached:
        config.CACHE_DIR = str(directory)  # type: ignore[attr-defined]
        try:
            entries = _compile(cached=True)
        except OSError:  # the disk is full, or another first start has just cleared the folder
            cached = False
        else:
            _write_manifest(directory, sources)
    if not cached:
        entries = _compile(cached=False)
    return Kernel(*entries, cached)


def _compile(*, cached: bool) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    """Compile with explicit signatures, so that compilation is over before sampling starts."""
    from numba import from_dtype, int32, int64, njit, types  # noqa: PLC0415  heavy

    from bedtick.logger.detector.kernel import run  # noqa: PLC0415  the same

    records = from_dtype(lay.STATE)[::1], from_dtype(lay.PARAMETERS)[::1]
    block = types.Array(int32, 2, "C", readonly=True)

    def compiled(entry: Callable[..., None], *arguments: Any) -> Callable[..., None]:
        function: Callable[..., None] = njit(
            types.void(*arguments), cache=cached, nogil=True, error_model="numpy"
        )(entry)
        return function

    return (
        compiled(run.run_kernel, block, *records),
        compiled(run.skip_kernel, int64, *records),
        compiled(run.end_kernel, *records),
    )


def _prepare(directory: Path) -> bool:
    """Make the folder ready for numba; False where that can not be done."""
    try:
        if directory.exists() and not _is_sound(directory):
            shutil.rmtree(directory)
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def _is_sound(directory: Path) -> bool:
    """Tell whether every file is as the manifest says, and the manifest speaks of these sources."""
    try:
        manifest = json.loads((directory / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    return bool(manifest == {"sources": _digest_of_sources(), "files": _digests(directory)})


def _digests(directory: Path) -> dict[str, str]:
    files = sorted(p for p in directory.rglob("*") if p.is_file() and not p.name.startswith(MANIFEST))
    return {str(p.relative_to(directory)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _digest_of_sources() -> str:
    sources = sorted(Path(__file__).with_name("kernel").glob("*.py"))
    return hashlib.sha256(b"".join(p.read_bytes() for p in [*sources, Path(lay.__file__)])).hexdigest()


def _write_manifest(directory: Path, sources: str) -> None:
    """Flush the cache, then say what it holds; a full disk only costs the next start some time."""
    try:
        if _is_sound(directory):
            return
        manifest = {"sources": sources, "files": _digests(directory)}
        for name in manifest["files"]:
            _flush(directory / name)
        fresh = directory / (MANIFEST + ".new")
        fresh.write_text(json.dumps(manifest))
        _flush(fresh)
        fresh.replace(directory / MANIFEST)
        _flush(directory)
    except OSError:
        return


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
