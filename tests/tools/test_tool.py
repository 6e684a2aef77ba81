"""Tools in a run: executed side by side, answered in call order, and never the end of the run by accident."""

from __future__ import annotations

import asyncio
import gc
import pickle
import threading
import weakref
from types import ModuleType
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

import rigging_py as rg
from rigging_py.message import FunctionDefinition
from rigging_py.tools import ToolResponse
from tests.tools.calls import call


def add_numbers(x: float, y: float) -> float:
    """Adds."""
    return x + y


async def results_of(calls: Any, *tools: object, **using: Any) -> list[rg.Message]:
    """The tool messages that the model hears after its calls."""
    model = rg.scripted(calls, "done")
    await model.chat("hi").using(*tools, **using).run()
    return [message for message in model.heard[-1].messages if message.role == "tool"]


async def test_definitions_are_sent_with_the_request() -> None:
    model = rg.scripted("hi")
    await model.chat("hello").using(add_numbers).run()
    [definition] = model.heard[0].params.tools or []
    assert definition.function.name == "add_numbers"
    assert definition.function.description == "Adds."
    assert definition.function.parameters == rg.tool(add_numbers).parameters_schema


async def test_sync_tools_run_off_the_event_loop() -> None:
    def where() -> int:
        return threading.get_ident()

    [result] = await results_of(call("where"), where)
    assert int(result.content) != threading.get_ident()


async def test_async_tools_run_on_the_event_loop() -> None:
    async def where() -> int:
        return threading.get_ident()

    [result] = await results_of(call("where"), where)
    assert int(result.content) == threading.get_ident()


async def test_two_sync_tools_run_at_once() -> None:  # surface 3.2 no. 12
    together = threading.Barrier(2, timeout=10)

    def meet(x: int) -> int:
        together.wait()
        return x

    results = await results_of([call("meet", {"x": 1}), call("meet", {"x": 2}, "c2")], meet)
    assert [message.content for message in results] == ["1", "2"]


async def test_results_stand_in_call_order_whichever_comes_first() -> None:  # surface 3.2 no. 9
    second_is_done = asyncio.Event()

    async def slow() -> str:
        await asyncio.wait_for(second_is_done.wait(), 10)
        return "slow"

    async def fast() -> str:
        second_is_done.set()
        return "fast"

    results = await results_of([call("slow", call_id="a"), call("fast", call_id="b")], slow, fast)
    assert [(message.tool_call_id, message.content) for message in results] == [("a", "slow"), ("b", "fast")]


@pytest.mark.parametrize("ids", [["", ""], ["same", "same"]])
async def test_calls_without_an_id_of_their_own_get_one_that_the_results_name(ids: list[str]) -> None:
    model = rg.scripted([call("add_numbers", {"x": 1, "y": n}, id_) for n, id_ in enumerate(ids)], "done")
    chat = await model.chat("hi").using(add_numbers).run()
    asked = [one.id for one in chat.all[1].tool_calls or ()]
    assert len(set(asked)) == 2
    assert [message.tool_call_id for message in chat.all[2:4]] == asked
    assert [message.content for message in chat.all[2:4]] == ["1.0", "2.0"]


async def test_bad_calls_are_answered_in_their_place_and_the_others_are_executed() -> None:  # surface 3.2 no. 10
    executed: list[float] = []

    def note(x: float) -> str:
        executed.append(x)
        return "noted"

    results = await results_of(
        [
            call("note", {"x": 1}, "a"),
            call("forget", {}, "b"),
            call("note", '{"x": ', "c"),
            call("note", {"x": "many"}, "d"),
            call("note", {"x": 2, "z": 3}, "e"),
            call("note", {"x": 3}, "f"),
            call("note", "[1]", "g"),
        ],
        note,
    )
    assert [message.tool_call_id for message in results] == list("abcdefg")
    assert sorted(executed) == [1, 3]
    said = [message.content for message in results]
    assert said[0] == said[5] == "noted"
    assert said[1] == "There is no tool 'forget'. The tools are: note."
    assert "not a JSON object" in said[2]
    assert "x" in said[3]
    assert "valid number" in said[3]
    assert "z" in said[4]
    assert "not a JSON object" in said[6]
    assert [bool(message.metadata.get("error")) for message in results] == [False, True, True, True, True, False, True]


async def test_a_call_is_answered_even_when_there_are_no_tools() -> None:  # surface 3.2 no. 10
    model = rg.scripted(call("anything"), "sorry")
    chat = await model.chat("hi").run()
    assert chat.messages[-1].content == "There is no tool 'anything'. The tools are: none."
    assert chat.last.content == "sorry"


async def test_empty_arguments_are_an_empty_object() -> None:
    def look() -> str:
        return "seen"

    [result] = await results_of(call("look", ""), look)
    assert result.content == "seen"


@pytest.mark.parametrize("error", [ValueError("no"), StopIteration("no"), KeyError("no")])
@pytest.mark.parametrize("is_async", [False, True])
async def test_a_tool_that_raises_is_a_result_the_model_sees(error: Exception, is_async: bool) -> None:
    def broken() -> None:
        raise error

    async def broken_too() -> None:
        raise error

    tool = rg.Tool.from_callable(broken_too if is_async else broken, name="broken")
    [result] = await results_of(call("broken"), tool)
    assert result.content.startswith("<error type=")
    assert result.metadata["error"] is True


async def test_a_tool_that_lets_out_the_end_of_another_task_does_not_end_the_run() -> None:
    async def broken() -> None:
        other = asyncio.create_task(asyncio.Event().wait())
        other.cancel()
        await other

    [result] = await results_of(call("broken"), broken)
    assert result.content == '<error type="CancelledError"></error>'


@pytest.mark.parametrize("by", ["the decorator", "using", "with_"])
async def test_a_tool_that_catches_nothing_raises_through_the_run(by: str) -> None:  # surface 3.2 no. 8
    def broken() -> None:
        raise ValueError("no")

    tool = rg.Tool.from_callable(broken, catch=False if by == "the decorator" else None)
    tool = tool.with_(catch=False) if by == "with_" else tool
    with pytest.raises(ValueError, match="no") as caught:
        await results_of(call("broken"), tool, catch=False if by == "using" else None)
    assert caught.value.run.messages[0].content == "hi"  # type: ignore[attr-defined]


async def test_a_tool_catches_the_kinds_it_is_told_to() -> None:
    @rg.tool(catch={LookupError})
    def broken(kind: str) -> None:
        raise KeyError("no") if kind == "key" else ValueError("no")

    [result] = await results_of(call("broken", {"kind": "key"}), broken)
    assert result.content == "<error type=\"KeyError\">'no'</error>"
    with pytest.raises(ValueError, match="no"):
        await results_of(call("broken", {"kind": "value"}), broken)


@pytest.mark.parametrize("is_raised", [True, False])
async def test_stop_ends_the_run_after_its_batch(is_raised: bool) -> None:
    def finish() -> rg.Stop:
        if is_raised:
            raise rg.Stop("all done")
        return rg.Stop("all done")

    model = rg.scripted([call("finish"), call("add_numbers", {"x": 1, "y": 1}, "c2")], "never said")
    chat = await model.chat("hi").using(finish, add_numbers).run()
    assert [message.content for message in chat.all[2:]] == ["<rg-stop>all done</rg-stop>", "2.0"]
    assert model.remaining == 1
    assert not chat.failed


def test_calling_a_tool_calls_the_function() -> None:
    assert rg.tool(add_numbers)(1, 2) == 3


def test_a_clone_is_an_equal_tool() -> None:
    tool = rg.tool(add_numbers)
    assert tool.clone() == tool
    assert tool.clone() is not tool


def test_the_definition_has_the_name_that_users_know() -> None:
    tool = rg.tool(add_numbers)
    assert tool.api_definition == tool.definition


def test_a_tool_that_takes_nothing_is_described_without_parameters() -> None:
    def look() -> str:
        return "seen"

    assert rg.tool(look).definition.function.parameters is None
    free = {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}
    assert FunctionDefinition(name="free", parameters=free).parameters == free


async def test_a_call_can_be_handled_by_hand() -> None:
    message, stop = await rg.tool(add_numbers).handle_tool_call(call("add_numbers", {"x": 1, "y": 2}))
    assert (message.role, message.content, message.tool_call_id, stop) == ("tool", "3.0", "c1", False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"x": ', "not a JSON object"),
        ("[1, 2]", "not a JSON object"),
        ({"x": 1, "y": "many"}, "valid number"),
        ({"x": 1}, "Field required"),
    ],
)
async def test_a_call_by_hand_with_bad_arguments_is_answered_with_what_is_wrong(arguments: Any, said: str) -> None:
    message, stop = await rg.tool(catch=False)(add_numbers).handle_tool_call(call("add_numbers", arguments))
    assert said in message.content
    assert message.metadata["error"] is True
    assert not stop


async def test_a_call_by_hand_says_whether_to_stop_and_raises_what_is_not_caught() -> None:
    @rg.tool
    def finish() -> None:
        raise rg.Stop("all done")

    message, stop = await finish.handle_tool_call(call("finish"))
    assert (message.content, stop) == ("<rg-stop>all done</rg-stop>", True)

    def broken() -> None:
        raise ValueError("no")

    message, _ = await rg.tool(broken).handle_tool_call(call("broken"))
    assert message.content == '<error type="ValueError">no</error>'
    with pytest.raises(ValueError, match="no"):
        await rg.tool(broken).with_(catch=False).handle_tool_call(call("broken"))


async def test_a_call_by_hand_is_given_its_context() -> None:
    def whose(context: rg.ToolContext[str]) -> str:
        return context.value

    message, _ = await rg.tool(whose).handle_tool_call(call("whose"), "ours")
    assert message.content == "ours"


def test_with_gives_a_new_tool() -> None:
    tool = rg.tool(add_numbers)
    other = tool.with_(name="sum", description="Sums.", truncate=10)
    assert (other.name, other.description, other.truncate) == ("sum", "Sums.", 10)
    assert (tool.name, tool.description, tool.truncate) == ("add_numbers", "Adds.", None)


class Shelf:
    def __init__(self, *books: str) -> None:
        self.books = list(books)

    @property
    def label(self) -> str:
        raise AssertionError("a property was run")

    @rg.tool_method
    def put(self, book: str) -> int:
        """Puts a book on the shelf."""
        self.books.append(book)
        return len(self.books)

    @rg.tool_method(name="titles", truncate=20)
    async def list_titles(self) -> list[str]:
        return self.books


def test_a_method_is_described_like_a_function() -> None:
    class Oven:
        @rg.tool_method
        def bake(self, what: Annotated[str, "what to bake"]) -> None:
            """Bakes
            something."""

    tool = Oven().bake
    assert tool.description == "Bakes something."
    assert tool.parameters_schema["properties"]["what"]["description"] == "what to bake"


class Library(BaseModel):
    name: str

    @rg.tool_method
    def greet(self, visitor: str) -> str:
        """Greets a visitor."""
        return f"{self.name} greets {visitor}"


async def test_methods_are_tools_of_their_object() -> None:
    one, two = Shelf("Emma"), Shelf()
    assert (one.put.name, one.put.description) == ("put", "Puts a book on the shelf.")
    assert list(one.put.parameters_schema["properties"]) == ["book"]
    results = await results_of([call("put", {"book": "Ulysses"}), call("put", {"book": "Ulysses"}, "c2")], two.put)
    assert sorted(message.content for message in results) == ["1", "2"]
    assert one.books == ["Emma"]
    assert one.put("Ulysses") == 2


async def test_an_object_gives_all_its_tool_methods_and_runs_no_property() -> None:
    pipeline = rg.scripted().chat("hi").using(Shelf())
    assert [tool.name for tool in pipeline.tools] == ["put", "titles"]
    assert pipeline.tools[1].truncate == 20


def test_an_object_gives_the_tools_that_it_was_given_and_a_module_those_it_defines() -> None:
    class Bag:
        first = rg.tool(add_numbers)

        def __init__(self) -> None:
            self.second = rg.Tool.from_callable(add_numbers, name="second")
            self.third = add_numbers

    module = ModuleType("bag")
    vars(module).update(vars(Bag()))
    assert [tool.name for tool in rg.scripted().chat("hi").using(Bag()).tools] == ["add_numbers", "second"]
    assert [tool.name for tool in rg.scripted().chat("hi").using(module).tools] == ["second"]


async def test_methods_of_pydantic_models_are_tools_too() -> None:
    [result] = await results_of(call("greet", {"visitor": "Ada"}), Library(name="Bodleian"))
    assert result.content == "Bodleian greets Ada"
    assert list(Library.model_fields) == ["name"]


def test_a_tool_method_keeps_no_object_alive() -> None:
    class Box:
        @rg.tool_method
        def put(self, thing: str) -> None: ...

    box = Box()
    gone = weakref.ref(box)
    assert box.put.name == "put"
    del box
    gc.collect()
    assert gone() is None


def test_on_the_class_a_tool_method_is_the_plain_function() -> None:
    shelf = Shelf()
    assert Shelf.put(shelf, "Emma") == 1


def test_a_subclass_may_take_a_tool_back() -> None:
    class Closed(Shelf):
        def put(self, book: str) -> int:  # type: ignore[override]  # pyright: ignore
            raise PermissionError

    assert [tool.name for tool in rg.scripted().chat("hi").using(Closed()).tools] == ["titles"]


def test_tools_come_singly_or_in_lists() -> None:
    def one() -> None: ...
    def two() -> None: ...

    pipeline = rg.scripted().chat("hi").using([one, [rg.tool(two)]], Shelf().put)
    assert [tool.name for tool in pipeline.tools] == ["one", "two", "put"]


def plus_one(number: int) -> int:
    """Add one."""
    return number + 1


@rg.tool(effect="read")
def minus_one(number: int) -> int:
    """Take one away."""
    return number - 1


class Counter:
    start = 3

    @rg.tool_method
    def plus(self, number: int) -> int:
        """Add to the start."""
        return self.start + number


@pytest.mark.parametrize(
    "made",
    [rg.tool(plus_one), minus_one, minus_one.with_(name="down"), Counter().plus],
    ids=["plain", "decorated", "renamed", "method"],
)
async def test_a_tool_of_a_function_that_can_be_found_by_its_name_pickles(made: rg.Tool[[int], int]) -> None:
    chat = await rg.scripted(call_of(made.name), "done").chat("?").using(made).run()
    other = pickle.loads(pickle.dumps(chat))
    assert [str(one) for one in other.all] == [str(one) for one in chat.all]
    again = pickle.loads(pickle.dumps(made))
    assert (again.definition, again.effect, again(1)) == (made.definition, made.effect, made(1))


def call_of(name: str) -> rg.ToolCall:
    return rg.ToolCall.model_validate({"function": {"name": name, "arguments": '{"number": 1}'}})


def test_a_result_in_tags_is_read_as_it_was_written() -> None:
    response = ToolResponse(id="c1", result="5 < 6 </tool-response>")
    assert ToolResponse.one_from_text(f"So: {response.to_pretty_xml()}.")[0] == response
    assert ToolResponse.one_from_text("<tool-response>plain</tool-response>")[0].id == ""
