"""The probabilities of Gemini's tokens, in the form that the OpenAI chat API has for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from rigging_py.parsing.untyped import as_list, as_mapping


def read_gemini_logprobs(result: object) -> list[dict[str, Any]]:
    """A token after the other, each with its `logprob` and with the likeliest in its place as `top_logprobs`."""
    given = as_mapping(result)
    chosen, likeliest = as_list(given.get("chosenCandidates")), as_list(given.get("topCandidates"))
    places = zip_longest(chosen, likeliest[: len(chosen)])
    return [{**_token(as_mapping(one)), "top_logprobs": list(_tokens(as_mapping(others)))} for one, others in places]


def _tokens(others: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (_token(as_mapping(one)) for one in as_list(others.get("candidates")))


def _token(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"token": given.get("token"), "logprob": given.get("logProbability")}
