"""From one stored format to the next: pure functions on plain data, each for ever.

A migration reads what a release wrote that is long gone, so it uses nothing of the present program's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from uuid import UUID, uuid5

Migration: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]
_NAMESPACE = UUID("6f2f9b0e-8a44-5c1f-9d2b-51c1f0a7a3de")
_SAME = (
    "run_id",
    "state",
    "turn",
    "attempt",
    "tool_turns",
    "output_retries",
    "call_retries",
    "usage",
)
_NEW_LIMITS = {"max_total_tokens": None, "max_cost": None, "max_tool_calls": None, "deadline": None}


def from_0(state: Mapping[str, Any]) -> dict[str, Any]:
    """Format 0 kept no journal, and each message where it stood."""
    run: Mapping[str, Any] = state["run"]
    bodies = list(run["messages"])
    limits: dict[str, Any] = {**_NEW_LIMITS, **run["limits"]}
    places = {message["uuid"]: place for place, message in enumerate(bodies)}
    new: dict[str, Any] = {
        "begun": {"run_id": run["run_id"], "limits": limits, "given": run["given"]},
        "limits": limits,
        "turns": run["turn"],
        "cuts": 0,
        "tool_calls": _tool_calls_of_0(run),
        "waiting": [],
        "pending": _pending_from_0(run, bodies) if run["pending"] is not None else None,
        "cause": _cause_from_0(run["cause"]) if run["cause"] is not None else None,
        "prefix": "",
        "overrides": None,
        "truncation": "",
    }
    before = {"type": "Migrated", "format": 0, "calls": run["calls"]}
    return {
        "format": 1,
        "kind": state["kind"],
        "requires": [],
        "fingerprint": state["fingerprint"],
        "head": {**{name: run[name] for name in _SAME}, **new},
        "bodies": bodies,
        "history": list(range(len(run["messages"]))),
        "refused": [places[uuid] for uuid in run["refused"]],
        "journal": [{"input": before, "state": run["state"], "time": None}],
    }


def _tool_calls_of_0(run: Mapping[str, Any]) -> int:
    """Calls taken for execution; nobody counted them, so those that were refused are among them."""
    under_way = [run["pending"]["message"]] if run["state"] == "ExecutingTools" else []
    return sum(len(message.get("tool_calls") or ()) for message in [*run["messages"][run["given"] :], *under_way])


def _cause_from_0(cause: Mapping[str, Any]) -> dict[str, Any]:
    match cause["type"]:
        case "OutputInvalid":
            return {**cause, "kind": "invalid"}
        case "ProviderFailure":
            return {**cause, "error": {**cause["error"], "partial": None}}
        case _:
            return dict(cause)


def _pending_from_0(run: Mapping[str, Any], bodies: list[Any]) -> dict[str, Any]:
    """The pending turn; its message and those of its results become bodies."""
    turn: Mapping[str, Any] = run["pending"]
    place = len(run["messages"]) + 1
    body = len(bodies)
    bodies.append(turn["message"])
    results: list[dict[str, Any]] = []
    for index, call in enumerate(turn["calls"]):
        result = turn["results"].get(call["key"])
        if result is None:
            continue
        results.append(
            {"key": call["key"], "body": len(bodies), "error": bool(result["error"]), "stop": bool(result["stop"])}
        )
        uuid = uuid5(_NAMESPACE, f"{run['run_id']}/{run['turn']}/{place + index}")
        bodies.append(_result_from_0(call["id"], result, str(uuid)))
    kept = {name: turn[name] for name in ("stop_reason", "scanned", "problem")}
    return {"body": body, "results": results, **kept, "undecided": {}, "decided": [], "started": []}


def _result_from_0(call_id: str, result: Mapping[str, Any], uuid: str) -> dict[str, Any]:
    said = result["content"]
    parts = ([{"type": "text", "text": said}] if said else []) if isinstance(said, str) else said
    metadata = {**result["metadata"], "error": True} if result["error"] else result["metadata"]
    return {"uuid": uuid, "role": "tool", "content": parts, "tool_call_id": call_id, "metadata": metadata}


MIGRATIONS: Mapping[int, Migration] = {0: from_0}
"""By the format that each reads."""
