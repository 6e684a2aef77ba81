"""What is said and asked: messages and their parts, tool calls, parameters, turns and usage."""

from rigging_py.message.calls import FunctionCall, FunctionDefinition, ToolCall, ToolChoice, ToolDefinition
from rigging_py.message.content import (
    AnyContent,
    Audio,
    Content,
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    ContentReasoning,
    ContentText,
    FileData,
    ImageUrl,
)
from rigging_py.message.hidden import is_secret_name, without_secrets, without_user
from rigging_py.message.making import assemble, fresh, new_uuid, uuid_named
from rigging_py.message.message import (
    CompatibilityFlag,
    Message,
    MessageDict,
    Messages,
    Role,
)
from rigging_py.message.params import GenerateParams
from rigging_py.message.slices import MessageSlice, SliceType
from rigging_py.message.system import inject_system_content, strip_system_content
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
    "CompatibilityFlag",
    "Content",
    "ContentAudioInput",
    "ContentFile",
    "ContentImageUrl",
    "ContentReasoning",
    "ContentText",
    "Delta",
    "FileData",
    "FunctionCall",
    "FunctionDefinition",
    "GenerateParams",
    "GeneratedText",
    "ImageUrl",
    "Message",
    "MessageDict",
    "MessageSlice",
    "Messages",
    "ModelTurn",
    "ReasoningDelta",
    "Role",
    "SliceType",
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
    "is_secret_name",
    "new_uuid",
    "strip_system_content",
    "to_stop_reason",
    "uuid_named",
    "without_secrets",
    "without_user",
]
