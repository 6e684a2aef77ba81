"""What servers of the OpenAI chat API are sent and answer, written from their public references, whole and streamed."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from rigging_py.message import (
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    FunctionCall,
    FunctionDefinition,
    GenerateParams,
    Message,
    ToolCall,
    ToolDefinition,
    Usage,
)
from rigging_py.parsing import JsonShape
from tests.wire.letters import DONE, Letter, sse

PIXEL = "data:image/png;base64,iVBORw0KGgo="
SOUND = b"\x01\x00\x02\x00\x03\x00\x04"
WEATHER = ToolDefinition(
    function=FunctionDefinition(
        name="weather",
        description="The weather.",
        parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    )
)
SENT_TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@dataclass(frozen=True)
class Exchange:
    """A request, and its reply whole and as a stream, which say the same: what is in `streamed`, and this.

    `extra` is what a turn has in its `extra` besides the thoughts, `parts` its parts besides text and reasoning.
    """

    model: str
    messages: tuple[Message, ...]
    request: dict[str, Any]
    reply: dict[str, Any]
    streamed: Letter
    params: GenerateParams = field(default_factory=GenerateParams)
    dialect: str = "plain"
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    parts: tuple[dict[str, Any], ...] = ()


def user(text: str = "Hi") -> tuple[Message, ...]:
    return (Message("user", text),)


def sent(model: str, text: str = "Hi", **others: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **others}


def whole(
    message: dict[str, Any], reason: str | None = "stop", /, choice: dict[str, Any] | None = None, **others: Any
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", **message},
        "finish_reason": reason,
        **(choice or {}),
    }
    return {"id": "r-1", "object": "chat.completion", "created": 1, "model": "m-1", "choices": [said], **others}


def piece(
    delta: Any, reason: str | None = None, /, choice: dict[str, Any] | None = None, **others: Any
) -> dict[str, Any]:
    said: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": reason, **(choice or {})}
    return {"id": "r-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": [said], **others}


def called(id_: str | None, arguments: Any = '{"city":"Oslo"}', **fields: Any) -> dict[str, Any]:
    named = {} if id_ is None else {"id": id_}
    return {**named, "type": "function", "function": {"name": "weather", "arguments": arguments}, **fields}


def tokens(*words: str) -> list[dict[str, Any]]:
    return [{"token": word, "logprob": -0.5, "bytes": list(word.encode()), "top_logprobs": []} for word in words]


END = DONE.encode()
NAMED = {"response_id": "r-1", "model": "m-1"}
OSLO = '{"city":"Oslo"}'

OPENAI_USAGE: dict[str, Any] = {
    "prompt_tokens": 90,
    "completion_tokens": 40,
    "total_tokens": 130,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0, "cache_write_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 32, "audio_tokens": 0, "accepted_prediction_tokens": 0},
}
OPENAI_COUNTED = Usage(
    input_tokens=90,
    output_tokens=40,
    total_tokens=130,
    cached_tokens=64,
    cache_write_tokens=0,
    reasoning_tokens=32,
    audio_tokens=0,
)
COUNTS: dict[str, Any] = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
COUNTED = Usage(input_tokens=9, output_tokens=4, total_tokens=13)

OPENAI: dict[str, Exchange] = {
    "openai, a tool, a schema and probabilities": Exchange(
        "gpt-5.2",
        (
            Message("developer", "Be brief."),
            Message("user", ["See:", ContentImageUrl.from_url(PIXEL, detail="low")]),
            Message("user", [ContentFile.from_bytes(b"%PDF", "application/pdf", filename="a.pdf")]),
        ),
        {
            "model": "gpt-5.2",
            "messages": [
                {"role": "developer", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "See:"},
                        {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "file",
                            "file": {"file_data": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf"},
                        }
                    ],
                },
            ],
            "max_completion_tokens": 99,
            "tools": [SENT_TOOL],
            "tool_choice": {"type": "function", "function": {"name": "weather"}},
            "parallel_tool_calls": False,
            "response_format": {"type": "json_schema", "json_schema": {"name": "sky", "schema": {"type": "object"}}},
            "logprobs": True,
            "reasoning_effort": "low",
        },
        whole(
            {"content": "Hm.", "refusal": None, "annotations": [], "tool_calls": [called("call_1")]},
            "tool_calls",
            choice={"logprobs": {"content": tokens("H", "m."), "refusal": None}},
            usage=OPENAI_USAGE,
            service_tier="default",
            system_fingerprint=None,
        ),
        Letter(
            sse(
                piece(
                    {"role": "assistant", "content": "", "refusal": None},
                    choice={"logprobs": None},
                    usage=None,
                    service_tier="default",
                ),
                piece({"content": "H"}, choice={"logprobs": {"content": tokens("H"), "refusal": None}}, usage=None),
                piece({"content": "m."}, choice={"logprobs": {"content": tokens("m."), "refusal": None}}, usage=None),
                piece({"tool_calls": [called("call_1", "", index=0)]}, usage=None, obfuscation="x8dj"),
                piece({"tool_calls": [{"index": 0, "function": {"arguments": OSLO}}]}, usage=None),
                piece({}, "tool_calls", usage=None),
            ),
            sse({"id": "r-1", "model": "m-1", "choices": [], "usage": OPENAI_USAGE}) + END,
            text="Hm.",
            calls=(("call_1", "weather", OSLO),),
            reason="tool_calls",
            usage=OPENAI_COUNTED,
        ),
        GenerateParams(
            max_tokens=99,
            tools=[WEATHER],
            tool_choice="weather",
            parallel_tool_calls=False,
            output=JsonShape("sky", {"type": "object"}),
            extra={"logprobs": True, "reasoning_effort": "low"},
        ),
        "openai",
        {**NAMED, "service_tier": "default", "logprobs": {"content": tokens("H", "m.")}},
    ),
    "openai, a refusal and a citation": Exchange(
        "gpt-4o-search",
        user(),
        sent("gpt-4o-search", max_tokens=9),
        whole(
            {
                "content": None,
                "refusal": "I will not.",
                "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a", "title": "A"}}],
            },
        ),
        Letter(
            sse(
                piece({"role": "assistant", "content": None, "refusal": ""}),
                piece({"refusal": "I will"}),
                piece({"refusal": " not."}),
                piece({"annotations": [{"type": "url_citation", "url_citation": {"url": "https://a", "title": "A"}}]}),
                piece({}, "stop"),
            ),
            END,
            text="I will not.",
        ),
        GenerateParams(max_tokens=9),
        "openai",
        {
            **NAMED,
            "refusal": "I will not.",
            "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a", "title": "A"}}],
        },
    ),
    "openai, sound": Exchange(
        "gpt-audio",
        (Message("user", ContentAudioInput.from_bytes(b"RIFF0000WAVE", transcript="Speak!")),),
        {
            "model": "gpt-audio",
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_audio", "input_audio": {"data": "UklGRjAwMDBXQVZF", "format": "wav"}},
                    ],
                }
            ],
            "modalities": ["text", "audio"],
            "audio": {"voice": "alloy", "format": "pcm16"},
        },
        whole(
            {
                "content": None,
                "audio": {
                    "id": "audio_1",
                    "data": b64encode(SOUND).decode(),
                    "transcript": "Hi there",
                    "expires_at": 2,
                },
            },
        ),
        Letter(
            sse(
                piece({"role": "assistant", "content": None, "audio": {"id": "audio_1", "transcript": "Hi"}}),
                piece({"audio": {"data": b64encode(SOUND[:4]).decode()}}),
                piece({"audio": {"transcript": " there"}}),
                piece({"audio": {"data": b64encode(SOUND[4:]).decode(), "expires_at": 2}}),
                piece({}, "stop"),
            ),
            END,
        ),
        GenerateParams(modalities=["text", "audio"], audio={"voice": "alloy", "format": "pcm16"}),
        "openai",
        NAMED,
        (
            {
                "type": "input_audio",
                "input_audio": {"data": b64encode(SOUND).decode(), "format": "pcm16", "transcript": "Hi there"},
            },
        ),
    ),
    "azure": Exchange(
        "my-deployment",
        user(),
        sent("my-deployment", temperature=0.5),
        whole(
            {"content": "Hello!"},
            "content_filter",
            choice={"content_filter_results": {"hate": {"filtered": True, "severity": "high"}}},
            prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False}}}],
            system_fingerprint="fp_1",
            usage=COUNTS,
        ),
        Letter(
            sse(
                {
                    "id": "",
                    "model": "",
                    "choices": [],
                    "prompt_filter_results": [
                        {"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False}}}
                    ],
                },
                piece({"role": "assistant", "content": ""}, choice={"content_filter_results": {}}),
                piece({"content": "Hello"}, system_fingerprint="fp_1"),
                piece({"content": "!"}),
                piece(
                    {},
                    "content_filter",
                    choice={"content_filter_results": {"hate": {"filtered": True, "severity": "high"}}},
                ),
            ),
            sse(
                # Filters that run beside the model come late, and without a delta.
                {"id": "", "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {}}]},
                {"id": "r-1", "choices": [], "usage": COUNTS},
            )
            + END,
            text="Hello!",
            reason="content_filter",
            usage=COUNTED,
        ),
        GenerateParams(temperature=0.5),
        "openai",
        {
            **NAMED,
            "system_fingerprint": "fp_1",
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False}}}],
            "content_filter_results": {"hate": {"filtered": True, "severity": "high"}},
        },
    ),
}

OTHERS: dict[str, Exchange] = {
    "openrouter": Exchange(
        "google/gemini-image",
        (Message("developer", "Draw."), *user("A pixel.")),
        {
            "model": "google/gemini-image",
            "messages": [{"role": "developer", "content": "Draw."}, {"role": "user", "content": "A pixel."}],
            "modalities": ["image", "text"],
            "provider": {"order": ["google"]},
        },
        whole(
            {
                "content": "Here.",
                "refusal": None,
                "reasoning": "Hm.",
                "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "s==", "index": 0}],
                "images": [{"type": "image_url", "image_url": {"url": PIXEL}, "index": 0}],
            },
            choice={"native_finish_reason": "STOP", "logprobs": None},
            provider="Google",
            usage={**COUNTS, "cost": 0.25, "is_byok": False, "prompt_tokens_details": {"cached_tokens": 3}},
        ),
        Letter(
            b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n"
            + sse(
                piece(
                    {
                        "role": "assistant",
                        "content": "",
                        "reasoning": "H",
                        "reasoning_details": [{"type": "reasoning.text", "text": "H", "index": 0}],
                    },
                    provider="Google",
                )
            )
            + b": OPENROUTER PROCESSING\n\n"
            + sse(
                piece(
                    {
                        "content": "",
                        "reasoning": "m.",
                        "reasoning_details": [{"type": "reasoning.text", "text": "m.", "index": 0}],
                    }
                ),
                piece(
                    {"content": "", "reasoning_details": [{"type": "reasoning.text", "signature": "s==", "index": 0}]}
                ),
                piece({"content": "Here."}),
                piece({"content": "", "images": [{"type": "image_url", "image_url": {"url": PIXEL}, "index": 0}]}),
                piece({"content": ""}, "stop", choice={"native_finish_reason": "STOP"}),
            ),
            sse(
                {
                    "id": "r-1",
                    "choices": [],
                    "usage": {**COUNTS, "cost": 0.25, "prompt_tokens_details": {"cached_tokens": 3}},
                }
            )
            + END,
            text="Here.",
            thought="Hm.",
            usage=Usage(input_tokens=9, output_tokens=4, total_tokens=13, cost=0.25, cached_tokens=3),
        ),
        GenerateParams(modalities=["image", "text"], extra={"provider": {"order": ["google"]}}),
        "openai",
        {**NAMED, "provider": "Google"},
        ({"type": "image_url", "image_url": {"url": PIXEL, "detail": "auto"}},),
    ),
    "mistral": Exchange(
        "magistral-medium",
        (
            Message("developer", "Be brief."),
            Message(
                "user",
                [
                    ContentFile.from_bytes(b"%PDF", "application/pdf", filename="a.pdf"),
                    ContentFile.from_id("f-1"),
                    ContentAudioInput.from_bytes(b"RIFF0000WAVE"),
                ],
            ),
            Message(
                "assistant",
                tool_calls=[
                    ToolCall(id="call_of_another", function=FunctionCall(name="weather", arguments=OSLO)),
                    ToolCall(id="D681PevKs", function=FunctionCall(name="weather", arguments=OSLO)),
                ],
            ),
            Message("tool", "rain", tool_call_id="call_of_another"),
            Message("tool", "sun", tool_call_id="D681PevKs"),
        ),
        {
            "model": "magistral-medium",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document_url",
                            "document_url": "data:application/pdf;base64,JVBERg==",
                            "document_name": "a.pdf",
                        },
                        {"type": "file", "file_id": "f-1"},
                        {"type": "input_audio", "input_audio": "UklGRjAwMDBXQVZF"},
                    ],
                },
                {"role": "assistant", "tool_calls": [called("0c806b931"), called("D681PevKs")]},
                {"role": "tool", "content": "rain", "tool_call_id": "0c806b931"},
                {"role": "tool", "content": "sun", "tool_call_id": "D681PevKs"},
            ],
            "max_tokens": 9,
            "random_seed": 7,
            "tools": [SENT_TOOL],
            "tool_choice": "any",
            "safe_prompt": True,
        },
        whole(
            {
                "content": [
                    {
                        "type": "thinking",
                        "thinking": [{"type": "text", "text": "Six by"}, {"type": "text", "text": " 7."}],
                    },
                    {"type": "text", "text": "4"},
                    {"type": "text", "text": "2"},
                    {"type": "reference", "reference_ids": [1]},
                ],
                "tool_calls": [called("9A1b2C3d4", {"city": "Oslo"})],
            },
            "model_length",
            usage=COUNTS,
        ),
        Letter(
            sse(
                piece({"role": "assistant", "content": ""}),
                piece({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Six by"}]}]}),
                piece({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": " 7."}]}]}),
                piece({"content": [{"type": "text", "text": "4"}]}),
                piece({"content": "2"}),
                piece({"content": "", "tool_calls": [called("9A1b2C3d4", index=0)]}, "model_length", usage=COUNTS),
            ),
            END,
            text="42",
            thought="Six by 7.",
            calls=(("9A1b2C3d4", "weather", OSLO),),
            reason="length",
            usage=COUNTED,
        ),
        GenerateParams(max_tokens=9, seed=7, tools=[WEATHER], tool_choice="any", extra={"safe_prompt": True}),
        "mistral",
        NAMED,
    ),
    "deepseek": Exchange(
        "deepseek-reasoner",
        (Message("developer", "Be brief."), *user()),
        {
            "model": "deepseek-reasoner",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "max_tokens": 9,
        },
        whole(
            {"content": "42", "reasoning_content": "Six by 7."},
            choice={"logprobs": None},
            system_fingerprint="fp_ds",
            usage={
                **COUNTS,
                "prompt_cache_hit_tokens": 6,
                "prompt_cache_miss_tokens": 3,
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
        ),
        Letter(
            b": keep-alive\n\n"
            + sse(
                piece({"role": "assistant", "content": None, "reasoning_content": ""}, system_fingerprint="fp_ds"),
                piece({"content": None, "reasoning_content": "Six by 7."}),
                piece({"content": "42", "reasoning_content": None}),
                piece(
                    {"content": "", "reasoning_content": None},
                    "stop",
                    usage={
                        **COUNTS,
                        "prompt_cache_hit_tokens": 6,
                        "completion_tokens_details": {"reasoning_tokens": 3},
                    },
                ),
            ),
            END,
            text="42",
            thought="Six by 7.",
            usage=Usage(input_tokens=9, output_tokens=4, total_tokens=13, cached_tokens=6, reasoning_tokens=3),
        ),
        GenerateParams(max_tokens=9),
        extra={**NAMED, "system_fingerprint": "fp_ds"},
    ),
    "groq": Exchange(
        "openai/gpt-oss-120b",
        user(),
        sent("openai/gpt-oss-120b", max_tokens=9),
        whole(
            {"content": "42", "reasoning": "Six by 7."},
            usage={**COUNTS, "queue_time": 0.1, "total_time": 0.2},
            x_groq={"id": "req_1"},
            service_tier="on_demand",
        ),
        Letter(
            sse(
                piece({"role": "assistant", "content": ""}, x_groq={"id": "req_1"}),
                piece({"reasoning": "Six by 7.", "channel": "analysis"}),
                piece({"content": "42"}, service_tier="on_demand"),
                piece({}, "stop", x_groq={"id": "req_1", "usage": COUNTS}),
            ),
            END,
            text="42",
            thought="Six by 7.",
            usage=COUNTED,
        ),
        GenerateParams(max_tokens=9),
        extra={**NAMED, "service_tier": "on_demand"},
    ),
    "together": Exchange(
        "meta-llama/Llama",
        user(),
        sent("meta-llama/Llama", stop=["."], logprobs=1, top_k=3),
        whole(
            {"content": "Hi", "tool_calls": []},
            "eos",
            prompt=[],
            usage={**COUNTS, "cached_tokens": 2},
            choice={"seed": 5, "logprobs": {"token_ids": [1, 2], "tokens": ["H", "i"], "token_logprobs": [-0.5, -1]}},
        ),
        Letter(
            sse(
                piece(
                    {"role": "assistant", "content": "H", "token_id": 1},
                    choice={"text": "H", "logprobs": {"token_ids": [1], "tokens": ["H"], "token_logprobs": [-0.5]}},
                ),
                piece(
                    {"content": "i", "token_id": 2},
                    choice={"text": "i", "logprobs": {"token_ids": [2], "tokens": ["i"], "token_logprobs": [-1]}},
                ),
                piece(
                    {"content": "", "token_id": 3},
                    "eos",
                    choice={"logprobs": -0.25},
                    usage={**COUNTS, "cached_tokens": 2},
                ),
            ),
            END,
            text="Hi",
            usage=Usage(input_tokens=9, output_tokens=4, total_tokens=13, cached_tokens=2),
        ),
        GenerateParams(stop=["."], top_k=3, extra={"logprobs": 1}),
        extra={**NAMED, "logprobs": {"token_ids": [1, 2], "tokens": ["H", "i"], "token_logprobs": [-0.5, -1]}},
    ),
    "xai": Exchange(
        "grok-4",
        user(),
        sent("grok-4", search_parameters={"mode": "on"}),
        whole(
            {"content": "Sun.", "reasoning_content": "Hm.", "refusal": None},
            citations=["https://a"],
            usage={
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "total_tokens": 33,
                "num_sources_used": 1,
                "cost_in_usd_ticks": 25000000,
                "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 1},
                "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 2},
            },
        ),
        Letter(
            sse(
                piece({"role": "assistant", "reasoning_content": "Hm."}),
                piece({"content": "Sun."}),
                piece({"content": ""}, "stop", citations=["https://a"]),
            ),
            sse(
                {
                    "id": "r-1",
                    "choices": [],
                    "usage": {
                        "prompt_tokens": 9,
                        "completion_tokens": 4,
                        "total_tokens": 33,
                        "cost_in_usd_ticks": 25000000,
                        "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 1},
                        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 2},
                    },
                }
            )
            + END,
            text="Sun.",
            thought="Hm.",
            usage=Usage(
                input_tokens=9,
                output_tokens=24,
                total_tokens=33,
                cost=0.0025,
                cached_tokens=5,
                reasoning_tokens=20,
                audio_tokens=3,
            ),
        ),
        GenerateParams(extra={"search_parameters": {"mode": "on"}}),
        "openai",
        {**NAMED, "citations": ["https://a"]},
    ),
    "perplexity": Exchange(
        "sonar",
        user(),
        sent("sonar", max_tokens=9),
        whole(
            {"content": "Sun [1]."},
            citations=["https://a"],
            search_results=[{"title": "A", "url": "https://a"}],
            usage={**COUNTS, "search_context_size": "low", "cost": {"total_cost": 0.005, "request_cost": 0.004}},
        ),
        Letter(
            # Beside each delta stands all that was said until then.
            sse(
                piece(
                    {"role": "assistant", "content": "Sun"},
                    citations=["https://a"],
                    choice={"message": {"role": "assistant", "content": "Sun"}},
                    usage=COUNTS,
                ),
                piece(
                    {"content": " [1]."},
                    "stop",
                    citations=["https://a"],
                    search_results=[{"title": "A", "url": "https://a"}],
                    choice={"message": {"role": "assistant", "content": "Sun [1]."}},
                    usage={**COUNTS, "cost": {"total_cost": 0.005}},
                ),
            ),
            END,
            text="Sun [1].",
            usage=Usage(input_tokens=9, output_tokens=4, total_tokens=13, cost=0.005),
        ),
        GenerateParams(max_tokens=9),
        "perplexity",
        {**NAMED, "citations": ["https://a"], "search_results": [{"title": "A", "url": "https://a"}]},
    ),
    "moonshot": Exchange(
        "kimi-k2-thinking",
        user(),
        sent("kimi-k2-thinking"),
        whole(
            {"content": "", "reasoning_content": "Hm.", "tool_calls": [called("weather:0", index=0)]},
            "tool_calls",
            usage={**COUNTS, "cached_tokens": 8},
        ),
        Letter(
            sse(
                piece({"role": "assistant", "content": ""}),
                piece({"reasoning_content": "Hm."}),
                piece({"tool_calls": [called("weather:0", "", index=0)]}),
                piece({"tool_calls": [{"index": 0, "function": {"arguments": OSLO}}]}),
                # The counts are in the choice.
                piece({}, "tool_calls", choice={"usage": {**COUNTS, "cached_tokens": 8}}),
            ),
            END,
            thought="Hm.",
            calls=(("weather:0", "weather", OSLO),),
            reason="tool_calls",
            usage=Usage(input_tokens=9, output_tokens=4, total_tokens=13, cached_tokens=8),
        ),
        extra=NAMED,
    ),
    "vllm": Exchange(
        "Qwen/Qwen3",
        (Message("developer", "Be brief."), *user()),
        {
            "model": "Qwen/Qwen3",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "max_tokens": 9,
            "top_k": 2,
            "seed": 1,
            "chat_template_kwargs": {"enable_thinking": True},
        },
        whole(
            {"content": "42", "reasoning": "Six by 7.", "refusal": None, "function_call": None, "tool_calls": []},
            "length",
            choice={"stop_reason": None, "token_ids": None},
            prompt_logprobs=None,
            kv_transfer_params=None,
            usage={**COUNTS, "prompt_tokens_details": None},
        ),
        Letter(
            sse(
                piece({"role": "assistant", "content": ""}, choice={"logprobs": None}, prompt_token_ids=None),
                piece({"reasoning": "Six by"}),
                piece({"reasoning": " 7."}, usage={**COUNTS, "completion_tokens": 1}),
                piece({"content": "42"}),
                piece({"content": ""}, "length", choice={"stop_reason": None, "token_ids": None}),
            ),
            sse({"id": "r-1", "choices": [], "usage": COUNTS}) + END,
            text="42",
            thought="Six by 7.",
            reason="length",
            usage=COUNTED,
        ),
        GenerateParams(max_tokens=9, top_k=2, seed=1, extra={"chat_template_kwargs": {"enable_thinking": True}}),
        extra=NAMED,
    ),
    "sglang": Exchange(
        "default",
        user(),
        sent("default"),
        whole(
            {"content": None, "reasoning_content": None, "tool_calls": [called("call_0", index=-1)]},
            "tool_calls",
            choice={"matched_stop": None},
            metadata={"weight_version": "d"},
            usage={**COUNTS, "reasoning_tokens": 0},
        ),
        Letter(
            sse(
                piece({"role": "assistant", "content": "", "reasoning_content": None, "tool_calls": None}, usage=None),
                piece({"tool_calls": [called("call_0", "", index=0)]}, choice={"matched_stop": None}),
                piece(
                    {
                        "tool_calls": [
                            {"id": None, "index": 0, "type": "function", "function": {"name": None, "arguments": OSLO}}
                        ]
                    }
                ),
                piece({"content": None, "tool_calls": None}, "tool_calls", choice={"matched_stop": None}),
            ),
            sse({"id": "r-1", "choices": [], "usage": {**COUNTS, "reasoning_tokens": 0}}) + END,
            calls=(("call_0", "weather", OSLO),),
            reason="tool_calls",
            usage=Usage(input_tokens=9, output_tokens=4, total_tokens=13, reasoning_tokens=0),
        ),
        extra=NAMED,
    ),
    "llama.cpp": Exchange(
        "smollm2",
        user(),
        sent(
            "smollm2",
            max_tokens=9,
            response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        ),
        whole(
            {"content": "{}"},
            usage={**COUNTS, "prompt_tokens_details": {"cached_tokens": 7}},
            timings={"cache_n": 7, "prompt_n": 2},
            system_fingerprint="b9999-abc",
        ),
        Letter(
            sse(
                piece({"role": "assistant", "content": None}, system_fingerprint="b9999-abc"),
                piece({"content": "{"}),
                piece({"content": "}"}),
                piece({}, "stop"),
            ),
            sse(
                {
                    "id": "r-1",
                    "choices": [],
                    "usage": {**COUNTS, "prompt_tokens_details": {"cached_tokens": 7}},
                    "timings": {"cache_n": 7},
                }
            )
            + END,
            text="{}",
            usage=Usage(input_tokens=9, output_tokens=4, total_tokens=13, cached_tokens=7),
        ),
        GenerateParams(max_tokens=9, output=JsonShape("n", {"type": "object"})),
        extra={**NAMED, "system_fingerprint": "b9999-abc"},
    ),
    "ollama, no ids": Exchange(
        "llama3.2",
        user(),
        sent("llama3.2", tools=[SENT_TOOL], tool_choice="auto"),
        whole(
            {"content": "", "tool_calls": [called(None), called(None, '{"city":"Bergen"}')]},
            "tool_calls",
            system_fingerprint="fp_ollama",
            usage=COUNTS,
        ),
        Letter(
            sse(
                piece(
                    {"role": "assistant", "content": "", "tool_calls": [called(None)]}, system_fingerprint="fp_ollama"
                ),
                piece({"role": "assistant", "content": "", "tool_calls": [called(None, '{"city":"Bergen"}')]}),
                piece({"role": "assistant", "content": ""}, "tool_calls"),
            ),
            sse({"id": "r-1", "choices": [], "usage": COUNTS}) + END,
            calls=(("", "weather", OSLO), ("", "weather", '{"city":"Bergen"}')),
            reason="tool_calls",
            usage=COUNTED,
        ),
        GenerateParams(tools=[WEATHER], tool_choice="auto"),
        extra={**NAMED, "system_fingerprint": "fp_ollama"},
    ),
}

EXCHANGES = {**OPENAI, **OTHERS}
