"""Which calls of a tool somebody must decide on, as the machine asks it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeAlias, cast

from rigging_py.error import ToolDefinitionError
from rigging_py.run.program import never
from rigging_py.tools.options import NeedsApproval
from rigging_py.tools.signature import Arguments

Decision: TypeAlias = Callable[[dict[str, object]], bool]
"""Whether these arguments, as the model gave them, need somebody's approval."""


def approval(tool: str, needs_approval: NeedsApproval, arguments: Arguments) -> Decision:
    """What the machine asks. Raises `ToolDefinitionError` for a function that wants what the tool does not take."""
    if isinstance(needs_approval, bool):
        return _always if needs_approval else never
    names = _names(tool, needs_approval, arguments)

    def decide(values: dict[str, object]) -> bool:
        given = {**arguments.defaults, **arguments.validate(values)}
        try:
            answer = cast("object", needs_approval(**{name: given[name] for name in names}))
        except Exception as error:
            error.add_note(
                f"Raised by needs_approval of the tool {tool!r}; the call was neither approved nor executed."
            )
            raise
        if not isinstance(answer, bool):
            raise TypeError(f"needs_approval of the tool {tool!r} returned {answer!r}; it answers True or False.")
        return answer

    return decide


def _always(_: dict[str, object]) -> bool:
    return True


def _names(tool: str, decide: Callable[..., bool], arguments: Arguments) -> list[str]:
    """The arguments that the function names; all of them when it takes any."""
    try:
        parameters = inspect.signature(decide).parameters.values()
    except (ValueError, TypeError):
        return list(arguments.names)
    named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    given = [one.name for one in named if one.name in arguments.names]
    needed = [one.name for one in parameters if one.default is one.empty and one.kind not in _VARIADIC]
    if strange := [name for name in needed if name not in given]:
        raise ToolDefinitionError(
            f"needs_approval of the tool {tool!r} takes {', '.join(strange)}; it is given, by name, what the tool "
            f"takes from the model: {', '.join(arguments.names) or 'nothing'}."
        )
    takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
    return list(arguments.names) if takes_any else given


_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
