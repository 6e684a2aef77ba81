"""`HTTPGenerator`: an endpoint of any shape, asked and read by a spec."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError

from rigging_py.error import InvalidError, InvalidGeneratorError, ProcessingError, ProviderError
from rigging_py.generator.base import Generator, each
from rigging_py.generator.http.endpoints import json_endpoint, text_endpoint
from rigging_py.generator.http.response import Headers, HttpHook, HttpResponse
from rigging_py.generator.http.secrets import HIDDEN, holds, shown_url
from rigging_py.generator.http.spec import HTTPSpec, RequestTransformContext
from rigging_py.generator.network import redirect_to
from rigging_py.message import GenerateParams, Message, ModelTurn
from rigging_py.wire import BODY_LIMIT, failure_kind, http_failure, redacted, request_id_in, wait_in

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
_LONGEST_WISH = 600.0
"""Seconds; an endpoint that asks for a longer pause gets none, and the call fails."""
_NOT_TOLD = frozenset({"set-cookie", "www-authenticate", "proxy-authenticate"})


class HTTPGenerator(Generator):
    """`http!name,spec=…`: an endpoint that is asked and read as its `spec` says.

    The spec is an `HTTPSpec`, or data, JSON, YAML or base64 that is one. The key is `api_key` and no other; templates
    name it `{{ api_key }}`. `hook` sees every answer and may have the request sent again, at most `max_retries` times,
    after a pause for which `sleep` waits. `state` is a dict that the hook may change and that requests are made of.
    Both live in this process: connection strings know neither.

    Raises `InvalidGeneratorError` for a spec that is missing or wrong, saying what it lacks.
    """

    spec: HTTPSpec
    max_retries: int = Field(default=5, ge=0)
    _state: dict[str, Any] = PrivateAttr(default_factory=dict[str, Any])
    _hook: HttpHook | None = PrivateAttr(default=None)
    _sleep: Callable[[float], Awaitable[object]] = PrivateAttr()

    def __init__(
        self,
        model: str,
        *,
        spec: HTTPSpec | Mapping[str, Any] | str | None = None,
        state: dict[str, Any] | None = None,
        hook: HttpHook | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        **fields: Any,
    ) -> None:
        fields["spec"] = _read(model, spec)
        super().__init__(model=model, **fields)
        _refuse_key_in(self)
        self._state = {} if state is None else state
        self._hook, self._sleep = hook, sleep

    @property
    def state(self) -> dict[str, Any]:
        """What the hook keeps between requests; shared by the copies of this generator."""
        return self._state

    @property
    def hook(self) -> HttpHook | None:
        """What sees every answer."""
        return self._hook

    @classmethod
    def for_json_endpoint(
        cls,
        url: str,
        request: Mapping[str, Any],
        model: str | None = None,
        api_key: str | None = None,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        auth: Mapping[str, str] | None = None,
        response: Mapping[str, str] | None = None,
        valid_status_codes: list[int] | None = None,
        timeout: float | None = None,
        hook: HttpHook | None = None,
        state: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Self:
        """A generator of an endpoint that takes JSON.

        `request` is the body, with `$content` and other names of the context in it. `auth` says where the key goes:
        `{"header": "X-API-Key", "format": "{api_key}"}`; by default `Authorization` and `Bearer {api_key}`. In
        `response`, the JSON path `content_path` finds the answer and `error_path` what went wrong, which is raised;
        without it the whole body is the answer.
        """
        spec = json_endpoint(
            url,
            request,
            method=method,
            headers=headers,
            auth=auth,
            response=response,
            valid_status_codes=valid_status_codes,
            timeout=timeout,
        )
        return cls(model or "endpoint", spec=spec, api_key=api_key, hook=hook, state=state, **fields)

    @classmethod
    def for_text_endpoint(
        cls,
        url: str,
        request: str,
        response_pattern: str | None = None,
        response_pattern_type: Literal["regex", "jsonpath", "jinja"] = "regex",
        model: str | None = None,
        api_key: str | None = None,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        auth: Mapping[str, str] | None = None,
        valid_status_codes: list[int] | None = None,
        timeout: float | None = None,
        hook: HttpHook | None = None,
        state: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Self:
        """A generator of an endpoint that takes the text which the template `request` makes.

        `response_pattern` finds the answer in the body; without it the whole body is the answer. `auth` is as in
        `for_json_endpoint`.
        """
        spec = text_endpoint(
            url,
            request,
            response_pattern=response_pattern,
            response_pattern_type=response_pattern_type,
            method=method,
            headers=headers,
            auth=auth,
            valid_status_codes=valid_status_codes,
            timeout=timeout,
        )
        return cls(model or "endpoint", spec=spec, api_key=api_key, hook=hook, state=state, **fields)

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        return await each(self._answer, messages, params)

    async def supports_function_calling(self) -> bool:
        return False

    async def _answer(self, messages: Sequence[Message], params: GenerateParams) -> ModelTurn:
        merged, key = self.params.merge_with(params), self.key()
        attempt = 0
        while True:
            response = await self._send(self._context(messages, merged, key), merged)
            action = await self._hook(self, response) if self._hook else None
            pause = self._pause(response, attempt) if action == "retry" else None
            if pause is None:
                break
            await self._sleep(pause)
            attempt += 1
        if action in ("retry", "raise"):
            raise self._failure(response, key, asked=action)
        return self._read(response, key)

    def _context(self, messages: Sequence[Message], params: GenerateParams, key: str | None) -> RequestTransformContext:
        if not messages:
            raise ProcessingError("There is no message to make a request of.")
        return RequestTransformContext(
            role=messages[-1].role,
            content=messages[-1].content,
            all_content="\n".join(message.content for message in messages),
            messages=[message.to_openai() for message in messages],
            params=params.to_dict(),
            api_key=key,
            model=self.model,
            state=self._state,
        )

    async def _send(self, context: RequestTransformContext, params: GenerateParams) -> HttpResponse:
        # The client is imported for those who send.
        from rigging_py.generator.request import Request, headers_of
        from rigging_py.generator.transport import exchange

        url = self.spec.make_url(context)
        shown = shown_url(url, context.api_key)
        reply = await exchange(
            Request(
                self._name,
                url,
                self.spec.make_request_body(context).encode(),
                timeout=self.spec.request.timeout or params.timeout,
                method=self.spec.request.method.upper(),
                headers={**self._content_type(), **self.spec.make_headers(context)},
                shown=shown,
            )
        )
        return HttpResponse(reply.status, Headers(tuple(headers_of(reply.headers))), reply.body, shown)

    def _content_type(self) -> dict[str, str]:
        if any(name.lower() == "content-type" for name in self.spec.request.headers):
            return {}
        is_json = self.spec.request.transforms[-1].type == "json"
        return {"content-type": "application/json" if is_json else "text/plain; charset=utf-8"}

    def _pause(self, response: HttpResponse, attempt: int) -> float | None:
        """Seconds until the next request; None when there is to be none."""
        if attempt >= self.max_retries:
            return None
        wished = wait_in(response.headers)
        if wished is not None:
            return wished if wished <= _LONGEST_WISH else None
        return min(_FIRST_PAUSE * 2.0**attempt, _LONGEST_PAUSE)

    def _read(self, response: HttpResponse, key: str | None) -> ModelTurn:
        """The turn in an answer. Raises what it is instead of one."""
        said = self.spec.find_error(response.text)
        if said is not None or not self._is_valid(response):
            raise self._failure(response, key, said=said)
        text = self.spec.parse_response_body(response.text, secret=key)
        headers = {name: redacted(value, key) for name, value in response.headers.items() if name not in _NOT_TOLD}
        extra = {"status_code": response.status_code, "url": response.url, "headers": headers}
        return ModelTurn(Message("assistant", text), "stop", extra=extra)

    def _is_valid(self, response: HttpResponse) -> bool:
        if self.spec.response is None:
            return response.is_success
        return response.status_code in self.spec.response.valid_status_codes

    def _failure(
        self, response: HttpResponse, key: str | None, *, said: str | None = None, asked: str | None = None
    ) -> ProviderError:
        """The error that an answer stands for, by its status, or by what it or the hook says."""
        said = said or self.spec.find_error(response.text)
        if said is None and not response.is_success:
            place = redirect_to(response.url, response.headers.get("location")) if response.status_code < 400 else None
            text = f"it redirects to {place}" if place else response.text
            return http_failure(self._name, response.status_code, text, headers=response.headers, secret=key)
        if said is not None:
            problem = redacted(said, key).rstrip(".")
        elif asked is not None:
            problem = f"the hook does not take the answer (it says {asked!r})"
        else:
            problem = "the spec does not take this status; it is not among its valid_status_codes"
        kind = failure_kind(response.status_code, "") if response.status_code >= 400 else InvalidError
        return kind(
            f"{self._name} answered HTTP {response.status_code}: {problem}.",
            provider=self._name,
            status=response.status_code,
            body=redacted(response.text, key)[:BODY_LIMIT],
            request_id=request_id_in(response.headers),
            retry_after=wait_in(response.headers),
        )

    @property
    def _name(self) -> str:
        return f"http!{self.model}"


def _read(model: str, spec: object) -> HTTPSpec:
    if spec is None:
        raise InvalidGeneratorError(
            f"http!{model}",
            "spec",
            "it has no spec, which says how the endpoint is asked. Give spec=… as an HTTPSpec, a dict, JSON, YAML or "
            "base64, with request.url and request.transforms in it, or use HTTPGenerator.for_json_endpoint(…)",
        )
    try:
        return HTTPSpec.model_validate(spec)
    except ValidationError as error:
        problem = str(error.errors(include_url=False, include_context=False, include_input=False)[0]["msg"])
    except ValueError as error:
        problem = str(error)
    raise InvalidGeneratorError(f"http!{model}", "spec", f"its spec is not valid: {problem.rstrip('.')}")


def _refuse_key_in(generator: HTTPGenerator) -> None:
    key = generator.api_key.get_secret_value() if generator.api_key is not None else ""
    if key.startswith("env:"):
        return
    request, response = generator.spec.request, generator.spec.response
    steps = [*request.transforms, *(response.transforms if response else ())]
    places = [request.url, request.headers, *(step.pattern for step in steps)]
    if any(holds(place, key) for place in places):
        raise InvalidGeneratorError(
            f"http!{generator.model}".replace(key, HIDDEN),
            "spec",
            "its spec says the api_key itself, which would be stored with every chat. Write {{ api_key }} there, or "
            "in JSON patterns $api_key",
        )
