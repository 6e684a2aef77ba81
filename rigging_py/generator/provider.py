"""`ProviderGenerator`: the one driver of every API that is spoken over HTTP. What the API says is in its `Wire`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar, cast

from rigging_py.error import AuthenticationFailedError, InvalidError, ProviderError, StreamInterruptedError
from rigging_py.generator.base import Generator, each
from rigging_py.generator.prices import add_cost
from rigging_py.generator.request import Request
from rigging_py.generator.transport import post, stream
from rigging_py.message import Delta, GenerateParams, Message, ModelTurn
from rigging_py.wire import ReplyBody, Wire
from rigging_py.wire.schemas import Dialect, RewrittenParams, rewritten_params

_LAST_WORDS = 1.0
"""Seconds that a server has to end the connection after it said that it is done."""
_AFTER_THE_REASON = 3.0
"""Seconds in which the usage and the end may follow a finish reason."""


class ProviderGenerator(Generator):
    """A model behind an API. Subclasses say which: its name, address, key and wire; most have nothing to do.

    The key is `api_key`, else the provider's own environment variable, which is sent to its own address only. Other
    servers get a key only when one is given.
    """

    provider: ClassVar[str]
    """The name that errors give it, and under which its reasoning is kept."""
    base_url: ClassVar[str | None]
    """The provider's own address; None where only `api_base` can say it."""
    address_variable: ClassVar[str | None] = None
    """The environment variable that can say it too."""
    key_header: ClassVar[str] = "authorization"
    """The header that carries the key, after `Bearer` in this one."""
    needs_key: ClassVar[bool] = True
    """Whether nobody is answered at the provider's own address without a key."""
    headers: ClassVar[Mapping[str, str]] = {}
    """Sent with every request."""
    wire: ClassVar[Wire]
    path: ClassVar[str]
    """What follows the base URL in the address of a request."""
    takes_tools: ClassVar[bool] = True
    """Whether tools can be sent as such."""
    takes_schema: ClassVar[bool | None] = True
    """Whether an answer is held to a JSON schema; None when that is not known."""

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        return await each(self._answer, messages, params)

    async def supports_function_calling(self) -> bool | None:
        return self.takes_tools

    async def supports_json_schema(self) -> bool | None:
        return self.takes_schema

    async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
        """The answer as it arrives, the whole turn last. Closing the iterator closes the connection.

        Raises `StreamInterruptedError` for a stream that ends before its final record.
        """
        rewriting = self._rewritten(params, stream=True)
        request = self._request(messages, rewriting.params, stream=True)
        body = ReplyBody(self.wire, request.provider, request.key, self._origin)
        restoring = rewriting.restoring()
        try:
            async with aclosing(stream(request)) as chunks, aclosing(_until_complete(chunks, body)) as pieces:
                async for piece in pieces:
                    for delta in restoring.feed(body.feed(piece)):
                        yield delta
            for delta in restoring.feed(body.ending()):
                if isinstance(delta, ModelTurn):
                    self._add_cost(delta, request)
                yield delta
        except ProviderError as error:
            error.request_id = error.request_id or request.id
            raise

    def home(self) -> str | None:
        """The provider's own address, without a slash at its end: the one that the environment's key goes to."""
        return self.base_url

    def is_at_home(self, address: str) -> bool:
        """Whether an address is the provider's own, or below it, so that its prices hold; any is where it has none."""
        home = self.home()
        return home is None or f"{address}/".startswith(f"{home}/")

    def url(self, base: str, *, stream: bool) -> str:  # noqa: ARG002 — where a stream has an address of its own
        """Where a request goes, from the base URL without a slash at its end."""
        return f"{base}{self.path}"

    async def _answer(self, messages: Sequence[Message], params: GenerateParams) -> ModelTurn:
        rewriting = self._rewritten(params)
        request = self._request(messages, rewriting.params)
        reply = await post(request)
        try:
            turn = self.wire.turn(reply, provider=request.provider, secret=request.key, origin=self._origin)
        except ProviderError as error:
            error.request_id = error.request_id or request.id
            raise
        self._add_cost(turn, request)
        return rewriting.restored(turn)

    def _add_cost(self, turn: ModelTurn, request: Request) -> None:
        asked = cast("Mapping[str, Any]", request.body)
        add_cost(turn, self.provider, self.model, asked, is_home=self.is_at_home(request.url))

    @property
    def _origin(self) -> str:
        """Whose reasoning it is, which goes back to nobody else."""
        return f"{self.provider}!{self.model}"

    def dialect(self, base: str) -> Dialect:  # noqa: ARG002 — it depends on the server where many speak an API
        """What of JSON Schema is taken at an address; schemas are rewritten to that, and values turned back."""
        return self.wire.dialect

    def dialect_of(self, params: GenerateParams) -> Dialect:
        """What of JSON Schema is taken where a request with these parameters goes."""
        return self.dialect(self._base(self.params.merge_with(params)))

    def _rewritten(self, params: GenerateParams, *, stream: bool = False) -> RewrittenParams:
        """The parameters over the generator's own, with their schemas as they are sent."""
        merged = self.params.merge_with(params)
        return rewritten_params(merged, self.dialect(self._base(merged)), stream=stream)

    def _request(self, messages: Sequence[Message], params: GenerateParams, *, stream: bool = False) -> Request:
        base = self._base(params)
        place, _, query = base.partition("?")
        url = self.url(place.rstrip("/"), stream=stream)
        if query:
            url = f"{url}{'&' if '?' in url else '?'}{query}"
        body = self.wire.request(self.model, messages, params, stream=stream, origin=self._origin)
        return Request(
            self.provider,
            url,
            body,
            self._key_for(base),
            params.timeout,
            key_header=self.key_header,
            headers=self.headers,
        )

    def _base(self, params: GenerateParams) -> str:
        base = params.api_base or self.home()
        if not base:
            raise InvalidError(
                f"{self.provider}!{self.model} has no address of its own: "
                f"{f'set {self.address_variable}, or ' if self.address_variable else ''}"
                f"write '{self.provider}!{self.model},api_base=https://…'.",
                provider=self.provider,
            )
        return base.rstrip("/")

    def _key_for(self, base: str) -> str | None:
        """The key to send there: an empty one is none, and the environment's is for the provider's own address."""
        is_home = base == self.home()
        key = self.key() if is_home or self.api_key else None
        if not key and is_home and self.needs_key:
            raise AuthenticationFailedError(
                f"There is no key for {self.model!r} at {base}: set the environment variable "
                f"{self.default_key_variable}, or write '{self.provider}!{self.model},api_key=…'.",
                provider=self.provider,
            )
        return key


async def _until_complete(chunks: AsyncGenerator[bytes, None], body: ReplyBody) -> AsyncGenerator[bytes, None]:
    """The chunks until the end, or until nothing more can come that matters."""
    try:
        while not body.is_done:
            # After its final record an answer is whole; a server that says nothing more need not be waited for.
            async with asyncio.timeout(_AFTER_THE_REASON if body.is_complete else None):
                chunk = await anext(chunks, None)
            if chunk is None:
                break
            yield chunk
        # Read to its end, the connection serves the next request.
        async with asyncio.timeout(_LAST_WORDS):
            async for _ in chunks:
                """Nothing is said after the end."""
    except (StreamInterruptedError, TimeoutError):
        if not body.is_complete:
            raise
