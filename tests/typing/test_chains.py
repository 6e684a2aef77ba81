"""The types that users see: `make check` asserts them, and what it checks can be imported too."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import rigging_py as rg


async def test_what_the_type_checkers_check_can_be_imported() -> None:  # surface 3.2 no. 43
    chains = import_module("tests.typing.chains")
    prompts: list[Any] = [one for one in vars(chains).values() if isinstance(one, rg.Prompt)]
    assert len(prompts) == 10
    for prompt in prompts:
        assert prompt.definition.signature.return_annotation is not inspect.Signature.empty
