"""The sandbox in which the templates of a spec are rendered: no way out of the data, and a bound on the work.

A step is a turn of a loop, a call, or a thousand characters looked at or made; one rendering has `STEPS` of them.
Imported on first use, since jinja2 is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any, cast

from jinja2 import StrictUndefined, Template, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

STEPS = 100_000
_PER_STEP = 1_000
_PER_VALUE = 100
"""What a value weighs besides its characters."""
_BITS = 10_000
"""The longest whole number."""
# The others make much text out of little, or are for HTML.
_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "int", "items", "last"),
    *("length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "round", "select"),
    *("selectattr", "sort", "string", "title", "trim", "truncate", "unique", "upper", "urlencode", "wordcount"),
)
_GLOBALS = ("range", "dict", "namespace")
_GROWING = frozenset(
    "center expandtabs format format_map join ljust replace rjust to_bytes translate zfill".split()  # noqa: SIM905
)
"""Methods that make much out of little."""
_TURNS, _MADE, _JOINED = "turns of a loop", "a list or a dict", "texts side by side"
"""Filters by names that no template can write."""

_left: ContextVar[list[int] | None] = ContextVar("_left", default=None)


@lru_cache(maxsize=256)
def compiled(text: str) -> Callable[[Mapping[str, Any]], str]:
    """What renders `text` from named values. Raises jinja2's `TemplateSyntaxError` and `SecurityError`."""
    environment = _Sandbox(turn=1 + len(text) // _PER_STEP)
    tree = _Counting().visit(environment.parse(text))
    template = Template.from_code(environment, environment.compile(tree), environment.make_globals(None))

    def render(names: Mapping[str, Any]) -> str:
        token = _left.set([STEPS])
        try:
            return template.render(names)
        finally:
            _left.reset(token)

    return render


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, turn: int) -> None:
        super().__init__(undefined=StrictUndefined, finalize=_paid)
        self._turn = turn  # what stands in the template may be said again in each turn
        self.filters = {name: _paying(self.filters[name]) for name in _FILTERS}
        self.filters |= {"join": _join, "replace": _replace, "tojson": _tojson}
        self.filters |= {_TURNS: self._turns, _MADE: _paid, _JOINED: _join}
        self.tests = {name: _paying(cast("Callable[..., Any]", test)) for name, test in self.tests.items()}
        self.globals = {name: self.globals[name] for name in _GLOBALS}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        is_growing = isinstance(obj, str | bytes | int) and attr in _GROWING
        return not is_growing and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Nothing stands in for `format`, so that it is refused as an attribute."""

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        _pay_ahead(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: PYI063
        # As in jinja2, the names leave every other to the template's own arguments.
        _spend(__self._turn)
        _paid([getattr(__obj, "__self__", None), args])  # a method may look at all of what it is one of
        return _paid(super().call(__context, __obj, *args, **kwargs))

    def _turns(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            _spend(self._turn)
            yield value


class _Counting(NodeTransformer):
    """Puts the filters that count around every loop, list, dict and `~`, and around what is compared or cut."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        if node.recursive:
            raise SecurityError("recursive loops are not allowed here")
        self.generic_visit(node)
        node.iter = _filtered(cast("nodes.Expr", node.iter), _TURNS)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), _JOINED)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _filtered(node.expr, _MADE)
        return node

    def visit_Operand(self, node: nodes.Operand) -> nodes.Node:
        self.generic_visit(node)
        node.expr = _filtered(node.expr, _MADE)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, _MADE) if isinstance(node.arg, nodes.Slice) else node

    def visit_List(self, node: nodes.List | nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, _MADE)

    visit_Dict = visit_List

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, _MADE) if node.ctx == "load" else node


def _filtered(node: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _paying(function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, paid for by what it is given; what it makes is no larger."""

    @wraps(function)  # with jinja2's own marks on it
    def paying(*args: Any, **kwargs: Any) -> Any:
        for value in args:
            _paid(value)
        return function(*args, **kwargs)

    return paying


def _spend(steps: int) -> None:
    left = _left.get()
    if left is None:  # a constant, worked out while the template is compiled
        left = [STEPS]
    left[0] -= steps
    if left[0] < 0:
        raise SecurityError(f"it does more than {STEPS:,} steps")


def _paid(value: Any, times: int = 1) -> Any:
    """The value, after its size was paid for, down to its last text."""
    pending, size = [value], 0
    while pending and size <= STEPS * _PER_STEP:
        one = pending.pop()
        size += _PER_VALUE
        if isinstance(one, str | bytes):
            size += len(one)
        elif isinstance(one, dict):
            pending += [*cast("dict[Any, Any]", one), *cast("dict[Any, Any]", one).values()]
        elif isinstance(one, list | tuple):
            pending += cast("list[Any]", one)
        elif isinstance(one, range):
            size += _PER_VALUE * len(one)
    _spend(times * size // _PER_STEP)
    return value


def _pay_ahead(operator: str, left: Any, right: Any) -> None:
    """Pays for what an operator is about to make."""
    if operator == "%" and isinstance(left, str | bytes):
        raise SecurityError("text is not formatted with % here")
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * abs(right) if operator == "**" else left.bit_length() + right.bit_length()
        if bits > _BITS:
            raise SecurityError("it makes too long a number")
    elif operator == "*":
        _paid(left, right if isinstance(right, int) and right > 0 else 1)
        _paid(right, left if isinstance(left, int) and left > 0 else 1)
    elif operator == "+":
        _paid([left, right])


def _join(values: Iterable[Any], between: str = "", attribute: str | int | None = None) -> str:
    texts = [str(_paid(value if attribute is None else value[attribute])) for value in values]
    _paid(between, len(texts))
    return between.join(texts)


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    text = str(_paid(text))
    _paid(new, text.count(old))
    return text.replace(old, new, count)


def _tojson(value: Any, indent: int | None = None) -> str:
    # A name that is not given is refused by its own text.
    return json.dumps(_paid(value), ensure_ascii=False, indent=None if indent is None else min(indent, 8), default=str)
