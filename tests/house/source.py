"""Reads the package's source with `ast`: who imports what, from where, and under which name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "rigging_py"
FRONT_DOOR = "rigging_py"
_TARGET = re.compile(r"rigging_py(\.\w+)+(:\w+)?")


@dataclass(frozen=True)
class Module:
    """A file of the package."""

    name: str
    tree: ast.Module
    is_package: bool

    @property
    def room(self) -> str:
        return room_of(self.name)


@dataclass(frozen=True)
class Import:
    """One import of one of our modules, or of `name` out of it. `inside` is the function around it, if any."""

    module: Module
    target: str
    name: str | None
    line: int
    inside: str | None

    @property
    def room(self) -> str:
        """The room that is imported from."""
        return room_of(self.target)

    def __str__(self) -> str:
        place = f" in {self.inside}" if self.inside else ""
        return f"{self.module.name}:{self.line}{place} imports {self.target}{f' {self.name}' if self.name else ''}"


def room_of(module: str) -> str:
    """`rigging_py.chat.drive` is in the room `chat`; the front door is a room of its own."""
    return module.split(".")[1] if "." in module else FRONT_DOOR


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the package."""
    return tuple(_read(path) for path in sorted(PACKAGE.rglob("*.py")))


@cache
def rooms() -> frozenset[str]:
    """The rooms there are, the front door among them."""
    return frozenset(module.room for module in modules())


def _read(path: Path) -> Module:
    parts = [FRONT_DOOR, *path.relative_to(PACKAGE).with_suffix("").parts]
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts)
    return Module(name, ast.parse(path.read_text(encoding="utf-8"), path), is_package)


@cache
def imports() -> tuple[Import, ...]:
    """Every import of ours that happens at run time: at module level, in functions, and by name in a string."""
    return tuple(found for module in modules() for found in imports_of(module))


def imports_of(module: Module) -> Iterator[Import]:
    """The imports of ours in one module."""
    return _imports(module, module.tree.body, None)


def _imports(module: Module, nodes: Iterable[ast.AST], inside: str | None) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            yield from _imports(module, node.orelse, inside)
            continue
        yield from _imported(module, node, inside)
        scope = inside
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope = f"{inside}.{node.name}" if inside else node.name
        yield from _imports(module, ast.iter_child_nodes(node), scope)


def _imported(module: Module, node: ast.AST, inside: str | None) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.split(".")[0] == FRONT_DOOR:
                yield Import(module, alias.name, None, node.lineno, inside)
    elif isinstance(node, ast.ImportFrom):
        source = _absolute(module, node)
        for alias in node.names if source.split(".")[0] == FRONT_DOOR else ():
            submodule = f"{source}.{alias.name}"
            is_module = any(one.name == submodule for one in modules())
            yield Import(module, submodule if is_module else source, alias.name, node.lineno, inside)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _TARGET.fullmatch(node.value):
        target = node.value.split(":")[0]
        if room_of(target) in rooms():
            yield Import(module, target, None, node.lineno, inside)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    base = module.name.split(".")
    base = base[: len(base) - node.level + module.is_package]
    return ".".join([*base, node.module] if node.module else base)


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def functions(module: Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions and methods of a module, with their qualified names."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        if isinstance(node, ast.ClassDef):
            for child in node.body:
                if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}.{child.name}", child
