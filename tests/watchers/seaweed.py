"""A real S3 store of the tests' own, SeaweedFS: it checks signatures, listens on loopback, and keeps conditions."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

KEY, SECRET = "rigging", "the secret of the tests"
PARTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
)

# The pipe closes with the process that holds it, however that ends.
UNTIL_CLOSED = '"$0" "$@" & read _; kill -KILL $!; wait'


class Seaweed:
    """A server with one user; each bucket of `new_bucket` is a new one."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="rigging-s3-"))
        self.ports = dict(zip(PARTS, free_ports(len(PARTS)), strict=True))
        self.running: subprocess.Popen[Any] | None = None
        self._numbers = count(1)
        user = {"name": KEY, "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
        (self.home / "s3.json").write_text(json.dumps({"identities": [user]}))
        (self.home / "data").mkdir()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3.port']}"

    def client(self, secret: str = SECRET) -> Any:
        return s3_client(self.url, secret)

    def new_bucket(self) -> str:
        name = f"bucket-{next(self._numbers)}"
        self.client().create_bucket(Bucket=name)
        return name

    def start(self) -> None:
        command = [
            str(Path(sys.executable).parent / "weed"),
            "-logtostderr=true",
            "server",
            f"-dir={self.home / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            # It would tell its makers that it is used.
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=64",
            "-volume.max=1000",
            "-filer",
            f"-filer.localSocket={self.home / 'filer.sock'}",
            "-s3",
            f"-s3.config={self.home / 's3.json'}",
            f"-s3.localSocket={self.home / 's3.sock'}",
            "-s3.iam=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            *(f"-{name}={port}" for name, port in self.ports.items()),
        ]
        with (self.home / "log").open("ab") as log:
            self.running = subprocess.Popen(
                ["sh", "-c", UNTIL_CLOSED, *command],
                cwd=self.home,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, "TMPDIR": str(self.home)},
            )
        deadline = time.monotonic() + 60
        while not self.is_up():
            assert time.monotonic() < deadline, (self.home / "log").read_text()[-2000:]
            time.sleep(0.1)

    def is_up(self) -> bool:
        try:
            self.client().put_object(Bucket=self.new_bucket(), Key="up", Body=b"yes")
        except (BotoCoreError, ClientError):
            return False
        return True

    def remove(self) -> None:
        if self.running is not None:
            self.running.communicate()  # closes its standard input, and waits
        shutil.rmtree(self.home)
        for port in self.ports.values():  # these it puts there whatever it is told
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink()


def s3_client(url: str, secret: str = SECRET) -> Any:
    """A client that is the user, if it knows the secret."""
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, connect_timeout=5)
    named = {"aws_access_key_id": KEY, "aws_secret_access_key": secret}
    # The types of boto3 know every service of AWS by name, and no client of theirs.
    return cast("Any", boto3).client("s3", endpoint_url=url, region_name="us-east-1", config=config, **named)


def free_ports(number: int) -> list[int]:
    """Different ones, each free a moment ago."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]
