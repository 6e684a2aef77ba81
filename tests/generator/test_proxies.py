"""Proxies and certificates as the environment says them, in processes of their own: clients read both once."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.generator.stub import completion

KEY, PASSWORD = "hush-hush-9-key", "hush-hush-9-pass"
SCRIPT = """
import asyncio, json, sys
import rigging_py as rg
async def main():
    for base in sys.argv[1:]:
        try:
            chat = await rg.get_generator(f"openai!m,api_base={base},api_key=env:A_KEY,timeout=20").chat("Hi").run()
            print(chat.last.content)
        except (rg.error.ProviderError, rg.error.NetworkRefusedError) as error:
            print(repr(error))
asyncio.run(main())
"""


@dataclass
class Proxy:
    """A proxy that writes down what it is asked, answers plain requests itself, and lets nobody through."""

    port: int = 0
    heard: list[tuple[str, str, str | None]] = field(default_factory=list[tuple[str, str, str | None]])

    @property
    def url(self) -> str:
        return f"http://bob:{PASSWORD}@127.0.0.1:{self.port}"


@contextmanager
def listening(proxy: Proxy, secured: ssl.SSLContext | None = None) -> Generator[Proxy]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            proxy.heard.append((self.command, self.path, self.headers.get("proxy-authorization")))
            body = json.dumps(completion("Through.")).encode()
            self.send_response(407 if self.command == "CONNECT" else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_CONNECT = do_POST

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 — the name is the base class's
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that does not trust the certificate hangs up."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if secured:
            server.socket = secured.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        proxy.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with listening(Proxy()) as proxy:
        yield proxy


def said(*bases: str, **environment: str) -> list[str]:
    """What a program says that asks at these addresses, in this environment and no other."""
    kept: Mapping[str, str] = {
        name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPYCACHEPREFIX") if name in os.environ
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *bases],
        cwd=Path(__file__).parents[2],
        env={**kept, "A_KEY": KEY, "PYDANTIC_DISABLE_PLUGINS": "__all__", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (KEY in done.stdout, PASSWORD in done.stdout, done.stderr) == (False, False, "")
    return done.stdout.splitlines()


PLAIN, SECURE = "http://provider.invalid/v1", "https://provider.invalid/v1"
WHO = "Basic Ym9iOmh1c2gtaHVzaC05LXBhc3M="


@pytest.mark.parametrize("names", [("HTTP_PROXY", "HTTPS_PROXY"), ("http_proxy", "https_proxy"), ("ALL_PROXY",)])
def test_requests_go_through_the_proxy_of_the_environment(proxy: Proxy, names: tuple[str, ...]) -> None:
    plain, secure = said(PLAIN, SECURE, **dict.fromkeys(names, proxy.url))
    assert plain == "Through."
    assert "could not be reached at https://provider.invalid/v1/chat/completions" in secure
    assert "proxy authorization required" in secure
    assert f"go through the proxy in {names[-1]}" in secure
    assert proxy.heard == [
        ("POST", "http://provider.invalid/v1/chat/completions", WHO),
        ("CONNECT", "provider.invalid:443", WHO),
    ]


def test_no_proxy_names_those_that_are_asked_directly_and_this_machine_always_is(proxy: Proxy) -> None:
    direct, here = said(PLAIN, "http://127.0.0.1:1/v1", HTTP_PROXY=proxy.url, NO_PROXY="provider.invalid")
    assert "could not be reached" in direct
    assert "could not be reached at http://127.0.0.1:1/v1/chat/completions: Connection refused" in here
    assert "proxy" not in direct + here
    assert proxy.heard == []


def test_only_loopback_means_no_proxy_either(proxy: Proxy) -> None:
    out, here = said(PLAIN, "http://127.0.0.1:1/v1", HTTP_PROXY=proxy.url, RIGGING_PY_LOOPBACK_ONLY="1")
    assert "No request was sent to http://provider.invalid/v1" in out
    assert "could not be reached" in here
    assert proxy.heard == []


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a private authority, `ca.pem`, and `here.pem` and `here.key`, which it signed for 127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command to make a private authority with")
    folder = tmp_path_factory.mktemp("authority")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    signing = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
    (folder / "about").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    sign = ["x509", "-req", "-in", "here.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
    for command in (
        ["req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=A private authority", *signing],
        ["req", *key, "-keyout", "here.key", "-out", "here.csr", "-subj", "/CN=here"],
        [*sign, "-extfile", "about", "-out", "here.pem"],
    ):
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_private_authority_is_trusted_when_the_environment_names_it(authority: Path, variable: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "here.pem", authority / "here.key")
    with listening(Proxy(), context) as server:
        base = f"https://127.0.0.1:{server.port}/v1"
        [refused] = said(base)
        [trusted] = said(base, **{variable: str(authority / "ca.pem" if variable == "SSL_CERT_FILE" else authority)})
    assert "invalid peer certificate: UnknownIssuer" in refused
    assert "let SSL_CERT_FILE name a PEM file with the certificates to trust" in refused
    assert trusted == "Through."
    assert len(server.heard) == 1
