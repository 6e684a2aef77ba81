"""Which test shows each thing that users of Rigging know, and what was decided otherwise.

A row is a line with the section of the reference and what it says in our words, and below it the tests that show it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.surface.rows_of_chats import CHATS
from tests.surface.rows_of_models import MODELS
from tests.surface.rows_of_rooms import ROOMS
from tests.surface.rows_of_seeds import SEEDS


@dataclass(frozen=True)
class Row:
    """Something that users know, from this section of the reference, and the tests that show it."""

    section: str
    what: str
    tests: tuple[str, ...]


DECIDED = {
    "3.2 no. 4": "what crashed is the SDK of a vendor's telemetry, and no vendor is told anything here",
    "1.3 compatibility_flags of a message": "sending changes no message, see no. 13; `to_openai` takes the flags",
    "1.4 preprocess_with_cdata": "text that is not escaped is read as text by the reader itself",
    "1.7 as_task, score, scorers": "a vendor's telemetry and evaluation; `then` callbacks write to `chat.metadata`",
    "1.7 inject_tool_prompt": "was not used by the original either; the tool mode says how the model is told",
    "1.7 until_parsed_as_catch": "without catching there are no more rounds, so `max_rounds` says it",
    "1.7 sync watchers": "a plain function may watch too, where the original raises a TypeError once it is called",
    "1.11 Tool(parameters_schema=)": "its function tells the schema, which `parameters_schema` shows",
    "1.11 Tool.model": "the codec of the mode `xml` says how a call is written",
    "1.15 spans of the vendor's SDK": "spans are those of OpenTelemetry's conventions; `rigging.type` marks nothing",
    "4.2 ApiTool, using_api_tools, run_prompt": "`using` takes functions, and a prompt is bound to a pipeline",
    "4.2 until of chats": "the check gets the text and says why not; the machine counts the rounds",
}
"""What the reference has and we have not, or otherwise, and why."""

TABLE = ROOMS + MODELS + CHATS + SEEDS


def rows() -> list[Row]:
    """The rows of the table."""
    return [_row(block) for block in TABLE.strip().split("\n\n")]


def _row(block: str) -> Row:
    head, *tests = block.strip().split("\n")
    section, _, what = head.partition(" ")
    return Row(section, what, tuple(test.strip() for test in tests))
