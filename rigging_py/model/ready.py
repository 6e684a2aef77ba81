"""Ready-made models: the tags that prompts use again and again, and `make_primitive` for one more."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, cast, overload

from pydantic import AfterValidator, BeforeValidator, create_model, field_serializer, field_validator

from rigging_py.model.base import Model, attr

T = TypeVar("T")


class Primitive(Model, Generic[T]):
    """One value between tags; `make_primitive` gives it a name and a type."""

    content: T


@overload
def make_primitive(
    name: str,
    *,
    tag: str | None = ...,
    doc: str | None = ...,
    validator: Callable[[str], str | None] | None = ...,
    strip_content: bool = ...,
) -> type[Primitive[str]]: ...
@overload
def make_primitive(
    name: str,
    type_: type[T],
    *,
    tag: str | None = ...,
    doc: str | None = ...,
    validator: Callable[[T], T | None] | None = ...,
    strip_content: bool = ...,
) -> type[Primitive[T]]: ...
def make_primitive(
    name: str,
    type_: type[Any] = str,
    *,
    tag: str | None = None,
    doc: str | None = None,
    validator: Callable[[Any], Any] | None = None,
    strip_content: bool = True,
) -> type[Primitive[Any]]:
    """A model class with one field, `content`, of a basic type.

    `validator` answers with the value to keep, or None to keep it as it is, and raises `ValueError` to refuse it.
    """

    def checked(value: Any) -> Any:
        answer = validator(value) if validator is not None else value
        return value if answer is None else answer

    def stripped(value: Any) -> Any:
        return value.strip() if strip_content and isinstance(value, str) else value

    annotation: Any = Annotated[type_, BeforeValidator(stripped), AfterValidator(checked)]
    # As an expression, since type checkers take no variable in a type.
    base = cast("type[Primitive[Any]]", Primitive.__class_getitem__(type_))
    return create_model(name, __base__=base, __doc__=doc, __cls_kwargs__={"tag": tag}, content=(annotation, ...))


class ErrorModel(Model, tag="error"):
    """An error as the model sees it; `type` is the name of the exception's class."""

    type: str = attr(default="Exception")
    content: str

    @classmethod
    def from_exception(cls, exception: BaseException) -> Self:
        """The error that tells of `exception`."""
        return cls(type=type(exception).__name__, content=str(exception))


class SystemErrorModel(ErrorModel, tag="system-error"):
    """An error of the surrounding program."""


class ValidationErrorModel(ErrorModel, tag="validation-error"):
    """An answer that was not what was asked for."""


class Thinking(Primitive[str]):
    """Reasoning that comes before an answer."""


class Question(Primitive[str]):
    """A question."""


class Answer(Primitive[str]):
    """An answer."""


class Description(Primitive[str]):
    """A description."""


class Instructions(Primitive[str]):
    """Instructions."""


class QuestionAnswer(Model):
    """A question with its answer."""

    question: Question
    answer: Answer


class DelimitedAnswer(Model):
    """Several answers on one line or several; `items` splits them by whichever of `, - / |` gives the most pieces."""

    content: str
    _delimiters: ClassVar[tuple[str, ...]] = (",", "-", "/", "|")

    @property
    def items(self) -> list[str]:
        """The answers, without the quotes and blanks around them; empty ones are left out."""
        pieces = max((self.content.split(one) for one in self._delimiters), key=len)
        return [item for piece in pieces if (item := piece.strip(" \"'\n\t\r"))]


class CommaDelimitedAnswer(DelimitedAnswer):
    """Answers between commas."""

    _delimiters: ClassVar[tuple[str, ...]] = (",",)


class NewlineDelimitedAnswer(DelimitedAnswer):
    """Answers on lines of their own."""

    _delimiters: ClassVar[tuple[str, ...]] = ("\n",)


_YES = re.compile(r"(yes|true|1)\b", re.IGNORECASE)
_NO = re.compile(r"(no|nope|false|0)\b", re.IGNORECASE)


class YesNoAnswer(Model):
    """A yes or a no; a sentence that begins with the word yes, true, 1, no, false or 0 is read as one."""

    boolean: bool

    @field_validator("boolean", mode="before")
    @classmethod
    def _read_word(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        word = value.strip()
        if _YES.match(word):
            return True
        if _NO.match(word):
            return False
        raise ValueError(f"{word!r} begins with neither yes nor no")

    @field_serializer("boolean")
    def _write_word(self, value: bool) -> str:
        return "yes" if value else "no"
