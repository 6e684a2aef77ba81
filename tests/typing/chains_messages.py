"""What mypy and pyright infer of messages, their parts and slices, of models, and of what is read from texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import signature
from typing import Any, assert_type

from pydantic_xml import BaseXmlModel

import rigging_py as rg
from rigging_py import message as rooms
from rigging_py import model, parsing


class Fact(rg.Model):
    fact: str


class Person(rg.Model):
    name: str = rg.attr()


class Place(rg.Model):
    name: str = rg.element()


class Thing(rg.Model):
    name: str = rg.wrapped("names", rg.element())


# Messages.


def messages_are_made(data: bytes) -> None:
    assert_type(rg.Message("user", "a"), rg.Message)
    assert_type(rg.Message("user", ["a", rg.ContentText(text="b"), {"type": "text", "text": "c"}]), rg.Message)
    assert_type(rg.Message.of("assistant", "a"), rg.Message)
    assert_type(rg.Message.from_model([Fact(fact="a"), Person(name="b")], suffix="c"), rg.Message)
    assert_type(rg.Message.fit("a"), rg.Message)
    assert_type(rg.Message.fit({"role": "user", "content": "a"}), rg.Message)
    assert_type(rg.Message.fit(rg.ContentImageUrl.from_bytes(data, "image/png")), rg.Message)
    assert_type(rg.Message.fit_as_list(["a", rg.Message("user", "b")]), list[rg.Message])
    assert_type(rg.Message.apply_to_list([rg.Message("user", "$a")], a="b"), list[rg.Message])
    assert_type(rooms.inject_system_content([], "a"), list[rg.Message])
    assert_type(rooms.strip_system_content([], "a"), list[rg.Message])
    rg.Message("usr", "a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rg.Message("user", 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def messages_tell_what_they_hold(message: rg.Message) -> None:
    assert_type(message.role, rooms.Role)
    assert_type(message.content, str)
    assert_type(message.content_parts, list[rooms.Content])
    assert_type(message.tool_calls, list[rg.ToolCall] | None)
    assert_type(message.tool_call_id, str | None)
    assert_type(message.metadata, dict[str, Any])
    assert_type(message.hash, int)
    assert_type(message.slices, list[rg.MessageSlice])
    assert_type(message.models, list[rg.Model])
    assert_type(message.to_openai(compatibility_flags=["content_as_str"]), dict[str, Any])
    for part in message.content_parts:
        if part.type == "text":
            assert_type(part, rg.ContentText)
        if isinstance(part, rg.ContentReasoning):
            assert_type((part.text, part.signature), tuple[str, str | None])
    message.to_openai(compatibility_flags=["all"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


def messages_are_refined(message: rg.Message) -> None:
    assert_type(message.apply(name="a"), rg.Message)
    assert_type(message.clone(), rg.Message)
    assert_type(message.shell(), rg.Message)
    assert_type(message.meta(a=1), rg.Message)
    assert_type(message.cache(), rg.Message)
    assert_type(message.cache({"type": "ephemeral"}), rg.Message)
    assert_type(message.truncate(10), rg.Message)
    assert_type(message.shorten(10, sep="…"), rg.Message)


# Slices.


def slices_are_marked_as_many_as_are_selected(message: rg.Message) -> None:
    assert_type(message.mark_slice("a"), rg.MessageSlice | None)
    assert_type(message.mark_slice((0, 1), "other", select="first"), rg.MessageSlice | None)
    assert_type(message.mark_slice(re.compile("a"), select="last"), rg.MessageSlice | None)
    assert_type(message.mark_slice(Fact, select="all"), list[rg.MessageSlice])
    assert_type(message.mark_slice(-1, "model", obj=Fact(fact="a"), select="all"), list[rg.MessageSlice])
    assert_type(message.append_slice("a", "tool_call", metadata={"a": 1}), rg.MessageSlice)
    assert_type(message.append_slice(Fact(fact="a")), rg.MessageSlice)
    assert_type(message.replace_with_slice(Fact(fact="a")), rg.MessageSlice)
    assert_type(message.remove_slices("model", Fact, "a", rg.MessageSlice("other", stop=1)), list[rg.MessageSlice])


def slices_are_found(message: rg.Message, chat: rg.Chat) -> None:
    assert_type(message.get_slice("model", select="last"), rg.MessageSlice | None)
    assert_type(message.find_slices("model", lambda one: one.start > 3), list[rg.MessageSlice])
    assert_type(message.iter_slices(["model", "other"], reverse=True), Iterator[rg.MessageSlice])
    assert_type(chat.message_slices("tool_call", lambda one: bool(one.content)), list[rg.MessageSlice])


def slices_tell_where_they_stand(one: rg.MessageSlice) -> None:
    assert_type(one.type, rooms.SliceType)
    assert_type((one.start, one.stop, len(one)), tuple[int, int, int])
    assert_type(one.content, str)
    assert_type(one.slice_, slice)
    assert_type(one.metadata, dict[str, Any])
    assert_type(one.clone(), rg.MessageSlice)
    assert_type(one == one.clone(), bool)
    assert one.message is not None
    assert_type(one.message.content, str)


def wrong_slices_are_refused(message: rg.Message) -> None:
    message.mark_slice("a", "word")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    message.mark_slice(b"a")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    message.mark_slice("a", select="each")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    message.get_slice("word")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    message.get_slice(select="all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    message.append_slice("a", "word")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    message.find_slices(["model"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rg.MessageSlice("word", start=0, stop=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Parts.


def parts_are_made(data: bytes) -> None:
    assert_type(rg.ContentImageUrl.from_file("a.png", detail="low"), rg.ContentImageUrl)
    assert_type(rg.ContentImageUrl.from_bytes(data, "image/png"), rg.ContentImageUrl)
    assert_type(rg.ContentImageUrl.from_url("data:image/png;base64,"), rg.ContentImageUrl)
    assert_type(rg.ContentImageUrl.from_url("data:image/png;base64,").to_bytes(), bytes)
    assert_type(rg.ContentAudioInput.from_file("a.wav"), rg.ContentAudioInput)
    assert_type(rg.ContentAudioInput.from_bytes(data, format="wav").transcript, str | None)
    assert_type(rg.ContentAudioInput.from_bytes(data).to_bytes(), bytes)
    assert_type(rg.ContentFile.from_file("a.pdf"), rg.ContentFile)
    assert_type(rg.ContentFile.from_id("file-1"), rg.ContentFile)
    assert_type(rg.ContentFile.from_bytes(data, "application/pdf", filename="a.pdf").to_bytes(), bytes)
    rg.ContentImageUrl.from_bytes(data, "image/png", detail="all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def turns_and_their_usage(turn: rg.ModelTurn) -> None:
    assert_type(turn.message, rg.Message)
    assert_type(turn.stop_reason, rg.StopReason)
    assert_type(turn.usage, rg.Usage | None)
    assert_type(turn.extra, dict[str, Any])
    assert_type(rg.ModelTurn.from_text("a", "length"), rg.ModelTurn)
    assert_type(rg.ModelTurn.of("a", usage=rg.Usage(input_tokens=1)), rg.ModelTurn)
    assert_type(rg.GeneratedText.from_text("a").to_generated_message(), rg.ModelTurn)
    assert_type(rooms.to_stop_reason("eos"), rg.StopReason)
    assert_type(rg.Usage().cost, float | None)
    rg.ModelTurn.from_text("a", "end")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def parameters_are_merged(params: rg.GenerateParams) -> None:
    assert_type(params.merge_with(None, {"temperature": 1.0}, rg.GenerateParams(seed=1)), rg.GenerateParams)
    assert_type(params.clone(), rg.GenerateParams)
    assert_type(params.to_dict(), dict[str, Any])
    assert_type(params.temperature, float | None)
    assert_type(params.stop, list[str] | None)
    assert_type(params.tools, list[rg.ToolDefinition] | None)


# Reading values.


def messages_give_what_is_asked_for(message: rg.Message) -> None:
    assert_type(message.parse(Fact), Fact)
    assert_type(message.parse(int), int)
    assert_type(message.parse(list[Fact]), list[Fact])
    assert_type(message.try_parse(Fact), Fact | None)
    assert_type(message.parse_set(Fact), list[Fact])
    assert_type(message.try_parse_set(Fact, minimum=2), list[Fact])
    assert_type(message.parse_many(Fact), list[Fact])
    assert_type(message.parse_many(Fact, Person), list[Fact | Person])
    assert_type(message.parse_many(Fact, Person, Place), list[Fact | Person | Place])
    assert_type(message.parse_many(Fact, Person, Place, Thing), list[Fact | Person | Place | Thing])
    assert_type(message.try_parse_many(Fact), list[Fact])
    assert_type(message.try_parse_many(Fact, Person), list[Fact | Person])
    assert_type(message.try_parse_many(Fact, Person, Place, fail_on_missing=True), list[Fact | Person | Place])
    assert_type(message.try_parse_many(Fact, Person, Place, Thing), list[Fact | Person | Place | Thing])
    message.parse("Fact")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def texts_give_what_is_asked_for(text: str) -> None:
    assert_type(parsing.parse(text, Fact), tuple[Fact, slice])
    assert_type(parsing.try_parse(text, Fact), tuple[Fact, slice] | None)
    assert_type(parsing.parse_set(text, Fact), list[tuple[Fact, slice]])
    assert_type(parsing.try_parse_set(text, Fact, minimum=2), list[tuple[Fact, slice]])
    assert_type(parsing.parse_many(text, Fact), list[tuple[Fact, slice]])
    assert_type(parsing.parse_many(text, Fact, Person), list[tuple[Fact | Person, slice]])
    assert_type(parsing.parse_many(text, Fact, Person, Place), list[tuple[Fact | Person | Place, slice]])
    assert_type(parsing.parse_many(text, Fact, Person, Place, Thing), list[tuple[Fact | Person | Place | Thing, slice]])
    assert_type(parsing.try_parse_many(text, Fact), list[tuple[Fact, slice]])
    assert_type(parsing.try_parse_many(text, Fact, Person), list[tuple[Fact | Person, slice]])
    assert_type(parsing.try_parse_many(text, Fact, Person, Place), list[tuple[Fact | Person | Place, slice]])
    assert_type(
        parsing.try_parse_many(text, Fact, Person, Place, Thing, fail_on_missing=True),
        list[tuple[Fact | Person | Place | Thing, slice]],
    )
    assert_type(parsing.codec_of(Fact), parsing.Codec[Any])
    assert_type(parsing.json_codec_of(Fact), parsing.JsonCodec[Fact])
    assert_type(parsing.json_codec_of(Fact).read(text), Fact)
    assert_type(parsing.json_codec_of_schema({"type": "object"}), parsing.JsonCodec[Any])
    assert_type(parsing.PartialReader(parsing.json_codec_of(Fact)).feed(text), rg.Partial[Fact] | None)
    assert_type(parsing.PartialReader(parsing.json_codec_of(Fact)).finish(), rg.Partial[Fact])
    assert_type(parsing.complete_items(parsing.json_codec_of(list[Fact]), text), list[Fact] | None)
    assert_type(parsing.tagged("a", text, kind="b"), str)
    assert_type(parsing.escape(text) + parsing.unescape(text) + parsing.to_xml_tag(text), str)
    assert_type(rg.Ctx(tag="a", example="b").tag, str | None)


# Models.


def models_give_themselves(text: str) -> None:
    assert_type(Fact.from_text(text), list[tuple[Fact, slice]])
    assert_type(Fact.from_text(text, return_errors=False), list[tuple[Fact, slice]])
    assert_type(Fact.from_text(text, return_errors=True), list[tuple[Fact | Exception, slice]])
    assert_type(Fact.one_from_text(text), tuple[Fact, slice])
    assert_type(Fact.one_from_text(text, fail_on_many=True)[0].fact, str)
    assert_type(Fact.xml_example(), str)
    assert_type(Fact.xml_start_tag() + Fact.xml_end_tag() + Fact.xml_tags(), str)
    assert_type(Fact.is_simple(), bool)
    assert_type(Fact(fact="a").to_pretty_xml(skip_empty=True), str)
    assert_type(Fact(fact="a").to_xml(), str)
    assert_type(Fact.ensure_valid(), None)
    assert_type((Person(name="a").name, Place(name="b").name, Thing(name="c").name), tuple[str, str, str])
    one: BaseXmlModel = Fact(fact="a")
    assert one
    Fact(fact=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def models_are_made(text: str) -> None:
    assert_type(model.make_primitive("Word"), type[model.Primitive[str]])
    assert_type(model.make_primitive("Word", tag="w", validator=str.strip), type[model.Primitive[str]])
    assert_type(model.make_primitive("Age", int, validator=lambda age: age + 1), type[model.Primitive[int]])
    assert_type(model.make_primitive("Age", int).one_from_text(text)[0].content, int)
    assert_type(model.make_from_schema({"type": "object"}, "Made"), type[rg.Model])
    assert_type(model.make_from_signature(signature(models_are_made)), type[rg.Model])
    model.make_primitive("Age", int, validator=str.strip)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def ready_models_know_their_content(message: rg.Message) -> None:
    assert_type(message.parse(model.Thinking).content, str)
    assert_type(message.parse(model.QuestionAnswer).answer, model.Answer)
    assert_type(message.parse(model.CommaDelimitedAnswer).items, list[str])
    assert_type(message.parse(model.YesNoAnswer).boolean, bool)
    assert_type(model.ErrorModel.from_exception(ValueError("a")), model.ErrorModel)
    assert_type(message.parse(model.SystemErrorModel).type, str)
