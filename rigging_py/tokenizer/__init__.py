"""Conversations as tokens, with what each range of tokens says: tokenizers, and the registry of their names."""

from rigging_py.tokenizer.base import TokenizedChat, Tokenizer, TokenSlice
from rigging_py.tokenizer.marks import TokenSliceType
from rigging_py.tokenizer.offsets import Offsets
from rigging_py.tokenizer.registry import LazyTokenizer, get_tokenizer, register_tokenizer
from rigging_py.tokenizer.transformers_ import TransformersTokenizer

__all__ = [
    "LazyTokenizer",
    "Offsets",
    "TokenSlice",
    "TokenSliceType",
    "TokenizedChat",
    "Tokenizer",
    "TransformersTokenizer",
    "get_tokenizer",
    "register_tokenizer",
]
