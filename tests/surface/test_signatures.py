"""Every method and function that users of Rigging call takes what they call it with."""

from __future__ import annotations

import inspect
from functools import reduce
from importlib import import_module
from typing import Any

import pytest

SIGNATURES = """
chat.Chat messages generated generator pipeline params
chat.Chat.message_slices slice_type filter_fn reverse
chat.Chat.meta
chat.Chat.restart generator include_all
chat.Chat.fork messages include_all
chat.Chat.continue_ messages
chat.Chat.clone only_messages
chat.Chat.apply
chat.Chat.apply_to_all
chat.Chat.inject_system_content content
chat.Chat.to_df
chat.Chat.to_elastic index client op_type create_index
chat.Chat.to_openai
chat.Chat.to_tokens tokenizer transform
chat.Chat.transform transform
chat.ChatList.to_df
chat.ChatList.to_elastic index client op_type create_index
chat.ChatList.to_json
chat.ChatList.to_openai
chat.ChatList.to_tokens tokenizer transform
chat.ChatPipeline generator messages params watch_callbacks
chat.ChatPipeline.with_ params
chat.ChatPipeline.catch errors on_failed exclude
chat.ChatPipeline.watch callbacks allow_duplicates
chat.ChatPipeline.add messages merge_strategy
chat.ChatPipeline.fork messages
chat.ChatPipeline.clone only_messages chat callbacks
chat.ChatPipeline.meta
chat.ChatPipeline.name name
chat.ChatPipeline.then callbacks max_depth allow_duplicates
chat.ChatPipeline.map callbacks max_depth allow_duplicates
chat.ChatPipeline.transform allow_duplicates
chat.ChatPipeline.apply
chat.ChatPipeline.apply_to_all
chat.ChatPipeline.cache mode
chat.ChatPipeline.wrap func
chat.ChatPipeline.using tools mode choice max_depth add_stop_token catch
chat.ChatPipeline.until_parsed_as types max_depth catch attempt_recovery drop_dialog max_rounds
chat.ChatPipeline.step on_failed
chat.ChatPipeline.step_many count params on_failed
chat.ChatPipeline.step_batch many params on_failed
chat.ChatPipeline.run name on_failed allow_failed
chat.ChatPipeline.run_many count params name mode on_failed
chat.ChatPipeline.run_batch many params name mode on_failed
chat.ChatPipeline.run_over generators include_original on_failed
chat.PipelineStep state chats pipeline parent callback
chat.PipelineStep.copy
chat.PipelineStep.with_parent
completion.Completion text generated generator
completion.Completion.restart generator include_all
completion.Completion.fork text include_all
completion.Completion.continue_ text
completion.Completion.clone
completion.Completion.meta
completion.CompletionPipeline generator text params watch_callbacks
completion.CompletionPipeline.with_ params
completion.CompletionPipeline.catch errors on_failed
completion.CompletionPipeline.watch callbacks allow_duplicates
completion.CompletionPipeline.then
completion.CompletionPipeline.map
completion.CompletionPipeline.add text
completion.CompletionPipeline.fork text
completion.CompletionPipeline.clone only_text
completion.CompletionPipeline.meta
completion.CompletionPipeline.apply
completion.CompletionPipeline.until callback use_all_text max_rounds
completion.CompletionPipeline.until_parsed_as types use_all_text max_rounds
completion.CompletionPipeline.wrap func
completion.CompletionPipeline.run
completion.CompletionPipeline.run_many count params
completion.CompletionPipeline.run_batch many params on_failed
completion.CompletionPipeline.run_over generators include_original on_failed
generator.get_generator identifier params
generator.get_identifier generator params short
generator.register_generator provider generator_cls
generator.chat generator messages params
generator.complete generator text params
generator.GenerateParams.merge_with others
generator.GenerateParams.to_dict
generator.GenerateParams.clone
generator.GeneratedMessage message stop_reason usage extra
generator.GeneratedMessage.from_text text stop_reason
generator.GeneratedText.from_text text stop_reason
generator.GeneratedText.to_generated_message
generator.Generator.to_identifier params short
generator.Generator.watch callbacks allow_duplicates
generator.Generator.load
generator.Generator.unload
generator.Generator.wrap func
generator.Generator.supports_function_calling
generator.Generator.generate_messages messages params
generator.Generator.generate_texts texts params
generator.Generator.chat messages params
generator.Generator.complete text params
generator.Fixup.can_fix
generator.Fixup.fix messages
generator.with_fixups fixups
generator.HTTPGenerator.for_json_endpoint url request model api_key method headers auth response valid_status_codes \
    timeout hook state
generator.HTTPGenerator.for_text_endpoint url request response_pattern response_pattern_type model
message.ContentImageUrl.from_file file mimetype detail
message.ContentImageUrl.from_bytes data mimetype detail
message.ContentImageUrl.from_url url detail
message.ContentImageUrl.to_bytes
message.ContentImageUrl.save path
message.ContentAudioInput.from_file file format transcript
message.ContentAudioInput.from_bytes data format transcript
message.ContentAudioInput.to_bytes
message.ContentAudioInput.save path
message.MessageSlice type start stop obj metadata
message.MessageSlice.clone
message.Message role content slices tool_calls tool_call_id cache_control
message.Message.append_slice content slice_type obj metadata
message.Message.replace_with_slice content slice_type obj metadata
message.Message.mark_slice target slice_type obj metadata select case_sensitive
message.Message.find_slices slice_type filter_fn reverse
message.Message.get_slice slice_type select
message.Message.iter_slices slice_type reverse
message.Message.remove_slices slices
message.Message.strip obj
message.Message.parse model_type
message.Message.try_parse model_type
message.Message.parse_set model_type minimum
message.Message.try_parse_set model_type minimum fail_on_missing
message.Message.parse_many types
message.Message.try_parse_many types fail_on_missing
message.Message.from_model models role suffix tool_call_id metadata
message.Message.fit message
message.Message.fit_as_list messages
message.Message.apply
message.Message.apply_to_list messages
message.Message.truncate max_length suffix
message.Message.shorten max_length sep
message.Message.clone
message.Message.meta
message.Message.cache
message.Message.to_openai compatibility_flags
message.Message.to_openai_spec
message.inject_system_content messages content
message.strip_system_content messages content
model.Model.is_simple
model.Model.is_simple_with_attrs
model.Model.xml_start_tag
model.Model.xml_end_tag
model.Model.xml_tags
model.Model.xml_example
model.Model.to_pretty_xml skip_empty exclude_none exclude_unset
model.Model.to_xml
model.Model.ensure_valid
model.Model.from_text content return_errors
model.Model.one_from_text content fail_on_many
model.ErrorModel.from_exception exception
model.make_primitive name type_ tag doc validator strip_content
model.make_from_schema schema name allow_primitive
model.make_from_signature signature name
parsing.parse text model_type
parsing.try_parse text model_type
parsing.parse_set text model_type minimum
parsing.try_parse_set text model_type minimum fail_on_missing
parsing.parse_many text types
parsing.try_parse_many text types fail_on_missing
prompt.prompt func pipeline generator generator_id tools system_prompt
prompt.Ctx tag prefix example
prompt.make_prompt content return_type ctx
prompt.Prompt.clone include_callbacks
prompt.Prompt.watch callbacks allow_duplicates
prompt.Prompt.then callbacks allow_duplicates
prompt.Prompt.map callbacks allow_duplicates
prompt.Prompt.with_ params
prompt.Prompt.set_ max_parsing_rounds max_tool_rounds
prompt.Prompt.render
prompt.Prompt.process chat
prompt.Prompt.bind other
prompt.Prompt.bind_many other
prompt.Prompt.bind_over other
prompt.Prompt.run
prompt.Prompt.run_many count
prompt.Prompt.run_over generators
tools.Tool name description fn catch truncate
tools.Tool.from_callable fn name description catch truncate
tools.Tool.handle_tool_call
tools.Tool.clone
tools.Tool.with_ name description catch truncate
tools.tool name description catch truncate
tools.tool_method name description catch truncate
tools.mcp transport command args cwd env url headers timeout sse_read_timeout
tools.as_mcp tools name
tools.robopages url name_filter
transform.get_transform identifier
transform.make_tools_to_json_transform mode system_tool_prompt tool_responses_as_user_messages tool_call_tag \
    tool_response_tag
transform.make_tools_to_xml_transform tools add_tool_stop_token
transform.make_tools_to_pythonic_transform system_tool_prompt tool_responses_as_user_messages tool_response_tag
tokenizer.Tokenizer.encode text
tokenizer.Tokenizer.decode tokens
tokenizer.Tokenizer.format_chat chat
tokenizer.Tokenizer.tokenize_chat chat
tokenizer.TokenSlice start end type obj metadata
tokenizer.TokenizedChat text tokens slices obj metadata
tokenizer.get_tokenizer identifier
tokenizer.register_tokenizer provider tokenizer_cls
tokenizer.TransformersTokenizer model apply_chat_template_kwargs encode_kwargs decode_kwargs
tokenizer.TransformersTokenizer.from_obj tokenizer
data.flatten_chats chats
data.unflatten_chats
data.chats_to_df chats
data.df_to_chats df
data.chats_to_elastic_data chats index op_type
data.chats_to_elastic chats index client op_type create_index
data.elastic_data_to_chats data
data.elastic_to_chats query index client
data.s3_bucket_exists client bucket
data.s3_object_exists client bucket key
watchers.write_chats_to_jsonl file replace
watchers.write_messages_to_jsonl file replace
watchers.write_chats_to_elastic client index create_index
watchers.write_chats_to_s3 client bucket key replace
watchers.make_stream_to_logs level max_chars max_lines
caching.apply_cache_mode_to_messages mode messages
interact.interact entrypoint reset_callback
logging.configure_logging log_level log_file log_file_level
error.raise_as error_type message
util.await_
util.shorten_text text max_chars max_lines
"""
"""What can be called, by its room, with the parameters that users know."""


@pytest.mark.parametrize("line", SIGNATURES.strip().split("\n"))
def test_it_takes_what_users_give_it(line: str) -> None:
    path, *known = line.split()
    room, *names = path.split(".")
    called: Any = reduce(getattr, names, import_module(f"rigging_py.{room}"))
    taken = inspect.signature(called).parameters
    # Where several doors share their options, they take them by name and hand them on.
    hands_on = any(one.kind is one.VAR_KEYWORD for one in taken.values())
    assert hands_on or [name for name in known if name not in taken] == []
