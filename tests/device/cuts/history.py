"""What happened to a disk: every change and every flush, in order, each with how far the night was.

A disk is told by its image at first, and by the operations since. What a machine sees of it is the image
with all of them carried out; what is left of it after a power cut is told in `power_cut`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ROOT = 1  # FUSE's own number for the top folder
MEMORY_MAP = "-shm"  # SQLite's shared memory: a file that nobody counts on after a cut


@dataclass(frozen=True)
class Operation:
    """One change of a node, or a flush of it.

    Attributes
    ----------
    kind
        `write`, `size`, `flush`; of a folder `link`, `unlink`, `flush`.
    node
        The file, or the folder whose entries change.
    delivered, is_pruning
        Samples that the chip had delivered by then, and whether the daemon was pruning.
    offset, data
        Of a write; `offset` is the new length where the kind is `size`.
    name, child
        Of a folder's entry.
    """

    kind: str
    node: int
    delivered: int
    is_pruning: bool
    offset: int = 0
    data: bytes = b""
    name: str = ""
    child: int = 0


@dataclass
class Tree:
    """The contents of a disk: bytes of each file, entries of each folder, by node."""

    files: dict[int, bytearray] = field(default_factory=dict)
    folders: dict[int, dict[str, int]] = field(default_factory=lambda: {ROOT: {}})

    def copy(self) -> Tree:
        """Return a copy that can be changed by itself."""
        return Tree(
            {node: bytearray(data) for node, data in self.files.items()},
            {node: dict(entries) for node, entries in self.folders.items()},
        )

    def apply(self, operation: Operation) -> None:
        """Carry an operation out; a flush changes nothing."""
        if operation.kind == "write":
            self._write(operation)
        elif operation.kind == "size":
            self._resize(operation)
        elif operation.kind == "link":
            self.folders[operation.node][operation.name] = operation.child
        elif operation.kind == "unlink":
            self.folders[operation.node].pop(operation.name, None)

    def contents(self, folder: int = ROOT, path: str = "") -> dict[str, bytes | None]:
        """Return the bytes of each file by its path; None for a folder, which comes before what it holds."""
        found: dict[str, bytes | None] = {}
        for name, node in self.folders[folder].items():
            if node in self.files:
                found[path + name] = bytes(self.files[node])
            else:
                found[path + name] = None
                found |= self.contents(node, f"{path}{name}/")
        return found

    def _write(self, operation: Operation) -> None:
        data = self.files[operation.node]
        if len(data) < operation.offset:
            data.extend(bytes(operation.offset - len(data)))
        data[operation.offset : operation.offset + len(operation.data)] = operation.data

    def _resize(self, operation: Operation) -> None:
        data = self.files[operation.node]
        del data[operation.offset :]
        data.extend(bytes(operation.offset - len(data)))


@dataclass(frozen=True)
class History:
    """A disk from its first image on."""

    image: Tree
    operations: list[Operation]
    names: dict[int, str]  # of every node there ever was
    folders: set[int]  # the nodes that are folders

    def before_all(self) -> Tree:
        """Return a copy of the first image, with every node that is ever made, as yet in no folder."""
        tree = self.image.copy()
        for node in self.names:
            if node in self.folders:
                tree.folders.setdefault(node, {})
            else:
                tree.files.setdefault(node, bytearray())
        return tree

    def final(self) -> Tree:
        """Return the disk as it is in the end, all written back."""
        tree = self.before_all()
        for operation in self.operations:
            tree.apply(operation)
        return tree

    def places(self) -> list[int]:
        """Return where a cut can be made: inside any operation but those of the shared memory."""
        return [
            number for number, operation in enumerate(self.operations) if not self.is_memory_map(operation)
        ]

    def is_memory_map(self, operation: Operation) -> bool:
        """Whether an operation is about SQLite's shared memory."""
        return self.names[operation.node].endswith(MEMORY_MAP) or operation.name.endswith(MEMORY_MAP)
