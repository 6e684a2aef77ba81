"""A language model of some thousand parameters and its tokenizer, made here: it writes nonsense, the same each time."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEMPLATE = (
    "{% if tools %}<|im_start|>system\n{% for tool in tools %}{{ tool.function | tojson }}\n{% endfor %}"
    "Call with <tool_call>.<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.name %}{{ message.name }}: {% endif %}{{ message.content }}"
    "{% for call in message.tool_calls or [] %}\n<tool_call>\n"
    '{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}\n</tool_call>'
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% if thinks %}<think>\n{% endif %}{% endif %}"
)
"""As most templates are; with the variable `thinks` it begins the thoughts of the model."""

TEXTS = ["the user asks and the assistant says hello there, how are you? one two three é 😀"] * 9


def tokenizer(template: str | None = TEMPLATE) -> Any:
    """Byte-level BPE, in which a character may be several tokens, and `<|im_end|>` ends an answer."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(TEXTS, trainer)
    kind_of: Any = PreTrainedTokenizerFast  # without types
    given = kind_of(tokenizer_object=made, eos_token="<|im_end|>")
    given.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    given.chat_template = template
    return given


def model() -> Any:
    """A Llama of two layers with random weights; needs torch."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch: Any = import_module("torch")
    torch.manual_seed(0)
    config: Any = LlamaConfig(
        vocab_size=len(tokenizer()),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        eos_token_id=tokenizer().eos_token_id,
        bos_token_id=None,
    )
    kind_of: Any = LlamaForCausalLM
    return kind_of(config).eval()
