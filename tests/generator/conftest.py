"""What the tests of generators share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.generator.stub import Stub, serving


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A provider on loopback."""
    with serving() as stub:
        yield stub
