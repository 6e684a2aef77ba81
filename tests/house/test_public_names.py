"""Every public name is there, is documented, and is the same whichever way it was reached."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

import rigging_py as rg
from tests.house.source import FRONT_DOOR, Module, modules, room_of

PROVIDERS = {"litellm", "openai", "pyreqwest", "torch", "vllm", "xllamacpp"}
NOT_AT_THE_DOOR = PROVIDERS | {"jinja2", "pydantic", "pydantic_core", "pydantic_xml", "asyncio"}
NOT_IN_A_PIPELINE = {"difflib", "jinja2", "jsonpath_ng", "loguru", "mcp", "pydantic_xml", "transformers", "yaml"}
DOORS = [one.name for one in modules() if one.is_package]
ROOMS = sorted({f"{FRONT_DOOR}.{one.room}" for one in modules() if one.room not in (FRONT_DOOR, "lazy", "version")})
CODE = "-W", "error", "-c"


def public(module: ModuleType) -> list[str]:
    """`__all__`, or for a room of one file without one the public names that it defines."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [name for name, value in vars(module).items() if name[0] != "_" and is_defined_in(value, module)]


def is_defined_in(value: object, module: ModuleType) -> bool:
    return (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__ == module.__name__


@pytest.mark.parametrize("name", DOORS)
def test_all_is_sorted_and_every_name_in_it_is_there(name: str) -> None:
    module = import_module(name)
    if not hasattr(module, "__all__"):
        return
    # As ruff's RUF022 sorts: constants, then classes, then the rest.
    assert public(module) == sorted(public(module), key=lambda one: (kind_of(one), one))
    assert [one for one in public(module) if not hasattr(module, one)] == []


def kind_of(name: str) -> int:
    return 0 if name.isupper() else 1 if name[0].isupper() else 2


def test_what_a_type_checker_sees_is_what_the_front_door_gives() -> None:
    [door] = [one for one in modules() if one.name == FRONT_DOOR]
    seen = dict(type_checked(door))
    homes, hosted = vars(rg)["_HOMES"], vars(rg)["_ROOMS"]
    assert {name: home for name, home in seen.items() if home is not None} == homes
    assert {name for name, home in seen.items() if home is None} == hosted
    assert {*seen} == {*rg.__all__}


def type_checked(door: Module) -> Iterator[tuple[str, str | None]]:
    """The names imported for type checkers, with the room each comes from; a room itself has none."""
    for block in door.tree.body:
        for node in block.body if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING" else ():
            assert isinstance(node, ast.ImportFrom)
            assert node.module
            for alias in node.names:
                yield alias.name, None if node.module == FRONT_DOOR else room_of(node.module)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'nothing'"):
        rg.nothing  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore


def test_dir_shows_the_public_names() -> None:
    assert dir(rg) == sorted(rg.__all__)


@pytest.mark.parametrize("name", ROOMS)
def test_every_public_name_is_documented(name: str) -> None:
    missing = "\n".join(sorted(set(undocumented(import_module(name)))))
    assert not missing, f"no docstring:\n{missing}"


def undocumented(module: ModuleType) -> Iterator[str]:
    for name in public(module):
        value = getattr(module, name)
        if not str(getattr(value, "__module__", "")).startswith(FRONT_DOOR):
            continue
        if inspect.isclass(value):
            yield from undocumented_in(value)
        elif callable(value) and not inspect.getdoc(value):
            yield f"{value.__module__}.{name}"


def undocumented_in(cls: type[Any]) -> Iterator[str]:
    place = f"{cls.__module__}.{cls.__qualname__}"
    doc = cls.__dict__.get("__doc__")
    # A dataclass without a docstring is given its signature for one.
    if not doc or doc.startswith(f"{cls.__name__}("):
        yield place
    theirs = {name for base in cls.__mro__ if not base.__module__.startswith(FRONT_DOOR) for name in vars(base)}
    for name, member in cls.__dict__.items():
        # What another library asks for is documented there; an inherited docstring of ours does.
        is_ours = name[0] != "_" and name not in theirs and is_code(member)
        if is_ours and not inspect.getdoc(getattr(cls, name)):
            yield f"{place}.{name}"


def is_code(member: object) -> bool:
    code = getattr(member, "__func__", None) or getattr(member, "fget", None) or getattr(member, "func", None) or member
    return inspect.isfunction(code) and code.__module__.startswith(FRONT_DOOR)


def loaded_by(script: str) -> set[str]:
    """The top-level modules that a fresh process has loaded after a script."""
    report = "\nimport sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    return set(json.loads(subprocess.check_output([sys.executable, *CODE, script + report], text=True)))


def test_importing_the_package_loads_next_to_nothing() -> None:
    assert loaded_by("import rigging_py") & NOT_AT_THE_DOOR == set()


def test_a_first_pipeline_loads_nothing_that_it_does_not_use() -> None:
    script = "import asyncio, rigging_py as rg; asyncio.run(rg.scripted('x').chat('hi').run())"
    assert loaded_by(script) & (PROVIDERS | NOT_IN_A_PIPELINE) == set()
    rooms = "generator.http", "generator.lite", "tools.codecs", "tools.mcp_client", "transform", "model", "tokenizer"
    report = f"; import sys; print([name for name in {rooms} if f'rigging_py.{{name}}' in sys.modules])"
    assert subprocess.check_output([sys.executable, *CODE, script + report], text=True) == "[]\n"


def test_star_import_gives_every_name_and_loads_no_provider() -> None:  # surface 3.2 no. 5
    script = "from rigging_py import *; import rigging_py; assert set(rigging_py.__all__) <= set(globals())"
    assert loaded_by(script) & PROVIDERS == set()


CHECKS = """
    import asyncio, os, sys, traceback
    from importlib import import_module

    def check(module):
        import_module(module)
        import rigging_py as rg
        for name in ("chat", "complete", "interact", "prompt"):
            value = getattr(rg, name)
            assert type(value).__name__ == "function" and value.__name__ == name, f"rg.{name} is {value!r}"
            assert rg.__dict__[name] is value
        from rigging_py import chat, complete, interact, prompt
        assert (chat, complete, interact, prompt) == (rg.chat, rg.complete, rg.interact, rg.prompt)

    # What others wrote is loaded once; each fork of this process is then fresh as far as our modules go.
    import jinja2, pydantic, pydantic_xml, pyreqwest.client
    assert not any(name.startswith("rigging_py") for name in sys.modules)
    statuses = []
    for place, module in enumerate(sys.argv[1:]):
        if place >= 4:
            statuses.append(os.wait()[1])
        if os.fork() == 0:
            try:
                check(module)
            except BaseException:
                print("after import", module, flush=True)
                traceback.print_exc(file=sys.stdout)
                os._exit(1)
            os._exit(0)
    statuses += [os.wait()[1] for _ in sys.argv[1:5]]
    sys.exit(any(statuses))
"""


@cache
def submodules() -> list[str]:
    """The rooms, and whatever has the name of something at the door."""
    names = [one.name for one in modules() if not one.name.endswith("__main__")]
    return [name for name in names if name.count(".") < 2 or name.rpartition(".")[2] in vars(rg)["_HOMES"]]


def test_functions_at_the_door_stay_functions_whatever_module_was_imported_before() -> None:
    command = [sys.executable, "-c", textwrap.dedent(CHECKS), *submodules()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_a_fresh_process_finds_them_too() -> None:
    for room in ("chat", "prompt", "interact", "completion"):
        loaded_by(f"import rigging_py.{room}, rigging_py as rg; assert callable(rg.prompt) and callable(rg.chat)")
