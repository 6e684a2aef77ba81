"""Templates fill in names in a sandbox, and values are never templates."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError

from rigging_py.parsing.template import compile_template


def test_a_template_names_what_it_asks_for() -> None:
    render, names = compile_template("Hello {{ name }} from {{ place.city }}!")
    assert names == {"name", "place"}
    assert render(name="Ada", place={"city": "London"}) == "Hello Ada from London!"


@given(st.text())
def test_a_value_is_never_a_template(value: str) -> None:
    render, _ = compile_template("{{ value }}")
    assert render(value=value + "{{ value }}") == value + "{{ value }}"


@given(st.text(alphabet="ab {}%#\n"))
def test_text_without_marks_stays_as_it_is(text: str) -> None:
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        assert compile_template(text)[0]() == text


def test_a_name_that_is_not_given_is_an_error() -> None:
    render, _ = compile_template("{{ name }}")
    with pytest.raises(TemplateError, match="'name' is undefined"):
        render()


@pytest.mark.parametrize(
    "gadget", ["{{ ''.__class__.__mro__ }}", "{{ x.append(1) }}", "{{ cycler.__init__.__globals__ }}"]
)
def test_a_template_cannot_leave_the_sandbox(gadget: str) -> None:
    render, _ = compile_template(gadget)
    with pytest.raises(TemplateError):
        render(x=[])


def test_parsing_loads_neither_the_template_engine_nor_the_xml_models() -> None:
    check = "import sys, rigging_py.parsing; sys.exit(any(name in sys.modules for name in ('jinja2', 'pydantic_xml')))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
