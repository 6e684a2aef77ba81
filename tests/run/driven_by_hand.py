"""A run driven by hand in a process of its own: `python -m tests.run.driven_by_hand FOLDER [POSITION]`.

It goes on from `run.json` in the folder where that is, writes it anew after every input, and every tool leaves a line
in `effects.log`. With POSITION it kills itself once a journal of that length is stored.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import assert_never
from uuid import UUID

from rigging_py.message import Message, ModelTurn
from rigging_py.run import (
    AgentRun,
    Approve,
    AwaitDecision,
    CallModel,
    CallTools,
    Done,
    Failed,
    PendingToolCall,
    Program,
    ProgramTool,
    ResolveToolCall,
    RunLimits,
)
from tests.run.kit import asking, call

PROGRAM = Program({"send": ProgramTool({}, lambda _: None)})
PROMPT = Message("user", "Write to Ann and to Bob.", uuid=UUID(int=1))


def begin() -> AgentRun:
    return AgentRun(PROMPT, limits=RunLimits(max_turns=2), program=PROGRAM)


def answer(step: CallModel) -> ModelTurn:
    if step.prompt.role == "tool":
        return ModelTurn.from_text(" ".join(message.content for message in step.messages[-2:]))
    return asking(call("send", '{"to": "Ann"}'), call("send", '{"to": "Bob"}'))


def send(folder: Path, pending: PendingToolCall) -> str:
    with (folder / "effects.log").open("a") as log:
        log.write(f"{pending.key} {pending.arguments['to']}\n")
    return f"{pending.arguments['to']} has it."


def save(folder: Path, run: AgentRun) -> None:
    new = folder / "run.json.new"
    new.write_text(json.dumps(run.dump()))
    new.replace(folder / "run.json")


def drive(folder: Path, run: AgentRun, die_at: int | None) -> AgentRun:
    def stored() -> None:
        save(folder, run)
        if run.position == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    while True:
        step = run.next_step()
        stored()
        match step:
            case CallModel():
                run.model_response(answer(step))
            case CallTools(started=left) if left:
                run.recover()
            case AwaitDecision(requests):
                # Whoever decides looks whether it was sent.
                assert requests[0].why == "unfinished"
                run.decide(requests[0].call.key, Approve())
            case CallTools(calls):
                run.tool_started(calls[0].key)
                stored()
                run.tool_result(calls[0].key, send(folder, calls[0]))
                stored()
            case ResolveToolCall() | Failed():
                raise AssertionError(step)
            case Done():
                return run
            case _:
                assert_never(step)


if __name__ == "__main__":
    place, *position = sys.argv[1:]
    kept = Path(place) / "run.json"
    loaded = AgentRun.load(json.loads(kept.read_text()), PROGRAM) if kept.exists() else begin()
    ended = drive(Path(place), loaded, int(position[0]) if position else None)
    save(Path(place), ended)
