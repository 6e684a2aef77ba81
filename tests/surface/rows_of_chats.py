"""Chats, pipelines, steps and completions: sections 1.6 to 1.9."""

CHATS = """
1.6 Chat(messages, generated, generator, pipeline, params, **fields) takes what can be messages, by place or by name
    tests/chat/test_forms.py::test_a_chat_is_made_of_whatever_can_be_messages
    tests/chat/test_forms.py::test_a_chat_that_is_made_with_its_pipeline_starts_again_as_that

1.6 uuid, timestamp, metadata, stop_reason, usage, extra, params, failed and generator_id come back from JSON
    tests/chat/test_chat.py::test_a_chat_comes_back_from_json_as_it_was

1.6 error is text in JSON, and a stored error when it is loaded
    tests/chat/test_chat.py::test_the_error_of_a_stored_chat_is_its_text

1.6 generator_id names the generator, is not built when a chat is loaded, and may be unknown
    tests/chat/test_chat.py::test_loading_a_chat_builds_no_generator
    tests/chat/test_forms.py::test_a_chat_may_name_a_generator_that_nobody_knows

1.6 all, prev, next and last; last of an empty chat is an IndexError
    tests/chat/test_chat.py::test_the_last_answer_is_what_was_generated_and_all_before_it_led_to_it
    tests/chat/test_chat.py::test_the_last_message_of_an_empty_chat_is_an_index_error

1.6 conversation is text under the names of who speaks, with the error as its last line
    tests/chat/test_chat.py::test_a_conversation_is_printed_with_tool_calls_as_lines_of_their_own
    tests/chat/test_failures.py::test_a_run_that_fails_by_itself_can_be_kept

1.6 message_dicts and to_openai are the form of OpenAI
    tests/chat/test_chat.py::test_a_list_of_chats_converts_as_a_whole

1.6 message_metadata is that of all messages
    tests/chat/test_chat.py::test_later_messages_win_in_the_metadata_of_all

1.6 message_slices(slice_type, filter_fn, reverse) looks at all messages
    tests/chat/test_forms.py::test_slices_of_all_messages_are_found_answers_included

1.6 meta and apply change the chat itself, apply_to_all every message of it
    tests/chat/test_chat.py::test_editing_one_chat_changes_no_other_and_no_pipeline
    tests/chat/test_chat.py::test_apply_on_a_chat_fills_in_its_own_messages

1.6 restart(generator=, include_all=) keeps callbacks and tools, and needs a generator
    tests/chat/test_chat.py::test_a_restart_begins_where_the_chat_began_or_where_it_ended
    tests/chat/test_chat.py::test_a_restart_with_another_generator_asks_that_one
    tests/chat/test_chat.py::test_forks_leave_callbacks_and_checks_behind_and_restarts_keep_them

1.6 fork(messages, include_all=) and continue_(messages)
    tests/chat/test_chat.py::test_a_fork_goes_on_from_before_the_answer_and_continue_from_after_it

1.6 clone(only_messages=)
    tests/chat/test_chat.py::test_a_clone_has_a_uuid_of_its_own_and_may_hold_messages_only

1.6 inject_system_content(text)
    tests/chat/test_forms.py::test_system_content_is_added_to_the_chat_itself

1.6 to_df and to_elastic(index, client, op_type=, create_index=), of a chat and of a ChatList
    tests/chat/test_forms.py::test_one_chat_and_several_become_rows_and_chats_again
    tests/chat/test_forms.py::test_one_chat_and_several_are_stored_for_searching

1.6 to_tokens(tokenizer, transform), of a chat and of a ChatList
    tests/chat/test_forms.py::test_one_chat_and_several_become_tokens_transformed_where_that_is_asked_for

1.6 transform(transform or name) gives a copy, answers included
    tests/chat/test_transforms.py::test_a_chat_is_transformed_as_a_whole_and_the_original_stays
    tests/chat/test_forms.py::test_a_chat_is_transformed_by_the_name_of_a_transform_too

1.6 ChatList has to_json, to_openai, to_df, to_elastic, to_tokens
    tests/chat/test_chat.py::test_a_list_of_chats_converts_as_a_whole

1.6 after a tool loop prev has the dialogue and next the one answer; usage is that of the run
    tests/chat/test_chat.py::test_the_last_answer_is_what_was_generated_and_all_before_it_led_to_it
    tests/chat/test_chat.py::test_usage_is_summed_over_the_run

1.7 ChatPipeline(generator, messages, params=, watch_callbacks=), its attributes, len() and the constants
    tests/chat/test_pipeline.py::test_a_pipeline_is_made_by_hand_too

1.7 with_(params, **values) merges
    tests/chat/test_pipeline.py::test_later_parameters_go_over_earlier_ones_and_keep_the_rest
    tests/chat/test_pipeline.py::test_parameters_of_the_pipeline_go_over_those_of_the_generator

1.7 catch(*errors, on_failed=, exclude=)
    tests/chat/test_failures.py::test_include_does_not_cover_other_errors_unless_they_are_caught
    tests/chat/test_failures.py::test_excluded_errors_are_raised_even_where_their_family_is_caught

1.7 spent rounds and pydantic's ValidationError are caught from the start
    tests/chat/test_failures.py::test_a_run_that_fails_by_itself_can_be_kept
    tests/chat/test_failures.py::test_a_value_that_pydantic_refuses_is_kept_like_a_failure_of_the_run

1.7 watch(*callbacks, allow_duplicates=) gets lists of chats; the same twice is a ValueError
    tests/chat/test_drive.py::test_watchers_see_finished_chats_and_those_of_the_generator_too
    tests/chat/test_pipeline.py::test_the_same_watcher_twice_is_an_error_unless_allowed

1.7 add(messages, merge_strategy="none" | "all" | "only-user-role") and fork(messages)
    tests/chat/test_pipeline.py::test_added_messages_stand_apart_unless_merging_is_asked_for
    tests/chat/test_pipeline.py::test_messages_of_other_roles_merge_only_with_all

1.7 clone(only_messages=, chat=, callbacks=) copies everything else
    tests/chat/test_pipeline.py::test_a_clone_keeps_everything_or_only_what_is_said
    tests/chat/test_pipeline.py::test_a_clone_may_have_the_messages_of_a_chat_and_some_of_the_callbacks

1.7 meta(**values) is on the chats
    tests/chat/test_pipeline.py::test_metadata_of_a_pipeline_is_on_its_chats_and_theirs_alone

1.7 name(text), and name= of run and run_many
    tests/chat/test_pipeline.py::test_a_run_has_the_name_of_its_pipeline_unless_it_is_given_one
    tests/observe/test_tracing.py::test_a_run_is_a_span_with_the_calls_of_its_model_and_its_tools_inside

1.7 then(*callbacks, max_depth=, allow_duplicates=), sync or async, gives nothing, a chat, or steps
    tests/chat/test_drive.py::test_then_comes_before_map_and_each_once_for_a_finished_run
    tests/chat/test_drive.py::test_a_then_callback_may_put_another_chat_in_place
    tests/chat/test_drive.py::test_a_then_callback_may_return_a_pipeline_whose_chat_takes_the_place
    tests/chat/test_pipeline.py::test_the_same_callback_twice_is_an_error_unless_allowed

1.7 then and map take generators of steps too
    tests/chat/test_steps.py::test_a_callback_may_give_steps_one_by_one
    tests/chat/test_steps.py::test_all_chats_of_a_batch_may_go_on_step_by_step
    tests/chat/test_steps.py::test_steps_that_a_callback_gives_stop_at_the_limit_too

1.7 every method takes what users give it
    tests/surface/test_signatures.py::test_it_takes_what_users_give_it

1.7 map(*callbacks, max_depth=, allow_duplicates=) must give a list of chats, or steps
    tests/chat/test_drive.py::test_a_map_callback_may_return_a_pipeline_too
    tests/chat/test_drive.py::test_a_map_callback_that_returns_no_chats_is_an_error
    tests/chat/test_drive.py::test_run_says_so_when_a_map_callback_makes_two_chats_of_one

1.7 transform(*transforms, allow_duplicates=)
    tests/chat/test_transforms.py::test_a_transform_changes_what_is_sent_and_not_what_was_said
    tests/chat/test_transforms.py::test_what_a_transform_answers_with_reads_the_turn_before_the_run_takes_it
    tests/chat/test_transforms.py::test_the_same_transform_twice_is_an_error_unless_allowed

1.7 apply and apply_to_all
    tests/chat/test_pipeline.py::test_apply_fills_in_the_last_message_and_apply_to_all_every_one

1.7 cache("latest" | None | False) marks the last two messages that the model did not write, on copies
    tests/chat/test_transforms.py::test_the_last_two_messages_that_the_model_did_not_write_are_marked
    tests/chat/test_transforms.py::test_without_a_mode_messages_keep_their_own_marks

1.7 wrap(func) goes around the calls of the generator
    tests/chat/test_pipeline.py::test_what_is_wrapped_around_a_pipeline_is_not_around_its_generator

1.7 using(*tools) takes tools, callables, lists of these and objects with tools
    tests/tools/test_tool.py::test_tools_come_singly_or_in_lists
    tests/tools/test_tool.py::test_an_object_gives_all_its_tool_methods_and_runs_no_property

1.7 using: a tool of the same name is replaced with a PipelineWarning
    tests/chat/test_pipeline.py::test_a_tool_replaces_one_of_the_same_name_and_another_function_with_a_warning

1.7 using(mode=, choice=, max_depth=, add_stop_token=, catch=)
    tests/chat/test_tool_modes.py::test_auto_asks_the_generator_and_else_writes_json_in_tags
    tests/chat/test_pipeline.py::test_a_forced_choice_of_tool_is_sent_with_the_first_turn_only
    tests/chat/test_failures.py::test_n_batches_of_tools_are_allowed_and_n_plus_one_calls
    tests/tools/codecs/test_modes.py::test_without_a_stop_token_the_model_may_go_on
    tests/tools/test_tool.py::test_a_tool_that_catches_nothing_raises_through_the_run

1.7 until_parsed_as(*types) adds up, and marks in the answer what was read
    tests/chat/test_drive.py::test_types_add_up_over_several_calls
    tests/chat/test_forms.py::test_what_an_answer_has_of_the_types_that_were_asked_for_is_marked_in_it

1.7 until_parsed_as(max_depth=, catch=, attempt_recovery=, drop_dialog=, max_rounds=)
    tests/chat/test_drive.py::test_max_depth_is_another_name_for_the_rounds
    tests/chat/test_failures.py::test_without_catching_the_first_answer_is_the_last
    tests/chat/test_drive.py::test_without_recovery_every_round_sends_only_the_first_messages
    tests/chat/test_drive.py::test_a_dropped_dialog_is_not_in_the_chat

1.7 step, step_many and step_batch are context managers of steps
    tests/chat/test_steps.py::test_steps_are_turns_then_callbacks_then_the_end
    tests/chat/test_steps.py::test_steps_of_many_runs_go_round_by_round
    tests/chat/test_steps.py::test_steps_of_a_batch_have_the_pipelines_messages_before_each

1.7 run(name=, on_failed=, allow_failed=) and calling the pipeline; "skip" is a ValueError
    tests/chat/test_failures.py::test_a_run_that_fails_by_itself_can_be_kept
    tests/chat/test_failures.py::test_one_run_cannot_be_skipped
    tests/chat/test_pipeline.py::test_a_pipeline_is_called_to_run_it

1.7 run_many(count, params=, mode="parallel" | "merged", on_failed=)
    tests/chat/test_batches.py::test_each_of_many_runs_has_its_own_parameters
    tests/chat/test_batches.py::test_merged_runs_go_round_by_round_in_one_request
    tests/chat/test_batches.py::test_parallel_runs_are_independent_and_keep_their_order
    tests/chat/test_failures.py::test_failed_runs_of_a_batch_are_skipped_or_included

1.7 run_batch(many, params) puts the messages before each, and spreads one over many parameters
    tests/chat/test_batches.py::test_a_batch_puts_the_pipelines_messages_before_each_once
    tests/chat/test_batches.py::test_one_message_is_spread_over_many_parameters

1.7 run_over(*generators or ids, include_original=, on_failed=), the own one last
    tests/chat/test_batches.py::test_run_over_asks_each_generator_and_the_own_one_last
    tests/chat/test_batches.py::test_run_over_skips_the_generators_that_fail

1.7 prompt(func) is a decorator
    tests/prompt/test_binding.py::test_the_three_decorators_bind_alike

1.7 include covers what is caught, and other errors are raised, with the chat that failed
    tests/chat/test_failures.py::test_include_does_not_cover_other_errors_unless_they_are_caught
    tests/chat/test_failures.py::test_an_error_of_the_provider_keeps_its_type_and_carries_the_run

1.8 PipelineStep has state, chats, pipeline, parent, callback and depth
    tests/chat/test_steps.py::test_steps_are_turns_then_callbacks_then_the_end
    tests/chat/test_steps.py::test_steps_of_an_inner_pipeline_name_the_step_they_belong_to

1.8 copy() and with_parent(step), which goes above the outermost
    tests/chat/test_steps.py::test_a_step_can_be_copied_and_put_under_another

1.8 turns, watchers, then callbacks, map callbacks, and the end, in this order
    tests/chat/test_steps.py::test_steps_are_turns_then_callbacks_then_the_end
    tests/chat/test_drive.py::test_then_comes_before_map_and_each_once_for_a_finished_run

1.8 a failure is raised after its step, or left out, or kept
    tests/chat/test_steps.py::test_a_failure_is_raised_after_its_step_or_kept_in_it

1.8 pipelines that callbacks return run inside, and N deep means N
    tests/chat/test_drive.py::test_pipelines_inside_of_each_other_stop_at_the_limit

1.8 in merged mode all runs go round by round
    tests/chat/test_batches.py::test_merged_runs_go_round_by_round_in_one_request

1.8 a pipeline inside of another fails as it says itself
    tests/chat/test_steps.py::test_a_pipeline_inside_of_another_fails_as_it_says_itself

1.8 a refused answer goes back with an error element and the wish to rewrite it
    tests/chat/test_drive.py::test_a_bad_answer_goes_back_with_what_was_wrong_with_it
    tests/chat/test_drive.py::test_with_recovery_every_round_sends_the_dialog

1.8 a tool round executes all calls; Stop ends the run without another call, and callbacks still run
    tests/tools/test_tool.py::test_stop_ends_the_run_after_its_batch
    tests/tools/test_tool.py::test_results_stand_in_call_order_whichever_comes_first

1.9 Completion has text, generated, all, len, and the fields of a chat
    tests/completion/test_completion.py::test_a_text_is_continued
    tests/completion/test_completion.py::test_a_stored_completion_builds_no_generator

1.9 error and params of a completion are not stored
    tests/completion/test_completion.py::test_a_loaded_completion_has_no_error_and_no_parameters

1.9 restart (of what was generated), fork, continue_, clone, and meta on a copy
    tests/completion/test_completion.py::test_a_completion_goes_on_from_its_end_or_from_its_beginning
    tests/completion/test_completion.py::test_a_completion_starts_again_with_what_was_generated

1.9 CompletionPipeline with_, add, fork, meta, apply
    tests/completion/test_completion.py::test_refinements_are_new_pipelines
    tests/completion/test_completion.py::test_a_text_takes_values_for_its_names

1.9 clone(only_text=) keeps on_failed and caught errors
    tests/completion/test_completion.py::test_a_clone_keeps_everything_or_the_text_alone
    tests/completion/test_completion.py::test_the_failure_of_one_costs_no_other_and_the_pipeline_says_what_becomes_of_it

1.9 watch, then and map
    tests/completion/test_completion.py::test_callbacks_get_what_is_finished_and_may_change_it
    tests/completion/test_completion.py::test_watchers_of_the_generator_see_completions
    tests/completion/test_completion.py::test_a_watcher_that_is_meant_twice_is_called_twice_and_one_of_the_generator_once

1.9 until(callback, use_all_text=, max_rounds=), every one of several
    tests/completion/test_completion.py::test_a_continuation_is_written_anew_until_every_check_is_content
    tests/completion/test_completion.py::test_a_check_may_look_at_all_of_the_text

1.9 until_parsed_as(*types, use_all_text=, max_rounds=)
    tests/completion/test_completion.py::test_a_continuation_is_written_anew_until_it_can_be_read

1.9 the lowest max_rounds holds, and CompletionExhaustedMaxRoundsError has the completion
    tests/completion/test_completion.py::test_spent_rounds_are_an_error_with_the_last_completion

1.9 wrap(func)
    tests/completion/test_completion.py::test_what_is_wrapped_around_a_completion_is_not_around_its_generator

1.9 run, run_many, run_batch and run_over, which heed on_failed
    tests/completion/test_completion.py::test_many_and_batches_keep_their_order
    tests/completion/test_completion.py::test_each_text_of_a_batch_has_parameters_of_its_own
    tests/completion/test_completion.py::test_a_completion_is_continued_by_several_generators_and_the_own_last
    tests/completion/test_completion.py::test_a_failed_completion_is_included_with_its_error_where_the_mode_says_so
    tests/completion/test_completion.py::test_one_completion_cannot_be_skipped

"""
