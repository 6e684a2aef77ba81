"""What the generator answers to the calls of several runs: all in one request, in the time there is, each told of."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import ExitStack

from rigging_py.chat.calling import Outgoing, streamed
from rigging_py.chat.flight import Flight, in_time
from rigging_py.message import ModelTurn


async def model_answers(asked: Sequence[tuple[Flight, Outgoing]]) -> Sequence[ModelTurn | BaseException]:
    """What the generator gives for each call, in the time there is."""
    if not asked[0][0].seam.is_around:
        return await _in_time(asked)
    try:
        with ExitStack() as stack:
            told = [stack.enter_context(flight.seam.around(call.detail(flight))) for flight, call in asked]
            results = await _in_time(asked)
            for tell, result in zip(told, results, strict=True):
                tell(result)
    except Exception as error:  # noqa: BLE001 — the wall before hooks, whose mistakes are not the generator's
        results = _for_each(error, len(asked))
        for (flight, _), own in zip(asked, results, strict=True):
            flight.error = own
    return results


async def _in_time(asked: Sequence[tuple[Flight, Outgoing]]) -> Sequence[ModelTurn | BaseException]:
    try:
        results = await in_time([flight for flight, _ in asked], _asked(asked))
    except Exception as error:  # noqa: BLE001 — the wall before providers: what they raise becomes an event of the run
        return _for_each(error, len(asked))
    if results is None:
        return _for_each(TimeoutError("The deadline passed while the model was answering."), len(asked))
    return results


async def _asked(asked: Sequence[tuple[Flight, Outgoing]]) -> Sequence[ModelTurn | BaseException]:
    first, call = asked[0]
    if first.tell is not None:
        return [await streamed(first, call, first.tell)]
    generator = first.pipeline.generator
    results = await generator.generate_messages(
        [call.messages for _, call in asked], [call.params for _, call in asked]
    )
    if len(results) != len(asked):
        problem = f"{type(generator).__name__} answered {len(results)} of {len(asked)} conversations"
        raise RuntimeError(f"{problem}; generate_messages() gives one result for each.")
    return [_read(generator, call, result) for (_, call), result in zip(asked, results, strict=True)]


def _read(generator: object, call: Outgoing, result: object) -> ModelTurn | BaseException:
    if isinstance(result, ModelTurn):
        return call.read(result)
    if isinstance(result, BaseException):
        return result
    return TypeError(
        f"{type(generator).__name__} answered a conversation with a {type(result).__name__}; generate_messages() gives "
        "a GeneratedMessage or an exception for each, as GeneratedMessage.from_text(…) makes from a text."
    )


def _for_each(error: Exception, count: int) -> list[Exception]:
    """The error for each of several runs, which put their own facts on it; one that cannot be copied is shared."""
    try:
        return [error, *(copy.copy(error) for _ in range(count - 1))]
    except TypeError:
        return [error] * count
