"""What is chosen about a tool reaches the machine, and what cannot be is refused when the tool is made."""

from __future__ import annotations

from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import ToolDefinitionError
from rigging_py.tools import ToolContext


def pay(to: str, amount: int = 5, *, note: str = "") -> str:
    """Pays."""
    return f"{amount} to {to} {note}"


CHOSEN: dict[str, Any] = {
    "timeout": 5,
    "retries": 2,
    "group": "till",
    "max_concurrent": 2,
    "effect": "idempotent",
    "needs_approval": True,
    "on_unfinished": "fail",
}


class Till:
    @rg.tool_method(**CHOSEN)
    def pay(self, to: str) -> str:
        return to


@pytest.mark.parametrize(
    "tool",
    [
        rg.tool(**CHOSEN)(pay),
        rg.Tool.from_callable(pay, **CHOSEN),
        rg.tool(pay).with_(**CHOSEN),
        Till().pay,
        rg.tool(**CHOSEN)(pay).with_(name="other"),
    ],
    ids=["the decorator", "from_callable", "with_", "tool_method", "kept by with_"],
)
def test_every_way_to_make_a_tool_takes_the_options(tool: rg.Tool[..., Any]) -> None:
    assert {name: getattr(tool, name) for name in CHOSEN} == CHOSEN
    assert (tool.program.effect, tool.program.recovery) == ("idempotent", "fail")
    assert tool.program.needs_approval({"to": "Ada"})


def test_without_options_a_tool_acts_each_time_and_needs_nobody() -> None:
    program = rg.tool(pay).program
    assert (program.effect, program.recovery) == ("once", "ask")
    assert not program.needs_approval({"to": "Ada"})


def test_a_limit_can_be_taken_back() -> None:
    tool = rg.Tool.from_callable(pay, timeout=5, group="till", truncate=10)
    free = tool.with_(timeout=None, group=None, truncate=None)
    assert (free.timeout, free.group, free.truncate) == (None, None, None)
    assert tool.timeout == 5


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"timeout": 0}, "timeout=0 was given to the tool 'pay'; it is a number of seconds above 0"),
        ({"timeout": -1.5}, "seconds above 0"),
        ({"timeout": float("inf")}, "None for no limit"),
        ({"timeout": float("nan")}, "timeout=nan"),
        ({"timeout": True}, "timeout=True"),
        ({"timeout": "5"}, "timeout='5'"),
        ({"truncate": -1}, "truncate=-1.*a number of characters"),
        ({"retries": -1, "effect": "read"}, "retries=-1.*a whole number from 0"),
        ({"retries": None}, "retries=None"),
        ({"group": ""}, "group=''.*the name of a group"),
        ({"max_concurrent": 0}, "max_concurrent=0.*a whole number from 1"),
        ({"effect": "write"}, "effect='write'.*one of 'read', 'idempotent', 'once'"),
        ({"on_unfinished": "skip"}, "on_unfinished='skip'.*one of 'ask', 'retry', 'fail', or None"),
        ({"needs_approval": "yes"}, "needs_approval='yes'.*True, False, or a function"),
    ],
)
def test_an_option_that_cannot_be_says_what_may(option: dict[str, Any], said: str) -> None:
    with pytest.raises(ToolDefinitionError, match=said):
        rg.Tool.from_callable(pay, **option)
    with pytest.raises(ToolDefinitionError, match=said):
        rg.tool(pay).with_(**option)


def test_a_misspelt_option_is_refused() -> None:
    with pytest.raises(TypeError, match="time_out"):
        rg.Tool.from_callable(pay, time_out=5)  # type: ignore[call-arg]  # pyright: ignore


def test_a_function_decides_from_the_arguments_as_the_tool_takes_them() -> None:
    seen: list[object] = []

    def risky(to: str, amount: int, note: str) -> bool:
        seen.append((to, amount, note))
        return amount > 100

    asks = rg.Tool.from_callable(pay, needs_approval=risky).program.needs_approval
    assert asks({"to": "Ada", "amount": "500"})
    assert not asks({"to": "Ada"})
    assert seen == [("Ada", 500, ""), ("Ada", 5, "")]


def test_a_function_names_only_the_arguments_it_decides_from() -> None:
    def five(amount: int) -> bool:
        return amount == 5

    def to_ada(to: str, **rest: object) -> bool:
        return (to, rest) == ("Ada", {"amount": 5, "note": ""})

    for decides in (five, to_ada):
        assert rg.Tool.from_callable(pay, needs_approval=decides).program.needs_approval({"to": "Ada"})


def test_a_function_that_decides_does_not_see_the_context() -> None:
    def send(to: str, context: ToolContext, /) -> None: ...

    def nothing_else(**given: object) -> bool:
        return given == {"to": "Ada"}

    assert rg.Tool.from_callable(send, needs_approval=nothing_else).program.needs_approval({"to": "Ada"})


def test_a_function_that_raises_is_an_error_and_no_approval() -> None:
    def broken(amount: int) -> bool:
        raise LookupError("no limits are set")

    asks = rg.Tool.from_callable(pay, needs_approval=broken).program.needs_approval
    with pytest.raises(LookupError, match="no limits are set") as caught:
        asks({"to": "Ada"})
    assert caught.value.__notes__ == [
        "Raised by needs_approval of the tool 'pay'; the call was neither approved nor executed."
    ]


def test_an_answer_that_is_neither_true_nor_false_is_an_error() -> None:
    asks = rg.Tool.from_callable(pay, needs_approval=lambda: None).program.needs_approval  # type: ignore[arg-type,return-value]  # pyright: ignore
    with pytest.raises(TypeError, match="needs_approval of the tool 'pay' returned None; it answers True or False"):
        asks({"to": "Ada"})


async def waits(amount: int) -> bool:
    return True


def misspelt(ammount: int) -> bool:
    return True


def placed(amount: int, /) -> bool:
    return True


@pytest.mark.parametrize(
    ("decides", "said"),
    [
        (waits, "a function of the arguments that is not async"),
        (misspelt, "takes ammount; it is given, by name, what the tool takes from the model: to, amount, note"),
        (placed, "takes amount; it is given, by name"),
    ],
)
def test_a_function_that_cannot_decide_is_refused_when_the_tool_is_made(decides: Any, said: str) -> None:
    with pytest.raises(ToolDefinitionError, match=said):
        rg.Tool.from_callable(pay, needs_approval=decides)
