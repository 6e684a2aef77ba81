"""What Gemini answers, whole or in chunks, which are replies of the same form: to deltas and a turn. No I/O.

The final record of an answer is its finish reason, and nothing says that the stream is at its end but the end itself.
As in the chat wire, a server that goes on after a finish reason ends by another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rigging_py.error import ProviderError, RefusedError, ServerFaultError
from rigging_py.message import Delta, ModelTurn, StopReason
from rigging_py.parsing.untyped import as_list, as_mapping, as_object
from rigging_py.wire.failures import BODY_LIMIT, as_text, redacted, stream_failure
from rigging_py.wire.gemini.answer import Answer
from rigging_py.wire.gemini.logprobs import read_gemini_logprobs
from rigging_py.wire.gemini.usage import read_gemini_usage
from rigging_py.wire.samples import first_sample
from rigging_py.wire.unread import cut_off, unread_reply, unreadable

_FILTERED: tuple[str, ...] = (
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
    "ESCALATION",
)
_REASONS: Mapping[str, StopReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(_FILTERED, "content_filter"),
}
"""Any other stands for something that went wrong, such as a call that was malformed."""
_FACTS = {
    "groundingMetadata": "grounding_metadata",
    "citationMetadata": "citation_metadata",
    "urlContextMetadata": "url_context_metadata",
    "safetyRatings": "safety_ratings",
    "finishMessage": "finish_message",
}


def gemini_turn(reply: object, *, provider: str = "", secret: str | None = None, origin: str = "") -> ModelTurn:
    """The turn in a reply, whose reasoning is kept under the name `origin`.

    Raises `RefusedError` for a prompt that was blocked, `ServerFaultError` for an answer that holds nothing and did not
    end as one does, and `InvalidError` for what is no reply, without `secret` in it.
    """
    stream = GeminiStream(provider, secret, origin)
    try:
        stream.read(reply)
        if not stream.has_begun:
            raise ValueError("it has no candidates")
        if stream.reason is None and stream.answer.says_nothing:
            raise ValueError("its first candidate has no content")
    except ProviderError:
        raise
    except ValueError as error:
        raise unread_reply(provider, secret, f"is not one of generateContent: {error}", reply) from None
    return stream.turn()


@dataclass
class GeminiStream:
    """Puts the chunks of a reply together: feed them in order, then ask for the ending."""

    provider: str = ""
    secret: str | None = field(default=None, repr=False)
    origin: str = ""
    answer: Answer = field(default_factory=Answer)
    reason: str | None = None
    """Why it ended, in Gemini's word."""
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    has_begun: bool = False
    """Whether a candidate has come."""
    is_done: bool = False
    _counts: dict[str, Any] = field(default_factory=dict[str, Any])
    _goes_on: bool = False
    """Whether more was said after a finish reason."""

    @property
    def is_complete(self) -> bool:
        """Whether the final record has come."""
        return self.reason is not None and not self._goes_on

    def feed(self, chunk: object) -> list[Delta]:
        """What a chunk adds.

        Raises `InvalidError` for what is no chunk, and the `ProviderError` that an error or a refusal in its place
        stands for.
        """
        try:
            return self.read(chunk)
        except ProviderError:
            raise
        except ValueError as error:
            problem = f"is not one of generateContent: {error}"
            raise unreadable(self.provider, self.secret, problem, chunk) from None

    def ending(self) -> list[Delta]:
        """The whole turn. Raises `StreamInterruptedError` where the final record is missing, and as `turn` does."""
        if not self.is_complete:
            raise cut_off(self.provider, "finish reason")
        return [self.turn()]

    def turn(self) -> ModelTurn:
        """What has come, as a turn. Raises `ServerFaultError` where nothing was said and that was not meant."""
        reason = _REASONS.get(self.reason or "", "unknown")
        if reason == "unknown" and self.answer.says_nothing:
            raise self._gave_up()
        if reason == "stop" and self.answer.calls:
            reason = "tool_calls"
        thought = "".join(self.answer.thoughts)
        facts = {"finish_reason": self.reason if reason in ("unknown", "content_filter") else None}
        told = {**self.extra, **facts, "reasoning_content": thought}
        extra = {name: value for name, value in told.items() if value}
        return ModelTurn(self.answer.message(self.origin), reason, read_gemini_usage(self._counts), extra)

    def read(self, reply: object) -> list[Delta]:
        """As `feed`, with a `ValueError` that says what is wrong with what cannot be read."""
        # An error may stand in a list.
        body = as_object(next(iter(as_list(reply)), reply))
        if body is None:
            raise ValueError("it is not a JSON object")
        if body.get("error"):
            raise stream_failure(self.provider, body, secret=self.secret)
        if body is not reply:
            raise ValueError("it is a list")
        self._note(body)
        candidate = first_sample(body.get("candidates"), "candidate")
        if candidate is None:
            if reason := as_mapping(body.get("promptFeedback")).get("blockReason"):
                raise self._refused(str(reason), body)
            return []
        return self._read(candidate)

    def _read(self, candidate: Mapping[str, Any]) -> list[Delta]:
        self.has_begun = True
        content, reason = as_object(candidate.get("content") or {}), candidate.get("finishReason")
        given: object = (content or {}).get("parts") or []
        parts = as_list(given)
        if content is None or parts is not given or not isinstance(reason or "", str):
            raise ValueError("its content or its finish reason is of another kind")
        fed = [delta for part in parts if (delta := self.answer.feed(part)) is not None]
        self._goes_on = self._goes_on or (self.reason is not None and bool(fed))
        if reason and (self.reason is None or self._goes_on):
            self.reason, self._goes_on = reason, False
        self.extra |= {ours: value for theirs, ours in _FACTS.items() if (value := candidate.get(theirs))}
        if tokens := read_gemini_logprobs(candidate.get("logprobsResult")):
            self.extra.setdefault("logprobs", {"content": []})["content"].extend(tokens)
        return fed

    def _note(self, body: Mapping[str, Any]) -> None:
        """The facts about the whole reply, of which each chunk has the latest."""
        self._counts |= as_mapping(body.get("usageMetadata"))
        for name, given in (("response_id", body.get("responseId")), ("model", body.get("modelVersion"))):
            if given and name not in self.extra:
                self.extra[name] = given

    def _refused(self, reason: str, body: Mapping[str, Any]) -> RefusedError:
        told = as_mapping(body.get("promptFeedback")).get("blockReasonMessage")
        because = f"{reason}: {told}" if told else reason
        refused = RefusedError(
            f"{self.provider or 'The provider'} blocked the prompt ({redacted(because, self.secret)[:300]}). "
            "Rephrase it, ask another model, or set safetySettings in `extra`.",
            provider=self.provider,
            body=redacted(as_text(body), self.secret)[:BODY_LIMIT],
        )
        refused.usage = read_gemini_usage(self._counts)
        return refused

    def _gave_up(self) -> ServerFaultError:
        told = self.extra.get("finish_message")
        because = f"{self.reason}: {told}" if told else str(self.reason)
        failed = ServerFaultError(
            f"{self.provider or 'The provider'} ended its answer before it began "
            f"({redacted(because, self.secret)[:300]}). The same request may succeed later.",
            provider=self.provider,
            body=redacted(because, self.secret)[:BODY_LIMIT],
        )
        failed.usage = read_gemini_usage(self._counts)
        return failed
