"""The house keeps its order: who may import whom, and the limits on what a function may do."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "textgen"
ROOMS = {"data", "training", "inference"}
MAY_USE = {"data": set(), "training": {"data"}, "inference": {"data"}}
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """The modules that a file imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_flow_of_data(path):
    room = path.relative_to(PACKAGE).parts[0]
    names = imports(path)
    if path.name not in ("cli.py", "__main__.py"):
        assert not {name for name in names if name.startswith("textgen.cli")}
    if room in ROOMS:
        used = {name.split(".")[1] for name in names if name.startswith("textgen.")} & ROOMS
        assert used - {room} <= MAY_USE[room]
    if room != "training":
        assert not {name for name in names if name.split(".")[0] in ("tensorflow", "keras")}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_library_neither_prints_nor_asserts_nor_exits(path):
    tree = ast.parse(path.read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert "print" not in calls and (path.name == "cli.py" or "sys.exit" not in calls)


def public_definitions(tree: ast.Module) -> list[ast.AST]:
    """The functions, classes and methods that others may use."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    outer = [node for node in tree.body if isinstance(node, kinds)]
    inner = [node for outer_node in outer for node in outer_node.body if isinstance(outer_node, ast.ClassDef)]
    nodes = [node for node in [*outer, *inner] if isinstance(node, kinds)]
    return [node for node in nodes if not node.name.startswith("_")]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_everything_public_has_a_docstring(path):
    for node in public_definitions(ast.parse(path.read_text())):
        assert ast.get_docstring(node), node.name
