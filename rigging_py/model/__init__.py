"""Models: pydantic classes that are written and read as tagged text."""

from rigging_py.model.base import Model, attr, element, wrapped
from rigging_py.model.made import make_from_schema, make_from_signature
from rigging_py.model.ready import (
    Answer,
    CommaDelimitedAnswer,
    DelimitedAnswer,
    Description,
    ErrorModel,
    Instructions,
    NewlineDelimitedAnswer,
    Primitive,
    Question,
    QuestionAnswer,
    SystemErrorModel,
    Thinking,
    ValidationErrorModel,
    YesNoAnswer,
    make_primitive,
)

__all__ = [
    "Answer",
    "CommaDelimitedAnswer",
    "DelimitedAnswer",
    "Description",
    "ErrorModel",
    "Instructions",
    "Model",
    "NewlineDelimitedAnswer",
    "Primitive",
    "Question",
    "QuestionAnswer",
    "SystemErrorModel",
    "Thinking",
    "ValidationErrorModel",
    "YesNoAnswer",
    "attr",
    "element",
    "make_from_schema",
    "make_from_signature",
    "make_primitive",
    "wrapped",
]
