"""`make_prompt`: a prompt from a text that is known only while the program runs."""

from __future__ import annotations

from inspect import Parameter, Signature, cleandoc
from keyword import iskeyword
from typing import Annotated, Any, TypeVar, overload

from rigging_py.error import PromptDefinitionError
from rigging_py.parsing import Ctx
from rigging_py.prompt.definition import compiled
from rigging_py.prompt.prompt import Prompt

R = TypeVar("R")


@overload
def make_prompt(content: str, return_type: None = None, *, ctx: Ctx | None = None) -> Prompt[..., str]: ...
@overload
def make_prompt(content: str, return_type: type[R], *, ctx: Ctx | None = None) -> Prompt[..., R]: ...
@overload
def make_prompt(content: str, return_type: Any, *, ctx: Ctx | None = None) -> Prompt[..., Any]: ...
def make_prompt(content: str, return_type: Any = None, *, ctx: Ctx | None = None) -> Prompt[..., Any]:
    """Makes a prompt of a text, which is read as a docstring is; its `{{ names }}` are keyword parameters of any type.

    It returns `return_type`, or text where none is given; `ctx` says how that is shown. The text is a template: what
    comes from outside belongs into arguments. Raises `PromptDefinitionError` for a text that cannot be a prompt.
    """
    if not content.strip():
        raise PromptDefinitionError("make_prompt() was given no text; say what the model is to do.")
    _, names = compiled(cleandoc(content), "make_prompt")
    if odd := sorted(name for name in names if iskeyword(name) or name == "self"):
        raise PromptDefinitionError(f"No argument can be called {', '.join(odd)}; choose another name in the text.")
    kind = str if return_type is None else return_type

    def prompt() -> None: ...

    parameters = [Parameter(name, Parameter.KEYWORD_ONLY, annotation=Any) for name in sorted(names)]
    returns = kind if ctx is None else Annotated[kind, ctx]
    prompt.__doc__, vars(prompt)["__signature__"] = content, Signature(parameters, return_annotation=returns)
    return Prompt(prompt)
