"""What every form that holds whole chats gives back: the chats, as they were."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given, settings

import rigging_py as rg
from rigging_py.error import StoredError
from tests.data.chats import EMPTY, SEVERAL, facts

Trip: TypeAlias = Callable[[Sequence[rg.Chat], Path], list[rg.Chat]]


def rows(chats: Sequence[rg.Chat], folder: Path) -> list[rg.Chat]:
    """Rows that were JSON for a while."""
    return rg.data.unflatten_chats(json.loads(json.dumps(rg.data.flatten_chats(chats), allow_nan=False)))


def pandas(chats: Sequence[rg.Chat], folder: Path) -> list[rg.Chat]:
    return rg.data.df_to_chats(rg.data.chats_to_df(chats))


def polars(chats: Sequence[rg.Chat], folder: Path) -> list[rg.Chat]:
    return rg.data.polars_to_chats(rg.data.chats_to_polars(chats))


def arrow(chats: Sequence[rg.Chat], folder: Path) -> list[rg.Chat]:
    return rg.data.arrow_to_chats(rg.data.chats_to_arrow(chats))


def parquet(chats: Sequence[rg.Chat], folder: Path) -> list[rg.Chat]:
    rg.data.chats_to_parquet(chats, folder / "chats.parquet")
    return rg.data.parquet_to_chats(folder / "chats.parquet")


def json_lines(chats: Sequence[rg.Chat], folder: Path) -> list[rg.Chat]:
    rg.data.chats_to_jsonl(chats, folder / "chats.jsonl")
    return rg.data.jsonl_to_chats(folder / "chats.jsonl")


def documents(chats: Sequence[rg.Chat], folder: Path) -> list[rg.Chat]:
    """The documents of a search index, as a search gives them."""
    written = json.loads(json.dumps(rg.data.chats_to_elastic_data(chats, "chats"), allow_nan=False))
    return rg.data.elastic_data_to_chats({"hits": {"hits": written}})


TRIPS: list[Trip] = [rows, pandas, polars, arrow, parquet, json_lines, documents]
each_trip = pytest.mark.parametrize("trip", TRIPS)


@settings(max_examples=30)
@given(SEVERAL)
def test_chats_come_back_from_every_form_as_they_were(  # surface 3.2 no. 19
    tmp_path_factory: pytest.TempPathFactory, chats: list[rg.Chat]
) -> None:
    # One law for all of them: to make the chats takes longer than the ways there and back.
    folder, told, said = tmp_path_factory.getbasetemp(), [facts(chat) for chat in chats], [chat.all for chat in chats]
    for trip in TRIPS:
        back = trip(chats, folder)
        assert [facts(chat) for chat in back] == told, trip
        assert [chat.all for chat in back] == said, trip
        assert isinstance(back, rg.ChatList)


def parsed() -> rg.Chat:
    """A chat of a program that ended in an error, with a model in a slice of its answer."""
    answer = rg.Message("assistant", "It is <fact>known</fact>.")
    answer.parse(Fact)
    model = rg.scripted("never asked")
    return rg.Chat(messages=[rg.Message("user", "Is it?")], generated=[answer], generator=model, error=ValueError("no"))


class Fact(rg.Model):
    """A model that an answer holds."""

    content: str


@each_trip
def test_slices_models_and_errors_come_back_and_no_generator_is_built(  # surface 3.2 no. 20
    trip: Trip, tmp_path: Path
) -> None:
    [back] = trip([parsed()], tmp_path)
    [found] = back.last.slices
    assert (found.content, found.obj) == ("<fact>known</fact>", Fact(content="known"))
    assert isinstance(back.error, StoredError)
    assert str(back.error) == "ValueError: no"
    assert back.generator is None
    assert (back.generator_id or "").startswith("scripted!")
    with pytest.raises(ValueError, match="builds no generator"):
        back.restart()


@each_trip
def test_a_chat_of_nothing_and_no_chats_come_back(trip: Trip, tmp_path: Path) -> None:
    chats = [EMPTY, EMPTY.clone()]
    assert [facts(chat) for chat in trip(chats, tmp_path)] == [facts(chat) for chat in chats]
    assert trip([], tmp_path) == []


@each_trip
def test_a_chat_that_is_given_twice_comes_back_twice(trip: Trip, tmp_path: Path) -> None:
    chat = rg.Chat(messages=[rg.Message("user", "a")] * 2, generated=[rg.Message("assistant", "b")])
    assert [one.all for one in trip([chat, EMPTY, chat], tmp_path)] == [chat.all, [], chat.all]


@each_trip
def test_what_is_no_json_is_stored_as_the_name_of_its_type(trip: Trip, tmp_path: Path) -> None:
    chat = rg.Chat(messages=[rg.Message("user", "a", metadata={"by": Path, "n": 1})], metadata={"key": TRIPS})
    [back] = trip([chat.meta(client=object())], tmp_path)
    assert back.metadata["client"] == "<object>"
    assert back.messages[0].metadata["n"] == 1


@each_trip
def test_one_chat_is_a_list_of_one(trip: Trip, tmp_path: Path) -> None:
    [back] = trip(EMPTY, tmp_path)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert back.uuid == EMPTY.uuid


@each_trip
def test_addresses_and_extra_parameters_of_stored_chats_stay_behind(trip: Trip, tmp_path: Path) -> None:
    params = rg.GenerateParams(
        temperature=0.5, api_base="https://example.org", extra={"base_url": "https://example.org"}
    )
    [back] = trip([rg.Chat(messages=[], params=params)], tmp_path)
    assert back.params is not None
    assert back.params.given() == {"temperature": 0.5}
