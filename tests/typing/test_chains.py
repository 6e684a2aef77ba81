"""The types that users see: `make check` asserts them, and what it checks can be imported too."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import rigging_py as rg

CHAINS = sorted(one.stem for one in Path(__file__).parent.glob("chains*.py"))


@pytest.mark.parametrize("name", CHAINS)
async def test_what_the_type_checkers_check_can_be_imported(name: str) -> None:  # surface 3.2 no. 43
    chains = import_module(f"tests.typing.{name}")
    prompts: list[Any] = [one for one in vars(chains).values() if isinstance(one, rg.Prompt)]
    assert bool(prompts) is (name == "chains")
    for prompt in prompts:
        assert prompt.definition.signature.return_annotation is not inspect.Signature.empty
