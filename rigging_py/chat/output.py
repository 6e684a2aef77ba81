"""What an answer must be: turns types into the machine's `OutputSpec`, and bad answers into feedback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from pydantic import ValidationError

from rigging_py.chat.chat import Chat
from rigging_py.error import MissingModelError
from rigging_py.message import FunctionDefinition, ToolDefinition
from rigging_py.parsing import Codec, JsonCodec, codec_of, complete_items, json_codec_of, json_codec_of_schema, tagged
from rigging_py.parsing.codec import SeveralCodec, first_complaints
from rigging_py.parsing.parse import PARSE_ERRORS
from rigging_py.parsing.shape import JsonShape, Shape
from rigging_py.run import OUTPUT_TOOL, PASSED, Continue, Feedback, MoreTokens, OutputMode, OutputSpec, Validator

REWRITE = "Rewrite your entire message with all of the required elements:"
REWRITE_JSON = "Give the whole answer again."
AnyCodec: TypeAlias = Codec[Any] | JsonCodec[Any]


@dataclass(frozen=True)
class Asked:
    """Values that are asked for in one mode; `instruction` are the words that ask, where the mode needs them."""

    codecs: Sequence[AnyCodec]
    mode: OutputMode = "xml"

    @property
    def instruction(self) -> str:
        """What the model is told, for a mode or a generator that needs to be told."""
        return "\n\n".join(one.instruction for one in self.codecs if isinstance(one, JsonCodec))

    def added_to(self, spec: OutputSpec | None) -> OutputSpec:
        """`spec` with these values asked for too."""
        if spec is not None and spec.shape is not None and (spec.mode != self.mode or self.mode != "xml"):
            raise ValueError(
                f"An answer is asked for in one mode, and this one in {spec.mode!r} and in {self.mode!r}; "
                "outside of 'xml' it is one value, so make one model of all that it must hold."
            )
        spec = spec or OutputSpec(())
        validators = (*spec.validators, *map(_reader, self.codecs))
        salvage = _salvager(self.codecs[0]) if len(validators) == 1 else None
        shape = self._shape(spec)
        is_open_ended = isinstance(shape, tuple) and any(element.most is None for element in shape)
        return replace(
            spec, validators=validators, shape=shape, mode=self.mode, salvage=salvage, is_open_ended=is_open_ended
        )

    def _shape(self, spec: OutputSpec) -> Shape | JsonShape:
        if self.mode != "xml":
            return cast("JsonCodec[Any]", self.codecs[0]).shape
        codecs = cast("Sequence[Codec[Any]]", self.codecs)
        before = cast("Shape", spec.shape or ())
        return (*before, *(element for codec in codecs for element in codec.shape))


def asking_for(types: Sequence[Any], mode: OutputMode = "xml") -> Asked:
    """Values of these types. Outside of `xml` it is one type, or one JSON schema as a dict."""
    if mode == "xml":
        return Asked([codec_of(one) for one in types])
    if len(types) != 1:
        raise ValueError(
            f"In the mode {mode!r} an answer is one value; make one model of the {len(types)} types given."
        )
    return Asked([_json_codec(types[0])], mode)


def _json_codec(kind: Any) -> JsonCodec[Any]:
    return json_codec_of_schema(cast("Mapping[str, Any]", kind)) if isinstance(kind, Mapping) else json_codec_of(kind)


def checking(spec: OutputSpec | None, *checks: Callable[[str], bool | str | None]) -> OutputSpec:
    """`spec` with the text of the answer checked too."""
    spec = spec or OutputSpec(())
    return replace(spec, validators=(*spec.validators, _all_of(checks)), salvage=None)


def _all_of(checks: Sequence[Callable[[str], bool | str | None]]) -> Validator:
    def check(text: str) -> object:
        for one in checks:
            said = one(text)
            if said is False or isinstance(said, str):
                return Feedback(said or "This answer is not acceptable. Give another.", "rejected")
            if said is not None and said is not True:
                name = getattr(one, "__name__", repr(one))
                raise TypeError(f"The check {name} gets the text and says True, False, None or why not; not {said!r}.")
        return PASSED

    return check


def answer_tool(spec: OutputSpec | None) -> ToolDefinition | None:
    """The tool by which the answer is given, where it is given by one."""
    if spec is None or spec.mode != "tool" or not isinstance(spec.shape, JsonShape):
        return None
    function = FunctionDefinition(
        name=OUTPUT_TOOL, description="Gives the final answer.", parameters=dict(spec.shape.schema)
    )
    return ToolDefinition(function=function)


def extra_turns(spec: OutputSpec | None) -> int:
    """How many more turns an answer may take because the token limit cut it."""
    policy = spec.on_truncated if spec is not None else "fail"
    return policy.times if isinstance(policy, Continue) else int(isinstance(policy, MoreTokens))


def _reader(codec: AnyCodec) -> Validator:
    def read(text: str) -> object:
        try:
            # Nobody has the chat yet that a member may hold; classes that check their members take an empty one.
            return codec.read(text, Chat(messages=[])) if isinstance(codec, SeveralCodec) else codec.read(text)
        except PARSE_ERRORS as error:
            wrong = first_complaints(error) if isinstance(error, ValidationError) else str(error)
            said = tagged("validation-error", wrong, type=type(error).__name__)
            again = REWRITE_JSON if isinstance(codec, JsonCodec) else f"{REWRITE}\n\n{codec.example}"
            return Feedback(f"{said}\n\n{again}", "missing" if isinstance(error, MissingModelError) else "invalid")

    return read


def _salvager(codec: AnyCodec) -> Validator:
    def salvage(text: str) -> object:
        items = complete_items(codec, text)
        return items if items is not None else Feedback("No item of the answer was complete.", "missing")

    return salvage
