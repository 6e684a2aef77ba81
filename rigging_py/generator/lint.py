"""`lint_schema`: what is rewritten about a schema before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from rigging_py.generator.base import Generator
from rigging_py.generator.policies.base import Policy
from rigging_py.generator.registry import get_generator
from rigging_py.message import GenerateParams, ToolDefinition
from rigging_py.parsing import json_codec_of, json_codec_of_schema
from rigging_py.wire.schemas import PLAIN, RewrittenSchema, rewritten


def lint_schema(asked: Any, generator: Generator | str) -> RewrittenSchema:
    """How a schema is sent, with every change about it in `changes`; printed, it says one change a line.

    `asked` is a type, a JSON schema as a dict, a tool or its `definition`. `generator` is one or its
    connection string; of a policy it is the first that it asks. Nobody is asked anything. Where the generator rewrites
    nothing itself, nothing is changed.

    Raises `PromptDefinitionError` for what is no type or schema, `InvalidGeneratorError` for what is no generator.
    """
    # With it comes the HTTP client, which the front door does without.
    from rigging_py.generator.provider import ProviderGenerator

    asking = get_generator(generator) if isinstance(generator, str) else generator
    while isinstance(asking, Policy):
        asking = asking.inner
    dialect = asking.dialect_of(GenerateParams()) if isinstance(asking, ProviderGenerator) else PLAIN
    definition = getattr(asked, "definition", asked)  # of a tool, which is a room above
    if isinstance(definition, ToolDefinition):
        schema = definition.function.parameters or {"type": "object", "properties": {}}
        return rewritten(schema, dialect if dialect.for_tools else PLAIN)
    is_schema = isinstance(asked, Mapping)
    codec = json_codec_of_schema(cast("Mapping[str, Any]", asked)) if is_schema else json_codec_of(asked)
    return rewritten(codec.schema, dialect)
