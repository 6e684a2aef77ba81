"""Errors can be sent to another process, and nothing but the code they hold is lost on the way."""

import copy
import pickle
from collections.abc import Callable
from typing import cast

import pytest

from rigging_py import error as errors
from rigging_py.error import RiggingError

MADE: list[RiggingError] = [
    errors.InvalidGeneratorError("nope!x", "nope", "there is no provider 'nope'", ["openai"]),
    errors.MissingExtraError("The embedded model", "local"),
    errors.MaxDepthError(3, ()),
    errors.RateLimitedError("slow down", provider="openai", status=429, retry_after=2.0),
    errors.UnparsedError("int", "x", "not a number"),
]


def pickled(error: RiggingError) -> RiggingError:
    return cast("RiggingError", pickle.loads(pickle.dumps(error)))


def copied(error: RiggingError) -> RiggingError:
    return copy.copy(error)


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("send", [copied, pickled])
def test_an_error_keeps_its_text_and_its_facts(
    error: RiggingError, send: Callable[[RiggingError], RiggingError]
) -> None:
    other = send(error)
    assert (type(other), str(other), vars(other)) == (type(error), str(error), vars(error))
