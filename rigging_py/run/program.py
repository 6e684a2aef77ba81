"""The code a run needs beside its data: the tools that may be called and the check of the answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Final, Literal, TypeAlias, cast, get_args

from rigging_py.parsing import JsonShape, Shape

OUTPUT_TOOL = "final_result"
"""The tool by which a model gives its answer where that is asked for as a call."""

FeedbackKind: TypeAlias = Literal["missing", "malformed", "invalid", "rejected"]
"""What is wrong with an answer: it is not there, not well formed, not valid, or a rule of the program's says no."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is wrong with an answer, in words for the model."""

    text: str
    kind: FeedbackKind = "invalid"


Validator: TypeAlias = Callable[[str], object]
"""A pure function from the text of an answer to its value, or to `Feedback`."""

PASSED: Final = object()
"""What a validator gives that only checks: it adds nothing to the value."""

OutputMode: TypeAlias = Literal["xml", "native", "tool", "prompted"]
"""How an answer is asked for: tags in free text, JSON that the generator enforces, a tool call, or JSON in words."""


@dataclass(frozen=True, slots=True)
class MoreTokens:
    """Ask once more, with this limit on the tokens of an answer; it holds until the run is done."""

    max_tokens: int

    def __post_init__(self) -> None:
        _at_least_one("MoreTokens", self.max_tokens)


@dataclass(frozen=True, slots=True)
class Continue:
    """Let the model go on from where it was cut, this many times."""

    times: int = 1

    def __post_init__(self) -> None:
        _at_least_one("Continue", self.times)


def _at_least_one(name: str, value: object) -> None:
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} takes a whole number from 1 on; not {value!r}.")


OnTruncated: TypeAlias = MoreTokens | Continue | Literal["keep_items", "fail"]
"""What becomes of an answer that the token limit cut; `keep_items` keeps the complete items of a list."""


_ON_TRUNCATED = ("keep_items", "fail")


def _either(words: Sequence[str]) -> str:
    *some, last = map(repr, words)
    return f"{', '.join(some)} or {last}"


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """What the answer must be.

    `mode`: how it is asked for, which says whether a validator reads the text or the arguments of `final_result`.
    `on_invalid`: `feedback` appends what is wrong and asks again; `regenerate` asks again as if nothing had been said.
    `on_truncated`: what becomes of an answer that is not valid because the token limit cut it.
    `strict`: retries spent is a failure; otherwise the run is done with an `output_error`.
    `keep_dialog`: whether the response's messages hold the answers that were refused.
    `shape`: the form of the answer, for generators that can enforce it.
    `salvage`: the value of the complete items in a text that was cut, or `Feedback`.
    `is_open_ended`: whether more could always follow, so that a text that was cut is never known to be whole.
    """

    validators: tuple[Validator, ...]
    shape: Shape | JsonShape | None = None
    on_invalid: Literal["feedback", "regenerate"] = "feedback"
    strict: bool = True
    keep_dialog: bool = True
    mode: OutputMode = "xml"
    on_truncated: OnTruncated = "fail"
    salvage: Validator | None = None
    is_open_ended: bool = False

    def __post_init__(self) -> None:
        if self.mode not in get_args(OutputMode):
            raise ValueError(f"output_mode is 'auto', {_either(get_args(OutputMode))}; not {self.mode!r}.")
        if not isinstance(self.on_truncated, MoreTokens | Continue) and self.on_truncated not in _ON_TRUNCATED:
            raise ValueError(
                f"on_truncated is MoreTokens(…), Continue(…), {_either(_ON_TRUNCATED)}; not {self.on_truncated!r}."
            )

    @property
    def sent_shape(self) -> Shape | JsonShape | None:
        """The form that a generator is to enforce; a call and words ask for theirs in their own way."""
        return self.shape if self.mode in ("xml", "native") else None

    def check(self, text: str) -> object:
        """The value of an answer, or the first `Feedback`: a tuple of several values, the text where there is none."""
        values: list[object] = []
        for validator in self.validators:
            value = validator(text)
            if isinstance(value, Feedback):
                return value
            if value is not PASSED:
                values.append(value)
        return tuple(values) if len(values) > 1 else values[0] if values else text


Effect: TypeAlias = Literal["read", "idempotent", "once"]
"""What executing a tool does to the world: nothing, the same however often with one key, or something each time."""

OnUnfinished: TypeAlias = Literal["ask", "retry", "fail"]
"""What becomes of a call that was started by a driver that is gone: ask a person, start it again, fail the run."""


def never(_: dict[str, object]) -> bool:
    """No arguments need approval."""
    return False


@dataclass(frozen=True, slots=True)
class ProgramTool:
    """A tool as the machine knows it: the JSON schema of its arguments, a check of them, and what it does.

    `check` answers None for good arguments, else what is wrong with them. `needs_approval` says of good arguments
    whether somebody must decide first. Without `on_unfinished` a call that was started and not finished is started
    again where its `effect` allows, else somebody is asked.
    """

    schema: Mapping[str, object]
    check: Callable[[dict[str, object]], str | None]
    effect: Effect = "once"
    needs_approval: Callable[[dict[str, object]], bool] = never
    on_unfinished: OnUnfinished | None = None

    @property
    def recovery(self) -> OnUnfinished:
        """What becomes of a call that was started and not finished."""
        return self.on_unfinished or ("ask" if self.effect == "once" else "retry")


@dataclass(frozen=True)
class Program:
    """The tools by name, and what the answer must be (None: any text will do).

    `allowed` are the names of the tools that may be called now, where the choice of tools says so; None is all.
    """

    tools: Mapping[str, ProgramTool] = field(default_factory=dict[str, ProgramTool])
    output: OutputSpec | None = None
    allowed: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.output_tool in self.tools:
            raise ValueError(
                f"{OUTPUT_TOOL!r} is the tool that gives the answer; rename yours, or choose another output mode."
            )

    @cached_property
    def output_tool(self) -> str | None:
        """The tool by which the answer is given, if it is given by one."""
        return OUTPUT_TOOL if self.output is not None and self.output.mode == "tool" else None

    @property
    def known(self) -> tuple[str, ...]:
        """The names that a call may have, that of the answer's included."""
        return (*self.tools, self.output_tool) if self.output_tool is not None else tuple(self.tools)

    def allows(self, name: str) -> bool:
        """Whether a tool may be called; the one that gives the answer always may."""
        return name in self.known and (self.allowed is None or name in self.allowed or name == self.output_tool)

    @cached_property
    def fingerprint(self) -> Mapping[str, str]:
        """One short hash for each tool and for the output, by which a stored run knows its program again.

        It is part of the stored format: another way of hashing would make every stored program look changed.
        """
        prints = {f"tool {name}": _hash(_tool_facts(tool)) for name, tool in self.tools.items()}
        if self.output is not None:
            prints["output"] = _hash(_facts(self.output))
        return prints


def _tool_facts(tool: ProgramTool) -> object:
    """What of a tool the machine goes by; how it is described to the model may be mended at any time."""
    schema = _without_prose(tool.schema)
    return schema if (tool.effect, tool.on_unfinished) == ("once", None) else [schema, tool.effect, tool.on_unfinished]


_PROSE = ("title", "description", "examples")


def _without_prose(schema: object) -> object:
    if isinstance(schema, list):
        return [_without_prose(one) for one in cast("list[object]", schema)]
    if not isinstance(schema, Mapping):
        return schema
    parts = cast("Mapping[str, object]", schema)
    # What stands in these is named by the program, and may be called a title.
    named = [name for name in ("properties", "$defs") if isinstance(parts.get(name), Mapping)]
    kept = {name: _without_prose(one) for name, one in parts.items() if name not in (*_PROSE, *named)}
    groups = {name: cast("Mapping[str, object]", parts[name]) for name in named}
    return {
        **kept,
        **{name: {key: _without_prose(one) for key, one in group.items()} for name, group in groups.items()},
    }


def _facts(output: OutputSpec) -> list[object]:
    shape = asdict(output.shape) if isinstance(output.shape, JsonShape) else [asdict(one) for one in output.shape or ()]
    facts: list[object] = [shape, len(output.validators), output.on_invalid, output.strict]
    # Format 0 knew no modes.
    return facts if output.mode == "xml" else [*facts, output.mode]


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def changes(stored: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """What differs between two fingerprints, one sentence each."""
    gone = [f"{name} is gone" for name in stored if name not in given]
    new = [f"{name} is new" for name in given if name not in stored]
    other = [f"{name} is not what it was" for name in stored if name in given and stored[name] != given[name]]
    return [*gone, *new, *other]
