"""`GenerateParams`: what can be asked of a model besides its messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, field_serializer, field_validator
from pydantic_core import from_json, to_json, to_jsonable_python

from rigging_py.message.calls import ToolChoice, ToolDefinition
from rigging_py.message.hidden import without_secrets
from rigging_py.message.making import assemble
from rigging_py.parsing import JsonShape, Shape


class GenerateParams(BaseModel):
    """Parameters of a generation; None leaves a choice to the provider. Refinements are new objects.

    A `repr` and a dump leave out what stands in `extra` under the name of a secret, such as `authorization`, and the
    user and the secrets in the query of `api_base`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    temperature: float | None = None
    max_tokens: int | None = None
    """The most tokens the answer may have."""
    top_k: int | None = None
    top_p: float | None = None
    stop: list[str] | None = None
    """Texts that end the answer; a single string is split at `;`."""
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    api_base: str | None = None
    """The base URL of the provider."""
    timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Seconds for one request."""
    seed: int | None = None
    tools: list[ToolDefinition] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    modalities: list[str] | None = None
    audio: dict[str, str] | None = None
    extra: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Whatever else the provider takes, sent as it is."""
    output: SkipValidation[Shape | JsonShape | None] = Field(default=None, exclude=True, repr=False)
    """The shape of the answer, for generators that can enforce it; set by pipelines."""

    @field_validator("stop", mode="before")
    @classmethod
    def _split_stop(cls, value: object) -> object:
        return [text for text in value.split(";") if text] if isinstance(value, str) else value

    @field_validator("tools", mode="before")
    @classmethod
    def _read_tools(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            return value
        return [from_json(one) if isinstance(one, str) else one for one in cast("list[object]", value)]

    @field_serializer("api_base", "extra")
    def _without_secrets(self, value: Any) -> Any:
        return without_secrets(value)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            if value is not None and value != {}:
                yield name, without_secrets(value) if name in ("api_base", "extra") else value

    def __hash__(self) -> int:
        return hash(to_json(self.model_dump(exclude={"extra", "tools"}), fallback=repr))

    def merge_with(self, *others: GenerateParams | Mapping[str, Any] | None) -> Self:
        """These parameters with every value that is set and not None in `others`, later ones winning."""
        updates: dict[str, Any] = {}
        for other in others:
            if other is not None:
                params = other if isinstance(other, GenerateParams) else GenerateParams.model_validate(other)
                updates.update(params.given())
        return self.having(**updates) if updates else self

    def having(self, **values: Any) -> Self:
        """These parameters with some of another value, known to be right; nothing is checked."""
        made = assemble(type(self), {**vars(self), **values})
        object.__setattr__(made, "__pydantic_fields_set__", self.model_fields_set | values.keys())
        return made

    def given(self) -> dict[str, Any]:
        """The fields that were set to something, as they are."""
        return {name: value for name in self.model_fields_set if (value := getattr(self, name)) is not None}

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe values without None; `extra` is part of the top level and wins there."""
        values = self.model_dump(mode="json", exclude={"api_base", "extra"}, exclude_none=True)
        base = {"api_base": self.api_base} if self.api_base is not None else {}
        return {**values, **base, **to_jsonable_python(self.extra)}

    def clone(self) -> Self:
        """A copy that shares nothing that can change."""
        return self.model_copy(deep=True)
