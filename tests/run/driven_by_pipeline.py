"""Such a run driven by a pipeline in a process of its own: `python -m tests.run.driven_by_pipeline FOLDER [die]`.

Told to die, the second tool stores the run once the first has its result, and kills the process. Where a run is stored
the pipeline resumes it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import rigging_py as rg
from rigging_py.run import AgentRun, CallTools
from tests.run.driven_by_hand import PROMPT
from tests.run.kit import asking, call

RUN_ID = "00000000-0000-0000-0000-000000000007"


def answer(said: Sequence[rg.Message], _: rg.GenerateParams) -> rg.ModelTurn:
    if said[-1].role == "tool":
        return rg.ModelTurn.from_text(" ".join(message.content for message in said[-2:]))
    return asking(call("first"), call("second"))


async def main(folder: Path, *, dies: bool) -> None:
    kept = folder / "run.json"

    def note(name: str) -> None:
        with (folder / "effects.log").open("a") as log:
            log.write(f"{name}\n")

    async def first() -> str:
        note("first")
        return "Ann has it."

    async def second() -> str:
        if dies:
            while isinstance(step := run.next_step(), CallTools) and len(step.calls) > 1:  # noqa: ASYNC110
                # A run has nothing that could be awaited.
                await asyncio.sleep(0)
            kept.write_text(json.dumps(run.dump()))
            os.kill(os.getpid(), signal.SIGKILL)
        note("second")
        return "Bob has it."

    tools = [rg.tool(effect="idempotent")(one) for one in (first, second)]
    pipeline = rg.FunctionGenerator(answer).chat(PROMPT).using(tools)
    run = AgentRun(history=pipeline.messages, limits=pipeline.limits, program=pipeline.program, run_id=RUN_ID)
    chat = await pipeline.resume(json.loads(kept.read_text()) if kept.exists() else run)
    (folder / "chat.json").write_text(json.dumps([message.model_dump(mode="json") for message in chat.all]))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), dies="die" in sys.argv[2:]))
