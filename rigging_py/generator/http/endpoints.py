"""Specs of common shapes: an endpoint of JSON, and one of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from rigging_py.error import ProcessingError

_KEY = re.compile(r"\{\{?\s*api_key\s*\}\}?")


def json_endpoint(
    url: str,
    request: Mapping[str, Any],
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    auth: Mapping[str, str] | None = None,
    response: Mapping[str, str] | None = None,
    valid_status_codes: list[int] | None = None,
    timeout: float | None = None,
) -> dict[str, Any]:
    """The spec of an endpoint that takes JSON."""
    known = _only(response, "response", "content_path", "error_path")
    path = known.get("content_path")
    steps = [{"type": "jsonpath", "pattern": path}] if path else []
    return {
        "request": {
            **_request(url, method, headers, auth, timeout),
            "transforms": [{"type": "json", "pattern": dict(request)}],
        },
        "response": _response(valid_status_codes, steps, known.get("error_path")),
    }


def text_endpoint(
    url: str,
    request: str,
    *,
    response_pattern: str | None = None,
    response_pattern_type: Literal["regex", "jsonpath", "jinja"] = "regex",
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    auth: Mapping[str, str] | None = None,
    valid_status_codes: list[int] | None = None,
    timeout: float | None = None,
) -> dict[str, Any]:
    """The spec of an endpoint that takes the text that a template makes."""
    steps = [{"type": response_pattern_type, "pattern": response_pattern}] if response_pattern else []
    return {
        "request": {
            **_request(url, method, headers, auth, timeout),
            "transforms": [{"type": "jinja", "pattern": request}],
        },
        "response": _response(valid_status_codes, steps, None),
    }


def _request(
    url: str,
    method: str,
    headers: Mapping[str, str] | None,
    auth: Mapping[str, str] | None,
    timeout: float | None,
) -> dict[str, Any]:
    return {"url": url, "method": method, "headers": {**(headers or {}), **_auth(auth)}, "timeout": timeout}


def _response(valid_status_codes: list[int] | None, steps: list[dict[str, Any]], error_path: str | None) -> Any:
    if not (steps or error_path or valid_status_codes):
        return None
    codes = {"valid_status_codes": valid_status_codes} if valid_status_codes else {}
    return {**codes, "transforms": steps, "error_path": error_path}


def _auth(auth: Mapping[str, str] | None) -> dict[str, str]:
    """The header that carries the key, as a template."""
    if auth is None:
        return {}
    known = _only(auth, "auth", "header", "format")
    pattern = known.get("format", "Bearer {api_key}")
    if not _KEY.search(pattern):
        raise ProcessingError(
            "The format of auth says where the key goes, as in 'Bearer {api_key}', and this one does not. "
            "The key itself belongs in api_key."
        )
    return {known.get("header", "Authorization"): _KEY.sub("{{ api_key }}", pattern)}


def _only(given: Mapping[str, str] | None, what: str, *names: str) -> Mapping[str, str]:
    if unknown := [name for name in given or () if name not in names]:
        raise ProcessingError(f"{what} has no {', '.join(map(repr, unknown))}. Known: {', '.join(names)}.")
    return given or {}
