"""Reads the pages of an SQLite file as they lie on the disk, whatever SQLite itself would say of the file.

An SQLite file is a row of pages of one size, numbered from 1; page 1 begins with the file's header of 100
bytes. A log beside it (`-wal`) holds newer copies of pages: a header of 32 bytes, then frames, each a header
of 24 bytes and a page. The last frame of a transaction says how large the file is from then on. A frame
counts where its two salts are those of the log and its checksum, which runs on from frame to frame, is right;
frames behind a wrong one, and those of a transaction that has no end, do not (SQLite, Database File Format,
sections 1.3 and 4).
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bedtick.analysis.verify.page_format import parse_page
from bedtick.analysis.verify.records import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAGIC = b"SQLite format 3\0"
PAGE_SIZES = tuple(2**power for power in range(9, 17))
LOG_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}  # the byte order of the checksums
_LOG_HEADER = struct.Struct(">8I")
_FRAME_HEADER = struct.Struct(">6I")
_LOOKED_AT = 400 * 4096  # bytes, to tell the page size where the header does not


class Readable:
    """A file that is read in pieces, so that one bad sector of the card costs no more than its piece."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self._handle).st_size

    def read(self, start: int, length: int) -> bytes:
        """Return a piece; nothing where it can not be read or is not whole."""
        try:
            piece = os.pread(self._handle, length, start)
        except OSError:
            return b""
        return piece if len(piece) == length else b""

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


@dataclass(frozen=True)
class Image:
    """The pages of a file as of its last whole transaction.

    `usable` bytes of each page hold data. `newer` maps a page to where its newest copy is in `log`.
    """

    data: Readable
    page_size: int
    usable: int
    page_count: int
    has_header: bool
    log: Readable | None
    newer: Mapping[int, int]

    def page(self, number: int) -> bytes | None:
        """Return a page; None where it can not be read, or the file ends before it does."""
        if number < 1:
            return None
        if self.log is not None and number in self.newer:
            return self.log.read(self.newer[number], self.page_size) or None
        return self.data.read((number - 1) * self.page_size, self.page_size) or None


@contextmanager
def open_image(path: Path) -> Iterator[Image]:
    """Open a file and the log beside it.

    Raises
    ------
    OSError
        Where they can not be opened.
    """
    with ExitStack() as held:
        data = Readable(path)
        held.callback(data.close)
        log = None
        if os.path.exists(f"{path}-wal"):  # noqa: PTH110  as SQLite names it
            log = Readable(Path(f"{path}-wal"))
            held.callback(log.close)
        yield _image(data, log)


def _image(data: Readable, log: Readable | None) -> Image:
    size, newer, count = (0, {}, 0) if log is None else _log_pages(log)
    first = log.read(newer[1], 100) if log is not None and 1 in newer else data.read(0, 100)
    has_header = first[:16] == MAGIC and _named_size(first) in PAGE_SIZES
    if has_header:
        size, reserved = _named_size(first), first[20]
    else:
        size, reserved = size or _likely_size(data), 0
    count = count or -(-data.size // size)
    return Image(data, size, size - reserved, count, has_header, log, newer)


def _named_size(header: bytes) -> int:
    size = int.from_bytes(header[16:18], "big")
    return 65536 if size == 1 else size


def _likely_size(data: Readable) -> int:
    """Return the page size at which a file's beginning holds most sound pages of trees."""
    found = Counter({4096: 0})
    for size in PAGE_SIZES:
        for start in range(0, min(data.size, _LOOKED_AT), size):
            found[size] += _is_sound(data.read(start, size))
    ((likely, _),) = found.most_common(1)
    return likely


def _is_sound(page: bytes) -> bool:
    try:
        return bool(page and parse_page(page, 2, len(page)).cells)
    except DamagedError:
        return False


def _log_pages(log: Readable) -> tuple[int, dict[int, int], int]:
    """Return the page size of a log, where the newest copy of each page is in it, and the file's pages."""
    header = log.read(0, _LOG_HEADER.size)
    if not header:
        return 0, {}, 0
    magic, _, size, _, *salts, sum_1, sum_2 = _LOG_HEADER.unpack(header)
    order, sums = LOG_MAGIC.get(magic), (sum_1, sum_2)
    if order is None or size not in PAGE_SIZES or _checksum(header[:24], order, (0, 0)) != sums:
        return 0, {}, 0
    newer: dict[int, int] = {}
    waiting: dict[int, int] = {}
    count = 0
    for start in range(_LOG_HEADER.size, log.size, _FRAME_HEADER.size + size):
        frame = log.read(start, _FRAME_HEADER.size + size)
        if not frame:
            break
        number, commit, *frame_salts, sum_1, sum_2 = _FRAME_HEADER.unpack_from(frame)
        sums = _checksum(frame[:8] + frame[_FRAME_HEADER.size :], order, sums)
        if frame_salts != salts or sums != (sum_1, sum_2):
            break
        waiting[number] = start + _FRAME_HEADER.size
        if commit:
            newer |= waiting
            waiting, count = {}, commit
    return size, newer, count


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for one, other in struct.iter_unpack(f"{order}2I", data):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second
