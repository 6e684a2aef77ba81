"""Chats of every kind, for laws about what comes back of them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.message import (
    AnyContent,
    Audio,
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    ContentReasoning,
    ContentText,
    FileData,
    FunctionCall,
    FunctionDefinition,
    GenerateParams,
    ImageUrl,
    Message,
    MessageSlice,
    Role,
    SliceType,
    ToolCall,
    ToolDefinition,
    Usage,
)

SPOKEN = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ODD = st.sampled_from(
    ["", " ", "\n", "\n\n", "\ufeff", "\u2028x\x85", "\x00", "e\u0301", "🏳️‍🌈", "  a\n    b", '{"', "None", "nan"]
)
TEXTS = SPOKEN | ODD
NAMES = st.text("abcxyz_", min_size=1, max_size=8)
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)
BYTES = st.binary(max_size=20)
BASE64 = BYTES.map(lambda data: base64.b64encode(data).decode())
URLS = st.sampled_from(["https://example.org/a.png", "https://example.org/é?q=%20&x[]=1"])


def data_uris(*mimetypes: str) -> st.SearchStrategy[str]:
    return st.builds("data:{};base64,{}".format, st.sampled_from(mimetypes), BASE64)


MARKS = st.none() | st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}])
SAID = st.builds(ContentText, text=TEXTS, cache_control=MARKS)
IMAGES = st.builds(
    ContentImageUrl,
    image_url=st.builds(
        ImageUrl, url=URLS | data_uris("image/png", "image/jpeg"), detail=st.sampled_from(["auto", "low", "high"])
    ),
    cache_control=MARKS,
)
SOUNDS = st.builds(
    ContentAudioInput,
    input_audio=st.builds(Audio, data=BASE64, format=st.sampled_from(["wav", "mp3"]), transcript=st.none() | TEXTS),
)
INLINE = st.builds(
    FileData, file_data=data_uris("application/pdf"), filename=st.none() | st.just("a é.pdf")
) | st.binary(max_size=9).map(
    lambda data: FileData(file_data=f"data:text/plain;base64,{base64.b64encode(data.hex().encode()).decode()}")
)
FILES = st.builds(ContentFile, file=INLINE | st.builds(FileData, file_id=st.just("file-1")), cache_control=MARKS)
SIGNED = st.builds(ContentReasoning, text=TEXTS, signature=NAMES, origin=st.just("anthropic"))
HIDDEN = st.builds(ContentReasoning, data=NAMES, origin=st.just("anthropic"))
THOUGHTS = SIGNED | HIDDEN | st.builds(ContentReasoning, text=TEXTS, origin=NAMES, form=NAMES, extra=OBJECTS)
CALLS = st.builds(
    ToolCall,
    id=NAMES,
    function=st.builds(
        FunctionCall, name=NAMES, arguments=st.sampled_from(["{}", "", '{"a": [1, "ü"]}', '{"a":']) | TEXTS
    ),
)


class Fact(rg.Model):
    """A model that answers are parsed into."""

    content: str


@st.composite
def slices_of(draw: st.DrawFn, text: str) -> list[MessageSlice]:
    ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    objects = JSON | st.builds(Fact, content=SPOKEN) | CALLS
    kinds: st.SearchStrategy[SliceType] = st.sampled_from(["tool_call", "tool_response", "model", "other"])
    ranges = draw(st.lists(ends.filter(lambda one: one[0] < one[1]), max_size=3)) if text else []
    return [MessageSlice(draw(kinds), draw(objects), start, stop, draw(OBJECTS)) for start, stop in ranges]


@st.composite
def messages(
    draw: st.DrawFn,
    roles: st.SearchStrategy[Role],
    parts: st.SearchStrategy[AnyContent] = SAID | IMAGES | SOUNDS | FILES,
) -> Message:
    role = draw(roles)
    thoughts = draw(st.lists(THOUGHTS, max_size=2)) if role == "assistant" else []
    content = draw(st.lists(SAID, max_size=1) | st.lists(parts, max_size=4))
    message = Message(
        role,
        content_parts=[*thoughts, *content],
        tool_calls=draw(st.none() | st.lists(CALLS, max_size=2)) if role == "assistant" else None,
        tool_call_id=draw(st.none() | NAMES) if role == "tool" else None,
        metadata=draw(OBJECTS),
        uuid=draw(st.uuids()),
    )
    message.slices = draw(slices_of(message.content))
    return message


ROLES: st.SearchStrategy[Role] = st.sampled_from(["system", "developer", "user", "assistant", "tool"])
MESSAGES = messages(ROLES)
ANSWERS = messages(st.just("assistant"))

COUNTS = st.integers(0, 2**40)
COSTS = st.none() | st.floats(0, 1e6)
USAGES = st.builds(Usage, input_tokens=COUNTS, output_tokens=COUNTS, total_tokens=COUNTS, cost=COSTS) | st.builds(
    Usage, input_tokens=COUNTS, cost=COSTS, cached_tokens=COUNTS
)
TOOLS = st.builds(
    ToolDefinition,
    function=st.builds(FunctionDefinition, name=NAMES, description=st.none() | TEXTS, parameters=st.none() | OBJECTS),
)
# Neither `extra` nor `api_base`: a stored chat brings no address, so both are left behind when it is loaded.
PARAMS = st.builds(
    GenerateParams,
    temperature=st.none() | st.floats(0, 2),
    max_tokens=st.none() | st.integers(1, 2**40),
    stop=st.none() | st.lists(NAMES, max_size=2),
    tools=st.none() | st.lists(TOOLS, max_size=2),
)
ZONES = st.sampled_from(
    [
        UTC,
        timezone(timedelta(hours=2)),
        timezone(-timedelta(hours=9, minutes=30)),
        timezone(timedelta(hours=5, minutes=45)),
    ]
)
TIMES = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 28), timezones=ZONES)
ERRORS = st.builds(ValueError, TEXTS) | st.builds(rg.RiggingError, TEXTS) | st.builds(KeyError, TEXTS)


@st.composite
def chats(draw: st.DrawFn) -> rg.Chat:
    error = draw(st.none() | ERRORS)
    origins = [{}, {"generator": rg.scripted("hello")}, {"generator_id": "openai!gpt-4o,temperature=0.2"}]
    origin: dict[str, Any] = draw(st.sampled_from(origins))
    return rg.Chat(
        uuid=draw(st.uuids()),
        timestamp=draw(TIMES),
        messages=draw(st.lists(MESSAGES, max_size=3)),
        generated=draw(st.lists(ANSWERS, max_size=2)),
        metadata=draw(OBJECTS),
        stop_reason=draw(st.sampled_from(["stop", "length", "content_filter", "tool_calls", "unknown"])),
        usage=draw(st.none() | USAGES),
        extra=draw(OBJECTS),
        params=draw(st.none() | PARAMS),
        failed=error is not None or draw(st.booleans()),
        error=error,
        **origin,
    )


CHATS = chats()
SEVERAL = st.lists(CHATS, max_size=3)
EMPTY = rg.Chat(messages=[])
"""A chat of nothing."""


def facts(chat: rg.Chat) -> dict[str, Any]:
    """All that is known of a chat, its timestamp as a moment: the same moment may be told in any zone."""
    told = chat.model_dump(mode="json")
    return {**told, "timestamp": chat.timestamp, "objects": [one.obj for message in chat.all for one in message.slices]}
