"""What the page for users of Rigging promises: pyright finds statements that do nothing, and stored chats are read."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rigging_py as rg
from rigging_py.model import Answer

ROOT = Path(__file__).parents[2]

DISCARDING = """
import rigging_py as rg

model = rg.get_generator("openai!gpt-4o")
pipeline = model.chat("Hi")


@rg.tool
def now() -> str:
    return "12:30"


@rg.prompt
async def legs() -> int:
    raise NotImplementedError


model.wrap(None)  # does nothing
pipeline.add("How are you?")  # does nothing
pipeline.with_(temperature=0).using(now)  # does nothing
now.with_(name="clock")  # does nothing
legs.set_(max_parsing_rounds=1)  # does nothing
model.complete("Once").until(bool)  # does nothing
pipeline = pipeline.add("How are you?")
"""


@pytest.mark.skipif(importlib.util.find_spec("pyright") is None, reason="pyright is not installed")
def test_pyright_finds_refinements_that_are_thrown_away(tmp_path: Path) -> None:
    shown = re.search(r'reportUnusedCallResult = "(\w+)"', (ROOT / "docs" / "migration.md").read_text())
    assert shown is not None
    (tmp_path / "program.py").write_text(DISCARDING)
    (tmp_path / "pyrightconfig.json").write_text(
        json.dumps({"reportUnusedCallResult": shown[1], "extraPaths": [str(ROOT)], "include": ["program.py"]})
    )
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    found = json.loads(told.stdout)["generalDiagnostics"]
    lines = DISCARDING.splitlines()
    assert {one["rule"] for one in found} == {"reportUnusedCallResult"}
    assert [one["range"]["start"]["line"] for one in found] == [
        place for place, line in enumerate(lines) if line.endswith("# does nothing")
    ]


STORED_BY_3 = """{
  "uuid": "7eca49f6-504c-4462-995d-3ae28853f37e",
  "timestamp": "2025-05-01T10:00:00.123456",
  "messages": [{
    "uuid": "7eca49f6-504c-4462-995d-3ae28853f371", "role": "user", "metadata": {}, "tool_calls": null,
    "tool_call_id": null, "compatibility_flags": [], "slices": [],
    "content": [{"cache_control": null, "type": "text", "text": "How many?"}]
  }],
  "generated": [{
    "uuid": "7eca49f6-504c-4462-995d-3ae28853f372", "role": "assistant", "metadata": {}, "tool_calls": null,
    "tool_call_id": null, "compatibility_flags": ["content_as_str"],
    "content": [{"cache_control": null, "type": "text", "text": "<answer>4</answer>"}],
    "slices": [{"type": "model", "obj": {"content": "4"}, "start": 0, "stop": 18, "metadata": {}}]
  }],
  "metadata": {"topic": "legs"}, "stop_reason": "stop", "extra": {}, "failed": true, "error": "too late",
  "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
  "generator_id": "vllm!some/model", "params": {"temperature": 0.3, "extra": {}}
}"""


def test_a_chat_that_version_3_stored_is_read_whoever_answered_it() -> None:
    chat = rg.Chat.model_validate_json(STORED_BY_3)
    assert [message.content for message in chat.all] == ["How many?", "<answer>4</answer>"]
    assert chat.last.slices[0].content == chat.last.content
    assert chat.last.parse(Answer) == Answer(content="4")
    assert (chat.generator, chat.generator_id, str(chat.error)) == (None, "vllm!some/model", "too late")
    assert chat.params == rg.GenerateParams(temperature=0.3)
