"""`TransformersTokenizer`: the tokenizers and chat templates of the transformers package, imported on first use."""

from __future__ import annotations

import base64
import json
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, PrivateAttr

from rigging_py.error import MissingExtraError
from rigging_py.message import Message
from rigging_py.tokenizer.base import Tokenizer
from rigging_py.tokenizer.offsets import Offsets, decoded_offsets

if TYPE_CHECKING:
    from rigging_py.chat import Chat


def _read(value: object) -> object:
    """JSON, also after `base64:`, where a connection string has it."""
    if not isinstance(value, str):
        return value
    return json.loads(base64.b64decode(value[7:], validate=True) if value.startswith("base64:") else value)


Options = Annotated[dict[str, Any], BeforeValidator(_read)]


class TransformersTokenizer(Tokenizer):
    """A tokenizer of the transformers package. `model` is its name on the hub, or the path of its directory.

    It is loaded on first use, or given to `from_obj`. `apply_chat_template_kwargs`, `encode_kwargs` and `decode_kwargs`
    are passed on. Raises `MissingExtraError` without the "llm" extra, and what transformers raises.
    """

    apply_chat_template_kwargs: Options = Field(default_factory=dict[str, Any])
    encode_kwargs: Options = Field(default_factory=dict[str, Any])
    decode_kwargs: Options = Field(default_factory=dict[str, Any])
    _tokenizer: Any = PrivateAttr(default=None)

    @classmethod
    def from_obj(cls, tokenizer: Any, **options: Any) -> Self:
        """A tokenizer that was loaded already; the object itself is used. `options` are the fields."""
        made = cls(model=getattr(tokenizer, "name_or_path", "") or type(tokenizer).__name__, **options)
        made._tokenizer = tokenizer
        return made

    @property
    def tokenizer(self) -> Any:
        """The tokenizer of transformers, loaded if it was not yet, which may take long."""
        if self._tokenizer is None:
            try:
                transformers: Any = import_module("transformers")
            except ImportError as error:
                raise MissingExtraError("The transformers! tokenizer", "llm") from error
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(self.model)
        return self._tokenizer

    def encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, **self.encode_kwargs))

    def decode(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode(tokens, **self.decode_kwargs))

    def encode_with_offsets(self, text: str) -> tuple[list[int], Offsets]:
        """The tokens of a formatted chat, which has its special tokens already, and the characters each stands for."""
        options = {"add_special_tokens": False, **self.encode_kwargs}
        if self.tokenizer.is_fast:
            found = self.tokenizer(text, return_offsets_mapping=True, **options)
            return list(found["input_ids"]), Offsets(found["offset_mapping"])
        tokens = list(self.tokenizer.encode(text, **options))
        return tokens, decoded_offsets(text, tokens, self.decode)

    def format_chat(self, chat: Chat) -> str:
        """The chat as the tokenizer's template makes it, with the tools that the model was given."""
        given = chat.params.tools if chat.params else None
        tools = [tool.model_dump() for tool in given] if given else None
        messages = [_for_template(message) for message in chat.all]
        options = {"tools": tools, **self.apply_chat_template_kwargs, "tokenize": False}
        return str(self.tokenizer.apply_chat_template(messages, **options))


def _for_template(message: Message) -> dict[str, Any]:
    """The message as templates read it: its content is text, and the arguments of its calls are objects."""
    said = {"content": "", **message.to_openai(compatibility_flags=["content_as_str"])}
    for call in said.get("tool_calls", ()):
        try:
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        except ValueError:
            continue  # as the model wrote them
    return said
