"""A room looks down, never up, and never into the private names of another room."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from graphlib import TopologicalSorter

import pytest

from tests.house.source import FRONT_DOOR, Import, Module, functions, imports, imports_of, modules, rooms

FLOORS = {
    "error": 0,
    "lazy": 0,
    "logging": 0,
    "version": 0,
    "model": 1,
    "parsing": 1,
    "message": 2,
    "run": 3,
    "util": 3,
    "wire": 3,
    "generator": 4,
    "tools": 4,
    "tokenizer": 4,
    "transform": 4,
    "observe": 4,
    "fetching": 4,
    "caching": 4,
    "store": 4,
    "chat": 5,
    "completion": 5,
    "data": 5,
    "interact": 5,
    "watchers": 5,
    "prompt": 6,
    "agent": 7,
    "memory": 7,
    "rag": 7,
    "crew": 8,
    "service": 9,
    "cli": 10,
    "testing": 10,
    "__main__": 11,
}
SIDEWAYS = {
    ("model", "parsing"),
    ("fetching", "generator"),
    ("generator", "store"),
    ("tools", "generator"),
    ("tokenizer", "generator"),
    ("transform", "tools"),
    ("completion", "chat"),
    ("data", "chat"),
    ("interact", "chat"),
    ("watchers", "chat"),
    ("watchers", "data"),
}
"""Which rooms of one floor may look into which."""

LEAVES = {"lazy", "version"}
"""Rooms that import nothing of ours."""

UPWARD = {
    ("rigging_py.generator.base", "Generator.chat"): "chat",
    ("rigging_py.generator.base", "Generator.complete"): "completion",
    ("rigging_py.generator.base", "Generator.prompt"): "prompt",
    ("rigging_py.chat.pipeline", "ChatPipeline.prompt"): "prompt",
    ("rigging_py.chat.chat", "Chat.to_df"): "data",
    ("rigging_py.chat.chat", "Chat.to_elastic"): "data",
    ("rigging_py.chat.chat", "ChatList.to_df"): "data",
    ("rigging_py.chat.chat", "ChatList.to_elastic"): "data",
}
"""The convenience methods that look up, each one line, each to one room."""


def is_upward_door(one: Import) -> bool:
    return one.inside is not None and UPWARD.get((one.module.name, one.inside)) == one.room


def crossings() -> list[Import]:
    """The imports of one room by another, except the front door's, which shows every room, and the named doors up."""
    return [one for one in imports() if FRONT_DOOR != one.module.room != one.room and not is_upward_door(one)]


def looks_down(one: Import) -> bool:
    here, there = one.module.room, one.room
    if there == FRONT_DOOR or here in LEAVES:
        return False
    return FLOORS[there] < FLOORS[here] or (here, there) in SIDEWAYS


EVERY_WAY = """
from typing import TYPE_CHECKING
import rigging_py.chat.drive
from rigging_py import chat, get_generator
from rigging_py.prompt import Prompt as _P
from ..run import AgentRun
from . import tool
if TYPE_CHECKING:
    from rigging_py.agent import Agent
else:
    import rigging_py.chat
class Tool:
    def door(self):
        from rigging_py.chat.chat import Chat
        return import_module("rigging_py.completion"), resolve_name("rigging_py.prompt.inputs:show")
"""


def test_every_way_to_import_is_seen() -> None:
    module = Module("rigging_py.tools.odd", ast.parse(EVERY_WAY), is_package=False)
    assert [(one.target, one.name, one.inside) for one in imports_of(module)] == [
        ("rigging_py.chat.drive", None, None),
        ("rigging_py.chat", "chat", None),
        ("rigging_py", "get_generator", None),
        ("rigging_py.prompt", "Prompt", None),
        ("rigging_py.run", "AgentRun", None),
        ("rigging_py.tools.tool", "tool", None),
        ("rigging_py.chat", None, None),
        ("rigging_py.chat.chat", "Chat", "Tool.door"),
        ("rigging_py.completion", None, "Tool.door"),
        ("rigging_py.prompt.inputs", None, "Tool.door"),
    ]
    assert [looks_down(one) for one in imports_of(module)] == [one.room == "run" for one in imports_of(module)]


def test_every_room_has_a_floor() -> None:
    assert rooms() - {FRONT_DOOR} <= FLOORS.keys()


def test_a_room_looks_down_never_up() -> None:
    assert [str(one) for one in crossings() if not looks_down(one)] == []


def test_rooms_that_may_look_at_each_other_share_a_floor() -> None:
    assert [pair for pair in SIDEWAYS if FLOORS[pair[0]] != FLOORS[pair[1]]] == []


def test_the_doors_up_are_there_and_are_one_line() -> None:
    bodies = {
        (module.name, name): [one for one in function.body if not is_text(one)]
        for module in modules()
        for name, function in functions(module)
        if (module.name, name) in UPWARD
    }
    used = {(one.module.name, one.inside) for one in imports() if is_upward_door(one)}
    assert bodies.keys() == UPWARD.keys() == used
    assert [place for place, body in bodies.items() if len(body) != 1] == []


def test_no_rooms_import_each_other_in_a_circle() -> None:
    below: dict[str, set[str]] = {}
    for one in crossings():
        below.setdefault(one.module.room, set()).add(one.room)
    TopologicalSorter(below).prepare()  # raises CycleError


def test_a_room_leaves_the_private_names_of_others_alone() -> None:
    private = [str(one) for one in crossings() if is_private(*one.target.split("."), one.name or "")]
    assert private + [text for module in modules() for text in private_attributes(module)] == []


def is_private(*names: str) -> bool:
    return any(name.startswith("_") and not name.startswith("__") for name in names)


def private_attributes(module: Module) -> Iterator[str]:
    """`Thing._secret` where `Thing` was imported from another room."""
    theirs = {one.name for one in crossings() if one.module == module and one.name}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and ast.unparse(node.value) in theirs:
            yield f"{module.name}:{node.lineno} reads {ast.unparse(node)}"


@pytest.mark.parametrize("module", [one for one in modules() if one.is_package], ids=lambda one: one.name)
def test_the_door_of_a_room_only_re_exports(module: Module) -> None:
    if module.name == FRONT_DOOR:
        return
    other = [one for one in module.tree.body if not (is_text(one) or is_re_export(one) or is_all(one))]
    assert [f"{module.name}:{one.lineno} {ast.unparse(one)}" for one in other] == []
    assert ast.get_docstring(module.tree)


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def is_re_export(node: ast.stmt) -> bool:
    """An import, now or on first use."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) in ("TYPE_CHECKING", "not TYPE_CHECKING") and all(map(is_re_export, node.body))
    is_late = isinstance(node, ast.Assign) and ast.unparse(node).startswith("__getattr__ = on_first_use(__name__, ")
    return is_late or isinstance(node, ast.Import | ast.ImportFrom)


def is_all(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def test_every_exception_is_defined_on_one_page() -> None:
    known = {
        name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)
    }
    known |= {name for module in modules() if module.room == "error" for name, _ in classes(module)}
    elsewhere = [
        f"{module.name}.{name}"
        for module in modules()
        if module.room != "error"
        for name, bases in classes(module)
        if known & bases
    ]
    assert elsewhere == []


def classes(module: Module) -> Iterator[tuple[str, set[str]]]:
    """The classes of a module, with the names of their bases."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            yield node.name, {ast.unparse(base).split(".")[-1] for base in node.bases}
