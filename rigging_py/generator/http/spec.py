"""The spec of an endpoint: how a conversation becomes a request, and how an answer is read. Nothing here sends."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError, from_json

from rigging_py.error import ProcessingError
from rigging_py.generator.http.lookup import filled
from rigging_py.generator.http.reader import read_spec
from rigging_py.generator.http.reading import as_text, by_path, by_regex, compiled_path, compiled_regex, matches
from rigging_py.generator.http.secrets import url_without_keys, without_keys
from rigging_py.message import Role
from rigging_py.parsing.template import is_template
from rigging_py.wire import redacted

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SPACE = re.compile(r"[\x00-\x20\x7f\\]")
_PREVIOUS = ("result", "data", "output", "body")
"""What the step before has made, under all of these names."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class RequestTransformContext(_Part):
    """What a request can be made of: in `$name` of JSON patterns, and in `{{ name }}` of templates."""

    role: Role
    """Who speaks in the last message."""
    content: str
    """The text of the last message."""
    all_content: str
    """The texts of all messages, one in a line after the other."""
    messages: list[dict[str, Any]]
    """All messages, in OpenAI form."""
    params: dict[str, Any] = Field(default_factory=dict[str, Any])
    """The generator's parameters with the call's over them, `extra` among them; only those that were given."""
    api_key: str | None = Field(default=None, repr=False)
    """The generator's key; the name is not there when it has none."""
    model: str
    state: dict[str, Any] = Field(default_factory=dict[str, Any], repr=False)
    """The generator's own, which its hook may change."""

    def names(self) -> dict[str, Any]:
        """The values by their names, as JSON has them."""
        names = self.model_dump(mode="json")
        return names if self.api_key else {name: value for name, value in names.items() if name != "api_key"}


class TransformStep(_Part):
    """One step: `json` and `jinja` make a body, `jsonpath`, `regex` and `jinja` read one."""

    type: Literal["json", "jinja", "jsonpath", "regex"]
    pattern: str | dict[str, Any]

    @model_validator(mode="after")
    def _check(self) -> TransformStep:
        if self.type in ("jsonpath", "regex") and not isinstance(self.pattern, str):
            raise ValueError(f"the pattern of {self.type} is a text")
        checks: Mapping[str, Callable[[str], object]] = {
            "json": _read_pattern,
            "jinja": _check_template,
            "jsonpath": compiled_path,
            "regex": compiled_regex,
        }
        checks[self.type](self.text)
        return self

    @field_serializer("pattern")
    def _without_keys(self, pattern: str | dict[str, Any]) -> str | dict[str, Any]:
        return cast("str | dict[str, Any]", without_keys(pattern))

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield "type", self.type
        yield "pattern", without_keys(self.pattern)

    @property
    def text(self) -> str:
        """The pattern as a text, which is JSON where it was data."""
        return as_text(self.pattern)


class RequestSpec(_Part):
    """How a request is made. `url` and the values of `headers` are templates; the last step's text is the body."""

    url: str
    method: str = Field(default="POST", pattern=r"^[A-Za-z]+$")
    headers: dict[str, str] = Field(default_factory=dict[str, str])
    timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Seconds; goes over those in the parameters."""
    transforms: list[TransformStep] = Field(min_length=1)

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if is_template(url):
            _check_template(url)
            return url
        return checked_url(url)

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a header")
            _check_template(value)
        return headers

    @field_validator("transforms")
    @classmethod
    def _check_steps(cls, steps: list[TransformStep]) -> list[TransformStep]:
        return _of_types(steps, "json", "jinja")

    @field_serializer("url")
    def _url_without_keys(self, url: str) -> str:
        return url_without_keys(url)

    @field_serializer("headers")
    def _headers_without_keys(self, headers: dict[str, str]) -> dict[str, str]:
        return cast("dict[str, str]", without_keys(headers))

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield "method", self.method
        yield "url", url_without_keys(self.url)
        yield "headers", without_keys(self.headers)
        yield "transforms", self.transforms


class ResponseSpec(_Part):
    """How an answer is read: the last step's text is what the model said; without steps the whole body is."""

    valid_status_codes: list[int] = Field(default_factory=lambda: [200])
    transforms: list[TransformStep] = Field(default_factory=list[TransformStep])
    error_path: str | None = None
    """A JSON path; what it finds in an answer, unless that is empty, is the error with which the call fails."""

    @field_validator("transforms")
    @classmethod
    def _check_steps(cls, steps: list[TransformStep]) -> list[TransformStep]:
        return _of_types(steps, "jsonpath", "regex", "jinja")

    @field_validator("error_path")
    @classmethod
    def _check_path(cls, path: str | None) -> str | None:
        if path is not None:
            compiled_path(path)
        return path


class HTTPSpec(_Part):
    """How an endpoint is asked, and how its answers are read.

    It is read from data, and from a text that is JSON, YAML, or base64 of either. Its dumps and its repr leave out
    what stands where keys stand (headers and fields named like one): keys belong in the generator's `api_key`.
    """

    request: RequestSpec
    response: ResponseSpec | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, data: Any, handler: ModelWrapValidatorHandler[HTTPSpec]) -> HTTPSpec:
        try:
            return handler(read_spec(data) if isinstance(data, str) else data)
        except ValueError as error:
            problem = _letter(error) if isinstance(error, ValidationError) else str(error)
            raise PydanticCustomError("http_spec", "{problem}", {"problem": problem}) from None

    def make_url(self, context: RequestTransformContext) -> str:
        """The URL of the request. Raises `ProcessingError` for what is no http or https URL."""
        with _processing("Making the URL", context.api_key):
            return checked_url(_render(self.request.url, context.names()).strip())

    def make_headers(self, context: RequestTransformContext) -> dict[str, str]:
        """The headers of the request. Raises `ProcessingError` for a value that holds a line end."""
        headers: dict[str, str] = {}
        names = context.names()
        for name, pattern in self.request.headers.items():
            with _processing(f"Making the header {name!r}", context.api_key):
                headers[name] = _checked_header(_render(pattern, names).strip())
        return headers

    def make_request_body(self, context: RequestTransformContext) -> str:
        """The body of the request. Raises `ProcessingError` naming the step that failed."""
        names, result = context.names(), ""
        for number, step in enumerate(self.request.transforms, 1):
            with _processing(f"Making the body, step {number} ({step.type}),", context.api_key):
                known = {**names, **_previous(result)}
                if step.type == "json":
                    result = as_text(filled(_read_pattern(step.text), known))
                else:
                    result = _render(step.text, known)
        return result

    def parse_response_body(self, data: str, *, secret: str | None = None) -> str:
        """What the model said, out of a body. Raises `ProcessingError` naming the step; it does not show `secret`."""
        result = data
        for number, step in enumerate(self.response.transforms if self.response else (), 1):
            with _processing(f"Reading the answer, step {number} ({step.type}),", secret):
                if step.type == "jsonpath":
                    result = by_path(step.text, result)
                elif step.type == "regex":
                    result = by_regex(step.text, result)
                else:
                    result = _render(step.text, _previous(result))
        return result

    def find_error(self, data: str) -> str | None:
        """What a body says that went wrong, by the `error_path`; None where that finds nothing."""
        if self.response is None or self.response.error_path is None:
            return None
        try:
            found = matches(self.response.error_path, from_json(data))
        except ValueError:
            return None
        texts = [as_text(one) for one in found if one]
        return "; ".join(texts) or None


def checked_url(url: str) -> str:
    """The URL. Raises `ValueError` unless it is one of http or https with a host."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url_without_keys(url)!r} is no URL of http or https")
    if _SPACE.search(url):
        raise ValueError(f"{url_without_keys(url)!r} holds a space, a line end or a backslash; use | urlencode")
    return url


def _checked_header(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("its value would hold a line end or another character that no header can carry")
    return value


def _of_types(steps: list[TransformStep], *types: str) -> list[TransformStep]:
    for number, step in enumerate(steps, 1):
        if step.type not in types:
            raise ValueError(f"step {number} is of the type {step.type}; known here: {', '.join(types)}")
    return steps


def _previous(result: str) -> dict[str, Any]:
    try:
        value = from_json(result)
    except ValueError:
        value = result
    return dict.fromkeys(_PREVIOUS, value)


def _read_pattern(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError as error:
        raise ValueError(f"the pattern of json is data, or a text that is JSON ({error})") from None


def _render(text: str, names: Mapping[str, Any]) -> str:
    if not is_template(text):
        return text
    from rigging_py.generator.http.sandbox import compiled

    return compiled(text)(names)


def _check_template(text: str) -> None:
    if not is_template(text):
        return
    from jinja2.exceptions import SecurityError, TemplateSyntaxError

    from rigging_py.generator.http.sandbox import compiled

    try:
        compiled(text)
    except (TemplateSyntaxError, SecurityError) as error:
        raise ValueError(f"the template cannot be used: {error}") from None


@contextmanager
def _processing(what: str, secret: str | None) -> Generator[None]:
    """Turns whatever goes wrong into a `ProcessingError` that says in which step, and does not say the key."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 — the wall between a spec and the run
        said = str(error) or type(error).__name__
        shown = redacted(said, secret)
        cause = error if shown == said else None
        raise ProcessingError(f"{what} failed: {shown.rstrip('.')}.") from cause


def _letter(error: ValidationError) -> str:
    """Everything that is wrong with a spec, each with its place."""
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'the spec'}: {one['msg'].removeprefix('Value error, ')}"
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    )
