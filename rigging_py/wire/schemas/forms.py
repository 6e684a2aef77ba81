"""The ways back: what turns a value that was given for a rewritten schema into one of the schema that was meant.

A value of another form than was asked for is left as it is, for the check of the answer to refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, cast

from rigging_py.parsing.shape import JsonSchema
from rigging_py.parsing.untyped import as_list, as_mapping, as_object
from rigging_py.wire.schemas.exact import JsonText, is_type

RESULT = "result"
"""The key under which a value travels that is no object."""
_MANY = 50


class Form(Protocol):
    """What became of a part of a schema."""

    def restore(self, value: Any, forms: Forms) -> Any:
        """The value in the form that was meant. `forms` are those of the definitions."""
        ...

    def changes(self, forms: Forms, seen: frozenset[str]) -> bool:
        """Whether any value is another afterwards. `seen` are the definitions that are being looked at."""
        ...


Forms: TypeAlias = Mapping[str, Form]
"""What became of the definitions, by name."""


@dataclass(frozen=True, slots=True)
class Same:
    """Values are what they were."""

    def restore(self, value: Any, forms: Forms) -> Any:  # noqa: ARG002 — as the others
        return value

    def changes(self, forms: Forms, seen: frozenset[str]) -> bool:  # noqa: ARG002 — as the others
        return False


SAME = Same()


@dataclass(frozen=True, slots=True)
class Named:
    """What a reference names."""

    name: str

    def restore(self, value: Any, forms: Forms) -> Any:
        return forms[self.name].restore(value, forms)

    def changes(self, forms: Forms, seen: frozenset[str]) -> bool:
        return self.name not in seen and forms[self.name].changes(forms, seen | {self.name})


@dataclass(frozen=True, slots=True)
class Members:
    """The members of an object. One in `absent` is missing where it is null; `rest` is of those without a name."""

    named: Mapping[str, Form]
    absent: frozenset[str] = frozenset()
    rest: Form = SAME

    def restore(self, value: Any, forms: Forms) -> Any:
        given = as_object(value)
        if given is None:
            return value
        return {
            name: self.named.get(name, self.rest).restore(one, forms)
            for name, one in given.items()
            if one is not None or name not in self.absent
        }

    def changes(self, forms: Forms, seen: frozenset[str]) -> bool:
        return bool(self.absent) or any(one.changes(forms, seen) for one in (*self.named.values(), self.rest))


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a list: the first ones each by itself, then the rest."""

    rest: Form
    first: Sequence[Form] = ()

    def restore(self, value: Any, forms: Forms) -> Any:
        if not isinstance(value, list):
            return value
        given = cast("list[Any]", value)
        each = [*self.first, *[self.rest] * (len(given) - len(self.first))]
        return [form.restore(one, forms) for form, one in zip(each, given, strict=False)]

    def changes(self, forms: Forms, seen: frozenset[str]) -> bool:
        return any(one.changes(forms, seen) for one in (*self.first, self.rest))


@dataclass(frozen=True, slots=True)
class Places:
    """A list of fixed length that travels as an object with a member for each place."""

    members: Mapping[str, Form]

    def restore(self, value: Any, forms: Forms) -> Any:
        given = as_object(value)
        if given is None or given.keys() != self.members.keys():
            return value
        return [form.restore(given[name], forms) for name, form in self.members.items()]

    def changes(self, forms: Forms, seen: frozenset[str]) -> bool:  # noqa: ARG002 — as the others
        return True


@dataclass(frozen=True, slots=True)
class Pairs:
    """An object whose keys are free, which travels as a list of `{"key": …, "value": …}`."""

    value: Form

    def restore(self, value: Any, forms: Forms) -> Any:
        pairs = [as_mapping(one) for one in as_list(value)]
        keys = [one.get("key") for one in pairs]
        # With a key given twice one of its values would be lost without a word.
        is_whole = all(set(one) == {"key", "value"} for one in pairs) and all(isinstance(key, str) for key in keys)
        if not isinstance(value, list) or not is_whole or len(set(keys)) < len(keys):
            return cast("Any", value)
        return {str(one["key"]): self.value.restore(one["value"], forms) for one in pairs}

    def changes(self, forms: Forms, seen: frozenset[str]) -> bool:  # noqa: ARG002 — as the others
        return True


@dataclass(frozen=True, slots=True)
class Text:
    """Any value, which travels as its JSON text."""

    def restore(self, value: Any, forms: Forms) -> Any:  # noqa: ARG002 — as the others
        read = JsonText.read(value) if isinstance(value, str) else None
        return value if read is None else read.value

    def changes(self, forms: Forms, seen: frozenset[str]) -> bool:  # noqa: ARG002 — as the others
        return True


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A value that is no object, which travels as the only member of one."""

    value: Form

    def restore(self, value: Any, forms: Forms) -> Any:
        given = as_object(value)
        return value if given is None or given.keys() != {RESULT} else self.value.restore(given[RESULT], forms)

    def changes(self, forms: Forms, seen: frozenset[str]) -> bool:  # noqa: ARG002 — as the others
        return True


@dataclass(frozen=True, slots=True)
class Branch:
    """One of several schemas, as it was rewritten."""

    schema: JsonSchema
    form: Form


@dataclass(frozen=True, slots=True)
class Either:
    """A value of one of several schemas. Where they differ in the way back, a value fits one of them alone."""

    branches: tuple[Branch, ...]
    definitions: Mapping[str, JsonSchema] = field(repr=False)

    def restore(self, value: Any, forms: Forms) -> Any:
        fitting = (one.form for one in self.branches if fits(one.schema, value, self.definitions))
        return next(fitting, SAME).restore(value, forms)

    def changes(self, forms: Forms, seen: frozenset[str]) -> bool:
        return any(one.form.changes(forms, seen) for one in self.branches)

    def is_told_apart(self, forms: Forms) -> bool:
        """Whether no value fits two schemas of which one changes it."""
        branches = [(one.schema, one.form.changes(forms, frozenset())) for one in self.branches]
        # To compare very many would take long.
        return len(branches) <= _MANY and all(
            not (changes or others) or are_apart(schema, other, self.definitions)
            for index, (schema, changes) in enumerate(branches)
            for other, others in branches[index + 1 :]
        )


def fits(schema: JsonSchema, value: object, definitions: Mapping[str, JsonSchema]) -> bool:
    """Whether `value` has the type, the keys and the fixed members of a rewritten schema."""
    return any(_is_like(one, value) for one in alternatives(schema, definitions))


def _is_like(schema: JsonSchema, value: object) -> bool:
    fixed = _fixed(schema)
    if fixed is not None and not any(value == one and type(value) is type(one) for one in fixed):
        return False
    kind = schema.get("type")
    given = as_object(value)
    if kind != "object" or given is None:
        return kind is None or is_type(str(kind), value)
    members = as_mapping(schema.get("properties"))
    return (
        given.keys() >= set(as_list(schema.get("required")))
        and (schema.get("additionalProperties") is not False or given.keys() <= members.keys())
        and all(_has_fixed(part, given[name]) for name, part in members.items() if name in given)
    )


def _has_fixed(schema: JsonSchema, value: object) -> bool:
    fixed = _fixed(schema)
    return fixed is None or any(value == one and type(value) is type(one) for one in fixed)


def are_apart(one: JsonSchema, other: JsonSchema, definitions: Mapping[str, JsonSchema]) -> bool:
    """Whether it can be seen at once that no value fits both rewritten schemas."""
    ones, others = alternatives(one, definitions), alternatives(other, definitions)
    return len(ones) * len(others) <= _MANY**2 and all(_differ(a, b) for a in ones for b in others)


def _differ(one: JsonSchema, other: JsonSchema) -> bool:
    kinds = {str(one.get("type")), str(other.get("type"))}
    if "None" in kinds:
        return False
    if len(kinds) > 1:
        return kinds != {"integer", "number"}
    fixed, others = _fixed(one), _fixed(other)
    if fixed is not None and others is not None and not any(value in others for value in fixed):
        return True
    return kinds == {"object"} and (_lacks(one, other) or _lacks(other, one) or _fixes_another(one, other))


def _lacks(one: JsonSchema, other: JsonSchema) -> bool:
    """Whether `one` has no room for a member that `other` needs."""
    needed = set(as_list(other.get("required")))
    return one.get("additionalProperties") is False and not needed <= as_mapping(one.get("properties")).keys()


def _fixes_another(one: JsonSchema, other: JsonSchema) -> bool:
    """Whether a member that one of them needs has other values here than there."""
    needed = {*as_list(one.get("required")), *as_list(other.get("required"))}
    members, others = as_mapping(one.get("properties")), as_mapping(other.get("properties"))
    pairs = [(_fixed(members[name]), _fixed(others[name])) for name in needed if name in members and name in others]
    return any(a is not None and b is not None and not any(value in b for value in a) for a, b in pairs)


def _fixed(schema: JsonSchema) -> list[Any] | None:
    """The values that a schema names, if it does."""
    return [schema["const"]] if "const" in schema else as_list(schema["enum"]) if "enum" in schema else None


def alternatives(
    schema: JsonSchema, definitions: Mapping[str, JsonSchema], seen: set[str] | None = None
) -> list[JsonSchema]:
    """The schemas of which a value of a rewritten one has one, each once, references followed."""
    seen = set() if seen is None else seen
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name in seen:
        return []
    if name:
        seen.add(name)
        return alternatives(definitions[name], definitions, seen)
    branches = as_list(schema.get("anyOf"))
    return [one for branch in branches for one in alternatives(branch, definitions, seen)] if branches else [schema]
