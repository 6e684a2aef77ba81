"""A conversation waiting to be run, the loop that runs it, and the conversation it becomes."""

from rigging_py.chat.chat import Chat, ChatList
from rigging_py.chat.description import (
    DEFAULT_MAX_DEPTH,
    DEFAULT_MAX_ROUNDS,
    Budget,
    MapChatCallback,
    ThenChatCallback,
)
from rigging_py.chat.drive import FailMode, PipelineStep
from rigging_py.chat.events import (
    ChatEvent,
    ChatFinished,
    EventStream,
    RunPaused,
    ToolResultEvent,
    ToolStartedEvent,
    TurnDiscarded,
)
from rigging_py.chat.pipeline import ChatPipeline, PipelineStepContextManager, PipelineStepGenerator, chat, resume
from rigging_py.chat.replay import ReplayMode

__all__ = [
    "DEFAULT_MAX_DEPTH",
    "DEFAULT_MAX_ROUNDS",
    "Budget",
    "Chat",
    "ChatEvent",
    "ChatFinished",
    "ChatList",
    "ChatPipeline",
    "EventStream",
    "FailMode",
    "MapChatCallback",
    "PipelineStep",
    "PipelineStepContextManager",
    "PipelineStepGenerator",
    "ReplayMode",
    "RunPaused",
    "ThenChatCallback",
    "ToolResultEvent",
    "ToolStartedEvent",
    "TurnDiscarded",
    "chat",
    "resume",
]
