"""The errors for an answer that cannot be read, or that ended before its end. What came of it may have to be paid."""

from __future__ import annotations

from pydantic_core import from_json

from rigging_py.error import InvalidError, StreamInterruptedError
from rigging_py.wire.failures import BODY_LIMIT, as_text, redacted


def unread_reply(provider: str, secret: str | None, problem: str, reply: object) -> InvalidError:
    """The error of a whole reply that holds no answer, with what is shown of it; `problem` as in "is not JSON"."""
    who = f" from {provider}" if provider else ""
    return _invalid(f"The reply{who} {problem}.", provider, secret, reply)


def unreadable(provider: str, secret: str | None, problem: str, chunk: object) -> InvalidError:
    """The error of a chunk that cannot be read, with what is shown of it."""
    who = f" from {provider}" if provider else ""
    return _invalid(f"A chunk{who} {problem}.", provider, secret, chunk)


def no_json(
    provider: str, secret: str | None, body: bytes, error: ValueError, advice: str = ""
) -> InvalidError | StreamInterruptedError:
    """The error of a reply that is not JSON: the beginning of a JSON text was cut off; anything else was never one."""
    text, who = body.decode(errors="replace"), f"The reply from {provider or 'the provider'}"
    try:
        from_json(body, allow_partial=True)
    except ValueError:
        return _invalid(f"{who} is not JSON ({error}).{advice}", provider, secret, text)
    return StreamInterruptedError(
        f"{who} ended in the middle of its JSON ({error}).",
        provider=provider,
        body=redacted(text, secret)[:BODY_LIMIT],
        is_outcome_unknown=True,
    )


def cut_off(provider: str, lacking: str) -> StreamInterruptedError:
    """The error of a stream that ended without its final record."""
    return StreamInterruptedError(
        f"The answer of {provider or 'the provider'} ended without its {lacking}, "
        "so what came may not be the whole of it.",
        provider=provider,
        is_outcome_unknown=True,
    )


def _invalid(message: str, provider: str, secret: str | None, came: object) -> InvalidError:
    shown = redacted(as_text(came), secret)[:BODY_LIMIT]
    return InvalidError(message, provider=provider, body=shown, is_outcome_unknown=True)
