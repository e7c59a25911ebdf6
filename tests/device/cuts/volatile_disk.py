"""A disk of the tests: it does what the kernel asks it to, keeps a history, and can lose its power.

It holds files and folders, as few kinds of requests as SQLite needs, and answers each with the kernel's own
number for an error where it can not. From the operation inside which its power fails it answers only errors.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable

import fuse_wire as wire
from history import ROOT, History, Operation, Tree

FOLDER_MODE = stat.S_IFDIR | 0o755


class VolatileDisk:
    """The files of the disk, and what was done to them.

    Parameters
    ----------
    image
        What is on it at first.
    moment
        Asked at each operation how many samples the chip has delivered, and whether the daemon prunes.
    cut_at
        Number of the operation inside which the power fails; None for a disk that keeps its power.
    """

    def __init__(
        self, image: Tree, moment: Callable[[], tuple[int, bool]], cut_at: int | None = None
    ) -> None:
        self._tree = image.copy()
        self._moment = moment
        self._cut_at = cut_at
        self._modes: dict[int, int] = {}
        self._next_node = max([*image.files, *image.folders]) + 1
        names = {node: name for entries in image.folders.values() for name, node in entries.items()}
        self.history = History(image, [], names | {ROOT: ""}, set(image.folders))
        self.places = 0
        self._answers = {
            wire.INIT: lambda _: wire.init_payload(),
            wire.LOOKUP: lambda request: self._entry(self._child(request.node, request.names[0])),
            wire.GETATTR: lambda request: wire.attr_payload(self._about(request.node)),
            wire.SETATTR: self._set_attributes,
            wire.MKDIR: self._make,
            wire.CREATE: lambda request: self._make(request) + wire.open_payload(),
            wire.UNLINK: lambda request: self._unlink(request.node, request.names[0]),
            wire.OPEN: lambda _: wire.open_payload(),
            wire.OPENDIR: lambda _: wire.open_payload(),
            wire.READ: self._read,
            wire.WRITE: self._write,
            wire.FSYNC: self._flush,
            wire.FSYNCDIR: self._flush,
            wire.READDIR: self._list,
            wire.STATFS: lambda _: wire.statfs_payload(),
            wire.RELEASE: lambda _: b"",
            wire.RELEASEDIR: lambda _: b"",
        }

    @property
    def has_power(self) -> bool:
        """Whether it still works."""
        return self._cut_at is None or self.places <= self._cut_at

    def answer(self, message: bytes) -> bytes | None:
        """Do what a message of the kernel asks for; None where it wants no answer."""
        request = wire.parse(message)
        if request.kind in wire.WITHOUT_REPLY:
            return None
        try:
            payload = self._payload(request)
        except OSError as error:
            return wire.reply(request, error=error.errno or errno.EIO)
        return wire.reply(request, payload)

    def _payload(self, request: wire.Request) -> bytes:
        if not self.has_power:
            raise OSError(errno.EIO, "no power")
        if request.kind not in self._answers:
            raise OSError(errno.ENOSYS, "not on this disk")
        payload = self._answers[request.kind](request)
        if not self.has_power:
            raise OSError(errno.EIO, "the power failed meanwhile")
        return payload

    def _note(self, operation: Operation) -> None:
        self._tree.apply(operation)
        self.history.operations.append(operation)
        if not self.history.is_memory_map(operation):
            self.places += 1

    def _child(self, folder: int, name: str) -> int:
        try:
            return self._tree.folders[folder][name]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, name) from None

    def _about(self, node: int) -> wire.Attributes:
        if node in self._tree.folders:
            return wire.Attributes(node, 4096, self._modes.get(node, FOLDER_MODE))
        return wire.Attributes(node, len(self._tree.files[node]), self._modes.get(node, stat.S_IFREG | 0o660))

    def _entry(self, node: int) -> bytes:
        return wire.entry_payload(self._about(node))

    def _make(self, request: wire.Request) -> bytes:
        name, mode = wire.created(request)
        node, self._next_node = self._next_node, self._next_node + 1
        self.history.names[node] = name
        if request.kind == wire.MKDIR:
            self._tree.folders[node] = {}
            self.history.folders.add(node)
            self._modes[node] = stat.S_IFDIR | mode
        else:
            self._tree.files[node] = bytearray()
            self._modes[node] = mode
        self._note(Operation("link", request.node, *self._moment(), name=name, child=node))
        return self._entry(node)

    def _unlink(self, folder: int, name: str) -> bytes:
        self._note(Operation("unlink", folder, *self._moment(), name=name))
        return b""

    def _set_attributes(self, request: wire.Request) -> bytes:
        size, mode = wire.changed(request)
        if size is not None:
            self._note(Operation("size", request.node, *self._moment(), size))
        if mode is not None:
            self._modes[request.node] = mode
        return wire.attr_payload(self._about(request.node))

    def _read(self, request: wire.Request) -> bytes:
        offset, size = wire.asked(request)
        return bytes(self._tree.files[request.node][offset : offset + size])

    def _write(self, request: wire.Request) -> bytes:
        offset, data = wire.written(request)
        self._note(Operation("write", request.node, *self._moment(), offset, data))
        return wire.write_payload(len(data))

    def _flush(self, request: wire.Request) -> bytes:
        self._note(Operation("flush", request.node, *self._moment()))
        return b""

    def _list(self, request: wire.Request) -> bytes:
        offset, _ = wire.asked(request)
        return wire.names_payload(list(self._tree.folders[request.node].items()), offset)
