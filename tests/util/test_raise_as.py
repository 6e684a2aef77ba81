"""A decorator says what kind of error a function's errors are."""

from __future__ import annotations

import pytest

from rigging_py.error import ProcessingError, raise_as


@raise_as(ProcessingError, "The body could not be read.")
def read(text: str) -> int:
    """Reads."""
    return int(text)


@raise_as(ProcessingError, "The body could not be read.")
async def aread(text: str) -> int:
    return int(text)


async def test_what_goes_wrong_is_the_cause_of_the_error() -> None:
    with pytest.raises(ProcessingError, match=r"^The body could not be read\.$") as raised:
        read("x")
    assert isinstance(raised.value.__cause__, ValueError)
    with pytest.raises(ProcessingError) as raised:
        await aread("x")
    assert isinstance(raised.value.__cause__, ValueError)


async def test_what_goes_right_is_left_alone() -> None:
    assert (read("1"), await aread("2"), read.__name__, read.__doc__) == (1, 2, "read", "Reads.")
