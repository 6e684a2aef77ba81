"""A connection string is read by the declared types, and written so that it is read as the same again."""

from __future__ import annotations

import base64
import json
import traceback
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr, ValidationError

import rigging_py as rg
from rigging_py.error import InvalidGeneratorError
from rigging_py.generator import get_generator, get_identifier, registered


class Mood(Enum):
    CALM = "calm"
    WILD = "a,b!"


class Place(BaseModel):
    name: str
    floor: int = 0


class Oracle(rg.Generator):
    """A generator with a field of each kind."""

    word: str = ""
    note: str | None = None
    count: int = 0
    limit: int | None = 5
    rate: float = 0.0
    loud: bool = False
    names: list[str] = Field(default_factory=list[str])
    scores: dict[str, int] = Field(default_factory=dict[str, int])
    either: int | str = 0
    data: dict[str, Any] | str | None = None
    anything: Any = None
    mood: Mood = Mood.CALM
    tone: Literal["low", "high"] = "low"
    path: Path = Path()
    wait: timedelta = timedelta()
    places: tuple[Place, ...] = ()
    token: SecretStr | None = None


def read(text: str) -> Oracle:
    generator = get_generator(text)
    assert isinstance(generator, Oracle)
    return generator


@pytest.fixture(autouse=True, scope="module")
def oracle() -> Any:
    with registered("oracle", Oracle):
        yield


ODD = [
    "",
    " ",
    "a,b",
    "a!b",
    "a=b",
    '"',
    '"a"',
    "%",
    "%41",
    ";",
    "\n",
    "\ta\t",
    "\u2028",
    "é,ü",
    "\\",
    "\x00",
    "env:HOME",
]
OTHERS = ["true", "null", "1", "1.0", "NaN", "[]", "{}", '{"a":1}', "base64:", "base64:WyJ0ZXh0Il0=", "base64:ImEi"]
texts = st.text(max_size=20) | st.sampled_from(ODD) | st.sampled_from(OTHERS)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
options = st.fixed_dictionaries(
    {},
    optional={
        "word": texts,
        "note": texts | st.none(),
        "count": st.integers(),
        "limit": st.integers() | st.none(),
        "rate": st.floats(allow_nan=False),
        "loud": st.booleans(),
        "names": st.lists(texts, max_size=3),
        "scores": st.dictionaries(texts, st.integers(), max_size=3),
        "either": st.integers() | texts,
        "data": st.dictionaries(texts, values, max_size=3) | texts | st.none(),
        "anything": values,
        "mood": st.sampled_from(Mood),
        "tone": st.sampled_from(["low", "high"]),
        "path": st.text("ab/,.! ", min_size=1).map(Path),
        "wait": st.timedeltas(),
        "places": st.lists(st.builds(Place, name=texts, floor=st.integers()), max_size=2).map(tuple),
    },
)
params = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.floats(allow_nan=False),
        "max_tokens": st.integers(),
        "stop": st.lists(texts, max_size=3),
        "api_base": texts,
        "timeout": st.floats(0.001, 1e9),
        "tool_choice": texts | st.dictionaries(texts, texts, max_size=2),
        "parallel_tool_calls": st.booleans(),
        "modalities": st.lists(texts, max_size=2),
        "audio": st.dictionaries(texts, texts, max_size=2),
        "extra": st.dictionaries(texts, values, max_size=3),
    },
)


@given(model=texts.filter(bool), options=options, params=params)
def test_whatever_data_describes_round_trips(model: str, options: dict[str, Any], params: dict[str, Any]) -> None:
    generator = Oracle(model=model, params=rg.GenerateParams(**params), **options)
    again = read(generator.to_identifier())
    assert again.model == generator.model
    assert {name: getattr(again, name) for name in options} == {name: getattr(generator, name) for name in options}
    assert again.params.to_dict() == generator.params.to_dict()
    assert again.params.stop == generator.params.stop
    assert again.to_identifier() == generator.to_identifier()


@given(model=texts.filter(bool))
def test_so_does_any_model_of_the_default_provider_and_its_name_is_left_out(model: str) -> None:
    generator = get_generator("litellm!x").model_copy(update={"model": model})
    identifier = generator.to_identifier()
    assert get_generator(identifier).model == model
    assert "!" not in identifier


def test_the_types_of_values_survive_where_several_are_allowed() -> None:
    for value in (1, "1", 1.5, "1.5", True, "true", None, "null", [1], "[1]", {"a": None}):
        again = read(Oracle(model="m", anything=value).to_identifier()).anything
        assert (again, type(again)) == (value, type(value))


def test_the_order_of_an_identifier_is_the_order_of_the_declarations() -> None:
    generator = Oracle(model="m", rate=1.5, count=2, params=rg.GenerateParams(seed=3, temperature=0.5))
    assert generator.to_identifier() == "oracle!m,count=2,rate=1.5,temperature=0.5,seed=3"
    assert generator.to_identifier(rg.GenerateParams(seed=4)).endswith("seed=4")
    assert get_identifier(generator, short=True) == "oracle!m"


@pytest.mark.parametrize(
    ("text", "model", "expected"),
    [
        ("gpt-4o", "gpt-4o", {}),
        ("  gpt-4o ", "gpt-4o", {}),
        ("litellm!gpt-4o", "gpt-4o", {}),
        ("openai ! gpt-4o , temperature = 0.5", "gpt-4o", {"temperature": 0.5}),
        ("gpt-4o, temperature=0.5", "gpt-4o", {"temperature": 0.5}),
        ("gpt-4o,temperature=1,temperature=2", "gpt-4o", {"temperature": 2.0}),
        ("gpt-4o,extra={}", "gpt-4o", {"extra": {}}),
        ('gpt-4o,extra={"a":1}', "gpt-4o", {"extra": {"a": 1}}),
        (r'gpt-4o,extra="{\"a\":1,\"b\":[2]}"', "gpt-4o", {"extra": {"a": 1, "b": [2]}}),
        ("gpt-4o,extra={%22a%22:1%2C%22b%22:[2]}", "gpt-4o", {"extra": {"a": 1, "b": [2]}}),
        ("gpt-4o,api_base=http://h:1/v1?a=b", "gpt-4o", {"api_base": "http://h:1/v1?a=b"}),
        ('gpt-4o,api_base="http://h,1!"', "gpt-4o", {"api_base": "http://h,1!"}),
        ("gpt-4o,modalities=base64:WyJ0ZXh0Il0=", "gpt-4o", {"modalities": ["text"]}),
        ("gpt-4o,stop=a;b;c;", "gpt-4o", {"stop": ["a", "b", "c"]}),
        ("gpt-4o,stop=1", "gpt-4o", {"stop": ["1"]}),
        ('gpt-4o,stop="a,b;c"', "gpt-4o", {"stop": ["a,b", "c"]}),
        ("gpt-4o,max_tokens=10.0,seed=1e3", "gpt-4o", {"max_tokens": 10, "seed": 1000}),
        ("gpt-4o,parallel_tool_calls=yes", "gpt-4o", {"parallel_tool_calls": True}),
        ('gpt-4o,tool_choice={"type":"function"}', "gpt-4o", {"tool_choice": {"type": "function"}}),
        ("openai!b!c", "b!c", {}),
        ("openai!50%25 off%2Cnow", "50% off,now", {}),
        ("openai!100%", "100%", {}),
    ],
)
def test_the_pieces_are_read(text: str, model: str, expected: dict[str, Any]) -> None:
    generator = get_generator(text)
    assert (generator.model, generator.params.given()) == (model, expected)


@pytest.mark.parametrize("key", ["sk-abc", "12345", "sk!abc", "1e5", "true", "a;b", "k=v=", "base64:x", "null"])
def test_a_key_is_text_whatever_it_looks_like(key: str) -> None:
    assert get_generator(f"openai!gpt-4o,api_key={key}").key() == key


def test_a_key_with_a_comma_is_quoted_or_escaped() -> None:
    assert get_generator('openai!gpt-4o,api_key="a,b"').key() == "a,b"
    assert get_generator("openai!gpt-4o,api_key=a%2Cb").key() == "a,b"


def test_any_json_after_base64_is_that_value() -> None:
    encoded = base64.b64encode(json.dumps({"a": [1, None]}).encode()).decode()
    assert read(f"oracle!m,data=base64:{encoded}").data == {"a": [1, None]}
    assert read("oracle!m,data=base64:nonsense").data == "base64:nonsense"
    assert read("oracle!m,word=base64:WyJ0ZXh0Il0=").word == "base64:WyJ0ZXh0Il0="


def test_the_extra_of_a_generator_is_in_its_identifier_and_stays_in_it() -> None:  # surface 3.2 no. 1
    model = get_generator("gpt-4o", params={"temperature": 0.2, "extra": {"safety_settings": [1]}})
    for _ in range(2):
        assert get_generator(model.to_identifier()).params.extra == {"safety_settings": [1]}
    assert model.params.extra == {"safety_settings": [1]}


def test_what_is_not_json_in_base64_is_said_to_be_none() -> None:
    for encoded in ("base64:@@@", "base64:" + base64.b64encode(b"[1").decode(), "base64:" + "A" * 5):
        with pytest.raises(InvalidGeneratorError, match="what follows base64: is not JSON of that kind in base64"):
            get_generator(f"gpt-4o,modalities={encoded}")


@pytest.mark.parametrize(
    ("text", "piece", "problem"),
    [
        ("", "", "the name of the model is missing"),
        ("openai!", "openai!", "the name of the model is missing"),
        ("openai!,seed=1", "openai!", "the name of the model is missing"),
        ("!gpt-4o", "!gpt-4o", "the provider before the ! is missing"),
        ("gpt-4o,", "", "nothing after a comma"),
        ("gpt-4o,,seed=1", "", "nothing after a comma"),
        ("gpt-4o,seed=1,", "", "nothing after a comma"),
        ("gpt-4o,seed", "seed", "'seed' is not of the form key=value; a comma in a value is written %2C"),
        ("gpt-4o,=3", "=3", "'=3' is not of the form key=value"),
        ('gpt-4o,stop=["a","b"]', '"b"]', "is not of the form key=value; a comma in a value is written %2C"),
        ("gpt-4o,seed=x", "seed=x", "seed=x is not valid: Input should be a valid integer"),
        ("gpt-4o,max_tokens=x", "max_tokens=x", "max_tokens=x is not valid"),
        ("gpt-4o,temperature=", "temperature=", "temperature= is not valid: Input should be a valid number"),
        ('gpt-4o,seed="1', 'seed="1', "must end at its closing quote"),
        ('gpt-4o,stop="a"b', 'stop="a"b', "must end at its closing quote"),
        ('"gpt-4o', '"gpt-4o', "must end at its closing quote"),
        ("oracle!m,count=1.5", "count=1.5", "count=1.5 is not valid"),
        ("oracle!m,tone=flat", "tone=flat", "Input should be 'low' or 'high'"),
        ("oracle!m,scores=[1]", "scores=[1]", "Input should be a valid dictionary"),
        ("local!smollm2,slots=0", "slots=0", "greater than or equal to 1"),
        ("litellm!x,max_connections=-1", "max_connections=-1", "greater than or equal to 0"),
    ],
)
def test_a_bad_string_is_answered_with_the_piece_that_is_wrong(text: str, piece: str, problem: str) -> None:
    with pytest.raises(InvalidGeneratorError) as raised:
        get_generator(text)
    assert (raised.value.identifier, raised.value.piece) == (text, piece)
    assert problem in str(raised.value)
    assert isinstance(raised.value, rg.RiggingError | ValueError)


@pytest.mark.parametrize(
    ("text", "piece", "known"),
    [
        ("nobody!gpt-4o", "nobody", {"litellm", "openai", "local", "scripted", "function", "oracle"}),
        ("a!b!c", "a", {"litellm", "openai"}),
        ("gpt-4o,tools=[]", "tools", {"temperature", "max_connections", "api_key"}),
        ("gpt-4o,model=x", "model", {"temperature"}),
        ("oracle!m,foo=1", "foo", {"word", "scores", "seed", "api_key"}),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(text: str, piece: str, known: set[str]) -> None:
    with pytest.raises(InvalidGeneratorError) as raised:
        get_generator(text)
    assert raised.value.piece == piece
    assert known <= set(raised.value.known)
    assert f"Known: {', '.join(raised.value.known)}" in str(raised.value)


SECRET = "hush-hush-9"


@pytest.mark.parametrize(
    "text",
    [
        f"openai!gpt-4o,api_key={SECRET}",
        f'openai!gpt-4o,api_key="{SECRET}",seed=1',
        f"oracle!m,token={SECRET}",
    ],
)
def test_a_key_is_in_nothing_that_a_generator_says_of_itself(text: str) -> None:
    generator = get_generator(text)
    said = [repr(generator), str(generator), str(generator.model_dump()), generator.model_dump_json()]
    said += [generator.to_identifier(), generator.to_identifier(short=True), str(generator.chat("Hi").chat)]
    assert not [one for one in said if SECRET in one]


@pytest.mark.parametrize(
    "text",
    [
        f"nobody!gpt-4o,api_key={SECRET}",
        f"openai!gpt-4o,api_key={SECRET},foo=1",
        f"openai!gpt-4o,api_key={SECRET},seed=x",
        f"openai!gpt-4o,api_key={SECRET},",
        f"openai!gpt-4o,api_key={SECRET},bare",
        f"openai!gpt-4o,api_key=a,{SECRET}",
        f"openai!gpt-4o,api_key=a,b,{SECRET},seed=x",
        f'openai!gpt-4o,api_key="a,{SECRET}',
        f'openai!gpt-4o,api_key="a"{SECRET}',
        f'openai!gpt-4o,api_key="a\\",{SECRET}',
        f"openai!gpt-4o, API_KEY = {SECRET}",
        f"openai!gpt-4o,apikey={SECRET}",
        f"openai!gpt-4o,password={SECRET},access_token={SECRET}",
        f"!gpt-4o,api_key={SECRET}",
        f",api_key={SECRET}",
    ],
)
def test_a_key_is_in_no_error_about_its_string(text: str) -> None:
    with pytest.raises(InvalidGeneratorError) as raised:
        get_generator(text)
    error = raised.value
    assert not [one for one in (*map(str, error.args), error.identifier, error.piece, error.problem) if SECRET in one]
    assert SECRET not in "".join(traceback.format_exception(error))


def test_a_key_is_in_no_error_of_pydantic_either() -> None:
    with pytest.raises(ValidationError) as raised:
        Oracle.model_validate({"api_key": SECRET, "token": {"a": SECRET}, "count": "x"})
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_the_name_of_a_variable_is_no_secret() -> None:
    generator = get_generator("openai!gpt-4o,api_key=env:MY_KEY")
    assert generator.to_identifier() == "openai!gpt-4o,api_key=env:MY_KEY"
    with pytest.raises(InvalidGeneratorError, match="api_key=env:MY_KEY"):
        get_generator("openai!gpt-4o,api_key=env:MY_KEY,foo=1")


def test_the_key_is_read_from_the_variable_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = get_generator("openai!gpt-4o,api_key=env:MY_KEY")
    monkeypatch.setenv("MY_KEY", SECRET)
    assert generator.key() == SECRET


@pytest.mark.parametrize("value", [None, ""])
async def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("MY_KEY", value)
    with pytest.raises(rg.error.AuthenticationFailedError, match="environment variable MY_KEY, which is not") as raised:
        await get_generator("openai!gpt-4o,api_key=env:MY_KEY").chat("Hi").run()
    assert (raised.value.kind, raised.value.provider) == ("AuthenticationFailed", "openai!gpt-4o")
    assert isinstance(raised.value, PermissionError)
    assert [message.content for message in raised.value.messages] == ["Hi"]
