"""The FUSE wire format, as far as a small disk needs it: requests taken apart, replies put together.

The layouts are those of the kernel's `include/uapi/linux/fuse.h`, protocol 7.31, which newer kernels speak
too. A request is a header of 40 bytes and what its kind asks for; a reply is a header of 16 bytes with the
same number and an error, or 0 and what was asked for.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

LOOKUP, FORGET, GETATTR, SETATTR, MKDIR, UNLINK = 1, 2, 3, 4, 9, 10
OPEN, READ, WRITE, STATFS, RELEASE, FSYNC = 14, 15, 16, 17, 18, 20
INIT, OPENDIR, READDIR, RELEASEDIR, FSYNCDIR, CREATE = 26, 27, 28, 29, 30, 35
INTERRUPT, DESTROY, BATCH_FORGET = 36, 38, 42
WITHOUT_REPLY = {FORGET, INTERRUPT, DESTROY, BATCH_FORGET}

BUFFER_BYTES = 1 << 18  # holds the largest write and its headers
MOST_WRITTEN = 1 << 17
VALID_S = 3600  # the kernel may believe what it was told: nobody else changes this disk
SET_MODE, SET_SIZE = 1, 8
_BIG_WRITES = 1 << 5
_KEEP_CACHE = 1 << 1
_HEADER = struct.Struct("<IIQQIIII")
_REPLY = struct.Struct("<IiQ")
_ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
_TRANSFER = struct.Struct("<QQIIQII")  # of a read and of a write: handle, offset, size and flags
_SETATTR = struct.Struct("<IIQQQQQQIIII")
_DIRENT = struct.Struct("<QQII")


@dataclass(frozen=True)
class Request:
    """One request: its kind, its number, the node it is about, and the rest."""

    kind: int
    number: int
    node: int
    body: bytes

    @property
    def names(self) -> list[str]:
        """The names at the end of the body, of requests that begin with them."""
        return _names(self.body)


@dataclass(frozen=True)
class Attributes:
    """What the kernel wants to know of a file or a folder."""

    node: int
    size: int
    mode: int


def _names(body: bytes) -> list[str]:
    return [name.decode() for name in body.rstrip(b"\0").split(b"\0")]


def parse(message: bytes) -> Request:
    """Take a message of the kernel apart."""
    _, kind, number, node, *_ = _HEADER.unpack_from(message)
    return Request(kind, number, node, message[_HEADER.size :])


def reply(request: Request, payload: bytes = b"", error: int = 0) -> bytes:
    """Put a reply together; `error` is an errno."""
    return _REPLY.pack(_REPLY.size + len(payload), -error, request.number) + payload


def created(request: Request) -> tuple[str, int]:
    """Return the name and the mode that CREATE or MKDIR asks for."""
    (mode,) = struct.unpack_from("<I", request.body, 4 if request.kind == CREATE else 0)
    (name,) = _names(request.body[16 if request.kind == CREATE else 8 :])
    return name, mode


def written(request: Request) -> tuple[int, bytes]:
    """Return the offset and the data of WRITE."""
    _, offset, size, *_ = _TRANSFER.unpack_from(request.body)
    return offset, request.body[_TRANSFER.size : _TRANSFER.size + size]


def asked(request: Request) -> tuple[int, int]:
    """Return the offset and the size of READ or READDIR."""
    _, offset, size, *_ = _TRANSFER.unpack_from(request.body)
    return offset, size


def changed(request: Request) -> tuple[int | None, int | None]:
    """Return the size and the mode that SETATTR sets, None for what stays."""
    valid, _, _, size, *rest = _SETATTR.unpack_from(request.body)
    return (size if valid & SET_SIZE else None), (rest[-1] if valid & SET_MODE else None)


def init_payload() -> bytes:
    """Answer the first request: the protocol, and how much may be written at once."""
    return struct.pack("<IIIIHHIIHHI28x", 7, 31, MOST_WRITTEN, _BIG_WRITES, 8, 6, MOST_WRITTEN, 1, 32, 0, 0)


def attr_payload(about: Attributes) -> bytes:
    """Answer GETATTR or SETATTR."""
    return struct.pack("<QII", VALID_S, 0, 0) + _attr(about)


def entry_payload(about: Attributes) -> bytes:
    """Answer LOOKUP or MKDIR."""
    return struct.pack("<QQQQII", about.node, 0, VALID_S, VALID_S, 0, 0) + _attr(about)


def open_payload() -> bytes:
    """Answer OPEN or OPENDIR, and the second half of CREATE."""
    return struct.pack("<QII", 0, _KEEP_CACHE, 0)


def write_payload(size: int) -> bytes:
    """Answer WRITE."""
    return struct.pack("<II", size, 0)


def statfs_payload() -> bytes:
    """Answer STATFS: there is room."""
    return struct.pack("<QQQQQIIII24x", 1 << 18, 1 << 17, 1 << 17, 1000, 1000, 4096, 255, 4096, 0)


def names_payload(entries: list[tuple[str, int]], offset: int) -> bytes:
    """Answer READDIR: names and nodes from the offset-th on."""
    parts = []
    for place, (name, node) in enumerate(entries[offset:], offset + 1):
        text = name.encode()
        parts.append(_DIRENT.pack(node, place, len(text), 0) + text + b"\0" * (-len(text) % 8))
    return b"".join(parts)


def _attr(about: Attributes) -> bytes:
    blocks = -(-about.size // 512)
    return _ATTR.pack(about.node, about.size, blocks, 0, 0, 0, 0, 0, 0, about.mode, 1, 0, 0, 0, 4096, 0)
