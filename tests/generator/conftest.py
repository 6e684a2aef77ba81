"""What the tests of generators share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rigging_py.generator.local.engine import Engine, engine_for
from rigging_py.generator.local.weights import weights
from tests.generator.llama_tools import ToolServer, serve_with_tools
from tests.generator.stub import Stub, serving


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A provider on loopback."""
    with serving() as stub:
        yield stub


@pytest.fixture(scope="session")
def llama_server() -> Engine:
    """llama.cpp's own server with a small real model: its `address` on loopback, without `/v1`, and its `key`."""
    return engine_for(weights("smollm2"), 2048, 1)


@pytest.fixture(scope="session")
def llama_tool_server() -> ToolServer:
    """The same, with a template that shows tools to the model: asked `llama_tools.QUESTION`, it calls `look`."""
    return serve_with_tools(weights("smollm2"))
