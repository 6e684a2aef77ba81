"""A recording: a file of JSON lines with requests and their answers, written line by line and read with care.

The first line says what the file is; each other is a `Letter`. The form is that of docs/policies.md, format 1.
"""

from __future__ import annotations

import functools
import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from rigging_py.error import GeneratorWarning, ProcessingError, StateFormatError
from rigging_py.generator.identifier import is_secret
from rigging_py.generator.policies.answers import Answer
from rigging_py.util.locks import locked
from rigging_py.wire import redacted

FORMAT: Final = 1
KIND: Final = "rigging_py.letters"
_BEGINNING = b'{"format": '
"""Of a first line, which a crash may have cut off."""
_SHORTEST = 8
"""Characters of a key; what is shorter may be a part of any word."""


class Header(BaseModel):
    """The first line: what the file is, and what its generator said that it takes."""

    model_config = ConfigDict(hide_input_in_errors=True)

    format: int
    kind: Literal["rigging_py.letters"]
    tools: bool | None = None
    json_schema: bool | None = None


class Request(BaseModel):
    """What was asked: a conversation or a text, and the parameters, in canonical form."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    said: str | list[dict[str, Any]]
    params: dict[str, Any]


class Letter(BaseModel):
    """A line: what was asked of whom, and what came of it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    request: Request
    answer: Answer
    asked: list[dict[str, Any]] = []


class Recording:
    """A file to append letters to, each by one write, so that threads and processes may share it."""

    def __init__(self, path: str | Path) -> None:
        # Absolute, since the working directory may change before the first letter.
        self.path = Path(path).expanduser().absolute()
        self._lock = Lock()

    def check(self) -> None:
        """Raises `ProcessingError` where nothing can be appended: there is no directory, or something else is there."""
        try:
            with self.path.open("rb") as file:
                first = file.readline()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and self.path.parent.is_dir():
                return
            problem = (
                f"Nothing can be recorded in {self.path}: {error.strerror}. Make the directory, or name another file."
            )
            raise ProcessingError(problem) from error
        if first.endswith(b"\n") or _is_json(first):
            _read_line(str(self.path), 1, first, is_first=True)
        elif not _BEGINNING.startswith(first[: len(_BEGINNING)]):
            raise ProcessingError(f"{self.path} is no recording, so nothing is appended to it. Name another file.")

    def append(self, letter: Mapping[str, Any], header: Header) -> None:
        """Appends a line, after the header where the file is new, and in place of one that a crash cut off."""
        with self._lock, self.path.open("ab+") as file, locked(file):
            begin = [] if _mend(file) else [header.model_dump(mode="json")]
            text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in (*begin, letter))
            file.write(text.encode(errors="replace"))  # half a character is none
            file.flush()


def _mend(file: BinaryIO) -> int:
    """How many bytes the file has, whose last line is made whole, or taken away where it is a part of one."""
    size = file.seek(0, os.SEEK_END)
    if not size:
        return 0
    file.seek(-1, os.SEEK_END)
    if file.read(1) == b"\n":
        return size
    file.seek(0)
    last = file.read().rpartition(b"\n")[2]
    if _is_json(last):
        file.write(b"\n")
        file.flush()
        return size + 1
    return file.truncate(size - len(last))


def _is_json(line: bytes) -> bool:
    try:
        from_json(line)
    except ValueError:
        return False
    return True


def read_recording(path: str | Path) -> tuple[Header, list[tuple[int, Letter]]]:
    """The header and the letters of a file, each with the number of its line, from 1.

    A last line that was cut off is left out with a warning. Raises `ProcessingError` for a file that is not there or a
    line that is wrong, and `StateFormatError` for a format of a later release.
    """
    try:
        content = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise ProcessingError(f"There is no recording to read at {path}: {error.strerror}.") from error
    *lines, rest = content.split(b"\n")
    if rest and _is_json(rest):
        lines.append(rest)
    elif rest:
        problem = f"The last line of {path} was cut off while it was written, and is left out."
        warnings.warn(problem, GeneratorWarning, stacklevel=2)
    return _read(str(path), [(number, line) for number, line in enumerate(lines, 1) if line.strip()])


def _read(path: str, lines: list[tuple[int, bytes]]) -> tuple[Header, list[tuple[int, Letter]]]:
    headers: list[Header] = []
    letters: list[tuple[int, Letter]] = []
    for number, line in lines:
        one = _read_line(path, number, line, is_first=not headers)
        if isinstance(one, Header):
            headers.append(one)
        else:
            letters.append((number, one))
    if not headers:
        raise ProcessingError(f"{path} is empty, and no recording. Make one with record(…),path={path}.")
    return headers[0], letters


def _read_line(path: str, number: int, line: bytes, *, is_first: bool) -> Header | Letter:
    try:
        found: Any = from_json(line)
        is_header = is_first or (isinstance(found, dict) and "kind" in found)
        one = Header.model_validate(found) if is_header else Letter.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise ProcessingError(f"{path}, line {number}, is no line of a recording: {where}: {first['msg']}.") from None
    except TypeError as error:  # of a message, which has a signature
        raise ProcessingError(f"{path}, line {number}, is no line of a recording: {error}.") from None
    except ValueError as error:
        raise ProcessingError(f"{path}, line {number}, is not JSON: {error}.") from None
    if isinstance(one, Header) and one.format != FORMAT:
        problem = f"{path} has format {one.format}, and this release reads {FORMAT}. Update rigging_py."
        raise StateFormatError(problem, found=one.format, supported=[FORMAT])
    return one


def redacted_data(value: Any, secrets: Iterable[str] = ()) -> Any:
    """JSON-safe data whose texts hold nothing that looks like a key, and none of `secrets`."""
    long = tuple(one for one in secrets if len(one) >= _SHORTEST)
    return _mapped(value, lambda _, text: functools.reduce(redacted, long, redacted(text)))


def redacted_request(request: Mapping[str, Any], secrets: Iterable[str] = ()) -> dict[str, Any]:
    """A request, or who was asked, as `redacted_data`; what `extra` gives under the name of a key is hidden too."""
    params: dict[str, Any] = dict(request["params"])
    if "extra" in params:
        params["extra"] = _mapped(params["extra"], lambda name, text: "***" if is_secret(name) else text)
    clean: dict[str, Any] = redacted_data({**request, "params": params}, secrets)
    return clean


def _mapped(value: Any, clean: Callable[[str, str], str], name: str = "") -> Any:
    """The data with each text as `clean` gives it, from the name under which it stands and the text."""
    if isinstance(value, str):
        return clean(name, value)
    if isinstance(value, dict):
        return {one: _mapped(inner, clean, one) for one, inner in cast("dict[str, Any]", value).items()}
    return [_mapped(inner, clean, name) for inner in cast("list[Any]", value)] if isinstance(value, list) else value
