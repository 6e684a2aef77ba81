"""The part of Elasticsearch's wire protocol that we speak, on loopback: indices, bulk, search with its ways to go on.

It is as strict as a server: a search finds what was refreshed, no page goes beyond the result window, and what it does
not know is an error.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

RESULT_WINDOW = 10_000
JSON_TYPE = "application/vnd.elasticsearch+json;compatible-with=9"
SHARDS = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
WRITES = ("index", "create", "update", "delete")


class Refused(Exception):
    """A request that the server answers with an error, in its form."""

    def __init__(self, status: int, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.error = {"type": kind, "reason": reason}


@dataclass
class Index:
    """The documents of an index by id: all that were written, and those that a search finds."""

    body: dict[str, Any]
    written: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    found: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def refresh(self) -> None:
        self.found = dict(self.written)


@dataclass
class ElasticStub:
    """A server. `requests` are the methods and paths it was sent.

    `unavailable`: how many of the next bulk requests it refuses as a whole, with 503. `rejected`: by document id, the
    status with which it refuses that document. `hangs_up`: how many of the next bulk requests it does and then says
    nothing about, as when a connection breaks.
    """

    port: int = 0
    indices: dict[str, Index] = field(default_factory=dict[str, Index])
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    unavailable: int = 0
    hangs_up: int = 0
    rejected: dict[str, int] = field(default_factory=dict[str, int])
    written: Counter[str] = field(default_factory=Counter[str])
    """How often each id was written."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    snapshots: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    """What is left of each scroll, and all of each point in time."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def documents(self, index: str) -> dict[str, dict[str, Any]]:
        """Every document of an index by id, refreshed or not."""
        return self.indices[index].written

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        """The status and the body of the reply; None hangs up."""
        url = urlsplit(target)
        path = [unquote(part) for part in url.path.split("/") if part]
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        self.requests.append((method, url.path))
        with self.lock:
            try:
                return self._route(method, path, query, body)
            except Refused as refused:
                return refused.status, {
                    "error": {"root_cause": [refused.error], **refused.error},
                    "status": refused.status,
                }

    def _route(self, method: str, path: list[str], query: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        match method, path:
            case "GET", []:
                return 200, {"name": "stub", "version": {"number": "9.1.0", "build_flavor": "default"}}
            case "POST" | "PUT", [*index, "_bulk"]:
                return self._bulk(body, index[0] if index else None, query)
            case "GET" | "POST", ["_search", "scroll"]:
                return 200, self._next_of_scroll(read(body))
            case "DELETE", ["_search", "scroll"]:
                return 200, self._forget(read(body)["scroll_id"])
            case "DELETE", ["_pit"]:
                return 200, self._forget(read(body)["id"])
            case "GET" | "POST", [*index, "_search"]:
                return 200, self._search(index[0] if index else None, {**read(body), **numbers_of(query)}, query)
            case "POST", [index, "_pit"]:
                return 200, {"id": self._keep(hits_of(index, self._index(index).found))}
            case "POST" | "GET", [index, "_refresh"]:
                self._index(index).refresh()
                return 200, {"_shards": SHARDS}
            case "GET" | "POST", [index, "_count"]:
                return 200, {"count": len(chosen(self._index(index).found, read(body).get("query")))}
            case "GET", [index, "_doc", key]:
                found = self._index(index).written.get(key)
                hit = {"_index": index, "_id": key, "found": found is not None}
                return (404, hit) if found is None else (200, {**hit, "_source": found})
            case "HEAD", [index]:
                return (200 if index in self.indices else 404), ""
            case "PUT", [index]:
                return 200, self._create(index, read(body))
            case "DELETE", [index]:
                self._index(index)
                del self.indices[index]
                return 200, {"acknowledged": True}
            case "PUT", [index, "_mapping"]:
                known = self._index(index).body.setdefault("mappings", {}).setdefault("properties", {})
                known.update(read(body).get("properties", {}))
                return 200, {"acknowledged": True}
            case "GET", [index, "_mapping"]:
                return 200, {index: {"mappings": self._index(index).body.get("mappings", {})}}
            case _:
                raise Refused(400, "illegal_argument_exception", f"the stub knows no {method} /{'/'.join(path)}")

    def _index(self, name: str) -> Index:
        if name not in self.indices:
            raise Refused(404, "index_not_found_exception", f"no such index [{name}]")
        return self.indices[name]

    def _create(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        if name in self.indices:
            raise Refused(400, "resource_already_exists_exception", f"index [{name}] already exists")
        if name != name.lower() or name[:1] in "_-+":
            raise Refused(400, "invalid_index_name_exception", f"Invalid index name [{name}]")
        self.indices[name] = Index(body)
        return {"acknowledged": True, "shards_acknowledged": True, "index": name}

    # Writing.

    def _bulk(self, body: bytes, index: str | None, query: Mapping[str, str]) -> tuple[int, Any]:
        if self.unavailable:
            self.unavailable -= 1
            raise Refused(503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered]")
        if not body.endswith(b"\n"):
            raise Refused(400, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]")
        items = [self._write(*one, index) for one in actions(body)]
        for name in {next(iter(item.values()))["_index"] for item in items} if query.get("refresh") else ():
            self._index(name).refresh()
        if self.hangs_up:
            self.hangs_up -= 1
            return 200, None
        failed = any("error" in result for item in items for result in item.values())
        return 200, {"took": 1, "errors": failed, "items": items}

    def _write(self, kind: str, meta: dict[str, Any], source: dict[str, Any], index: str | None) -> dict[str, Any]:
        name, key = str(meta.get("_index", index)), str(meta.get("_id") or f"auto-{next(self._numbers)}")
        result = {"_index": name, "_id": key}
        try:
            if key in self.rejected:
                raise Refused(self.rejected[key], "es_rejected_execution_exception", "the stub was told to")
            if name not in self.indices:
                self._create(name, {})
            status, word = self._written(self.indices[name].written, kind, key, source)
        except Refused as refused:
            return {kind: {**result, "status": refused.status, "error": refused.error}}
        self.written[key] += 1
        return {kind: {**result, "status": status, "result": word}}

    def _written(
        self, documents: dict[str, dict[str, Any]], kind: str, key: str, source: dict[str, Any]
    ) -> tuple[int, str]:
        is_there = key in documents
        if kind == "create" and is_there:
            raise Refused(409, "version_conflict_engine_exception", f"[{key}]: document already exists")
        if kind in ("update", "delete") and not is_there:
            raise Refused(404, "document_missing_exception", f"[{key}]: document missing")
        if kind == "delete":
            del documents[key]
            return 200, "deleted"
        documents[key] = {**documents[key], **source["doc"]} if kind == "update" else source
        return (200, "updated") if is_there else (201, "created")

    # Reading.

    def _search(self, index: str | None, asked: dict[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
        start, size, after = asked.get("from", 0), asked.get("size", 10), asked.get("search_after")
        if start + size > RESULT_WINDOW:
            reason = f"Result window is too large, from + size must be less than or equal to: [{RESULT_WINDOW}]"
            raise Refused(400, "illegal_argument_exception", reason)
        hits = self._candidates(index, asked)
        total = len(hits)
        if after is not None:
            if not asked.get("sort"):
                raise Refused(400, "action_request_validation_exception", "search_after needs a sort")
            hits = hits[next((n + 1 for n, hit in enumerate(hits) if hit["sort"] == after), len(hits)) :]
        page: dict[str, Any] = {"took": 1, "timed_out": False, "_shards": SHARDS}
        if "scroll" in query:
            page["_scroll_id"] = self._keep(hits[size:], size)
        if "pit" in asked:
            page["pit_id"] = asked["pit"]["id"]
        value, relation = min(total, RESULT_WINDOW), "gte" if total > RESULT_WINDOW else "eq"
        return {**page, "hits": {"total": {"value": value, "relation": relation}, "hits": hits[start : start + size]}}

    def _candidates(self, index: str | None, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        if "pit" in asked:
            if asked["pit"]["id"] not in self.snapshots:
                raise Refused(404, "search_context_missing_exception", "No search context found for id")
            hits = self.snapshots[asked["pit"]["id"]]
        else:
            names = [index] if index else [*self.indices]
            hits = [hit for name in names for hit in hits_of(name, self._index(name).found)]
        kept = chosen({hit["_id"]: hit["_source"] for hit in hits}, asked.get("query"))
        return in_order([hit for hit in hits if hit["_id"] in kept], asked.get("sort") or [], "pit" in asked)

    def _keep(self, hits: list[dict[str, Any]], size: int = 0) -> str:
        name = f"{size}-{next(self._numbers)}"
        self.snapshots[name] = hits
        return name

    def _next_of_scroll(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        name = asked["scroll_id"]
        if name not in self.snapshots:
            raise Refused(404, "search_context_missing_exception", f"No search context found for id [{name}]")
        size, hits = int(name.split("-")[0]), self.snapshots[name]
        self.snapshots[name] = hits[size:]
        return {"_scroll_id": name, "took": 1, "timed_out": False, "_shards": SHARDS, "hits": {"hits": hits[:size]}}

    def _forget(self, names: str | list[str]) -> dict[str, Any]:
        gone = [self.snapshots.pop(name, None) for name in ([names] if isinstance(names, str) else names)]
        return {"succeeded": True, "num_freed": len(gone)}


def read(body: bytes) -> dict[str, Any]:
    """The JSON of a request; none is no constraint."""
    return dict(json.loads(body)) if body.strip() else {}


def numbers_of(query: Mapping[str, str]) -> dict[str, Any]:
    return {name: int(query[name]) for name in ("from", "size") if name in query}


def actions(body: bytes) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """What a bulk request asks for: the kind of write, its address, and the document."""
    lines = iter(body.splitlines())
    for line in lines:
        [(kind, meta)] = json.loads(line).items()
        if kind not in WRITES:
            raise Refused(400, "illegal_argument_exception", f"Malformed action/metadata line, found [{kind}]")
        yield kind, meta, {} if kind == "delete" else json.loads(next(lines))


def hits_of(index: str, documents: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"_index": index, "_id": key, "_score": 1.0, "_source": source} for key, source in documents.items()]


def chosen(documents: Mapping[str, dict[str, Any]], query: Mapping[str, Any] | None) -> set[str]:
    """The ids of the documents that a query finds."""
    return {key for key, source in documents.items() if query is None or is_found(key, source, query)}


def is_found(key: str, source: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    [(kind, what)] = query.items()
    match kind:
        case "match_all":
            return True
        case "match_none":
            return False
        case "ids":
            return key in what["values"]
        case "term" | "match":
            [(name, wanted)] = what.items()
            asked = cast("dict[str, Any]", wanted if isinstance(wanted, dict) else {"value": wanted})
            return bool(at(source, name) == asked.get("value", asked.get("query")))
        case "terms":
            [(name, several)] = what.items()
            return at(source, name) in several
        case "exists":
            return at(source, what["field"]) is not None
        case "bool":
            needed = [one for part in ("must", "filter") for one in as_list(what.get(part))]
            refused = as_list(what.get("must_not"))
            return all(is_found(key, source, one) for one in needed) and not any(
                is_found(key, source, one) for one in refused
            )
        case _:
            raise Refused(400, "parsing_exception", f"unknown query [{kind}]")


def as_list(value: Any) -> list[Any]:
    return [] if value is None else cast("list[Any]", value) if isinstance(value, list) else [value]


def at(source: Mapping[str, Any], name: str) -> Any:
    value: Any = source
    for part in name.removesuffix(".keyword").split("."):
        value = cast("Mapping[str, Any]", value).get(part) if isinstance(value, Mapping) else None
    return value


def in_order(hits: list[dict[str, Any]], sort: Any, is_pit: bool) -> list[dict[str, Any]]:
    """The hits with their `sort` values. A point in time breaks ties by the place in the shard."""
    keys = [sort_key(one) for one in as_list(sort)]
    placed = [{**hit, "sort": [place, *sort_values(hit, place, keys)]} for place, hit in enumerate(hits)]
    for position, (_, descending) in reversed([*enumerate(keys, 1)]):
        placed.sort(key=lambda hit: hit["sort"][position], reverse=descending)
    names = [name for name, _ in keys]
    has_tiebreak = is_pit and "_shard_doc" not in names
    return [
        {**hit, "sort": [*hit["sort"][1:], *([hit["sort"][0]] if has_tiebreak else [])]}
        if keys
        else {name: value for name, value in hit.items() if name != "sort"}
        for hit in placed
    ]


def sort_key(one: Any) -> tuple[str, bool]:
    """The field, and whether it goes downwards."""
    if isinstance(one, str):
        name, _, order = one.partition(":")
    else:
        [(name, how)] = one.items()
        order = how if isinstance(how, str) else how.get("order", "asc")
    if name == "_id":
        raise Refused(400, "illegal_argument_exception", "Fielddata access on the _id field is disallowed")
    return name, order == "desc"


def sort_values(hit: Mapping[str, Any], place: int, keys: list[tuple[str, bool]]) -> list[Any]:
    return [place if name in ("_doc", "_shard_doc") else at(hit["_source"], name) for name, _ in keys]


@contextmanager
def elastic_stub() -> Generator[ElasticStub]:
    """A server of its own on a free port of loopback."""
    stub = ElasticStub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # the head and the body in one packet

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, reply = stub.answer(self.command, self.path, body)
            if reply is None:
                self.close_connection = True
                return
            content = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", JSON_TYPE)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
