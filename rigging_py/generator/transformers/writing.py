"""What becomes of the tokens of one answer: text, until it ends. No tensors here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from rigging_py.generator.batching import Job
from rigging_py.generator.in_process import Asked, Ending
from rigging_py.message import StopReason, Usage

_HALF = "\ufffd"
"""What a tokenizer gives for a character whose bytes have not all come."""


class Text:
    """The text of tokens that come one by one."""

    def __init__(self, tokenizer: Any, *, keeps_marks: bool) -> None:
        self._tokenizer, self._keeps_marks = tokenizer, keeps_marks
        self._tokens: list[int] = []
        self._shown = 0
        """How many tokens are done with. The last one is not: beside it the next may have a space before it."""
        self._known = ""
        """The text of those that are not, as far as it was given."""

    def feed(self, token: int) -> str:
        """What this token adds, or nothing while it may be part of a character."""
        self._tokens.append(token)
        text = self._decoded(self._tokens[self._shown :])
        return "" if text.endswith(_HALF) else self._give(text)

    def rest(self) -> str:
        """What was held back."""
        return self._give(self._decoded(self._tokens[self._shown :]))

    def _give(self, text: str) -> str:
        new = text[len(self._known) :]
        if new:
            self._shown = len(self._tokens) - 1
            self._known = self._decoded(self._tokens[self._shown :])
        return new

    def _decoded(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=not self._keeps_marks))


class Until:
    """Text up to the first of some texts; what may be the beginning of one is held back."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self.held = ""
        self.is_found = False

    def feed(self, text: str) -> str:
        """What can be said now."""
        self.held += text
        if places := [place for stop in self._stops if (place := self.held.find(stop)) >= 0]:
            said, self.held, self.is_found = self.held[: min(places)], "", True
            return said
        keep = max((self._overlap(stop) for stop in self._stops), default=0)
        cut = len(self.held) - keep
        said, self.held = self.held[:cut], self.held[cut:]
        return said

    def _overlap(self, stop: str) -> int:
        """How many characters at the end may be the beginning of `stop`."""
        longest = min(len(stop) - 1, len(self.held))
        return next((size for size in range(longest, 0, -1) if self.held.endswith(stop[:size])), 0)


class Row:
    """One answer in a batch: `feed` it what the model wrote, until it is done."""

    def __init__(self, job: Job[Asked, str | Ending], tokenizer: Any, ends: Collection[int], limit: int) -> None:
        self._job, self._ends, self._limit = job, ends, limit
        self._text = Text(tokenizer, keeps_marks=job.item.keeps_marks)
        self._until = Until(job.item.params.stop or ())
        self._written = 0
        self._is_done = False

    @property
    def is_done(self) -> bool:
        """Whether nothing more is wanted: it has ended, or nobody waits for it."""
        return self._is_done or self._job.box.is_closed

    def feed(self, token: int) -> None:
        """Takes the next token."""
        self._written += 1
        if token in self._ends:
            self.end("stop")
            return
        self._say(self._until.feed(self._text.feed(token)))
        if self._until.is_found:
            self.end("stop")
        elif self._written >= self._limit:
            self.end("length")

    def end(self, reason: StopReason) -> None:
        """Gives what was held back, and the ending."""
        self._is_done = True
        if not self._until.is_found:
            self._say(self._until.feed(self._text.rest()))
            # The text of a stop may have come with the last of it.
            self._say(self._until.held)
        reason = "stop" if self._until.is_found else reason
        read = len(self._job.item.tokens)
        usage = Usage(input_tokens=read, output_tokens=self._written, total_tokens=read + self._written)
        self._job.box.put(Ending(reason, usage))
        self._job.box.end()

    def _say(self, text: str) -> None:
        if text:
            self._job.box.put(text)
