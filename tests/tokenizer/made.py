"""Small tokenizers of each kind, made here, and chats for them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

from tokenizers import Tokenizer as Trained
from tokenizers import decoders, models, pre_tokenizers, processors, trainers
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

import rigging_py as rg
from rigging_py.tokenizer import TransformersTokenizer

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content | trim }}"
    "{% for call in message.tool_calls or [] %}calls {{ call.function.name }} {{ call.function.arguments.x }}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
)
"""As most templates are: roles in words, texts trimmed, arguments of calls as objects."""

SPECIAL = ["<s>", "<|im_start|>", "<|im_end|>", "[UNK]"]


def bytes_tokenizer() -> Trained:
    """Byte-level BPE, in which a character may be several tokens and a token several words' beginnings."""
    made = Trained(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(["hello there, how are you? the user said that the assistant is here"] * 9, trainer)
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return made


def words_tokenizer() -> Trained:
    """Whole words of lower case, and white space thrown away."""
    words = ["hello", "there", "user", "assistant", "system", "and", "again", ",", "?", *SPECIAL]
    made = Trained(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


@functools.cache
def fast(template: str = CHATML, kind: str = "bytes") -> Any:
    """A tokenizer of transformers over one of the two."""
    made = bytes_tokenizer() if kind == "bytes" else words_tokenizer()
    kind_of: Any = PreTrainedTokenizerFast  # without types
    tokenizer = kind_of(tokenizer_object=made, unk_token="[UNK]", bos_token="<s>")
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL[1:3]})
    tokenizer.chat_template = template
    return tokenizer


def made(template: str = CHATML, kind: str = "bytes") -> TransformersTokenizer:
    return TransformersTokenizer.from_obj(fast(template, kind))


def slow() -> TransformersTokenizer:
    """One of transformers that says no offsets, and in which a token is a byte."""
    kind_of: Any = ByT5Tokenizer  # without types
    tokenizer = kind_of()
    tokenizer.chat_template = CHATML
    return TransformersTokenizer.from_obj(tokenizer)


class Plain(rg.Tokenizer):
    """A tokenizer that says nothing of offsets: decoding must tell them."""

    decoded: list[int] = []  # noqa: RUF012

    def encode(self, text: str) -> list[int]:
        return list(fast().encode(text, add_special_tokens=False))

    def decode(self, tokens: list[int]) -> str:
        self.decoded.append(len(tokens))
        return str(fast().decode(tokens))

    def format_chat(self, chat: rg.Chat) -> str:
        return made().format_chat(chat)


def chat(*texts: str | rg.Message) -> rg.Chat:
    """A chat of these messages, in turns of the user and the assistant."""
    roles: tuple[Literal["user"], Literal["assistant"]] = ("user", "assistant")
    said = [rg.Message(roles[n % 2], one) if isinstance(one, str) else one for n, one in enumerate(texts)]
    return rg.Chat(said[:-1], said[-1:])


def shown(tokenizer: rg.Tokenizer, tokenized: rg.TokenizedChat) -> list[tuple[str, str]]:
    """The type of each slice, and what its tokens say."""
    return [(one.type, tokenizer.decode(tokenized.tokens[one.start : one.end])) for one in tokenized.slices]


def messages_of(tokenizer: rg.Tokenizer, tokenized: rg.TokenizedChat) -> Sequence[str]:
    return [text for kind, text in shown(tokenizer, tokenized) if kind == "message"]
