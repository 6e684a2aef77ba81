"""Arguments that are described by a JSON schema from elsewhere, for tools that have no signature."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import cache, wraps
from typing import Annotated, Any, cast

from pydantic import AfterValidator, TypeAdapter
from pydantic_core import PydanticCustomError

from rigging_py.error import ToolDefinitionError
from rigging_py.tools.signature import Arguments

_SHOWN = 3
_STEPS = 20_000
"""Keywords that one check looks at; a few references to references can ask for any number."""
_UNCHECKED = ("pattern", "patternProperties", "unevaluatedItems", "unevaluatedProperties", "uniqueItems")
"""Keywords by which a schema and what it is for can keep a check busy for ever. The server checks them."""

_left: ContextVar[list[int]] = ContextVar("_left")


def schema_arguments(tool: str, schema: dict[str, Any]) -> Arguments:
    """What a tool takes whose arguments are described by `schema`; they are checked by it, and given as they came.

    Nothing is fetched for a `$ref`, and what a check could not do at once is left to the server. Raises
    `ToolDefinitionError` for what is no JSON schema of an object.
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
    validator = _validator(tool, schema)

    def check(values: dict[str, Any]) -> dict[str, Any]:
        token = _left.set([_STEPS])
        try:
            errors = sorted(validator.iter_errors(values), key=lambda error: error.json_path)
        except Exception:  # noqa: BLE001 — a schema that only its server understands, in whatever way; it checks too
            return values
        finally:
            _left.reset(token)
        if errors:
            said = "; ".join(
                f"{'.'.join(map(str, one.absolute_path))}: {one.message}".lstrip(": ") for one in errors[:_SHOWN]
            )
            raise PydanticCustomError("json_schema", "{said}", {"said": said})
        return values

    return check


def _validator(tool: str, schema: dict[str, Any]) -> Any:
    # Only programs with such tools pay for the import.
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    try:
        kind = validator_for(schema, default=Draft202012Validator)
        kind.check_schema(schema)
    except (SchemaError, RecursionError, TypeError, ValueError, AttributeError) as error:  # also of an odd `$schema`
        said = "it is nested too deeply" if isinstance(error, RecursionError) else getattr(error, "message", str(error))
        raise ToolDefinitionError(f"The arguments of {tool!r} have no valid JSON schema: {said}.") from None
    if schema.get("type") != "object":
        raise ToolDefinitionError(f"The arguments of {tool!r} are described as {schema.get('type')!r}, not 'object'.")
    # The default registry would fetch what a `$ref` names.
    return _bounded(kind)(schema, registry=cast("Any", Registry)())


@cache
def _bounded(kind: Any) -> Any:
    """A validator that counts its steps, and keeps to its own keywords whatever `$schema` a part of a schema names."""
    from attrs import evolve
    from jsonschema import validators

    checks = {name: _counted(check) for name, check in kind.VALIDATORS.items()}
    bounded = cast("Any", validators).extend(kind, {**checks, **dict.fromkeys(_UNCHECKED, _unchecked)})
    bounded.evolve = evolve
    return bounded


def _counted(check: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(check)
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        left = _left.get()
        left[0] -= 1
        if left[0] < 0:
            raise OverflowError("the check looks at more keywords than it may")
        # Which properties are additional is for the patterns to say.
        is_by_pattern = "patternProperties" in schema and check.__name__ == "additionalProperties"
        return None if is_by_pattern else check(validator, value, instance, schema)

    return counted


def _unchecked(*_: object) -> None:
    """Leaves a keyword to the server."""
