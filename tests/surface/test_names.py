"""Every name that users of Rigging import is where they look for it."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version

import pytest
from pydantic import Field

import rigging_py as rg

DOOR = """
Chat ChatPipeline MapChatCallback PipelineStep PipelineStepContextManager PipelineStepGenerator ThenChatCallback
Completion CompletionPipeline MapCompletionCallback ThenCompletionCallback Stop GeneratedMessage GeneratedText
GenerateParams Generator chat complete get_generator register_generator interact ContentAudioInput ContentImageUrl
ContentText Message MessageDict Messages MessageSlice Model attr element wrapped Ctx Prompt prompt TokenizedChat
Tokenizer get_tokenizer register_tokenizer Tool as_mcp mcp robopages tool tool_method PostTransform Transform
await_ VERSION __version__ logger caching data error generator logging message model parsing tokenizer tools
transform util watchers
"""

ROOMS = {
    "caching": "CacheMode apply_cache_mode_to_messages",
    "chat": """
        Chat ChatList ChatPipeline DEFAULT_MAX_DEPTH DEFAULT_MAX_ROUNDS FailMode MapChatCallback PipelineStep
        PipelineStepContextManager PipelineStepGenerator ThenChatCallback
    """,
    "completion": "Completion CompletionPipeline MapCompletionCallback ThenCompletionCallback UntilCompletionCallback",
    "data": """
        chats_to_df chats_to_elastic chats_to_elastic_data df_to_chats elastic_data_to_chats elastic_to_chats
        flatten_chats s3_bucket_exists s3_object_exists unflatten_chats
    """,
    "error": """
        CompletionExhaustedMaxRoundsError ExhaustedMaxRoundsError GeneratorWarning InvalidGeneratorError
        InvalidModelSpecifiedError InvalidTokenizerError MaxDepthError MessageWarning MessagesExhaustedMaxRoundsError
        MissingModelError PipelineWarning ProcessingError Stop TokenizerWarning ToolDefinitionError ToolWarning
        UnknownToolError raise_as
    """,
    "generator": """
        Fixup GenerateParams GeneratedMessage GeneratedText Generator HTTPGenerator HTTPSpec HttpHook HttpHookAction
        LiteLLMGenerator StopReason Usage chat complete get_generator get_identifier register_generator with_fixups
    """,
    "interact": "interact",
    "logging": "configure_logging",
    "message": """
        Content ContentAudioInput ContentImageUrl ContentText Message MessageDict MessageSlice Messages Role SliceType
        inject_system_content strip_system_content
    """,
    "model": """
        Answer CommaDelimitedAnswer DelimitedAnswer Description ErrorModel Instructions Model NewlineDelimitedAnswer
        Primitive Question QuestionAnswer SystemErrorModel Thinking ValidationErrorModel YesNoAnswer attr element
        make_from_schema make_from_signature make_primitive wrapped
    """,
    "parsing": "parse parse_many parse_set try_parse try_parse_many try_parse_set",
    "prompt": "Ctx Prompt make_prompt prompt",
    "tokenizer": "TokenSlice TokenizedChat Tokenizer TransformersTokenizer get_tokenizer register_tokenizer",
    "tools": """
        FunctionCall FunctionDefinition MCPClient Tool ToolCall ToolChoice ToolDefinition ToolMode ToolResponse as_mcp
        mcp robopages tool tool_method
    """,
    "transform": """
        PostTransform Transform get_transform make_tools_to_json_transform make_tools_to_pythonic_transform
        make_tools_to_xml_transform tools_to_json_in_xml_transform tools_to_json_transform
        tools_to_json_with_tag_transform tools_to_pythonic_transform
    """,
    "util": """
        await_ deref_json escape_xml extract_json_objects flatten_list get_callable_name get_qualified_name
        identify_audio_format shorten_string shorten_text to_snake to_xml_tag truncate_string unescape_cdata_tags
        unescape_xml
    """,
    "watchers": """
        make_stream_to_logs stream_to_logs write_chats_to_elastic write_chats_to_jsonl write_chats_to_s3
        write_messages_to_jsonl
    """,
}


@pytest.mark.parametrize("name", DOOR.split())
def test_every_name_of_the_front_door_is_there(name: str) -> None:
    assert hasattr(rg, name)
    assert name in dir(rg)


def test_the_version_is_that_of_the_distribution() -> None:
    assert rg.VERSION == rg.__version__ == version("rigging-py")


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_room_is_there(room: str) -> None:
    module = import_module(f"rigging_py.{room}")
    assert [name for name in ROOMS[room].split() if not hasattr(module, name)] == []


def test_errors_are_caught_by_the_names_of_both_generations() -> None:
    error = rg.error
    assert error.InvalidModelSpecifiedError is error.InvalidGeneratorError
    for spent in (error.MaxDepthError, error.CompletionExhaustedMaxRoundsError, error.MessagesExhaustedMaxRoundsError):
        assert issubclass(spent, error.ExhaustedMaxRoundsError)
    assert issubclass(error.MaxDepthError, error.MessagesExhaustedMaxRoundsError)
    for warning in (error.PipelineWarning, error.ToolWarning, error.MessageWarning, error.TokenizerWarning):
        assert issubclass(warning, Warning)
    assert error.Stop("enough").message == "enough"
    assert error.UnknownToolError("look").tool_name == "look"


class PlayerCard(rg.Model):
    number: int = rg.attr(examples=[7])
    name: str = rg.element(examples=["Ada"])
    team: str = rg.element(default="", description="Where they play")


class Note(rg.Model):
    content: str = Field(examples=["a < b"])


def test_a_model_tells_its_tags() -> None:
    assert (PlayerCard.xml_start_tag(), PlayerCard.xml_end_tag()) == ("<player-card>", "</player-card>")
    assert PlayerCard.xml_tags() == "<player-card></player-card>"
    assert Note.xml_example() == "<note>a &lt; b</note>"
    assert PlayerCard.xml_example() == (
        '<player-card number="7">\n  <name>Ada</name>\n  <!-- Where they play -->\n  <team/>\n</player-card>'
    )
