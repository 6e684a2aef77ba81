"""What else a reply of the OpenAI chat API says, kept in a turn's `extra`: whole, or chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rigging_py.parsing.untyped import as_list, as_object

_SAID_ONCE = (("response_id", "id"), ("model", "model"))
"""Our name, and theirs, of what every chunk says again."""
_OF_REPLY = {
    "provider",
    "service_tier",
    "system_fingerprint",
    "citations",
    "search_results",
    "prompt_filter_results",
}


class Facts:
    """Puts together what the chunks of a reply say besides the answer; a whole reply is a single chunk."""

    def __init__(self) -> None:
        self._found: dict[str, Any] = {}

    def feed(self, body: Mapping[str, Any], choice: Mapping[str, Any], spoken: Mapping[str, Any]) -> None:
        """Adds what a chunk says."""
        found = self._found
        for ours, theirs in _SAID_ONCE:
            if ours not in found and (value := body.get(theirs)):
                found[ours] = value
        if not _OF_REPLY.isdisjoint(body):
            found.update({name: value for name, value in body.items() if value and name in _OF_REPLY})
        if value := choice.get("content_filter_results"):
            found["content_filter_results"] = value
        if probabilities := as_object(choice.get("logprobs")):
            _extend(found.setdefault("logprobs", {}), probabilities)
        if annotations := as_list(spoken.get("annotations")):
            found.setdefault("annotations", []).extend(annotations)
        refusal = spoken.get("refusal")
        if refusal and isinstance(refusal, str):
            found["refusal"] = found.get("refusal", "") + refusal

    def told(self, thought: str) -> dict[str, Any]:
        """All of it, with what was thought."""
        return {**self._found, "reasoning_content": thought} if thought else dict(self._found)


def _extend(lists: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Together has other lists than OpenAI, but lists all the same."""
    for name, values in more.items():
        if listed := as_list(values):
            lists.setdefault(name, []).extend(listed)
