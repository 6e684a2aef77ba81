"""The templates of a spec see data and nothing else, and do no more than a bounded work."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from rigging_py.error import ProcessingError
from tests.generator.http.test_spec import context, spec, step

GADGETS = [
    "{{ ''.__class__.__mro__ }}",
    "{{ ''['__class__'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ messages.__class__.__base__.__subclasses__() }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "{{ ('{0.__class__}'|safe).format(1) }}",
    "{{ '%s'|format(1) }}",
    "{{ ['x']|map('attr', '__class__')|list }}",
    "{{ content.__init__ }}",
    "{{ messages.append(1) }}",
    "{{ state.update({'a': 1}) }}",
    "{{ request.application.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% extends content %}",
]


@pytest.mark.parametrize("gadget", GADGETS)
def test_there_is_no_way_out_of_the_data(gadget: str) -> None:  # surface 3.2 no. 35
    with pytest.raises(ValueError):
        spec(url=f"http://127.0.0.1:9/{gadget}").make_url(context())
    with pytest.raises(ValueError):
        spec(headers={"x": gadget}).make_headers(context())
    with pytest.raises(ValueError):
        spec(steps=[step("jinja", gadget)]).make_request_body(context())
    with pytest.raises(ValueError):
        spec(reads=[step("jinja", gadget.replace("messages", "body"))]).parse_response_body("[]")


def test_an_attribute_of_python_s_is_no_attribute() -> None:
    one = spec(steps=[step("jinja", "{{ [1]|map(attribute='__class__')|select('defined')|list }}")])
    assert one.make_request_body(context()) == "[]"


HUGE = [
    "{{ range(10**9)|list }}",
    "{{ 'a' * 10**10 }}",
    "{{ [content] * 10**9 }}",
    "{{ 10**9 * 'a' }}",
    "{{ 9 ** (9 ** 9) }}",
    "{{ '%1000000000s' % 1 }}",
    "{{ 'a'|center(10**10) }}",
    "{{ 'a'.ljust(10**10) }}",
    "{{ 'a'.join('b' * 10**6) }}",
    "{{ (1).to_bytes(10**10) }}",
    "{{ '{:>1000000000}'.format(1) }}",
    "{{ lipsum(n=10**6) }}",
    "{{ 'a'|replace('', 'b' * 10**6)|replace('b', 'c' * 10**6) }}",
    "{{ range(100000)|join('b' * 10**6) }}",
    "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
    "{% for i in range(100000) %}{{ content }}{% endfor %}",
    "{% for i in range(100000) %}{% set x = content|upper %}{% endfor %}",
    "{% for i in range(50000) %}{{ 'a' in range(99999) }}{% endfor %}",
    "{% for i in range(50000) %}{{ 'a' is in(range(99999)) }}{% endfor %}",
    "{% for i in range(50000) %}{{ content.count('b') }}{% endfor %}",
    "{% for i in range(50000) %}{{ 'ab' in content }}{% endfor %}",
    "{% for i in range(50000) %}{% set x = content[1:] %}{% endfor %}",
    "{% set l = range(9000)|list %}{% for i in range(50000) %}{{ l == l[:] }}{% endfor %}",
    "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}",
    "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}",
    "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}",
    "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = {'a': ns.x, 'b': ns.x} %}{% endfor %}",
    "{% set ns = namespace(x='aa') %}{% for i in range(60) %}{% set ns.x = dict(a=ns.x, b=ns.x) %}{% endfor %}",
    "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% endfor %}",
    "{% set ns = namespace(x=3) %}{% for i in range(60) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
]


@pytest.mark.parametrize("template", HUGE)
def test_the_work_of_a_template_is_bounded(template: str) -> None:  # surface 3.2 no. 35
    began = time.process_time()
    with pytest.raises(ValueError):
        spec(steps=[step("jinja", template)]).make_request_body(context("a" * 1_000_000))
    assert time.process_time() - began < 10


def test_so_is_its_memory() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ProcessingError, match="it does more than 100,000 steps"):
            spec(steps=[step("jinja", "{{ 'a' * 10**10 }}")]).make_request_body(context())
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_one_rendering_takes_nothing_from_the_next() -> None:
    one = spec(steps=[step("jinja", "{% for i in range(60000) %}{% endfor %}done")])
    assert [one.make_request_body(context()) for _ in range(3)] == ["done"] * 3


def test_a_long_conversation_is_no_huge_work() -> None:
    one = spec(steps=[step("jinja", "{{ messages | tojson }}")])
    said = [{"role": "user", "content": "x" * 1_000}] * 2_000
    assert len(one.make_request_body(context(messages=said))) > 2_000_000
