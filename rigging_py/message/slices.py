"""`MessageSlice`: a marked range of a message's text, with the object that it stands for."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_serializer, field_validator, model_validator

from rigging_py.error import MessageWarning
from rigging_py.message.making import assemble, fresh
from rigging_py.message.stored_object import StoredObject, read, stored

if TYPE_CHECKING:
    from rigging_py.message.sliced import Sliced

SliceType = Literal["tool_call", "tool_response", "model", "other"]
"""What a slice marks."""


class MessageSlice(BaseModel):
    """The text of a message from `start` to `stop`, in the coordinates of its `content`, and what it stands for.

    Two are equal when they mark the same place as the same type. In JSON `obj` is the path of its class and its data;
    loaded, a `Model` or a `ToolCall` is there again where the program has loaded its class, else None.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    type: SliceType
    held: Any = Field(default=None, alias="obj", repr=False)
    start: int = Field(ge=0)
    stop: int
    metadata: dict[str, Any] = Field(default_factory=dict[str, Any])
    _message: Sliced | None = PrivateAttr(default=None)
    _revived: object = PrivateAttr(default=None)

    def __init__(
        self,
        type: SliceType,  # noqa: A002
        obj: Any = None,
        start: int = 0,
        stop: int = 0,
        metadata: dict[str, Any] | None = None,
        **others: Any,
    ) -> None:
        given = {"metadata": metadata} if metadata is not None else {}
        super().__init__(**{"type": type, "obj": obj, "start": start, "stop": stop, **given, **others})

    @field_validator("held", mode="plain")
    @classmethod
    def _read(cls, value: object) -> object:
        return read(value)

    @field_serializer("held")
    def _stored(self, value: object) -> Any:
        return stored(value)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.stop < self.start:
            raise ValueError(f"a slice stops at or after its start, and {self.start} to {self.stop} does not")
        return self

    @property
    def obj(self) -> Any:
        """What the text stands for: a model, a tool call, or anything else that it was marked with."""
        if not isinstance(self.held, StoredObject):
            return self.held
        if self._revived is None:
            self._revived = self.held.revived()
        return self._revived

    @obj.setter
    def obj(self, value: Any) -> None:
        self.held, self._revived = value, None

    @property
    def message(self) -> Sliced | None:
        """The message that it is on, if any."""
        return self._message

    @property
    def slice_(self) -> slice:
        """Its range, as Python takes it in brackets."""
        return slice(self.start, self.stop)

    @property
    def content(self) -> str:
        """The marked text. Set, it changes the message, and this slice marks the new text.

        A slice that is on no message has none, and warns.
        """
        if self._message is None:
            warnings.warn("This slice is on no message, so there is no text in it.", MessageWarning, stacklevel=2)
            return "[detached]"
        return self._message.content[self.start : self.stop]

    @content.setter
    def content(self, text: str) -> None:
        if self._message is None:
            warnings.warn("This slice is on no message, so no text was changed.", MessageWarning, stacklevel=2)
            return
        self._message.edit_slice(self, text)

    def clone(self) -> Self:
        """A copy on no message, with metadata of its own."""
        fields = {**vars(self), "metadata": fresh(self.metadata)}
        return assemble(type(self), fields, {"_message": None, "_revived": self._revived})

    def attach(self, message: Sliced | None) -> None:
        """Says which message it is on; `Message.slices` does this."""
        self._message = message

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MessageSlice):
            return NotImplemented
        return (self.start, self.stop, self.type) == (other.start, other.stop, other.type)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return self.stop - self.start

    def __bool__(self) -> bool:
        # One that marks no text is still a slice.
        return True

    def __str__(self) -> str:
        where = f"{self.type} {self.start}:{self.stop}"
        return f"<{where} detached>" if self._message is None else f"<{where} {self.content!r}>"

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        yield from (("type", self.type), ("start", self.start), ("stop", self.stop))
        # To show it must run nothing, and to make a stored object again runs the checks of its class.
        yield from (("obj", self._revived or self.held),) if self.held is not None else ()
