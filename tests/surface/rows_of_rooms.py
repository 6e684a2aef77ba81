"""The front door, generators, prompts, tools, transforms, tokenizers, data and the rest: 1.1, 1.2, 1.10 to 1.15."""

DOOR = """
1.1 every name of the front door, and rooms as attributes
    tests/surface/test_names.py::test_every_name_of_the_front_door_is_there
    tests/house/test_public_names.py::test_dir_shows_the_public_names

1.1 from … import * gives every name
    tests/house/test_public_names.py::test_star_import_gives_every_name_and_loads_no_provider

1.1 prompt, chat, complete and interact are functions
    tests/house/test_public_names.py::test_functions_at_the_door_stay_functions_whatever_module_was_imported_before

1.1 logger is loguru's, and silent at first
    tests/logging_/test_logging.py::test_the_logger_is_loguru_s_and_is_loaded_on_first_use
    tests/logging_/test_logging.py::test_the_package_is_silent_until_it_is_told_to_speak

"""

GENERATORS = """
1.2 the names of the room of generators
    tests/surface/test_names.py::test_every_name_of_a_room_is_there

1.2.1 provider!model,key=value,… and litellm without a provider
    tests/generator/test_identifier.py::test_the_pieces_are_read

1.2.1 what is empty, malformed, unknown or of a wrong type is an InvalidGeneratorError
    tests/generator/test_identifier.py::test_a_bad_string_is_answered_with_the_piece_that_is_wrong
    tests/generator/test_identifier.py::test_an_unknown_name_is_answered_with_the_known_ones

1.2.1 base64: is any JSON value
    tests/generator/test_identifier.py::test_any_json_after_base64_is_that_value

1.2.1 keys of the constructor get the type that they are declared with; a key of an API stays text
    tests/generator/test_identifier.py::test_the_types_of_values_survive_where_several_are_allowed
    tests/generator/test_identifier.py::test_a_key_is_text_whatever_it_looks_like
    tests/generator/test_identifier.py::test_a_key_with_a_comma_is_quoted_or_escaped

1.2.1 all other keys are parameters; stop is split at semicolons
    tests/generator/test_identifier.py::test_the_pieces_are_read
    tests/message/test_params.py::test_a_stop_text_is_split_at_semicolons

1.2.1 params= goes over the string
    tests/generator/test_registry.py::test_params_given_beside_the_string_go_over_its_own

1.2.1 get_generator("base") is a model of the default provider
    tests/generator/test_registry.py::test_the_name_base_is_a_model_of_the_default_provider_as_tests_of_users_have_it

1.2.1 get_identifier and to_identifier(params, short=) round trip, litellm! left out, without the key
    tests/generator/test_identifier.py::test_whatever_data_describes_round_trips
    tests/generator/test_identifier.py::test_so_does_any_model_of_the_default_provider_and_its_name_is_left_out
    tests/generator/test_identifier.py::test_the_order_of_an_identifier_is_the_order_of_the_declarations
    tests/generator/test_identifier.py::test_a_key_is_in_nothing_that_a_generator_says_of_itself

1.2.1 register_generator takes classes and functions that import one; the latest of a name wins
    tests/generator/test_registry.py::test_a_registered_class_is_found_and_identified_by_its_name
    tests/generator/test_registry.py::test_a_function_that_imports_the_class_is_asked_once_and_only_when_needed
    tests/generator/test_registry.py::test_the_latest_registration_wins

1.2.1 chat and complete are functions too
    tests/generator/test_base.py::test_chat_and_complete_are_functions_too

1.2.2 GenerateParams knows its fields and refuses others; tools may be JSON
    tests/message/test_params.py::test_an_unknown_parameter_is_refused
    tests/message/test_params.py::test_tools_may_be_json

1.2.2 merge_with(*others): later wins, None clears nothing
    tests/message/test_params.py::test_later_parameters_win
    tests/message/test_params.py::test_none_clears_nothing

1.2.2 to_dict, with extra in it, clone and hash
    tests/message/test_params.py::test_extra_is_part_of_the_dict_and_wins_there
    tests/message/test_params.py::test_a_clone_shares_nothing_that_can_change
    tests/message/test_params.py::test_equal_parameters_have_one_hash

1.2.2 StopReason puts the words of providers in ours
    tests/message/test_turn.py::test_the_words_of_providers_are_put_in_ours

1.2.2 Usage adds up
    tests/message/test_turn.py::test_usage_adds_up
    tests/message/test_turn.py::test_usage_keeps_what_else_a_provider_counts

1.2.2 GeneratedMessage and GeneratedText, from_text, to_generated_message
    tests/message/test_turn.py::test_a_text_becomes_a_message_with_the_same_facts

1.2.3 watch(*callbacks, allow_duplicates=) is handed to pipelines, and once is enough
    tests/generator/test_base.py::test_a_watcher_is_called_once_though_it_was_given_twice

1.2.3 load and unload give the generator
    tests/generator/test_base.py::test_load_and_unload_give_the_generator

1.2.3 wrap(func) goes around each call
    tests/generator/test_wrapping.py::test_any_class_is_wrapped_without_knowing_whole_and_streamed_once_each
    tests/generator/test_wrapping.py::test_the_generator_that_was_wrapped_stays_as_it_was

1.2.3 supports_function_calling() may not know
    tests/generator/test_base.py::test_what_takes_tools_says_so
    tests/generator/test_lite.py::test_the_table_says_whether_tools_can_be_sent

1.2.3 generate_messages and generate_texts take batches and may return exceptions; by default not implemented
    tests/generator/test_function.py::test_what_it_raises_or_returns_as_an_exception_fails_that_call_only
    tests/generator/test_base.py::test_what_does_not_answer_says_so

1.2.3 chat(messages, params), complete(text, params) and prompt(func)
    tests/generator/test_base.py::test_chat_and_complete_are_functions_too
    tests/prompt/test_binding.py::test_the_three_decorators_bind_alike

1.2.3 Fixup and with_fixups mend what a provider does not take, once or from then on
    tests/generator/test_fixups.py::test_a_fixed_conversation_is_sent_again_and_the_chat_keeps_what_was_said
    tests/generator/test_fixups.py::test_what_is_fixed_once_is_not_fixed_the_next_time

1.2.3 the fix-ups of litellm: images in results, small caches, text of the assistant
    tests/generator/test_fixups.py::test_images_in_results_of_tools_follow_in_a_message_of_the_user
    tests/generator/test_fixups.py::test_marks_of_a_cache_that_is_too_small_are_taken_off
    tests/generator/test_fixups.py::test_what_the_assistant_said_is_sent_as_one_text_where_it_must_be

1.2.3 LiteLLMGenerator(max_connections, min_delay_between_requests)
    tests/generator/test_lite.py::test_no_more_than_max_connections_are_under_way_at_once
    tests/generator/test_lite.py::test_requests_keep_the_distance_that_was_asked_for

1.2.3 litellm's replies: usage, thoughts and provider fields in extra, images, sound
    tests/generator/test_lite.py::test_thoughts_and_what_only_this_provider_says_are_in_extra
    tests/generator/test_lite.py::test_images_in_the_midst_of_the_text_become_parts_in_their_places
    tests/generator/test_lite.py::test_sound_becomes_a_part_in_the_format_that_was_asked_for

1.2.3 VLLMGenerator and TransformersGenerator: fields, from_obj, llm, load and unload
    tests/generator/test_transformers.py::test_its_fields_are_options_of_the_string
    tests/generator/test_transformers.py::test_a_chat_is_answered_and_counted
    tests/generator/test_transformers.py::test_a_directory_is_loaded_once_shared_and_unloaded
    tests/generator/test_vllm.py::test_its_fields_are_options_of_the_string
    tests/generator/test_vllm.py::test_a_chat_is_answered_and_counted

1.2.3 a prompt that Ollama cut is a GeneratorWarning; how many tokens a model takes
    tests/generator/test_lite.py::test_a_prompt_that_ollama_cut_is_a_warning
    tests/generator/test_lite.py::test_the_table_says_how_many_tokens_a_model_takes

1.2.4 HTTPGenerator(model, spec, state, hook, max_retries)
    tests/generator/http/test_generator.py::test_a_chat_is_one_request_made_and_read_by_the_spec
    tests/generator/http/test_generator.py::test_asking_again_is_bounded_and_pauses_grow

1.2.4 a spec is data, JSON, YAML or base64 of these, and fits into an identifier
    tests/generator/http/test_spec.py::test_a_spec_is_read_from_data_json_yaml_and_base64_of_either
    tests/generator/http/test_generator.py::test_an_identifier_makes_the_generator_again_without_its_key

1.2.4 url and headers are templates, in a sandbox
    tests/generator/http/test_spec.py::test_the_url_and_the_headers_are_templates
    tests/generator/http/test_sandbox.py::test_there_is_no_way_out_of_the_data

1.2.4 requests of json, whose $names stand for values, and of jinja
    tests/generator/http/test_spec.py::test_dollar_names_stand_for_values_of_the_context_however_deep
    tests/generator/http/test_spec.py::test_a_template_sees_the_context_and_what_the_step_before_made

1.2.4 answers by jsonpath, regex and jinja; valid status codes
    tests/generator/http/test_spec.py::test_the_steps_read_the_answer_one_after_the_other
    tests/generator/http/test_generator.py::test_a_refusal_is_an_error_of_our_taxonomy

1.2.4 the context has role, content, all_content, messages, params, api_key, model, state
    tests/generator/http/test_spec.py::test_a_name_that_is_missing_says_what_is_there
    tests/generator/http/test_generator.py::test_the_spec_sees_the_generator_s_parameters_under_the_call_s

1.2.4 what fails in a spec is a ProcessingError
    tests/generator/http/test_generator.py::test_an_answer_that_cannot_be_read_is_a_processing_error

1.2.4 a hook says retry, raise or continue after each answer
    tests/generator/http/test_generator.py::test_a_hook_sees_every_answer_and_may_ask_again_with_what_it_learned
    tests/generator/http/test_generator.py::test_a_hook_may_refuse_an_answer_and_may_fail

1.2.4 the time of the spec, then of the call, then of the generator
    tests/generator/http/test_generator.py::test_the_time_of_the_spec_goes_over_that_of_the_call_and_that_over_the_generator_s

1.2.4 one conversation that fails, fails alone
    tests/generator/http/test_generator.py::test_a_conversation_that_fails_fails_alone

1.2.4 for_json_endpoint and for_text_endpoint, auth, content_path and error_path
    tests/generator/http/test_generator.py::test_an_endpoint_of_json_needs_its_address_and_a_body
    tests/generator/http/test_generator.py::test_an_endpoint_of_text_needs_its_address_and_a_template
    tests/generator/http/test_generator.py::test_a_factory_sends_the_key_where_auth_says
    tests/generator/http/test_generator.py::test_a_factory_s_paths_find_the_answer_and_what_went_wrong

"""

PROMPTS = """
1.10 @prompt(pipeline= | generator= | generator_id=, tools=, system_prompt=), one binding at most
    tests/prompt/test_binding.py::test_only_one_thing_answers_a_prompt
    tests/prompt/test_binding.py::test_a_connection_string_is_looked_up_on_the_first_call
    tests/prompt/test_prompt.py::test_the_system_prompt_comes_first_and_joins_one_that_is_there

1.10 async and other functions, always awaited
    tests/prompt/test_prompt.py::test_a_sync_function_is_awaited_all_the_same

1.10 Ctx(tag, prefix, example)
    tests/prompt/test_render.py::test_a_context_gives_tag_prefix_and_example

1.10 the text is the docstring, the inputs, and what to produce
    tests/prompt/test_render.py::test_a_prompt_is_its_docstring_its_inputs_and_what_to_produce
    tests/prompt/test_render.py::test_docstrings_are_dedented_and_runs_of_blanks_become_one
    tests/prompt/test_render.py::test_a_function_without_a_docstring_is_asked_for_by_its_name

1.10 parameters in the docstring stand there, the others below as elements in kebab case
    tests/prompt/test_render.py::test_parameters_in_the_docstring_stand_there_and_not_below
    tests/prompt/test_inputs.py::test_tags_are_in_kebab_case_without_underscores_at_the_end

1.10 the environment of the templates trims blocks and is strict
    tests/prompt/test_render.py::test_blocks_of_the_template_leave_no_lines_behind
    tests/prompt/test_render.py::test_a_member_that_is_not_there_is_an_error_and_not_nothing

1.10 inputs: basic types, models, lists, mappings, and more
    tests/prompt/test_inputs.py::test_an_argument_is_shown
    tests/prompt/test_render.py::test_models_are_elements_and_their_text_is_not

1.10 outputs: Chat, basic types, models, lists, tuples, dataclasses, and more
    tests/prompt/test_outputs.py::test_an_answer_is_read
    tests/prompt/test_outputs.py::test_a_chat_is_returned_as_it_is
    tests/prompt/test_render.py::test_several_outputs_stand_apart
    tests/prompt/test_render.py::test_members_of_a_dataclass_are_tagged_by_their_names_and_chats_are_not_asked_for

1.10 definitions that cannot be are refused
    tests/prompt/test_render.py::test_a_definition_that_cannot_be_a_prompt_says_what_to_do

1.10 the words that ask for one, for each item, and for several outputs
    tests/prompt/test_render.py::test_a_model_is_asked_for_by_its_example
    tests/parsing/test_codec.py::test_the_wording_says_how_many_elements_are_asked_for

1.10 members: docstring, template, inputs, output, params, tools, system_prompt, callbacks, limits
    tests/prompt/test_prompt.py::test_a_prompt_shows_what_it_is_made_of
    tests/prompt/test_prompt.py::test_three_more_calls_are_the_default_for_answers_that_cannot_be_read

1.10 clone(include_callbacks=), watch, then, map, with_, set_
    tests/prompt/test_prompt.py::test_a_clone_keeps_its_tools_and_its_callbacks_unless_told_not_to
    tests/prompt/test_prompt.py::test_refinements_are_new_prompts
    tests/prompt/test_prompt.py::test_a_callback_that_is_there_already_is_refused_unless_it_is_meant

1.10 render and process
    tests/prompt/test_render.py::test_a_prompt_is_its_docstring_its_inputs_and_what_to_produce
    tests/prompt/test_outputs.py::test_a_value_is_read_out_of_any_chat

1.10 bind, bind_many and bind_over to a pipeline, a generator, a chat or a string
    tests/prompt/test_binding.py::test_a_pipeline_goes_before_the_prompt
    tests/prompt/test_binding.py::test_a_chat_is_gone_on_from_without_its_checks
    tests/prompt/test_binding.py::test_bind_over_alone_forgets_what_answered_before

1.10 run, run_many, run_over and calling it; a RuntimeError without a binding
    tests/prompt/test_binding.py::test_run_many_gives_a_list_of_values
    tests/prompt/test_binding.py::test_run_over_asks_each_generator_and_the_own_one_last
    tests/prompt/test_binding.py::test_an_unbound_prompt_says_how_to_bind_it

1.10 a failed chat gives no value, unless the chat is what is returned
    tests/prompt/test_binding.py::test_a_value_cannot_be_made_of_a_failed_run
    tests/prompt/test_binding.py::test_a_failed_chat_can_be_returned_as_a_chat

1.10 make_prompt(content, return_type, ctx=)
    tests/prompt/test_text.py::test_a_text_is_a_prompt_that_gives_text
    tests/prompt/test_text.py::test_it_returns_what_it_is_told_to

"""

TOOLS = """
1.11 FunctionDefinition, ToolDefinition, FunctionCall, ToolCall, ToolChoice, ToolResponse, ToolMode
    tests/surface/test_names.py::test_every_name_of_a_room_is_there
    tests/message/test_turn.py::test_a_call_is_printed_as_it_would_be_written
    tests/tools/test_tool.py::test_a_result_in_tags_is_read_as_it_was_written

1.11 a function that takes nothing has no parameters in its definition
    tests/tools/test_tool.py::test_a_tool_that_takes_nothing_is_described_without_parameters

1.11 Tool(name, description, parameters_schema, fn, catch, truncate) and from_callable
    tests/tools/test_signature.py::test_the_schema_names_each_parameter_with_its_type_description_and_default
    tests/tools/test_signature.py::test_dataclasses_models_and_choices_arrive_as_what_they_are

1.11 recursive types, positional-only parameters, partials and callable objects
    tests/tools/test_signature.py::test_a_type_inside_of_itself_has_a_schema_that_can_be_sent
    tests/tools/test_signature.py::test_positional_only_parameters_can_be_given
    tests/tools/test_signature.py::test_a_partial_shows_only_what_is_left_to_give
    tests/tools/test_signature.py::test_a_callable_object_is_a_tool_named_after_its_class

1.11 prompts and bound prompts are tools, their run_many and run_over are not
    tests/prompt/test_prompt.py::test_a_prompt_is_a_tool_for_another
    tests/prompt/test_prompt.py::test_a_prompt_is_a_tool_and_its_ways_to_run_are_not

1.11 definition and api_definition, handle_tool_call, calling it, clone, with_
    tests/tools/test_tool.py::test_the_definition_has_the_name_that_users_know
    tests/tools/test_tool.py::test_a_call_can_be_handled_by_hand
    tests/tools/test_tool.py::test_calling_a_tool_calls_the_function
    tests/tools/test_tool.py::test_a_clone_is_an_equal_tool
    tests/tools/test_tool.py::test_with_gives_a_new_tool

1.11 @tool and @tool_method with name, description, catch and truncate
    tests/tools/test_options.py::test_every_way_to_make_a_tool_takes_the_options
    tests/tools/test_tool.py::test_methods_are_tools_of_their_object
    tests/tools/test_tool.py::test_a_method_is_described_like_a_function

1.11 results: messages, parts, models, plain values and JSON
    tests/tools/test_boxing.py::test_a_value_is_written_for_the_model
    tests/tools/test_boxing.py::test_messages_and_content_parts_give_their_parts

1.11 Stop, exceptions as elements, truncate in the middle
    tests/tools/test_tool.py::test_stop_ends_the_run_after_its_batch
    tests/tools/test_boxing.py::test_what_a_tool_raises_is_told_with_its_kind_and_cannot_be_markup
    tests/tools/test_boxing.py::test_a_long_result_is_cut_in_the_middle

1.11 mode auto: the API where the generator knows it can, else json-in-xml
    tests/chat/test_tool_modes.py::test_auto_asks_the_generator_and_else_writes_json_in_tags
    tests/chat/test_tool_modes.py::test_a_generator_that_does_not_know_whether_it_can_is_told_in_words

1.11 mcp("stdio" | "sse") gives a client with tools
    tests/tools/test_mcp_client.py::test_a_model_uses_the_tools_of_a_server_over_every_transport
    tests/tools/test_mcp_client.py::test_content_comes_as_what_it_is

1.11 as_mcp(*tools, name=) is a server
    tests/tools/test_mcp_server.py::test_the_client_of_the_sdk_uses_our_tools_over_standard_input_and_output

1.11 robopages(url, name_filter=) gives tools
    tests/tools/test_robopages.py::test_a_model_uses_the_functions_of_a_server
    tests/tools/test_robopages.py::test_the_filter_is_searched_for_in_the_names

1.12 Transform and PostTransform, get_transform(name), and the ready ones
    tests/transform/test_tools.py::test_transforms_have_names
    tests/transform/test_tools.py::test_the_types_of_transforms_are_at_the_front_door

1.12 make_tools_to_json_transform, …_xml_…, …_pythonic_… and what can be chosen
    tests/transform/test_tools.py::test_tags_and_what_the_model_is_told_can_be_chosen
    tests/transform/test_tools.py::test_results_can_stay_messages_of_tools
    tests/transform/test_tools.py::test_a_transform_to_xml_brings_its_tools_and_stops_after_a_call

1.12 tools are told of in the system message, and everything comes back as if the model knew tools
    tests/transform/test_tools.py::test_a_chat_comes_back_as_if_the_model_knew_tools
    tests/tools/codecs/test_modes.py::test_the_model_is_told_of_the_tools_in_place_of_the_api

1.12 each mode has its form of calls and of results
    tests/tools/codecs/test_modes.py::test_each_mode_writes_calls_in_its_own_form
    tests/tools/codecs/test_modes.py::test_results_are_text_of_the_user_and_keep_their_images
    tests/tools/codecs/test_modes.py::test_a_call_is_read_as_it_is_meant

1.12 earlier calls are valid where they are written again, and malformed ones are answered
    tests/tools/codecs/test_laws.py::test_history_in_json_is_valid_json
    tests/tools/codecs/test_laws.py::test_earlier_calls_read_back_as_they_were
    tests/chat/test_tool_modes.py::test_a_call_that_cannot_be_read_goes_back_as_a_problem

"""

OTHERS = """
1.13 Tokenizer: encode, decode, format_chat, tokenize_chat; TokenSlice and TokenizedChat
    tests/tokenizer/test_tokenize_chat.py::test_each_message_is_a_slice_of_its_own_tokens
    tests/tokenizer/test_tokenize_chat.py::test_the_slices_of_a_message_come_after_it_with_what_they_stand_for

1.13 get_tokenizer(identifier) and register_tokenizer(provider, class or function)
    tests/tokenizer/test_registry.py::test_a_name_alone_is_a_tokenizer_of_transformers
    tests/tokenizer/test_registry.py::test_a_registered_class_answers_to_its_name
    tests/tokenizer/test_registry.py::test_a_function_may_import_the_class_on_first_use

1.13 TransformersTokenizer(model, options) and from_obj
    tests/tokenizer/test_registry.py::test_options_are_json
    tests/tokenizer/test_registry.py::test_an_object_is_used_itself

1.13 a text that is not found again is a TokenizerWarning; no message is changed; the work is linear
    tests/tokenizer/test_tokenize_chat.py::test_a_text_that_the_template_changes_has_no_slice_and_a_warning
    tests/tokenizer/test_tokenize_chat.py::test_the_chat_is_left_as_it_is
    tests/tokenizer/test_tokenize_chat.py::test_the_work_is_linear_in_the_tokens

1.14 flatten_chats, unflatten_chats, chats_to_df, df_to_chats
    tests/data/test_forms.py::test_chats_come_back_from_every_form_as_they_were
    tests/data/test_tables.py::test_a_row_is_a_message_with_what_is_known_of_its_chat

1.14 chats_to_elastic_data, chats_to_elastic, elastic_data_to_chats, elastic_to_chats
    tests/data/test_elastic.py::test_an_operation_writes_a_chat_under_its_uuid
    tests/data/test_elastic.py::test_chats_are_written_and_come_back
    tests/data/test_elastic.py::test_the_reply_to_a_search_and_a_list_of_hits_are_read

1.14 s3_bucket_exists and s3_object_exists
    tests/data/test_buckets.py::test_a_bucket_and_an_object_are_there_or_not

1.14 write_chats_to_jsonl(file, replace=) and write_messages_to_jsonl
    tests/watchers/test_jsonl.py::test_pipelines_generators_and_prompts_write_their_chats
    tests/watchers/test_jsonl.py::test_what_is_none_is_left_out
    tests/watchers/test_jsonl.py::test_replace_replaces_what_was_there_and_never_its_own
    tests/watchers/test_jsonl.py::test_messages_are_rows_that_are_chats_again

1.14 write_chats_to_elastic(client, index, create_index=) and write_chats_to_s3(client, bucket, key, replace=)
    tests/watchers/test_elastic.py::test_chats_are_written_and_found_again
    tests/watchers/test_s3.py::test_chats_are_appended_and_read_again

1.14 make_stream_to_logs(level=, max_chars=, max_lines=) and stream_to_logs
    tests/watchers/test_logs.py::test_every_message_is_logged
    tests/watchers/test_logs.py::test_long_messages_are_cut

1.15 apply_cache_mode_to_messages(mode, messages)
    tests/chat/test_transforms.py::test_marks_are_put_on_copies
    tests/chat/test_transforms.py::test_an_unknown_mode_is_refused

1.15 interact(entrypoint, reset_callback=): exit, reset, again
    tests/interact/test_interact.py::test_a_conversation_goes_on_until_exit
    tests/interact/test_interact.py::test_again_asks_the_last_question_once_more
    tests/interact/test_interact.py::test_reset_begins_again
    tests/interact/test_interact.py::test_reset_may_begin_elsewhere

1.15 configure_logging(log_level, log_file, log_file_level)
    tests/logging_/test_logging.py::test_the_level_is_what_is_logged_at_least
    tests/logging_/test_logging.py::test_a_file_has_a_level_of_its_own

1.15 runs, calls of models, prompts and tools are spans, free when nobody listens
    tests/observe/test_tracing.py::test_a_run_is_a_span_with_the_calls_of_its_model_and_its_tools_inside
    tests/observe/test_tracing.py::test_pipelines_trace_by_themselves_once_the_program_has_configured_it

1.15 the exceptions and warnings, and raise_as(error_type, message)
    tests/surface/test_names.py::test_every_name_of_a_room_is_there
    tests/surface/test_names.py::test_errors_are_caught_by_the_names_of_both_generations
    tests/util/test_raise_as.py::test_what_goes_wrong_is_the_cause_of_the_error

1.15 await_(*coros)
    tests/util/test_util.py::test_one_coroutine_gives_its_own_result
    tests/util/test_util.py::test_several_give_a_list_in_their_order

1.15 deref_json and extract_json_objects
    tests/util/test_documents.py::test_references_are_replaced_by_what_they_point_to
    tests/util/test_documents.py::test_every_object_in_a_text_is_found_with_its_place

1.15 escape_xml, unescape_xml, unescape_cdata_tags, to_snake, to_xml_tag
    tests/util/test_text.py::test_what_is_escaped_opens_no_tag_and_reads_as_before
    tests/util/test_text.py::test_the_marks_of_cdata_are_given_back_and_nothing_else
    tests/util/test_text.py::test_names_are_spelled_as_python_and_as_tags_have_them

1.15 shorten_text, shorten_string, truncate_string, flatten_list, identify_audio_format, the names of callables
    tests/util/test_text.py::test_the_end_or_the_middle_goes
    tests/util/test_text.py::test_lists_are_flattened_and_tuples_left
    tests/util/test_text.py::test_the_first_bytes_tell_what_sound_it_is
    tests/util/test_names.py::test_whatever_can_be_called_has_a_name

"""

ROOMS = DOOR + GENERATORS + PROMPTS + TOOLS + OTHERS
