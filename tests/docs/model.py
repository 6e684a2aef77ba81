"""The model that answers the examples of the docs: it gives whatever form was asked for, out of a few fixed words."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import rigging_py as rg
from rigging_py.generator import registered
from rigging_py.generator.lite import LiteLLMGenerator
from rigging_py.generator.local.generator import LocalGenerator
from rigging_py.generator.openai import OpenAIGenerator
from rigging_py.parsing import Element, Leaf

WORDS: Mapping[str, str] = {
    "animal": "camel",
    "name": "camel",
    "legs": "4",
    "mood": "sad",
    "fun-fact": "Honey does not spoil.",
    "joke": "A SQL query walks into a bar and asks two tables: may I join you?",
}
"""What stands between the tags of these names; others get a word or a number that fits."""

CALLS: Mapping[str, str] = {
    "add_numbers": '{"x": 1337, "y": 42}',
    "generate_jokes": '{"count": 3}',
    "weather": '{"city": "Oslo"}',
}
"""The arguments with which each tool is called, once for a question."""

EMPTY_TAGS = re.compile(r"<([a-z-]+)></\1>")


class Answers(rg.Generator):
    async def generate_messages(
        self, messages: Sequence[Sequence[rg.Message]], params: Sequence[rg.GenerateParams]
    ) -> Sequence[rg.GeneratedMessage | BaseException]:
        return [answer(said, asked) for said, asked in zip(messages, params, strict=True)]


class OpenAI(Answers, OpenAIGenerator): ...


class Lite(Answers, LiteLLMGenerator): ...


class Local(Answers, LocalGenerator): ...


@contextmanager
def providers_replaced() -> Generator[None]:
    """The providers that the docs name, without the world behind them."""
    with ExitStack() as stack:
        for name, kind in {"openai": OpenAI, "litellm": Lite, "local": Local}.items():
            stack.enter_context(registered(name, kind))
        yield


def answer(said: Sequence[rg.Message], asked: rg.GenerateParams) -> rg.ModelTurn:
    """A call of the first tool, then the form that was asked for, then words."""
    usage = rg.Usage(input_tokens=9, output_tokens=3, total_tokens=12)
    if asked.tools and all(message.role != "tool" for message in said):
        name = asked.tools[0].function.name
        call = rg.ToolCall.model_validate({"id": "call_1", "function": {"name": name, "arguments": CALLS[name]}})
        return rg.ModelTurn.of(tool_calls=[call], usage=usage)
    if isinstance(asked.output, tuple):
        return rg.ModelTurn.of("Here you are:\n" + "\n".join(map(elements, asked.output)), usage=usage)
    if said[-1].role == "tool":
        return rg.ModelTurn.of(f"The tool says {said[-1].content}.", usage=usage)
    if tags := EMPTY_TAGS.search(said[-1].content):
        element = Element(tags[1], Leaf({"type": "string"}), most=None)
        return rg.ModelTurn.of(f"Here you are: {elements(element)}", usage=usage)
    return rg.ModelTurn.of("Hello! How can I help you today?", usage=usage)


def elements(element: Element) -> str:
    """The element, three times where it may come any number of times."""
    inside = f"<{element.tag}>{content(element)}</{element.tag}>"
    return "\n".join([inside] * (3 if element.most is None else 1))


def content(element: Element) -> str:
    if isinstance(element.content, Leaf):
        kind = element.content.schema.get("type")
        return WORDS.get(element.tag) or {"integer": "4", "number": "4.5", "boolean": "yes"}.get(str(kind), "apple")
    return "".join(map(elements, element.content or ()))
