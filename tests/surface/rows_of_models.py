"""Messages, models and parsing: sections 1.3 to 1.5."""

MODELS = """
1.3 roles, MessageDict and Messages
    tests/message/test_message.py::test_an_unknown_speaker_is_refused
    tests/surface/test_names.py::test_every_name_of_a_room_is_there

1.3 ContentText, ContentImageUrl (from_file, from_bytes, from_url, to_bytes, save) and its detail
    tests/message/test_content.py::test_an_image_comes_from_a_file_and_goes_into_one
    tests/message/test_content.py::test_what_is_no_image_here_is_refused_with_what_to_do
    tests/message/test_content.py::test_an_image_has_a_level_of_detail

1.3 ContentAudioInput (from_file, from_bytes, transcript, to_bytes, save) sees the format
    tests/message/test_content.py::test_a_sound_comes_from_a_file_and_goes_into_one
    tests/message/test_content.py::test_the_format_of_a_sound_is_seen_in_its_first_bytes

1.3 MessageSlice: content get and set, detached, clone
    tests/message/test_slices.py::test_a_detached_slice_has_no_text_and_says_so
    tests/message/test_slices.py::test_setting_a_slice_changes_its_text_alone_and_keeps_it_on_the_message
    tests/message/test_slices.py::test_a_clone_is_detached_and_has_metadata_of_its_own

1.3 Message(role, content, slices, tool_calls, tool_call_id, cache_control): text, parts or nothing, dedented
    tests/message/test_message.py::test_what_a_person_writes_is_dedented
    tests/message/test_message.py::test_a_message_may_say_nothing
    tests/message/test_message.py::test_a_cache_mark_is_on_the_last_part

1.3 dumps have content and slices, and come back
    tests/message/test_message.py::test_a_message_comes_back_from_json_as_it_was
    tests/message/test_slices.py::test_slices_come_back_from_json_as_they_were
    tests/message/test_message.py::test_a_message_is_shown_with_its_content

1.3 content is the text without blank parts; setting it keeps parts and slices in their places
    tests/message/test_message.py::test_the_content_is_the_text_parts_without_the_blank_ones
    tests/message/test_message.py::test_setting_the_content_keeps_the_order_of_the_parts
    tests/message/test_slices.py::test_after_any_new_content_every_slice_marks_its_own_text

1.3 append_slice and replace_with_slice
    tests/message/test_slices.py::test_a_slice_is_added_with_its_text
    tests/message/test_slices.py::test_all_text_is_replaced_by_a_slice_and_the_image_stays_where_it_was

1.3 mark_slice(target, select=, case_sensitive=)
    tests/message/test_slices.py::test_every_place_that_is_named_is_marked
    tests/message/test_slices.py::test_all_places_are_recorded_and_one_is_selected
    tests/message/test_slices.py::test_what_names_no_text_marks_nothing_and_warns

1.3 find_slices, get_slice, iter_slices, slices and models
    tests/message/test_slices.py::test_slices_are_found_by_type_and_place
    tests/message/test_slices.py::test_what_is_parsed_is_marked_and_the_text_stays

1.3 remove_slices(*slices, texts, types or classes)
    tests/message/test_slices.py::test_slices_are_removed_by_type_text_class_and_themselves

1.3 strip, parts, all_content and to_openai_spec are deprecated
    tests/message/test_slices.py::test_old_names_still_work_and_say_what_takes_their_place

1.3 parse, parse_set, parse_many and the try_ forms
    tests/message/test_message.py::test_a_value_is_parsed_out_of_the_text
    tests/message/test_message.py::test_a_set_of_values_is_parsed_out_of_the_text
    tests/message/test_message.py::test_many_types_are_parsed_out_of_the_text

1.3 from_model(models, role, suffix, tool_call_id, metadata)
    tests/message/test_slices.py::test_a_message_is_made_of_models

1.3 fit and fit_as_list; foreign objects with their thoughts
    tests/message/test_message.py::test_whatever_can_be_a_message_fits
    tests/message/test_message.py::test_a_fitted_message_keeps_its_uuid
    tests/message/test_message.py::test_the_answer_of_another_library_fits_with_its_reasoning_as_metadata

1.3 apply and apply_to_list
    tests/message/test_message.py::test_names_are_replaced_and_every_other_dollar_stays
    tests/message/test_message.py::test_each_message_of_a_list_is_applied

1.3 truncate and shorten give clones; clone has a uuid of its own
    tests/message/test_slices.py::test_shorter_clones_keep_the_slices_of_what_is_left
    tests/message/test_message.py::test_a_clone_has_a_uuid_of_its_own

1.3 meta and cache change the message itself
    tests/message/test_message.py::test_meta_is_added_to_the_message_itself
    tests/message/test_message.py::test_a_message_is_marked_for_the_cache_in_place
    tests/message/test_message.py::test_a_message_without_parts_has_nothing_to_mark

1.3 hash
    tests/message/test_message.py::test_messages_that_are_sent_as_the_same_have_the_same_hash

1.3 to_openai(compatibility_flags=)
    tests/message/test_message.py::test_a_message_is_sent_in_the_openai_form
    tests/message/test_message.py::test_for_servers_that_take_less_less_is_sent
    tests/wire/test_openai_chat.py::test_audio_is_sent_without_our_transcript_of_it

1.3 inject_system_content and strip_system_content
    tests/message/test_message.py::test_system_content_is_added_once_and_to_a_copy
    tests/message/test_message.py::test_system_content_is_taken_out_again

1.4 the tag is the name of the class in kebab case, or tag=
    tests/model/test_base.py::test_the_tag_is_the_class_name_in_kebab_case_or_the_given_one

1.4 is_simple and is_simple_with_attrs
    tests/model/test_base.py::test_simple_models_know_that_they_are

1.4 xml_start_tag, xml_end_tag, xml_tags
    tests/surface/test_names.py::test_a_model_tells_its_tags

1.4 xml_example(): examples, comments, attributes, children
    tests/model/test_describe.py::test_an_example_is_the_empty_element
    tests/surface/test_names.py::test_a_model_tells_its_tags

1.4 to_pretty_xml(skip_empty=, exclude_none=, exclude_unset=), str() and to_xml
    tests/model/test_base.py::test_pretty_text_is_indented_and_escaped
    tests/model/test_base.py::test_what_is_none_or_unset_or_empty_can_be_left_out

1.4 from_text(content, return_errors=) and one_from_text(content, fail_on_many=)
    tests/model/test_base.py::test_every_element_is_read_with_its_place
    tests/model/test_base.py::test_invalid_elements_stand_among_the_valid_when_asked_for
    tests/model/test_base.py::test_the_one_is_the_valid_element_that_holds_the_most_text
    tests/model/test_base.py::test_a_missing_element_is_named

1.4 wrapped and stray tags, entities, CDATA, any order
    tests/model/test_base.py::test_text_between_tags_is_text
    tests/model/test_base.py::test_what_surrounds_and_orders_the_children_does_not_matter
    tests/parsing/test_extract.py::test_an_element_is_read_as_it_was_meant

1.4 ErrorModel, SystemErrorModel, ValidationErrorModel and from_exception
    tests/model/test_ready.py::test_an_exception_is_told_by_its_class_and_its_words

1.4 Thinking, Question, Answer, Description, Instructions, QuestionAnswer, Primitive
    tests/model/test_ready.py::test_each_model_has_its_tag
    tests/model/test_ready.py::test_a_question_holds_its_answer_in_any_order

1.4 DelimitedAnswer, CommaDelimitedAnswer, NewlineDelimitedAnswer
    tests/model/test_ready.py::test_a_delimited_answer_is_split_where_that_gives_the_most_pieces
    tests/model/test_ready.py::test_a_delimiter_can_be_fixed

1.4 YesNoAnswer
    tests/model/test_ready.py::test_a_yes_is_read_and_written_as_yes
    tests/model/test_ready.py::test_anything_else_is_neither_yes_nor_no

1.4 make_primitive(name, type_, tag=, doc=, validator=, strip_content=)
    tests/model/test_ready.py::test_a_made_primitive_has_a_name_a_type_and_a_tag
    tests/model/test_ready.py::test_a_made_primitive_can_change_and_refuse_its_content

1.4 make_from_schema(schema, name, allow_primitive=) and make_from_signature(signature, name)
    tests/model/test_made.py::test_a_schema_becomes_a_class_that_asks_for_its_properties
    tests/model/test_made.py::test_a_single_property_may_be_the_text_of_its_model
    tests/model/test_made.py::test_parameters_become_a_class_that_asks_for_the_arguments

1.5 parse and try_parse give the value and its place
    tests/parsing/test_parse.py::test_a_value_comes_with_its_place
    tests/parsing/test_parse.py::test_try_parse_answers_none_for_missing_and_invalid

1.5 parse_set(minimum=) and try_parse_set(minimum=, fail_on_missing=)
    tests/parsing/test_parse.py::test_a_set_is_every_element_in_text_order
    tests/parsing/test_parse.py::test_a_set_needs_its_minimum
    tests/parsing/test_parse.py::test_try_parse_set_answers_nothing_for_too_few_unless_told_to_fail

1.5 parse_many(*types) and try_parse_many(*types, fail_on_missing=), in the order of the text
    tests/parsing/test_parse.py::test_many_types_are_given_in_the_order_of_the_text
    tests/parsing/test_parse.py::test_a_missing_type_does_not_hide_the_present_ones
    tests/parsing/test_parse.py::test_try_parse_many_fails_for_missing_but_not_for_invalid_when_told_to

"""
