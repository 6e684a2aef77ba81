"""Providers by name: where each request goes, with which key, and what it says."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import rigging_py as rg
from rigging_py.error import AuthenticationFailedError, InvalidError, ServerFaultError
from rigging_py.generator import get_generator, get_identifier
from rigging_py.generator.network import LOOPBACK_ONLY
from rigging_py.generator.openai import OpenAIGenerator
from rigging_py.generator.shorthands import SHORTHANDS, Shorthand
from tests.generator.stub import Reply, Stub, refusal

KEY = "hush-hush-9"
rows = pytest.mark.parametrize("row", SHORTHANDS, ids=[row.name for row in SHORTHANDS])
with_key = pytest.mark.parametrize("row", [row for row in SHORTHANDS if row.key_variable], ids=lambda row: row.name)


@rows
def test_a_name_stands_for_a_class_that_gives_its_string_back(row: Shorthand) -> None:
    model = get_generator(f"{row.name}!some/model,temperature=0.5,max_tokens=9")
    assert isinstance(model, OpenAIGenerator)
    assert type(model).__name__ == row.class_name
    assert get_identifier(model) == f"{row.name}!some/model,temperature=0.5,max_tokens=9"
    assert get_generator(get_identifier(model)) == model
    wrapped = model.wrap(lambda ask: ask)
    assert (get_identifier(wrapped, short=True), isinstance(wrapped, type(model))) == (f"{row.name}!some/model", True)


@rows
def test_it_can_be_pickled(row: Shorthand) -> None:
    model = get_generator(f"{row.name}!m,seed=1")
    assert pickle.loads(pickle.dumps(model)) == model


def test_a_pickle_is_read_by_a_process_that_has_not_seen_the_class() -> None:
    program = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).to_identifier())"
    given = pickle.dumps(get_generator("groq!m,seed=1"))
    read = subprocess.run([sys.executable, "-c", program], input=given, capture_output=True, check=True)
    assert read.stdout.decode().strip() == "groq!m,seed=1"


def test_a_name_makes_no_class_before_it_is_asked_for() -> None:
    program = (
        "import sys, rigging_py as rg, rigging_py.generator.registry as r\n"
        "assert 'rigging_py.generator.openai' not in sys.modules\n"
        "rg.get_generator('groq!m')\n"
        "made = [name for name in vars(sys.modules['rigging_py.generator.shorthands']) if name.endswith('Generator')]\n"
        "assert [name for name in made if name != 'OpenAIGenerator'] == ['GroqGenerator'], made\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_there_is_no_class_of_another_name() -> None:
    from rigging_py.generator import shorthands

    with pytest.raises(AttributeError, match="has no attribute 'NobodyGenerator'"):
        _ = shorthands.NobodyGenerator


@with_key
async def test_without_a_key_nobody_is_asked_and_the_error_says_what_to_set(
    row: Shorthand, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert row.key_variable is not None
    monkeypatch.delenv(row.key_variable, raising=False)
    with pytest.raises(AuthenticationFailedError) as raised:
        await get_generator(f"{row.name}!m").chat("Hi").run()
    assert raised.value.provider == row.name
    for said in (row.key_variable, row.base_url, f"{row.name}!m"):
        assert said in str(raised.value)


@with_key
async def test_the_key_of_the_environment_goes_nowhere_else(
    row: Shorthand, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert row.key_variable is not None
    monkeypatch.setenv(row.key_variable, KEY)
    await get_generator(f"{row.name}!m,api_base={stub.url}").chat("Hi").run()
    await get_generator(f"{row.name}!m,api_base={stub.url},api_key=env:{row.key_variable}").chat("Hi").run()
    assert [heard.key for heard in stub.heard] == [None, f"Bearer {KEY}"]


@rows
async def test_what_goes_wrong_is_said_of_the_provider(row: Shorthand, stub: Stub) -> None:
    stub.will(Reply(refusal("busy"), 503))
    with pytest.raises(ServerFaultError, match=f"^{row.name} answered HTTP 503: busy") as raised:
        await get_generator(f"{row.name}!m,api_base={stub.url}").chat("Hi").run()
    assert raised.value.provider == row.name


@rows
async def test_with_a_key_the_request_goes_to_the_providers_own_address(
    row: Shorthand, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing may leave this machine, and the error says where it would have gone.
    monkeypatch.setenv(LOOPBACK_ONLY, "1")
    if row.key_variable is None:
        assert row.base_url.startswith("http://127.0.0.1:")
        return
    monkeypatch.setenv(row.key_variable, KEY)
    with pytest.raises(rg.error.NetworkRefusedError) as raised:
        await get_generator(f"{row.name}!m").chat("Hi").run()
    assert f"{row.base_url}/chat/completions" in str(raised.value)
    assert KEY not in str(raised.value)


async def test_a_server_that_is_not_there_is_named_with_its_address() -> None:
    with pytest.raises(ServerFaultError, match=r"lmstudio could not be reached at http://127.0.0.1:9/v1/chat/comp"):
        await get_generator("lmstudio!m,api_base=http://127.0.0.1:9/v1").chat("Hi").run()


async def test_who_holds_no_answer_to_a_schema_says_so() -> None:
    known = {row.name: await get_generator(f"{row.name}!m").supports_json_schema() for row in SHORTHANDS}
    assert (known["deepseek"], known["groq"], known["vllm-server"]) == (False, None, True)
    assert await get_generator("perplexity!sonar").supports_function_calling() is False
    assert await get_generator("openai!m").supports_json_schema() is True


# Azure.


@pytest.fixture
def no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_OPENAI_ENDPOINT", raising=False)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)


@pytest.mark.usefixtures("no_endpoint")
async def test_a_deployment_of_azure_is_in_the_path_and_the_key_in_its_own_header(stub: Stub) -> None:
    base = stub.url.removesuffix("/v1")
    key = "api_key=env:AZURE_OPENAI_API_KEY"
    await get_generator(f"azure!my deployment/1,api_base={base},{key}").chat("Hi").run()
    await get_generator(f"azure!gpt,api_base={base}/,{key},api_version=2025-04-01-preview").chat("Hi").run()
    await get_generator(f"azure!gpt,api_base={base}/openai/v1,{key}").chat("Hi").run()
    await get_generator(f"azure!gpt,api_base={base}/openai/v1,{key},api_version=preview").chat("Hi").run()
    assert [heard.path for heard in stub.heard] == [
        "/openai/deployments/my%20deployment%2F1/chat/completions?api-version=2024-10-21",
        "/openai/deployments/gpt/chat/completions?api-version=2025-04-01-preview",
        "/openai/v1/chat/completions",
        "/openai/v1/chat/completions?api-version=preview",
    ]
    assert {(heard.headers["api-key"], heard.key) for heard in stub.heard} == {(KEY, None)}
    assert stub.heard[-1].body["model"] == "gpt"


@pytest.mark.usefixtures("no_endpoint")
async def test_the_key_of_azure_goes_to_the_endpoint_in_the_environment_only(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = stub.url.removesuffix("/v1")
    with pytest.raises(InvalidError, match="azure!gpt has no address of its own: set AZURE_OPENAI_ENDPOINT, or"):
        await get_generator("azure!gpt").chat("Hi").run()
    with pytest.raises(AuthenticationFailedError, match="goes to the address in AZURE_OPENAI_ENDPOINT only") as raised:
        await get_generator(f"azure!gpt,api_base={base}").chat("Hi").run()
    assert KEY not in str(raised.value)
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", f"{base}/")
    await get_generator("azure!gpt").chat("Hi").run()
    assert stub.heard[0].headers["api-key"] == KEY
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    with pytest.raises(AuthenticationFailedError, match=f"at {base}: set the environment variable AZURE_OPENAI_API_"):
        await get_generator("azure!gpt").chat("Hi").run()


@pytest.mark.usefixtures("no_endpoint")
def test_azure_gives_its_string_back() -> None:
    text = "azure!gpt,api_key=env:AZURE_OPENAI_API_KEY,api_version=preview,api_base=https://acme.openai.azure.com"
    model = get_generator(text)
    assert get_identifier(model) == text
    assert pickle.loads(pickle.dumps(model)) == model


def test_the_docs_have_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "providers.md").read_text()
    for row in SHORTHANDS:
        key = f"`{row.key_variable}`" if row.key_variable else ""
        assert f"| `{row.name}!` | `{row.base_url}` | {key} |" in page
