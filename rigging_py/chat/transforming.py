"""Transforms and prompt-cache marks as hooks: what a call of a model is sent, and how the turn it gives is read."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from rigging_py.caching import CacheMode, apply_cache_mode_to_messages
from rigging_py.chat.chat import Chat
from rigging_py.generator import Generator
from rigging_py.message import GenerateParams, Message, ModelTurn
from rigging_py.observe import Hooks, ModelCallDetail, ModelCallPatch

if TYPE_CHECKING:
    from rigging_py.transform import PostTransform, Transform


@dataclass(frozen=True)
class Transforming(Hooks):
    """Sends what the transforms make of a call, in their order; their answers are applied the other way round."""

    transforms: tuple[Transform, ...]
    generator: Generator

    async def before_model_call(self, detail: ModelCallDetail) -> ModelCallPatch:
        messages, params = list(detail.messages), detail.params
        posts: list[PostTransform] = []
        for transform in self.transforms:
            messages, params, post = await _made(transform, messages, params)
            if post is not None:
                posts.insert(0, post)
        return ModelCallPatch(messages, params, partial(self._edited, posts, messages, params) if posts else None)

    async def _edited(
        self, posts: Sequence[PostTransform], messages: list[Message], params: GenerateParams, turn: ModelTurn
    ) -> ModelTurn:
        chat = Chat(
            messages=messages,
            generated=[turn.message.shell()],
            generator=self.generator,
            params=params,
            stop_reason=turn.stop_reason,
            usage=turn.usage,
            extra=turn.extra,
        )
        for post in posts:
            chat = await post(chat)
        return replace(turn, message=chat.last, stop_reason=chat.stop_reason, extra=chat.extra)


@dataclass(frozen=True)
class Caching(Hooks):
    """Marks the messages that the provider is to remember."""

    mode: CacheMode

    async def before_model_call(self, detail: ModelCallDetail) -> ModelCallPatch:
        [messages] = apply_cache_mode_to_messages(self.mode, [detail.messages])
        return ModelCallPatch(messages)


async def _made(
    transform: Transform, messages: list[Message], params: GenerateParams
) -> tuple[list[Message], GenerateParams, PostTransform | None]:
    made: Any = transform(messages, params)
    made = await made if inspect.isawaitable(made) else made
    if isinstance(made, tuple) and len(cast("tuple[object, ...]", made)) == 3:
        return cast("tuple[list[Message], GenerateParams, PostTransform | None]", made)
    name = getattr(transform, "__name__", repr(transform))
    raise TypeError(
        f"The transform {name} gives the messages, the parameters, and a function of the answer or None; "
        f"it gave a {type(cast('object', made)).__name__}."
    )
