"""`Tokenizer`: text to tokens and back, and conversations to tokens with what each range of them says."""

from __future__ import annotations

import asyncio
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, PrivateAttr

from rigging_py.error import TokenizerWarning
from rigging_py.tokenizer.marks import Said, TokenSliceType, places_of, texts_of
from rigging_py.tokenizer.offsets import Offsets, decoded_offsets

if TYPE_CHECKING:
    from rigging_py.chat import Chat


@dataclass
class TokenSlice:
    """The tokens from `start` to `end`, which is after the last, and what they are.

    `obj` is the `Message`, or what a slice of it stands for. The metadata of a message has its `role`.
    """

    start: int
    end: int
    type: TokenSliceType
    obj: Any = field(default=None, repr=False)
    metadata: dict[str, Any] | None = None


@dataclass
class TokenizedChat:
    """A chat as the `text` that its template makes, the `tokens` of that text, and what their `slices` are.

    A message without text has no slice; each other is followed by the slices inside of it.
    """

    text: str
    tokens: list[int]
    slices: list[TokenSlice]
    obj: Chat | None = field(default=None, repr=False)
    metadata: dict[str, Any] | None = None


class Tokenizer(BaseModel, ABC):
    """What turns the text of one model into tokens. Subclasses give `encode`, `decode` and `format_chat`."""

    model_config = ConfigDict(frozen=True)

    model: str
    """What the tokenizer is called."""
    _threads: dict[int, ThreadPoolExecutor] = PrivateAttr(default_factory=dict[int, ThreadPoolExecutor])
    """The one thread, by the process it is in: a fork has none of its parent's."""

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """The tokens of a text."""

    @abstractmethod
    def decode(self, tokens: list[int]) -> str:
        """The text of tokens."""

    @abstractmethod
    def format_chat(self, chat: Chat) -> str:
        """The chat as the model is trained to read it."""

    def encode_with_offsets(self, text: str) -> tuple[list[int], Offsets]:
        """The tokens of a formatted chat, and which characters each stands for: by default, as decoding tells them."""
        tokens = self.encode(text)
        return tokens, decoded_offsets(text, tokens, self.decode)

    async def tokenize_chat(self, chat: Chat) -> TokenizedChat:
        """The chat as tokens, worked out in a thread; the chat is left as it is.

        A text that the template or the tokenizer changes or leaves out has no slice, with a `TokenizerWarning`.
        """
        loop = asyncio.get_running_loop()
        tokenized, lost = await loop.run_in_executor(self._thread(), self._tokenize, chat)
        for said in lost:
            kind = "The text" if said.type == "message" else f"A {said.type} slice"
            whose = f"message {said.place}, of the {chat.all[said.place].role}"
            problem = f"{kind} of {whose}, is not to be found as it was written among the tokens of {self.model}"
            warnings.warn(f"{problem}, so there is no slice for it.", TokenizerWarning, stacklevel=2)
        return tokenized

    def _thread(self) -> ThreadPoolExecutor:
        # Its own: the libraries behind are not safe in two, and other work must not wait for them.
        here = os.getpid()
        if here not in self._threads:
            self._threads.setdefault(here, ThreadPoolExecutor(1, thread_name_prefix="rigging_py.tokenizer"))
        return self._threads[here]

    def _tokenize(self, chat: Chat) -> tuple[TokenizedChat, Sequence[Said]]:
        text = self.format_chat(chat)
        tokens, offsets = self.encode_with_offsets(text)
        slices: list[TokenSlice] = []
        lost: list[Said] = []
        texts = texts_of(chat.all)
        for said, place in zip(texts, places_of(texts, chat, text, self.format_chat), strict=True):
            found = offsets.tokens_of(*place) if place else None
            if found:
                slices.append(TokenSlice(*found, said.type, said.obj, said.metadata))
            else:
                lost.append(said)
        return TokenizedChat(text, tokens, slices, chat, dict(chat.metadata)), lost
