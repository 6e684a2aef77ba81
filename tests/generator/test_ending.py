"""A process that has used the HTTP client waits for its threads at the end, and no other does."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import atexit, time
import rigging_py as rg
from rigging_py.error import ServerFaultError

model = rg.get_generator("openai!gpt-4o,api_key=none,api_base=http://127.0.0.1:9/v1")
waits = []
atexit.register = lambda function, *args: waits.append((function is time.sleep, args))
print(waits)
for _ in range(2):
    try:
        model.chat("hi").run_sync()
    except ServerFaultError:
        print([wait for wait in waits if wait[0]])
"""


def test_it_waits_once_and_only_where_a_client_was_made() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert ran.stdout.splitlines() == ["[]", "[(True, (0.05,))]", "[(True, (0.05,))]"], ran.stderr
