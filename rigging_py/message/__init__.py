"""What is said and asked: messages and their parts, tool calls, parameters, turns and usage."""

from rigging_py.message.calls import FunctionCall, FunctionDefinition, ToolCall, ToolChoice, ToolDefinition
from rigging_py.message.content import (
    AnyContent,
    Audio,
    Content,
    ContentAudioInput,
    ContentImageUrl,
    ContentText,
    ImageUrl,
)
from rigging_py.message.message import (
    Message,
    MessageDict,
    Messages,
    Role,
    assemble,
    fresh,
    inject_system_content,
    new_uuid,
)
from rigging_py.message.params import GenerateParams
from rigging_py.message.turn import (
    Delta,
    GeneratedText,
    ModelTurn,
    ReasoningDelta,
    StopReason,
    TextDelta,
    ToolCallDelta,
    Usage,
    to_stop_reason,
)

__all__ = [
    "AnyContent",
    "Audio",
    "Content",
    "ContentAudioInput",
    "ContentImageUrl",
    "ContentText",
    "Delta",
    "FunctionCall",
    "FunctionDefinition",
    "GenerateParams",
    "GeneratedText",
    "ImageUrl",
    "Message",
    "MessageDict",
    "Messages",
    "ModelTurn",
    "ReasoningDelta",
    "Role",
    "StopReason",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "ToolChoice",
    "ToolDefinition",
    "Usage",
    "assemble",
    "fresh",
    "inject_system_content",
    "new_uuid",
    "to_stop_reason",
]
