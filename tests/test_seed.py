"""The promise to the user: every Python block of the seed runs as it is written, but for the name in the import."""

import ast
import inspect
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.generator import registered

SEED = Path(__file__).parents[2] / "shared" / "seeds" / "002_21f2165a6f51a3e6.txt"
BLOCK = re.compile(r"^( *)```py[^\n]*\n(.*?)^\1```", re.DOTALL | re.MULTILINE)


class SeedModel(rg.Generator):
    """Says what a good model would say to the questions of the seed."""

    async def generate_messages(
        self, messages: Sequence[Sequence[rg.Message]], params: Sequence[rg.GenerateParams]
    ) -> Sequence[rg.GeneratedMessage | BaseException]:
        return [self.answer(said, asked) for said, asked in zip(messages, params, strict=True)]

    def answer(self, said: Sequence[rg.Message], asked: rg.GenerateParams) -> rg.ModelTurn:
        tools = [tool.function.name for tool in asked.tools or ()]
        if "add_numbers" in tools:
            if said[-1].role == "tool":
                return rg.ModelTurn.from_text("1337 + 42 equals 1379.")
            return rg.ModelTurn.of(tool_calls=[call("add_numbers", '{"x":1337,"y":42}')])
        if "generate_jokes" in tools and said[-1].role != "tool":
            return rg.ModelTurn.of(tool_calls=[call("generate_jokes", '{"count":3}')])
        text = said[-1].content if said[-1].role == "user" else said[0].content
        for tag in ("fun-fact", "joke", "str"):
            if f"<{tag}></{tag}>" in text:
                return rg.ModelTurn.from_text(
                    "Here you are: " + " ".join(f"<{tag}>{tag} {n}</{tag}>" for n in range(3))
                )
        return rg.ModelTurn.from_text("Hello! How can I help you today?")


def call(name: str, arguments: str) -> rg.ToolCall:
    return rg.ToolCall.model_validate({"id": "c1", "function": {"name": name, "arguments": arguments}})


def blocks() -> list[str]:
    found = [textwrap.dedent(match[2]) for match in BLOCK.finditer(SEED.read_text())]
    return [block.replace("import rigging as rg", "import rigging_py as rg") for block in found]


@pytest.mark.skipif(not SEED.exists(), reason="the seeds stand beside the team's checkouts only")
async def test_every_python_block_of_the_seed_runs_as_written() -> None:
    namespace: dict[str, Any] = {}
    source = blocks()
    with registered("litellm", lambda: SeedModel):
        for number, block in enumerate(source):
            code = compile(block, f"seed block {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            result = eval(code, namespace)
            if inspect.isawaitable(result):
                await result

    assert len(source) == 19
    assert namespace["joke"] == "joke 0"
    assert [fact.fact for fact in namespace["fun_facts"]] == ["fun-fact 0", "fun-fact 1", "fun-fact 2"]
    assert namespace["update"].last.content == "Hello! How can I help you today?"
