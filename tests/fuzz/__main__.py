"""Fuzzes one door for a while: `python -m tests.fuzz extract --seconds 60`. It needs atheris.

libFuzzer looks for texts that take new ways through our code. It ends the process itself: with 0 when it has found
nothing, and else with a file beside what it says that holds the text.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

# Without types, and not to be had everywhere.
atheris: Any = import_module("atheris")

with atheris.instrument_imports(include=["rigging_py"], enable_loader_override=False):
    from tests.fuzz.entries import ENTRIES, Entry


def main() -> None:
    """Reads the arguments and never returns."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("entry", choices=ENTRIES)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0, help="0 for another one each time")
    parser.add_argument("--length", type=int, default=256, help="of a text, in bytes, at most")
    parser.add_argument("--directory", type=Path, help="for texts that fail; by default a new one")
    given = parser.parse_args()
    directory: Path = given.directory or Path(tempfile.mkdtemp(prefix="rigging-py-fuzz-"))
    fuzz(ENTRIES[given.entry], directory, given)


def fuzz(entry: Entry, directory: Path, given: argparse.Namespace) -> None:
    """Runs libFuzzer until the time is up or a text fails."""
    corpus = directory / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "words").write_text("".join(entry.words), encoding="utf-8")
    words = directory / "words.dict"
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in entry.words), encoding="ascii")
    options = {
        "max_total_time": given.seconds,
        "seed": given.seed,
        "max_len": given.length,
        "dict": words,
        "artifact_prefix": f"{directory}/",
        "timeout": 30,
        "print_final_stats": 1,
        "verbosity": 0,
    }
    atheris.Setup(
        ["tests.fuzz", *(f"-{name}={value}" for name, value in options.items()), str(corpus)],
        partial(_check, entry),
    )
    atheris.Fuzz()


def _check(entry: Entry, data: bytes) -> None:
    entry.check(data.decode("utf-8", "replace"))


def _quoted(word: str) -> str:
    """A word as libFuzzer's dictionaries have it."""
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


if __name__ == "__main__":
    main()
