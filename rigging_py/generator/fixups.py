"""Fix-ups: what to change in a conversation when a provider says that it does not take it."""

from __future__ import annotations

import functools
import inspect
import weakref
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeVar, cast

from rigging_py.message import ContentImageUrl, ContentText, Message

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])

SEEN_BELOW = "[Shown in the next message of the user]"


class Fixup(ABC):
    """A cure for one complaint of a provider."""

    @abstractmethod
    def can_fix(self, exception: Exception) -> bool | Literal["once"]:
        """Whether this is the complaint: True to cure every later conversation too, "once" for this call alone."""

    @abstractmethod
    def fix(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The conversation as the provider takes it; the messages that are given are not changed."""


def with_fixups(*fixups: Fixup) -> Callable[[F], F]:
    """A decorator for an async function whose last two arguments are messages and parameters, or for `wrap`.

    When it raises something that a fix-up can fix, it is called again with the messages fixed, each fix-up used once.
    One that said True and helped is then used from the start, for the generator whose method it was and no other.
    """
    memory = _Memory()

    def decorated(function: F) -> F:
        @functools.wraps(function)
        async def fixed(*arguments: Any, **named: Any) -> Any:
            *before, messages, params = arguments
            known = memory.of(before[0] if before else getattr(inspect.unwrap(function), "__self__", None))
            used, kept = list(known), list[Fixup]()
            while True:
                said = functools.reduce(lambda said, fixup: fixup.fix(said), used, messages)
                try:
                    answer = await function(*before, said, params, **named)
                except Exception as error:
                    fixup, verdict = _cure(error, [one for one in fixups if one not in used])
                    if fixup is None:
                        raise
                    used.append(fixup)
                    kept += [fixup] if verdict != "once" else []
                else:
                    known += [one for one in kept if one not in known]
                    return answer

        return cast("F", fixed)

    return decorated


def _cure(error: Exception, fixups: Sequence[Fixup]) -> tuple[Fixup | None, bool | Literal["once"]]:
    for fixup in fixups:
        if verdict := fixup.can_fix(error):
            return fixup, verdict
    return None, False


class _Memory:
    """Which fix-ups each generator is known to need; what belongs to no generator is not remembered."""

    def __init__(self) -> None:
        self._by_owner: dict[int, list[Fixup]] = {}

    def of(self, owner: object) -> list[Fixup]:
        if owner is None:
            return []
        if id(owner) not in self._by_owner:
            self._by_owner[id(owner)] = []
            weakref.finalize(owner, self._by_owner.pop, id(owner), None)
        return self._by_owner[id(owner)]


# What is known of the providers behind litellm.


class ToolImagesFixup(Fixup):
    """OpenAI takes images from the user only: those in results of tools follow in a message of the user's."""

    def can_fix(self, exception: Exception) -> bool:
        return "Image URLs are only allowed for messages with role 'user'" in str(exception)

    def fix(self, messages: Sequence[Message]) -> Sequence[Message]:
        fixed: list[Message] = []
        shown: list[ContentImageUrl] = []
        for message in messages:
            # Nothing may stand between the results of one turn.
            if message.role != "tool" and shown:
                fixed.append(Message("user", shown))
                shown = []
            images = [part for part in message.content_parts if isinstance(part, ContentImageUrl)]
            if message.role == "tool" and images:
                shown += images
                message = message.shell()
                texts = [part for part in message.content_parts if not isinstance(part, ContentImageUrl)]
                message.content_parts = [*texts, ContentText(text=SEEN_BELOW)]
            fixed.append(message)
        return [*fixed, Message("user", shown)] if shown else fixed


class SmallCacheFixup(Fixup):
    """Gemini caches long conversations only: the marks are taken off for this call, since the next may be longer."""

    def can_fix(self, exception: Exception) -> Literal["once", False]:
        said = str(exception)
        is_small = "Cached content is too small" in said or "minimum token count to start caching" in said
        return "once" if is_small else False

    def fix(self, messages: Sequence[Message]) -> Sequence[Message]:
        return [_unmarked(message) for message in messages]


def _unmarked(message: Message) -> Message:
    message = message.shell()
    message.content_parts = [part.model_copy(update={"cache_control": None}) for part in message.content_parts]
    return message


class PlainAssistantFixup(Fixup):
    """Groq takes what the assistant said as one text only."""

    def can_fix(self, exception: Exception) -> bool:
        said = str(exception)
        return "role:assistant" in said and "content" in said and "must be a string" in said

    def fix(self, messages: Sequence[Message]) -> Sequence[Message]:
        return [_in_one_text(message) if message.role == "assistant" else message for message in messages]


def _in_one_text(message: Message) -> Message:
    text = message.content
    message = message.shell()
    message.content_parts = [ContentText(text=text)] if text else []
    return message


LITELLM_FIXUPS = (ToolImagesFixup(), SmallCacheFixup(), PlainAssistantFixup())
