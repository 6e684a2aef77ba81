"""The code a run needs beside its data: the tools that may be called and the check of the answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from rigging_py.parsing import Shape


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is wrong with an answer, in words for the model."""

    text: str


Validator: TypeAlias = Callable[[str], object]
"""A pure function from the text of an answer to its value, or to `Feedback`."""


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """What the answer must be.

    `on_invalid`: `feedback` appends what is wrong and asks again; `regenerate` asks again as if nothing had been said.
    `strict`: retries spent is a failure; otherwise the run is done with an `output_error`.
    `keep_dialog`: whether the response's messages hold the answers that were refused.
    `shape`: the form of the answer, for generators that can enforce it.
    """

    validators: tuple[Validator, ...]
    shape: Shape | None = None
    on_invalid: Literal["feedback", "regenerate"] = "feedback"
    strict: bool = True
    keep_dialog: bool = True

    def check(self, text: str) -> object:
        """The value of an answer (a tuple when there are several validators), or the first `Feedback`."""
        values: list[object] = []
        for validator in self.validators:
            value = validator(text)
            if isinstance(value, Feedback):
                return value
            values.append(value)
        return values[0] if len(values) == 1 else tuple(values)


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
    """The tools by name, and what the answer must be (None: any text will do)."""

    tools: Mapping[str, ProgramTool] = field(default_factory=dict[str, ProgramTool])
    output: OutputSpec | None = None

    @cached_property
    def fingerprint(self) -> Mapping[str, str]:
        """One short hash for each tool and for the output, by which a stored run knows its program again."""
        prints = {f"tool {name}": _hash(tool.schema) for name, tool in self.tools.items()}
        if self.output is not None:
            shape = [asdict(element) for element in self.output.shape or ()]
            prints["output"] = _hash([shape, len(self.output.validators), self.output.on_invalid, self.output.strict])
        return prints


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def changes(stored: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """What differs between two fingerprints, one sentence each."""
    gone = [f"{name} is gone" for name in stored if name not in given]
    new = [f"{name} is new" for name in given if name not in stored]
    other = [f"{name} is not what it was" for name in stored if name in given and stored[name] != given[name]]
    return [*gone, *new, *other]
