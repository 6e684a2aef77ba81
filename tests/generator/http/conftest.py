"""What the tests of `http!` share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.generator.http.endpoint import Endpoint, listening


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An endpoint on loopback."""
    with listening() as endpoint:
        yield endpoint
