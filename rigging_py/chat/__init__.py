"""A conversation waiting to be run, the loop that runs it, and the conversation it becomes."""

from rigging_py.chat.chat import Chat, ChatList
from rigging_py.chat.drive import FailMode, PipelineStep
from rigging_py.chat.pipeline import (
    ChatPipeline,
    MapChatCallback,
    PipelineStepContextManager,
    ThenChatCallback,
    chat,
)

__all__ = [
    "Chat",
    "ChatList",
    "ChatPipeline",
    "FailMode",
    "MapChatCallback",
    "PipelineStep",
    "PipelineStepContextManager",
    "ThenChatCallback",
    "chat",
]
