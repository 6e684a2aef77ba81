"""The log: silent until it is turned on, and nobody else's handlers are touched. Each test is a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import rigging_py as rg
from rigging_py.logging import configure_logging

FROM_INSIDE = """
    import rigging_py as rg
    from loguru import logger
    # A module of the package that logs.
    inside = {"__name__": "rigging_py.somewhere", "logger": rg.logger}
    def log(text, level="INFO"):
        exec(f"logger.log({level!r}, {text!r})", inside)
"""


def process(script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(FROM_INSIDE) + textwrap.dedent(script)
    command = [sys.executable, "-W", "error", "-c", code]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOGURU")}
    done = subprocess.run(command, capture_output=True, text=True, env={**environment, **variables}, check=False)
    assert done.returncode == 0, done.stderr
    return done


def shown(script: str, **variables: str) -> list[str]:
    """The messages on standard error, as `level message`."""
    lines = process(script, **variables).stderr.splitlines()
    return [" ".join(part.strip() for part in line.split(" | ")[1:]) for line in lines]


def test_the_package_is_silent_until_it_is_told_to_speak() -> None:
    assert shown("log('nobody hears')") == []
    assert shown("rg.logging.configure_logging(); log('everybody hears')") == ["INFO everybody hears"]


def test_the_level_is_what_is_logged_at_least() -> None:
    script = "rg.logging.configure_logging({level!r}); [log(one, one) for one in ('DEBUG', 'INFO', 'ERROR')]"
    assert shown(script.format(level="info")) == ["INFO INFO", "ERROR ERROR"]
    assert shown(script.format(level="TRACE")) == ["DEBUG DEBUG", "INFO INFO", "ERROR ERROR"]
    assert shown(script.format(level="critical")) == []


def test_a_file_has_a_level_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "a folder" / "log"
    script = f"rg.logging.configure_logging('error', {str(file)!r}); log('one', 'DEBUG'); log('two', 'TRACE')"
    assert shown(script) == []
    assert [line.split(" | ")[-1] for line in file.read_text().splitlines()] == ["one"]


def test_configuring_again_replaces_what_was_configured_and_nothing_of_others(tmp_path: Path) -> None:
    script = f"""
        heard = []
        logger.add(heard.append, format="{{message}}")
        for level in ("debug", "debug", "info"):
            rg.logging.configure_logging(level, {str(tmp_path / "log")!r})
        log("once"), log("for others", "DEBUG")
        print(len(heard))
    """
    done = process(script)
    assert done.stdout == "2\n"
    assert done.stderr.count("once") == 1
    assert "for others" not in done.stderr
    assert (tmp_path / "log").read_text().count("once") == 1


def test_a_first_handler_that_is_the_program_s_own_stays() -> None:
    script = "import sys; logger.add(sys.stdout, format='{message}'); rg.logging.configure_logging(); log('hello')"
    assert process(script, LOGURU_AUTOINIT="0").stdout == "hello\n"
    assert process("logger.remove();" + script).stdout == "hello\n"


def test_a_handler_that_somebody_removed_is_no_problem() -> None:
    assert shown("rg.logging.configure_logging(); logger.remove(); rg.logging.configure_logging(); log('hello')") == [
        "INFO hello"
    ]


def test_what_cannot_be_configured_changes_nothing(tmp_path: Path) -> None:
    script = f"""
        rg.logging.configure_logging("info")
        for wrong in (("loud",), ("info", {str(tmp_path / "log")!r}, "loud"), ("debug", {str(tmp_path)!r})):
            try:
                rg.logging.configure_logging(*wrong)
            except (ValueError, OSError) as error:
                print(type(error).__name__)
        log("still"), log("not", "DEBUG")
    """
    done = process(script)
    assert done.stdout.split() == ["ValueError", "ValueError", "IsADirectoryError"]
    assert ("still" in done.stderr, "not" in done.stderr) == (True, False)
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("level", ["loud", "", "warn"])
def test_a_level_that_is_not_there_is_named_with_those_that_are(level: str) -> None:
    with pytest.raises(ValueError, match=rf"'{level}' is no log level. Known: trace, debug, info, success, warning"):
        configure_logging(level)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_tracebacks_show_no_values_of_variables(tmp_path: Path) -> None:
    script = f"""
        rg.logging.configure_logging("info", {str(tmp_path / "log")!r})
        def call(api_key): return api_key + 1
        try:
            call("sk-123")
        except TypeError:
            logger.exception("it failed")
    """
    for text in (process(script).stderr, (tmp_path / "log").read_text()):
        assert "it failed" in text
        assert "TypeError" in text
        assert "sk-123" not in text


def test_the_logger_is_loguru_s_and_is_loaded_on_first_use() -> None:
    code = "import sys, json, rigging_py as rg, rigging_py.watchers, rigging_py.logging; a = 'loguru' in sys.modules"
    code += "; import loguru; print(json.dumps([a, rg.logger is loguru.logger is rg.logging.logger]))"
    loaded = subprocess.check_output([sys.executable, "-W", "error", "-c", code], text=True)
    assert json.loads(loaded) == [False, True]


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'nothing'"):
        rg.logging.nothing  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore
