"""The stored form of a run: plain data with a format number, checked when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from rigging_py.error import ProgramChangedError, StateFormatError
from rigging_py.run.program import Program, changes
from rigging_py.run.state import RunState

FORMAT = 0
"""The format this release writes. Format 0 is promised to no later release."""
KIND = "rigging_py.run"


@cache
def _adapter() -> TypeAdapter[RunState]:
    return TypeAdapter(RunState)


def write_state(run: RunState, fingerprint: Mapping[str, str]) -> dict[str, Any]:
    """`run` as JSON-safe data."""
    data = _adapter().dump_python(run, mode="json", by_alias=True)
    return {"format": FORMAT, "kind": KIND, "fingerprint": dict(fingerprint), "run": data}


def read_state(
    state: Mapping[str, Any], program: Program | None, *, allow_changes: bool
) -> tuple[RunState, dict[str, str]]:
    """The run in `state` and the fingerprint of its program.

    Raises `StateFormatError` for anything else than a run of a known format, and `ProgramChangedError` when `program` is
    another than the run was stored with, unless `allow_changes`.
    """
    if not isinstance(state, Mapping) or state.get("kind") != KIND:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise StateFormatError(f"This is not a stored run: its kind is not {KIND!r}.")
    if state.get("format") != FORMAT:
        found = state.get("format")
        raise StateFormatError(
            f"The run was stored in format {found!r}; this release reads format {FORMAT}. Use the release that wrote it.",
            found=found,
            supported=(FORMAT,),
        )
    try:
        run = _adapter().validate_python(state.get("run"))
        fingerprint = TypeAdapter(dict[str, str]).validate_python(state.get("fingerprint"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise StateFormatError(f"The stored run is damaged at {place!r}: {first['msg']}", found=FORMAT) from None
    if program is not None and not allow_changes and (differences := changes(fingerprint, program.fingerprint())):
        raise ProgramChangedError(differences)
    return run, fingerprint
