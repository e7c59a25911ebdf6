"""Imports run one way: logger to firmware; analysis to neither, save inside the night's commands."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "firmware": ("bedtick.logger", "bedtick.analysis"),
    "logger": ("bedtick.analysis",),
    "analysis": ("bedtick.firmware", "bedtick.logger"),
}


def imported(tree: ast.AST, *, inside_functions: bool) -> set[str]:
    """Names of all modules that a file imports; types-only imports run nowhere and are left out."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif is_types_only(node) or (is_function(node) and not inside_functions):
            continue
        else:
            found |= imported(node, inside_functions=inside_functions)
    return found


def is_types_only(node: ast.AST) -> bool:
    """Whether a node is the block `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def is_function(node: ast.AST) -> bool:
    """Whether a node is a function, whose imports run only when it is called."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def offences(path: Path, room: str) -> list[str]:
    """List the imports of one file that its room must not make."""
    lazily_allowed = path.parent.name == "cli"
    names = imported(ast.parse(path.read_text(encoding="utf-8")), inside_functions=not lazily_allowed)
    return sorted(
        name for name in names for room_name in FORBIDDEN[room] if f"{name}.".startswith(f"{room_name}.")
    )


@pytest.mark.parametrize("room", FORBIDDEN)
def test_no_room_imports_one_it_must_not_know(room):
    """No file of a room imports a room downstream of it."""
    files = sorted((ROOT / room / "bedtick").rglob("*.py"))
    assert files
    assert {str(path): offences(path, room) for path in files if offences(path, room)} == {}


def test_the_walk_sees_every_kind_of_import(tmp_path):
    """A forbidden import is found at the top and in a function, but not where only types need it."""
    path = tmp_path / "room.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "import bedtick.logger.store\n"
        "if TYPE_CHECKING:\n    import bedtick.logger.detector\n"
        "def late():\n    from bedtick.firmware import bus\n"
    )
    assert offences(path, "analysis") == ["bedtick.firmware.bus", "bedtick.logger.store"]


def test_the_namespace_has_no_package_file():
    """No folder holds `bedtick/__init__.py`, which would hide the other two rooms."""
    assert [room for room in FORBIDDEN if (ROOT / room / "bedtick" / "__init__.py").exists()] == []
