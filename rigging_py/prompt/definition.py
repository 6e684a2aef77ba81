"""What a function says as a prompt: its docstring, inputs and output, read once from the signature."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rigging_py.chat import Chat
from rigging_py.error import PromptDefinitionError
from rigging_py.message import Message
from rigging_py.parsing import Codec, codec_of
from rigging_py.parsing.codec import unwrap
from rigging_py.parsing.template import compile_template, is_template
from rigging_py.prompt.inputs import Input, show_input, tag_of_parameter
from rigging_py.prompt.parts import Parts

_GUIDANCE = {
    "one": "Produce the following output (use xml tags):",
    "each": "Produce the following output for each item (use xml tags):",
    "several": "Produce the following outputs (use xml tags):",
}
_RUN_OF_BLANKS = re.compile(r"(?<=\w)[ \t]+(?=\S)")


@dataclass(frozen=True)
class Definition:
    """A prompt, read from a function. `codec` is None where the chat itself is returned."""

    name: str
    docstring: str
    signature: inspect.Signature
    inputs: tuple[Input, ...]
    """Parameters that the docstring does not mention."""
    mentioned: frozenset[str]
    """Parameters that it does."""
    codec: Codec[Any] | None
    fill: Callable[..., str]

    @property
    def returns(self) -> Any:
        """What the function returns."""
        return self.signature.return_annotation

    @property
    def guidance(self) -> str:
        """What the prompt says of the answer: a line, and the example. There is nothing to say of the chat alone."""
        if self.codec is None or not self.codec.shape:
            return ""
        return f"\n\n{_GUIDANCE[self.codec.wording]}\n\n{self.codec.example}\n"

    @property
    def template(self) -> str:
        """The whole prompt, with `{{ name }}` where arguments go."""
        return "\n\n".join([self.docstring, *(f"{{{{ {one.name} }}}}" for one in self.inputs)]) + self.guidance

    def render(self, arguments: Mapping[str, Any], *, is_guided: bool = True) -> str:
        """The text of the prompt for these arguments, defaults applied; `is_guided` adds how the answer is to look."""
        parts = Parts()
        return parts.text(self._marked(arguments, parts, is_guided))

    def message(self, arguments: Mapping[str, Any], *, is_guided: bool = True) -> Message:
        """The same as a message, with images and other parts where `render` only names them."""
        parts = Parts()
        return parts.message(self._marked(arguments, parts, is_guided))

    def _marked(self, arguments: Mapping[str, Any], parts: Parts, is_guided: bool) -> str:
        filled = self.fill(**{name: parts.stand_in(arguments[name]) for name in self.mentioned})
        shown = [show_input(arguments[one.name], one, parts) for one in self.inputs]
        return "\n\n".join([filled, *shown]) + (self.guidance if is_guided else "")

    def arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The call's arguments by name. Raises `TypeError` as the function would."""
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.name}(): {error}") from None
        bound.apply_defaults()
        return bound.arguments


def define(func: Callable[..., Any]) -> Definition:
    """Reads a function, once. Raises `PromptDefinitionError` for one that cannot be a prompt."""
    plain = getattr(func, "__func__", func)
    return _define(plain, plain is not func)


@lru_cache(maxsize=1024)
def _define(func: Callable[..., Any], is_method: bool) -> Definition:
    name = getattr(func, "__name__", "prompt")
    signature = _signature(func, name, is_method)
    docstring = _docstring(func, name)
    fill, mentioned = compiled(docstring, name)
    if unknown := mentioned - signature.parameters.keys():
        known = ", ".join(signature.parameters) or "none"
        raise PromptDefinitionError(
            f"The docstring of {name}() asks for {', '.join(sorted(unknown))}; its parameters are: {known}."
        )
    inputs = tuple(_input(one, name) for one in signature.parameters.values() if one.name not in mentioned)
    tags = [one.tag for one in inputs]
    if twice := {tag for tag in tags if tags.count(tag) > 1}:
        raise PromptDefinitionError(
            f"Two parameters of {name}() share the tag {', '.join(twice)}; give one a Ctx(tag)."
        )
    return Definition(name, docstring, signature, inputs, mentioned, _codec(signature, name), fill)


def _signature(func: Callable[..., Any], name: str, is_method: bool) -> inspect.Signature:
    try:
        signature = inspect.signature(func, eval_str=True)
    except NameError as error:
        raise PromptDefinitionError(
            f"The annotations of {name}() cannot be read: {error}. They may name what its module defines at the top."
        ) from error
    parameters = list(signature.parameters.values())
    return signature.replace(parameters=parameters[1:]) if is_method else signature


def _docstring(func: Callable[..., Any], name: str) -> str:
    text = inspect.cleandoc(func.__doc__ or "")
    lines = [_RUN_OF_BLANKS.sub(" ", line.rstrip()) for line in text.splitlines()]
    return "\n".join(lines) or f"Do what a function named {name} would do."


def compiled(docstring: str, name: str) -> tuple[Callable[..., str], frozenset[str]]:
    """What fills in the docstring, and the parameters it asks for."""
    if not is_template(docstring):
        return compile_template(docstring)
    from jinja2 import TemplateSyntaxError

    try:
        return compile_template(docstring)
    except TemplateSyntaxError as error:
        problem = f"The docstring of {name}() is no jinja2 template, line {error.lineno}: {error.message}."
        raise PromptDefinitionError(
            f"{problem} Write {{{{ '{{{{' }}}} for braces that are meant as they are."
        ) from None


def _input(parameter: inspect.Parameter, name: str) -> Input:
    if parameter.annotation is inspect.Parameter.empty:
        raise PromptDefinitionError(f"The parameter {parameter.name!r} of {name}() needs a type.")
    if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        raise PromptDefinitionError(f"{name}() takes *{parameter.name}, which has no tag; name each parameter.")
    _, ctx = unwrap(parameter.annotation)
    return Input(parameter.name, tag_of_parameter(parameter.name, ctx), ctx)


def _codec(signature: inspect.Signature, name: str) -> Codec[Any] | None:
    returns = signature.return_annotation
    if returns is inspect.Signature.empty or returns is None:
        raise PromptDefinitionError(f"{name}() needs a return type: what the model's answer is read as, or rg.Chat.")
    return None if unwrap(returns)[0] is Chat else codec_of(returns, filled=(Chat,))
