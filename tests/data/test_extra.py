"""The packages of the `data` extra: loaded on first use, and named where they are missing."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import asyncio, sys
import rigging_py as rg
from rigging_py.error import MissingExtraError

calls = {
    "pandas": lambda: rg.data.chats_to_df([]),
    "polars": lambda: rg.data.chats_to_polars([]),
    "pyarrow": lambda: rg.data.chats_to_arrow([]),
    "pyarrow.parquet": lambda: rg.data.parquet_to_chats("x"),
    "elasticsearch": lambda: asyncio.run(rg.data.chats_to_elastic([], "x", None)),
    "botocore": lambda: asyncio.run(rg.data.s3_bucket_exists(type("Client", (), {"head_bucket": None}), "x")),
}
assert rg.data.unflatten_chats(rg.data.flatten_chats([])) == []
assert [name for name in calls if name in sys.modules] == [], "loaded before they were needed"
for name, call in calls.items():
    sys.modules[name] = None
    try:
        call()
    except MissingExtraError as error:
        assert error.extra == "data"
        assert "pip install 'rigging-py[data]'" in str(error)
    else:
        raise AssertionError(name)
"""


def test_packages_are_loaded_on_first_use_and_a_missing_one_is_named_with_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
