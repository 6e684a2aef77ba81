"""The names of the seed, one by one: section 4.2."""

SEEDS = """
4.2 every block of the seed runs as it is written
    tests/test_seed.py::test_every_python_block_of_the_seed_runs_as_written

4.2 until_parsed_as: N rounds are N + 1 calls
    tests/chat/test_drive.py::test_n_rounds_are_n_calls_more_than_the_first
    tests/chat/test_drive.py::test_five_more_rounds_are_the_default

4.2 until_parsed_as(attempt_recovery=) sends the first messages only, or the dialog
    tests/chat/test_drive.py::test_without_recovery_every_round_sends_only_the_first_messages
    tests/chat/test_drive.py::test_with_recovery_every_round_sends_the_dialog

4.2 until_parsed_as(drop_dialog=) leaves the rounds out of the chat, or in
    tests/chat/test_drive.py::test_a_dropped_dialog_is_not_in_the_chat

4.2 parsing adds to the message what was read
    tests/chat/test_forms.py::test_what_an_answer_has_of_the_types_that_were_asked_for_is_marked_in_it

4.2 ExhaustedMaxRoundsError is what spent rounds of chats and completions raise, in both generations
    tests/chat/test_failures.py::test_exhausted_rounds_carry_the_transcript_and_the_run
    tests/chat/test_failures.py::test_too_many_tool_turns_are_caught_as_exhausted_rounds_with_the_transcript
    tests/completion/test_completion.py::test_spent_rounds_are_an_error_with_the_last_completion
    tests/surface/test_names.py::test_errors_are_caught_by_the_names_of_both_generations

4.2 run(allow_failed=, on_failed=)
    tests/chat/test_failures.py::test_a_run_that_fails_by_itself_can_be_kept
    tests/chat/test_failures.py::test_one_run_cannot_be_skipped

4.2 Chat.failed and Chat.error, and what is left of them in JSON
    tests/chat/test_chat.py::test_the_error_of_a_stored_chat_is_its_text

4.2 then(callback) may be async, may run pipelines, and gives a chat or nothing
    tests/chat/test_drive.py::test_a_then_callback_may_put_another_chat_in_place
    tests/chat/test_drive.py::test_a_callback_that_continues_its_chat_by_hand_does_not_call_itself

4.2 until(check) of chats, and of completions
    tests/chat/test_pipeline.py::test_a_check_of_the_text_refuses_until_it_is_content
    tests/completion/test_completion.py::test_a_continuation_is_written_anew_until_every_check_is_content

4.2 last.parse, try_parse, parse_set, and the slices that were parts
    tests/message/test_message.py::test_a_value_is_parsed_out_of_the_text
    tests/message/test_message.py::test_a_set_of_values_is_parsed_out_of_the_text
    tests/message/test_slices.py::test_old_names_still_work_and_say_what_takes_their_place

4.2 the model is there when you need it, after JSON too
    tests/message/test_slices.py::test_the_object_of_a_slice_comes_back_from_json
    tests/message/test_slices.py::test_a_model_that_was_parsed_is_there_in_a_stored_run

4.2 using(fn), and its calls and results in the conversation
    tests/chat/test_chat.py::test_a_conversation_is_printed_with_tool_calls_as_lines_of_their_own

4.2 tools that return text, a message or content parts
    tests/tools/test_boxing.py::test_messages_and_content_parts_give_their_parts

4.2 prompts as tools
    tests/prompt/test_prompt.py::test_a_prompt_is_a_tool_for_another
    tests/prompt/test_prompt.py::test_what_a_prompt_returns_is_json_for_the_model_that_used_it_as_a_tool

4.2 Ctx("joke") is a tag
    tests/prompt/test_render.py::test_a_context_gives_tag_prefix_and_example

4.2 @prompt(generator_id=), @generator.prompt, @pipeline.prompt, run_many, run_over, bind, set_
    tests/prompt/test_binding.py::test_the_three_decorators_bind_alike
    tests/prompt/test_binding.py::test_run_many_gives_a_list_of_values
    tests/prompt/test_prompt.py::test_tool_rounds_are_limited_apart_from_parsing_rounds

4.2 util.await_(*coros): one result or a list, exceptions propagate
    tests/util/test_util.py::test_one_coroutine_gives_its_own_result
    tests/util/test_util.py::test_the_exception_is_the_one_that_was_raised

4.2 chat(generator, …) and generator.chat(…) take dicts, messages and text
    tests/generator/test_base.py::test_chat_and_complete_are_functions_too
    tests/message/test_message.py::test_whatever_can_be_a_message_fits

4.2 fork, continue_, restart and with_
    tests/chat/test_chat.py::test_a_fork_goes_on_from_before_the_answer_and_continue_from_after_it
    tests/chat/test_chat.py::test_forks_leave_callbacks_and_checks_behind_and_restarts_keep_them
    tests/chat/test_pipeline.py::test_later_parameters_go_over_earlier_ones_and_keep_the_rest

4.2 Model.xml_example(), tag=, kebab case
    tests/surface/test_names.py::test_a_model_tells_its_tags
    tests/model/test_base.py::test_the_tag_is_the_class_name_in_kebab_case_or_the_given_one

4.2 run_many(n): n runs, merged into one request or independent
    tests/chat/test_batches.py::test_merged_runs_go_round_by_round_in_one_request
    tests/chat/test_batches.py::test_parallel_runs_are_independent_and_keep_their_order

4.2 messages stand apart unless merging is asked for
    tests/chat/test_pipeline.py::test_added_messages_stand_apart_unless_merging_is_asked_for

4.2 extras: what is not installed is named with the command
    tests/generator/test_registry.py::test_a_missing_extra_is_named_with_the_command_that_installs_it
    tests/data/test_extra.py::test_packages_are_loaded_on_first_use_and_a_missing_one_is_named_with_the_command

4.2 tracing with logfire, free when nobody configured it
    tests/observe/test_tracing.py::test_pipelines_trace_by_themselves_once_the_program_has_configured_it

4.2 connection strings
    tests/generator/test_identifier.py::test_the_pieces_are_read

4.2 the repr of a message shows its content
    tests/message/test_message.py::test_a_message_is_shown_with_its_content

4.2 chat.all has the answer too
    tests/chat/test_chat.py::test_the_last_answer_is_what_was_generated_and_all_before_it_led_to_it

"""
