"""Connection strings: `[provider!]model[,key=value]…`, taken apart and put together. Text only, no classes.

A value is everything up to the next comma, with `%2C`-style escapes resolved; or it stands between double quotes, with
JSON's backslash escapes. White space around the pieces means nothing.

Around them, `policy(…)[,key=value]…` asks what is in the parentheses under a rule, and `|` stands between alternatives.
A bar is one in a name, or where another generator begins behind it, `provider!` or `policy(`; else it is part of a
value. Parentheses that are open in a value are closed in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from rigging_py.error import InvalidGeneratorError
from rigging_py.message import without_user

_PIECE = re.compile(r'\s*(?:([^=,"]*?)\s*=\s*)?("(?:[^"\\]|\\.)*+"|[^,]*?)\s*(?:,|\Z)', re.DOTALL)
_HIDDEN = "(?:key|secret|password|token(?!s))"
# A comma in a key that is not quoted cuts it; what follows without a `=` is more of it.
_SECRET = re.compile(
    rf'(?is)([^,=!]*{_HIDDEN}[^,=]*=\s*)(?!env:)(?:"(?:[^"\\]|\\.)*+(?:"|\Z))?[^,]*(?:,(?![^,=]*=)[^,]*)*'
)
_LIKE_A_KEY = re.compile(r"(?i)\b(?:sk|pk|rk)-[\w-]{8,}")
_UNSAFE = re.compile(r'[%,"!()\x00-\x1f\x7f]|^\s|\s$|^$')
_BEGINNING = re.compile(r"\s*([\w-]+)\s*([!(])")
_SIGN = re.compile(r'(?:\A|[=!])\s*"(?:[^"\\]|\\.)*+"|[(),|]', re.DOTALL)
"""What may end a generator, and what is quoted, where nothing does."""
_DEPTH_MAX = 20


@dataclass(frozen=True, slots=True)
class Identifier:
    """A connection string, taken apart. `provider` is None where the default is meant."""

    provider: str | None
    model: str
    options: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Composition:
    """Generators under a policy, which is None for alternatives with nothing around them."""

    policy: str | None
    generators: tuple[Identifier | Composition, ...]
    options: Mapping[str, str] = field(default_factory=dict[str, str])


def is_secret(key: str) -> bool:
    """Whether an option of this name is not to be shown."""
    return re.search(_HIDDEN, key, re.IGNORECASE) is not None


def masked(identifier: str) -> str:
    """The string with the values of keys, tokens, secrets and passwords as `***`, and whatever else looks like one."""
    return without_user(_LIKE_A_KEY.sub("***", _SECRET.sub(r"\1***", identifier)))


def parse_identifier(text: str) -> Identifier:
    """Takes a connection string apart. Raises `InvalidGeneratorError` naming the piece that is wrong."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # a variable that is not set is None
        raise TypeError(f"A connection string is a text such as 'openai!gpt-4o'; not {text!r}.")
    return _leaf(text, text)


def _leaf(text: str, part: str) -> Identifier:
    """What a part of the whole text says."""
    head, comma, tail = part.partition(",")
    provider, mark, model = head.partition("!")
    if mark and not provider.strip():
        raise _error(text, head, "the name of the provider before the ! is missing")
    model = _decoded(text, head, (model if mark else head).strip())
    if not model:
        raise _error(text, head, "the name of the model is missing")
    return Identifier(provider.strip() if mark else None, model, _options(text, tail) if comma else {})


def parse_composition(
    text: str, *, is_provider: Callable[[str], bool], is_policy: Callable[[str], bool]
) -> Identifier | Composition:
    """Takes a connection string apart in which policies may stand around generators."""
    if not isinstance(text, str) or not {"|", "("} & set(text):  # pyright: ignore[reportUnnecessaryIsInstance]
        return parse_identifier(text)
    reader = _Reader(text, is_provider, is_policy)
    found = reader.alternatives(0)
    return found[0] if len(found) == 1 else Composition(None, found)


def format_identifier(provider: str | None, model: str, options: Mapping[str, str]) -> str:
    """Puts a connection string together; `parse_identifier` gives the same parts back."""
    # A bar in a name would end it; in a value it could only where an unescaped ! or ( followed.
    name = _encoded(model).replace("|", "%7C")
    return _with_options(f"{provider}!{name}" if provider else name, options)


def format_composition(policy: str | None, generators: Sequence[str], options: Mapping[str, str]) -> str:
    """Puts generators together that are strings already; all but the first name their provider or policy."""
    alternatives = "|".join(generators)
    return alternatives if policy is None else _with_options(f"{policy}({alternatives})", options)


def _with_options(head: str, options: Mapping[str, str]) -> str:
    return ",".join([head, *(f"{key}={_encoded(value)}" for key, value in options.items())])


class _Reader:
    """Goes through a connection string once, from generator to generator."""

    def __init__(self, text: str, is_provider: Callable[[str], bool], is_policy: Callable[[str], bool]) -> None:
        self.text, self.position = text, 0
        self.is_provider, self.is_policy = is_provider, is_policy

    def alternatives(self, depth: int) -> tuple[Identifier | Composition, ...]:
        found = [self.one(depth)]
        while self.text.startswith("|", self.position):
            self.position += 1
            found.append(self.one(depth))
        return tuple(found)

    def one(self, depth: int) -> Identifier | Composition:
        begun = _BEGINNING.match(self.text, self.position)
        if begun is None or begun[2] == "!" or not self.is_policy(begun[1]):
            return _leaf(self.text, self.until_its_end(depth))
        return self.policy(begun[1], begun.end(), depth)

    def policy(self, name: str, position: int, depth: int) -> Composition:
        if depth == _DEPTH_MAX:
            raise _error(self.text, f"{name}(", f"there are more than {_DEPTH_MAX} policies in each other")
        self.position = position
        generators = self.alternatives(depth + 1)
        if not self.text.startswith(")", self.position):
            raise _error(self.text, f"{name}(", "its parenthesis is not closed; one in a value is written %28 or %29")
        self.position += 1
        between, comma, tail = self.until_its_end(depth).partition(",")
        if between.strip():
            problem = (
                "after its closing parenthesis there can only be a comma, a | or the end; one in a value is written %29"
            )
            raise _error(self.text, f"{name}(…)", problem)
        return Composition(name, generators, _options(self.text, tail) if comma else {})

    def until_its_end(self, depth: int) -> str:
        """What is left of the generator that is being read, which is now read."""
        rest = self.text[self.position :]
        end = next((sign.start() for sign in self.signs(rest, depth)), len(rest))
        self.position += end
        return rest[:end]

    def signs(self, rest: str, depth: int) -> Iterator[re.Match[str]]:
        """Where the generator may end: at a bar or at a parenthesis that was opened before it."""
        is_name, opened = True, 0
        for sign in _SIGN.finditer(rest):
            match sign.group():
                case ",":
                    is_name, opened = False, 0
                case "(" if depth:
                    opened += 1
                case ")" if opened:
                    opened -= 1
                case ")" if depth:
                    yield sign
                case "|" if not opened and (is_name or self.begins_one(rest, sign.end())):
                    yield sign
                case _:
                    """Part of a value."""

    def begins_one(self, rest: str, position: int) -> bool:
        begun = _BEGINNING.match(rest, position)
        return begun is not None and (self.is_provider if begun[2] == "!" else self.is_policy)(begun[1])


def _options(text: str, tail: str) -> dict[str, str]:
    options: dict[str, str] = {}
    last = ""
    for piece in _pieces(tail):
        key, value = piece.groups()
        shown = masked(piece.group().strip(" ,"))
        if not key:
            said = "***" if shown and is_secret(last) else shown
            problem = f"{said!r} is not of the form key=value; a comma in a value is written %2C"
            problem = problem if shown else "there is nothing after a comma"
            raise _error(text, said, problem)
        options[key] = _decoded(text, shown, value)
        last = key
    return options


def _pieces(tail: str) -> Iterator[re.Match[str]]:
    """What stands between the commas; after a last comma there is one more, which is empty."""
    position, is_over = 0, False
    while not is_over and (piece := _PIECE.match(tail, position)):
        yield piece
        position, is_over = piece.end(), not piece.group().endswith(",")


def _decoded(text: str, piece: str, value: str) -> str:
    if value.startswith('"'):
        try:
            return str(json.loads(value, strict=False))
        except ValueError:
            raise _error(text, piece, "a quoted value must end at its closing quote") from None
    return unquote(value) if "%" in value else value


def _encoded(value: str) -> str:
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match.group().encode()) or '""', value)


def _error(text: str, piece: str, problem: str) -> InvalidGeneratorError:
    return InvalidGeneratorError(masked(text), masked(piece), problem)
