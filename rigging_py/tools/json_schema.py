"""Arguments that are described by a JSON schema from elsewhere, for tools that have no signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, cast

from pydantic import AfterValidator, TypeAdapter
from pydantic_core import PydanticCustomError

from rigging_py.error import ToolDefinitionError
from rigging_py.tools.signature import Arguments

_SHOWN = 3


def schema_arguments(tool: str, schema: dict[str, Any]) -> Arguments:
    """What a tool takes whose arguments are described by `schema`; they are checked by it, and given as they came.

    Nothing is fetched for a `$ref`. Raises `ToolDefinitionError` for what is no JSON schema of an object.
    """
    check = _check(tool, schema)
    return Arguments(
        schema=schema,
        adapter=TypeAdapter(Annotated[dict[str, Any], AfterValidator(check)]),
        names=tuple(cast("dict[str, Any]", schema.get("properties", {}))),
        defaults={},
        positional=(),
    )


def _check(tool: str, schema: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    # Only programs with such tools pay for the import.
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        said = getattr(error, "message", "it is nested too deeply")
        raise ToolDefinitionError(f"The arguments of {tool!r} have no valid JSON schema: {said}.") from None
    if schema.get("type") != "object":
        raise ToolDefinitionError(f"The arguments of {tool!r} are described as {schema.get('type')!r}, not 'object'.")
    # The default registry would fetch what a `$ref` names.
    validator = kind(schema, registry=Registry())

    def check(values: dict[str, Any]) -> dict[str, Any]:
        try:
            errors = sorted(validator.iter_errors(values), key=lambda error: error.json_path)
        except (Unresolvable, RecursionError):
            return values  # a schema that only its server understands; the server checks too
        if errors:
            said = "; ".join(
                f"{'.'.join(map(str, one.absolute_path))}: {one.message}".lstrip(": ") for one in errors[:_SHOWN]
            )
            raise PydanticCustomError("json_schema", "{said}", {"said": said})
        return values

    return check
