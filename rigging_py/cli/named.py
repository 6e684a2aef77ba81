"""What the arguments of the command name: a store that is there, a run in it, and a pipeline of the user's program."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from operator import attrgetter
from pathlib import Path

from rigging_py.chat import ChatPipeline
from rigging_py.error import StoreUnavailableError
from rigging_py.store import RunStore, RunSummary, get_store

_PAGE = 500


@asynccontextmanager
async def opened(identifier: str) -> AsyncGenerator[RunStore, None]:
    """The store of a connection string. A file that is not there is a mistake here, and is not made."""
    async with get_store(identifier) as store:
        _require_file(store.address)
        yield store


def _require_file(address: str) -> None:
    kind, _, path = address.partition("!")
    if kind == "sqlite" and not Path(path).expanduser().exists():
        raise StoreUnavailableError(f"There is no file {path!r}, so no run is kept in it; name one that is there.")


async def line_of(store: RunStore, run_id: str) -> RunSummary | None:
    """The line that `list` has of a run: a store tells who holds a run nowhere else."""
    last: RunSummary | None = None
    while page := await store.list(limit=_PAGE, after=last):
        found = next((line for line in page if line.run_id == run_id), None)
        if found is not None:
            return found
        last = page[-1]
    return None


def pipeline_named(name: str) -> ChatPipeline:
    """The pipeline at `package.module:attribute`, imported as a program in this directory would import it.

    Raises `ValueError`, which says what was found instead.
    """
    module, mark, attribute = name.partition(":")
    if not (mark and module and attribute):
        raise ValueError(f"A pipeline is named as package.module:attribute; not {name!r}.")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        program = import_module(module)
    except (Exception, SystemExit) as error:
        # A program may raise anything while it is imported.
        raise ValueError(f"{module!r} cannot be imported: {type(error).__name__}: {error}") from error
    try:
        found: object = attrgetter(attribute)(program)
    except AttributeError as error:
        raise ValueError(f"There is no pipeline at {name!r}: {error}.") from error
    if not isinstance(found, ChatPipeline):
        raise ValueError(f"{name!r} is a {type(found).__name__}, not a ChatPipeline.")
    return found
