"""What a conversation waiting to be run holds, and what follows from that for the machine and for those who watch it.

Nothing here changes or runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from rigging_py.caching import CacheMode
from rigging_py.chat.chat import Chat, ChatList, Input
from rigging_py.chat.drive import RUN_FAILURES, FailMode
from rigging_py.chat.output import answer_tool, extra_turns
from rigging_py.chat.transforming import Caching, Transforming
from rigging_py.error import InvalidGeneratorError
from rigging_py.generator import Generator, WatchCallback
from rigging_py.message import GenerateParams, Message
from rigging_py.observe import Hooks, Seam, Tracing, automatic, is_listened_to
from rigging_py.parsing.codec import is_tagged
from rigging_py.run import OutputSpec, Program, RunLimits
from rigging_py.tools import Tool, ToolMode

if TYPE_CHECKING:
    from rigging_py.transform import Transform

ThenChatCallback: TypeAlias = Callable[[Chat], Any]
"""Gets a finished chat; returns None, another chat, or a pipeline whose chat takes its place. May be async.

Steps of a pipeline do for a pipeline, and so does an async generator of steps, whose last has the chat.
"""
MapChatCallback: TypeAlias = Callable[[ChatList], Any]
"""Gets all finished chats; returns the list to go on with, or a pipeline to run. May be async."""
Callback: TypeAlias = ThenChatCallback | MapChatCallback

DEFAULT_MAX_ROUNDS = 5
DEFAULT_MAX_DEPTH = 20
MAX_CONCURRENT_TOOLS = 16
"""Tools of one run that are executed at once."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may use; None is no limit. `cost` is in US dollars, `seconds` count from when the run begins."""

    tokens: int | None = None
    cost: float | None = None
    tool_calls: int | None = None
    seconds: float | None = None


NO_BUDGET = Budget()


@dataclass(frozen=True)
class Description:
    """Who answers, what is said, and with which parameters, tools, checks and limits."""

    generator: Generator
    messages: tuple[Message, ...] = ()
    params: GenerateParams | None = None
    tools: tuple[Tool[..., Any], ...] = ()
    output: OutputSpec | None = None
    until_parsed_as_types: tuple[Any, ...] = ()
    """The types that are read from tags; what an answer has of them is marked in the finished chat."""
    max_depth: int = DEFAULT_MAX_DEPTH
    max_rounds: int = DEFAULT_MAX_ROUNDS
    then_callbacks: tuple[tuple[ThenChatCallback, int], ...] = ()
    map_callbacks: tuple[tuple[MapChatCallback, int], ...] = ()
    watch_callbacks: tuple[WatchCallback, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    on_failed: FailMode = "raise"
    errors_to_catch: tuple[type[BaseException], ...] = RUN_FAILURES
    errors_to_exclude: tuple[type[BaseException], ...] = ()
    hooks: tuple[Hooks, ...] = ()
    context: object = field(default=None, repr=False)
    budget: Budget = NO_BUDGET
    max_concurrent_tools: int = MAX_CONCURRENT_TOOLS
    instruction: str = ""
    """Words that ask for the answer, where the output mode needs them."""
    tool_mode: ToolMode = "auto"
    add_tool_stop_token: bool = True
    transforms: tuple[Transform, ...] = ()
    caching: CacheMode | None = None
    task_name: str = ""

    def __post_init__(self) -> None:
        if type(self.messages) is not tuple:
            object.__setattr__(self, "messages", tuple(Message.fit_as_list(cast("Input", self.messages))))

    @property
    def chat(self) -> Chat:
        """The messages so far, as a chat that nobody has answered."""
        return Chat(messages=[m.shell() for m in self.messages], params=self.params, generator=self.generator)

    def __len__(self) -> int:
        return len(self.messages)

    def __bool__(self) -> bool:
        # Without messages it is still a pipeline.
        return True

    def covers(self, error: BaseException) -> bool:
        """Whether a chat with this error is kept or skipped where the mode says so."""
        return isinstance(error, self.errors_to_catch) and not isinstance(error, self.errors_to_exclude)

    # What the machine is given; computed once for a pipeline.

    @cached_property
    def tools_by_name(self) -> Mapping[str, Tool[..., Any]]:
        """The tools, by what the model calls them."""
        return {tool.name: tool for tool in self.tools}

    @cached_property
    def program(self) -> Program:
        """The tools and the check of the answer, as the machine takes them; give it to `AgentRun.load`."""
        choice = self.params.tool_choice if self.params is not None else None
        allowed = frozenset[str]() if choice == "none" else None
        return Program({tool.name: tool.program for tool in self.tools}, self.output, allowed)

    @cached_property
    def marked_types(self) -> tuple[Any, ...]:
        """Those of `until_parsed_as_types` whose values may be models; of no other value is there anything to mark."""
        return tuple(one for one in self.until_parsed_as_types if not isinstance(one, type) or is_tagged(one))

    @property
    def seam(self) -> Seam:
        """The hooks, by moment: the pipeline's, its transforms, its cache marks, and spans where somebody listens."""
        return self._traced_seam if is_listened_to() else self._own_seam

    @cached_property
    def _own_seam(self) -> Seam:
        own: list[Hooks] = [Transforming(self.transforms, self.generator)] if self.transforms else []
        if self.caching is not None:
            own.append(Caching(self.caching))
        return Seam((*self.hooks, *own))

    @cached_property
    def _traced_seam(self) -> Seam:
        hooks = self._own_seam.hooks
        is_traced = any(isinstance(hook, Tracing) for hook in hooks)
        return self._own_seam if is_traced else Seam((automatic(), *hooks))

    @cached_property
    def generator_id(self) -> str:
        """Who answers, without options; for a class that is not registered, its name."""
        try:
            return self.generator.to_identifier(short=True)
        except InvalidGeneratorError:
            return f"{type(self.generator).__name__}!{self.generator.model}"

    @cached_property
    def limits(self) -> RunLimits:
        """How far a run of this pipeline may go, but for its time."""
        cuts = extra_turns(self.output)
        # Only hooks send calls back.
        sent_back = RunLimits().max_call_retries if self._own_seam.on_invalid_call else 0
        return RunLimits(
            1 + self.max_depth + self.max_rounds + cuts + sent_back,
            self.max_depth,
            self.max_rounds,
            max_total_tokens=self.budget.tokens,
            max_cost=self.budget.cost,
            max_tool_calls=self.budget.tool_calls,
        )

    def limits_from_now(self) -> RunLimits:
        """The limits of a run that begins now."""
        if self.budget.seconds is None:
            return self.limits
        return replace(self.limits, deadline=datetime.now(UTC) + timedelta(seconds=self.budget.seconds))

    @cached_property
    def sent_params(self) -> GenerateParams:
        """The parameters with the definitions of the tools in them, and of the one that gives the answer."""
        params = self.params or GenerateParams()
        definitions = [tool.definition for tool in self.tools]
        answer = answer_tool(self.output)
        if answer is not None:
            definitions.append(answer)
            if params.tool_choice is None:
                params = params.model_copy(update={"tool_choice": "required"})
        return params.model_copy(update={"tools": definitions}) if definitions else params
