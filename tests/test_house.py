"""The house keeps its order: who may import whom, and the limits on what a function may do."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "textgen"
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = {folder.name for folder in PACKAGE.iterdir() if (folder / "__init__.py").is_file()}
MAY_USE = {
    "runs": set(),
    "display": {"runs"},
    "data": {"display", "runs"},
    "counts": {"data", "runs"},
    "training": {"data", "counts", "display", "runs"},
    "inference": {"data", "counts", "display", "runs"},
    "export": {"data", "counts", "training", "inference", "display", "runs"},
    "cli": {"data", "counts", "training", "inference", "export", "display", "runs"},
}
"""The rooms that a room may import from. Those outside the rooms are open to all."""
AT_THE_TOP = 8
"""The most modules outside the rooms."""
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))


def module_name(path: Path) -> str:
    """The name under which a file is imported."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imports(path: Path) -> set[str]:
    """The modules that a file imports anywhere, also inside functions and for types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= members & MODULES.keys() or {node.module}
    return found


def room_of(name: str) -> str | None:
    """The room of a module; None for one at the top."""
    return next((part for part in name.split(".")[1:2] if part in ROOMS), None)


def test_the_rooms_are_those_of_the_table():
    assert MAY_USE.keys() == ROOMS
    assert len([path for path in FILES if path.parent == PACKAGE]) <= AT_THE_TOP


@each_file
def test_imports_follow_the_flow_of_data(path):
    room = room_of(module_name(path))
    used = {room_of(name) for name in imports(path) & MODULES.keys()} - {None, room}
    if room:
        assert used <= MAY_USE[room]
    elif path.name != "__main__.py":
        assert "cli" not in used
    if room != "training":
        assert not {name for name in imports(path) if name.split(".")[0] in ("tensorflow", "keras")}


def test_no_two_files_import_each_other():
    """Nor do three or more in a circle: files can be taken away one by one, each when none of the rest imports it."""
    left = {name: (imports(path) & MODULES.keys()) - {name} for name, path in MODULES.items()}
    while free := left.keys() - {used for uses in left.values() for used in uses}:
        left = {name: uses for name, uses in left.items() if name not in free}
    assert not left


@each_file
def test_the_library_neither_prints_nor_asserts_nor_exits(path):
    tree = ast.parse(path.read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert "print" not in calls and ("sys.exit" not in calls or path == PACKAGE / "cli" / "__init__.py")


def public_definitions(tree: ast.Module) -> list[ast.AST]:
    """The functions, classes and methods that others may use."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    outer = [node for node in tree.body if isinstance(node, kinds)]
    inner = [node for outer_node in outer for node in outer_node.body if isinstance(outer_node, ast.ClassDef)]
    nodes = [node for node in [*outer, *inner] if isinstance(node, kinds)]
    return [node for node in nodes if not node.name.startswith("_") and "overload" not in decorators(node)]


def decorators(node: ast.FunctionDef | ast.ClassDef) -> set[str]:
    """What stands above a definition, as source text."""
    return {ast.unparse(decorator) for decorator in node.decorator_list}


@each_file
def test_everything_public_has_a_docstring(path):
    for node in public_definitions(ast.parse(path.read_text())):
        assert ast.get_docstring(node), node.name
