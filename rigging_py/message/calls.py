"""How tools are described to a model, and how it calls them, in the form that the OpenAI API made common."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, field_validator


class FunctionDefinition(BaseModel):
    """A function: its name, what it does, and a JSON schema of its arguments, None for one that takes nothing.

    `strict` is set on the way out, where a provider can be asked to hold to the schema.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    @field_validator("parameters")
    @classmethod
    def _none_for_nothing(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        # Some providers refuse an object without properties.
        takes_nothing = schema is not None and schema.get("type") == "object" and schema.get("properties") == {}
        return None if takes_nothing and not (schema or {}).get("additionalProperties") else schema


class ToolDefinition(BaseModel):
    """A tool that a model may call."""

    model_config = ConfigDict(frozen=True)

    type: Literal["function"] = "function"
    function: FunctionDefinition


class FunctionCall(BaseModel):
    """A function's name and its arguments as JSON text, as the model wrote them."""

    model_config = ConfigDict(frozen=True)

    name: str
    arguments: str = "{}"


class ToolCall(BaseModel):
    """A call that a model asked for. `id` is the provider's name for it and may be empty."""

    model_config = ConfigDict(frozen=True)

    id: str = ""
    type: Literal["function"] = "function"
    function: FunctionCall

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name

    @property
    def arguments(self) -> str:
        """The arguments as JSON text, as the model wrote them."""
        return self.function.arguments

    def __str__(self) -> str:
        return f"{self.name}({self.arguments})"


ToolChoice: TypeAlias = str | dict[str, Any]
"""`auto`, `none`, `required`, the name of a tool, or an object: OpenAI's with a name in it, or the provider's own."""
