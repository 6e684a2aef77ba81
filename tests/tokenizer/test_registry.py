"""Connection strings of tokenizers, and which object answers to them."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

import rigging_py as rg
from rigging_py.error import InvalidTokenizerError
from rigging_py.tokenizer import TransformersTokenizer
from tests.tokenizer.made import Plain, chat, fast, made, messages_of

NUMBERS = count()


@pytest.fixture
def name() -> str:
    """A provider that no other test registers."""
    return f"kind-{next(NUMBERS)}"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer as transformers stores it."""
    path = tmp_path_factory.mktemp("tokenizer")
    fast().save_pretrained(path)
    return path


async def test_a_name_alone_is_a_tokenizer_of_transformers(directory: Path) -> None:
    tokenizer = rg.get_tokenizer(str(directory))
    assert isinstance(tokenizer, TransformersTokenizer)
    assert tokenizer.model == str(directory)
    assert tokenizer.encode("hello there") == fast().encode("hello there")
    assert tokenizer.decode(tokenizer.encode("hello there")) == "<s>hello there"
    assert rg.get_tokenizer(str(directory)) is tokenizer


async def test_a_chat_takes_the_connection_string(directory: Path) -> None:
    done = await chat("hello", "there").to_tokens(f"transformers!{directory}")
    assert messages_of(made(), done) == ["hello", "there"]
    both = await rg.ChatList([chat("hello"), chat("there")]).to_tokens(made())
    assert [messages_of(made(), one) for one in both] == [["hello"], ["there"]]


async def test_a_chat_is_transformed_first_where_that_is_asked_for() -> None:
    call = rg.ToolCall.model_validate({"id": "1", "function": {"name": "add", "arguments": '{"x": 5}'}})
    talk = chat("hello", rg.Message("assistant", tool_calls=[call]), rg.Message("tool", "5", tool_call_id="1"))
    done = await talk.to_tokens(made(), "json-in-xml")
    assert '<tool-call name="add">{"x":5}</tool-call>' in done.text


@pytest.mark.parametrize(
    "form", ['"{\\"skip_special_tokens\\": true}"', "base64:eyJza2lwX3NwZWNpYWxfdG9rZW5zIjogdHJ1ZX0="]
)
def test_options_are_json(directory: Path, form: str) -> None:
    tokenizer = rg.get_tokenizer(f"transformers!{directory},decode_kwargs={form}")
    assert tokenizer.decode(tokenizer.encode("hello")) == "hello"


def test_an_object_is_used_itself() -> None:  # surface 3.2 no. 40
    tokenizer = TransformersTokenizer.from_obj(fast())
    assert tokenizer.tokenizer is fast()
    assert tokenizer.model == type(fast()).__name__
    again = TransformersTokenizer.from_obj(fast(), decode_kwargs={"skip_special_tokens": True})
    assert again.decode(again.encode("hello")) == "hello"


def test_a_registered_class_answers_to_its_name(name: str) -> None:
    rg.register_tokenizer(name, Plain)
    first = rg.get_tokenizer(f"{name}!small")
    assert isinstance(first, Plain)
    assert first.model == "small"
    assert rg.get_tokenizer(f"{name}!small") is first


def test_a_function_may_import_the_class_on_first_use(name: str) -> None:
    asked: list[int] = []

    def lazy() -> type[rg.Tokenizer]:
        asked.append(1)
        return Plain

    rg.register_tokenizer(name, lazy)
    assert asked == []
    assert isinstance(rg.get_tokenizer(f"{name}!small"), Plain)


def test_the_latest_class_of_a_name_wins(name: str) -> None:
    class Other(Plain): ...

    rg.register_tokenizer(name, Plain)
    rg.get_tokenizer(f"{name}!small")
    rg.register_tokenizer(name, Other)
    assert type(rg.get_tokenizer(f"{name}!small")) is Other


@pytest.mark.parametrize(
    ("identifier", "said"),
    [
        ("nobody!x", "'nobody!x' is not a tokenizer: there is no provider 'nobody'. Known: transformers"),
        ("", "the name of the model is missing"),
        (
            "x,token=abc",
            "'x,token=***' is not a tokenizer: 'token' is no option of TransformersTokenizer. Known: apply_",
        ),
        ("x,encode_kwargs=1", "encode_kwargs=1 is not valid: Input should be a valid dictionary"),
        ("x,encode_kwargs={", "encode_kwargs={ is not valid"),
        ("x,encode_kwargs", "'encode_kwargs' is not of the form key=value"),
    ],
)
def test_a_string_that_names_no_tokenizer_says_why(identifier: str, said: str) -> None:
    with pytest.raises(InvalidTokenizerError) as told:
        rg.get_tokenizer(identifier)
    assert said in str(told.value)


def test_what_is_no_tokenizer_cannot_be_registered(name: str) -> None:
    with pytest.raises(InvalidTokenizerError, match="a subclass of Tokenizer"):
        rg.register_tokenizer(name, str)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rg.register_tokenizer(name, lambda: str)  # type: ignore[arg-type,return-value]  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidTokenizerError, match="a subclass of Tokenizer"):
        rg.get_tokenizer(f"{name}!x")
    with pytest.raises(ValueError, match="letters, digits"):
        rg.register_tokenizer("a b", Plain)


def test_a_tokenizer_does_not_change_under_those_who_share_it() -> None:
    with pytest.raises(ValueError, match="frozen"):
        made().model = "other"


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_room_imports_no_transformers() -> None:
    code = "import sys, rigging_py.tokenizer as t; t.get_tokenizer('x'); print('transformers' in sys.modules)"
    assert run(code) == "False"


def test_without_transformers_the_extra_is_named() -> None:
    code = """
import sys
sys.modules["transformers"] = None
import rigging_py as rg
try:
    rg.get_tokenizer("x").encode("hello")
except rg.error.MissingExtraError as error:
    print(error)
"""
    assert "rigging-py[llm]" in run(code)
