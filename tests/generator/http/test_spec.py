"""A spec makes requests out of conversations, reads answers, and says what is wrong with it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rigging_py.error import InvalidGeneratorError, ProcessingError
from rigging_py.generator import HTTPGenerator, HTTPSpec
from rigging_py.generator.http import RequestTransformContext

URL = "http://127.0.0.1:9/ask"
KEY = "hush-hush-9"


def spec(
    pattern: Any = "$content",
    *,
    url: str = URL,
    reads: list[Any] | None = None,
    steps: list[Any] | None = None,
    **more: Any,
) -> HTTPSpec:
    """A spec whose body is `pattern`, and whose answers are read by the steps `reads`."""
    steps = [step("json", {"said": pattern})] if steps is None else steps
    response = None if reads is None else {"transforms": reads}
    return HTTPSpec.model_validate({"request": {"url": url, "transforms": steps, **more}, "response": response})


def step(kind: str, pattern: Any) -> dict[str, Any]:
    return {"type": kind, "pattern": pattern}


def context(content: str = "Hi", **more: Any) -> RequestTransformContext:
    said = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": content}]
    values = {"params": {"temperature": 0.5}, "api_key": KEY, "model": "m", "state": {"turn": {"id": 7}}}
    return RequestTransformContext.model_validate(
        {"role": "user", "content": content, "all_content": f"Be kind.\n{content}", "messages": said, **values, **more}
    )


def body(one: HTTPSpec, about: RequestTransformContext | None = None) -> Any:
    return json.loads(one.make_request_body(about or context()))


# Bodies.


def test_dollar_names_stand_for_values_of_the_context_however_deep() -> None:
    pattern = {
        "list": ["$role", {"deep": "$messages.1.content"}, 3, None, True],
        "all": "$all_content",
        "temperature": "$params.temperature",
        "id": "$state.turn.id",
        "key": "$api_key",
        "whole": "$messages",
        "text": "it costs $5",
    }
    made = body(spec(steps=[step("json", pattern)]))
    assert made == {
        "list": ["user", {"deep": "Hi"}, 3, None, True],
        "all": "Be kind.\nHi",
        "temperature": 0.5,
        "id": 7,
        "key": KEY,
        "whole": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
        "text": "it costs $5",
    }


def test_two_dollars_are_one_and_braces_in_json_patterns_are_text() -> None:
    assert body(spec(["$$5", "$$content", "$$$", "{{ content }}"])) == {
        "said": ["$5", "$content", "$$", "{{ content }}"]
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "$nope",
            "'$nope' names nothing: there is role, content, all_content, messages, params, api_key, model, state",
        ),
        ("$params.seed", "'$params.seed' names nothing: $params holds temperature."),
        ("$messages.7", "'$messages.7' names nothing: $messages holds a list of 2."),
        ("$content.x", "'$content.x' names nothing: $content holds text."),
        ("$5.00", "A text that begins with a dollar is written $$"),
    ],
)
def test_a_name_that_is_missing_says_what_is_there(name: str, said: str) -> None:
    with pytest.raises(ProcessingError) as raised:
        spec(name).make_request_body(context())
    assert str(raised.value).startswith("Making the body, step 1 (json), failed: ")
    assert said.rstrip(".") in str(raised.value)
    assert isinstance(raised.value.__cause__, LookupError)


@given(st.text())
def test_content_is_data_in_json_and_never_breaks_out(content: str) -> None:
    assert body(spec(), context(content)) == {"said": content}
    jinja = spec(steps=[step("jinja", '{"said": {{ content | tojson }}}')])
    assert body(jinja, context(content)) == {"said": content}


@given(
    st.sampled_from(["$api_key", "{{ api_key }}", "{% raw %}", '", "admin": true, "x": "', "$messages.0", "{{ 7*7 }}"])
)
def test_content_that_looks_like_a_pattern_is_no_pattern(content: str) -> None:
    assert body(spec(), context(content)) == {"said": content}
    assert spec(steps=[step("jinja", "<{{ content }}>")]).make_request_body(context(content)) == f"<{content}>"


def test_a_template_sees_the_context_and_what_the_step_before_made() -> None:
    steps = [
        step("json", {"q": "$content"}),
        step("jinja", "{{ data.q }}/{{ result.q }}/{{ output.q }}/{{ body.q }}/{{ model }}/{{ params.temperature }}"),
        step("json", {"made": "$body"}),
    ]
    assert body(spec(steps=steps)) == {"made": "Hi/Hi/Hi/Hi/m/0.5"}


def test_a_template_joins_escapes_loops_and_says_default_values() -> None:
    pattern = (
        "{% for one in messages %}{{ loop.index }}/{{ loop.length }} {{ one.role|upper }}: {{ one['content'] }}; "
        "{% endfor %}"
        "{{ messages|map(attribute='role')|join(', ') }} {{ content ~ '!' }} {{ 'a b'|replace(' ', '+') }} "
        "{{ params.seed|default(3) * 2 + 2 ** 3 }} {{ [1, 'é'] | tojson }} {{ 'a&b'|urlencode }}"
    )
    made = spec(steps=[step("jinja", pattern)]).make_request_body(context())
    assert made == '1/2 SYSTEM: Be kind.; 2/2 USER: Hi; system, user Hi! a+b 14 [1, "é"] a%26b'


def test_a_name_that_a_template_misses_is_an_error_of_that_step() -> None:
    with pytest.raises(ProcessingError, match=r"Making the body, step 1 \(jinja\), failed: 'nope' is undefined\."):
        spec(steps=[step("jinja", "{{ nope }}")]).make_request_body(context())


def test_without_a_key_there_is_no_such_name() -> None:
    with pytest.raises(ProcessingError, match=r"Making the header 'x' failed: 'api_key' is undefined"):
        spec(headers={"x": "{{ api_key }}"}).make_headers(context(api_key=None))
    with pytest.raises(ProcessingError, match="there is role, content, all_content, messages, params, model, state"):
        spec("$api_key").make_request_body(context(api_key=None))


# Addresses and headers.


def test_the_url_and_the_headers_are_templates() -> None:
    one = spec(url="https://{{ model }}.example.com/{{ content|urlencode }}", headers={"X-Key": "Bearer {{ api_key }}"})
    assert one.make_url(context("a/b?c d")) == "https://m.example.com/a/b%3Fc%20d"
    assert one.make_headers(context()) == {"X-Key": f"Bearer {KEY}"}


@pytest.mark.parametrize(
    "content",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "//127.0.0.1/",
        "http://",
        "javascript:1",
        "http://a b/",
        "http://a\\@b/",
        "x",
    ],
)
def test_a_template_makes_no_url_but_of_http(content: str) -> None:
    with pytest.raises(ProcessingError, match="Making the URL failed"):
        spec(url="{{ content }}").make_url(context(content))


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x00", "\x0b", "\x7f"])
def test_a_header_s_value_holds_no_line_end(end: str) -> None:
    with pytest.raises(ProcessingError, match="Making the header 'x' failed: its value would hold a line end"):
        spec(headers={"x": "{{ content }}"}).make_headers(context(f"a{end}Admin: yes"))


def test_what_fails_never_says_the_key() -> None:
    with pytest.raises(ProcessingError) as raised:
        spec(headers={"x": "{{ {}[api_key] }}"}).make_headers(context())
    assert KEY not in str(raised.value)
    assert raised.value.__cause__ is None
    assert KEY not in repr(context())


# Answers.


@pytest.mark.parametrize(
    ("steps", "answer", "said"),
    [
        ([], "as it is", "as it is"),
        ([step("jsonpath", "$.a.b")], '{"a": {"b": "text"}}', "text"),
        ([step("jsonpath", "$.a")], '{"a": {"b": ["é", 1]}}', '{"b": ["é", 1]}'),
        ([step("jsonpath", "$.a")], '{"a": null}', "null"),
        ([step("jsonpath", "$.a")], '{"a": 4.5}', "4.5"),
        ([step("jsonpath", "$.flag,output")], '{"flag": "F", "output": "O"}', '["F", "O"]'),
        ([step("jsonpath", "$.all[*].n")], '{"all": [{"n": 1}, {"n": "2"}]}', '[1, "2"]'),
        ([step("regex", "<b>(.*?)</b>")], "x <b>one</b> y", "one"),
        ([step("regex", "<b>(.*?)</b>")], "<b>one</b><b>two</b>", '["one", "two"]'),
        ([step("regex", r"(\w)=(\d)")], "a=1", '["a", "1"]'),
        ([step("jinja", "{{ data.a }}{{ result.a }}{{ output.a }}{{ body.a }}")], '{"a": 1}', "1111"),
        ([step("jinja", "<{{ body }}>")], "no json", "<no json>"),
        ([step("jsonpath", "$.a"), step("regex", r"\d+"), step("jinja", "n={{ body }}")], '{"a": "x 12"}', "n=12"),
    ],
)
def test_the_steps_read_the_answer_one_after_the_other(steps: list[Any], answer: str, said: str) -> None:
    assert spec(reads=steps).parse_response_body(answer) == said


def test_without_a_response_the_body_is_the_answer() -> None:
    assert spec().parse_response_body('{"a": 1}') == '{"a": 1}'


@pytest.mark.parametrize(
    ("one", "answer", "said"),
    [
        (step("jsonpath", "$.a.b"), '{"id": 1, "err": "x"}', "'$.a.b' finds nothing in the body, which holds id, err."),
        (step("jsonpath", "$.a"), "[1, 2]", "'$.a' finds nothing in the body, which holds a list of 2."),
        (step("jsonpath", "$.a"), "<html>", "the body is not JSON"),
        (step("regex", "<b>"), "nothing here", "'<b>' finds nothing in the body, which begins 'nothing here'."),
        (step("jinja", "{{ body.nope }}"), "{}", "'dict object' has no attribute 'nope'."),
    ],
)
def test_what_cannot_be_read_says_at_which_step_and_what_there_was(one: Any, answer: str, said: str) -> None:
    with pytest.raises(ProcessingError) as raised:
        spec(reads=[one]).parse_response_body(answer)
    assert str(raised.value).startswith(f"Reading the answer, step 1 ({one['type']}), failed: ")
    assert said in str(raised.value)


# Reading a spec.

DATA = {
    "request": {"url": URL, "headers": {"X": "{{ api_key }}"}, "transforms": [step("json", {"a": "$content"})]},
    "response": {"valid_status_codes": [200, 201], "transforms": [step("jsonpath", "$.a")]},
}
YAML = """
request:
  url: http://127.0.0.1:9/ask
  headers: {"X": "{{ api_key }}"}
  transforms:
    - {type: json, pattern: {a: $content}}
response:
  valid_status_codes: [200, 201]
  transforms:
    - {type: jsonpath, pattern: $.a}
"""


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "given",
    [
        DATA,
        HTTPSpec.model_validate(DATA),
        json.dumps(DATA),
        YAML,
        encoded(json.dumps(DATA)),
        encoded(YAML),
        f"base64:{encoded(YAML)}",
    ],
    ids=["dict", "spec", "json", "yaml", "base64 json", "base64 yaml", "marked base64"],
)
def test_a_spec_is_read_from_data_json_yaml_and_base64_of_either(given: Any) -> None:
    assert HTTPGenerator("m", spec=given).spec == HTTPSpec.model_validate(DATA)


def broken(**changes: Any) -> dict[str, Any]:
    return {"request": {"url": URL, "transforms": [step("json", {})], **changes}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "it has no spec, which says how the endpoint is asked. Give spec=… as an HTTPSpec"),
        ({}, "request: Field required"),
        ({"request": {}}, "request.url: Field required; request.transforms: Field required"),
        (broken(transforms=[]), "request.transforms: List should have at least 1 item"),
        (broken(url="file:///etc/passwd"), "request.url: 'file:///etc/passwd' is no URL of http or https"),
        (broken(url="http://x/{{"), "request.url: the template cannot be used"),
        (broken(method="GET /\r\nX: 1"), "request.method: String should match pattern"),
        (broken(headers={"a b": "c"}), "request.headers: 'a b' is no name of a header"),
        (broken(timeout=0), "request.timeout: Input should be greater than 0"),
        (broken(tansforms=[]), "request.tansforms: Extra inputs are not permitted"),
        (broken(transforms=[step("regex", "a")]), "step 1 is of the type regex; known here: json, jinja"),
        (broken(transforms=[step("json", "no json")]), "the pattern of json is data, or a text that is JSON"),
        ({**DATA, "response": {"transforms": [step("jsonpath", "$.[")]}}, "'$.[' is no JSON path"),
        ({**DATA, "response": {"transforms": [step("regex", "(")]}}, "'(' is no regular expression"),
        ({**DATA, "response": {"transforms": [step("regex", {"a": 1})]}}, "the pattern of regex is a text"),
        ({**DATA, "response": {"error_path": "$.["}}, "'$.[' is no JSON path"),
        ("only words", "the spec: Input should be a valid dictionary"),
        ("a: [", "it is not JSON, nor YAML, nor base64 of either at line 1"),
        ("a: &x [1]\nb: [*x, *x]", "its YAML has an alias"),
        ("!!python/object/apply:os.system ['true']", "it is not JSON, nor YAML"),
        ("[" * 100_000, "it is nested more than 100 deep"),
    ],
)
def test_a_spec_that_is_wrong_says_what_it_lacks(given: Any, said: str) -> None:
    with pytest.raises(InvalidGeneratorError) as raised:
        HTTPGenerator("m", spec=given)
    assert said in str(raised.value)
    assert str(raised.value).startswith("'http!m' is not a generator: ")


# What expressions may do.


@pytest.mark.parametrize(("pattern", "body"), [("(.*?,){15}x", "1," * 60), ("(a|aa)+$", "a" * 60 + "b")])
def test_an_expression_that_would_take_for_ever_is_given_up(pattern: str, body: str) -> None:
    with pytest.raises(ProcessingError, match=r"0\.5 seconds"):
        spec(reads=[step("regex", pattern)]).parse_response_body(body)


@pytest.mark.parametrize("path", ["$..*..*", "$..a[*]..b", "$..a..b..c", "$" + ".a" * 20_000])
def test_a_path_that_may_take_for_ever_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match=r"says \.\. more than once|is no JSON path"):
        spec(reads=[step("jsonpath", path)])


# What is not shown.


def dumped(one: HTTPSpec) -> str:
    return str(one.model_dump())


@pytest.mark.parametrize("show", [repr, str, HTTPSpec.model_dump_json, dumped])
def test_keys_that_stand_where_keys_stand_are_not_shown(show: Callable[[HTTPSpec], str]) -> None:
    one = spec(
        url=f"http://user:{KEY}@127.0.0.1:9/ask?api_key={KEY}&q=1&sig={KEY}",
        headers={
            **dict.fromkeys(("X-API-Key", "Cookie", "X-Auth", "X-Signature", "X-Credential"), KEY),
            "Authorization": f"Bearer {KEY}",
            "Accept": "text/plain",
        },
        steps=[step("json", {"access_token": KEY, "max_tokens": "9", "keywords": "cats", "api_key": "$api_key"})],
    )
    shown = show(one)
    assert KEY not in shown
    for kept in ("text/plain", "cats", "$api_key", "q=1", "max_tokens"):
        assert kept in shown
    assert one.make_headers(context())["Authorization"] == f"Bearer {KEY}"
