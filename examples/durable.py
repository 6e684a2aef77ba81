"""A run that streams, waits for an approval, is left by its process, and goes on in another one.

Run it with `python examples/durable.py`; the two processes are this file, called twice. Another generator answers when
its connection string is given: `python examples/durable.py openai!gpt-4o-mini`.
"""

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

import rigging_py as rg
from rigging_py.chat import ChatFinished, RunPaused, ToolResultEvent
from rigging_py.observe import ApprovalDetail
from rigging_py.run import StreamedText, StreamedToolCall

GENERATOR = sys.argv[1] if len(sys.argv) > 1 else "local!smollm2,temperature=0,seed=1"


@rg.tool(needs_approval=True)
def add_numbers(x: float, y: float) -> float:
    """Add two numbers."""
    return x + y


class Approver(rg.Hooks):
    """Somebody who says yes."""

    async def on_approval(self, detail: ApprovalDetail) -> rg.Approve:
        print(f"[approved: {detail.request.call.name}]")
        return rg.Approve()


def pipeline() -> rg.ChatPipeline:
    return rg.get_generator(GENERATOR).chat("What is 1337 + 42?").using(add_numbers)


async def show(events: rg.EventStream) -> None:
    async for event in events:
        match event:
            case StreamedText(text):
                print(text, end="", flush=True)
            case StreamedToolCall(name=name):
                print(f"[the model calls {name}]")
            case ToolResultEvent(_, result):
                print(f"[the tool says: {result.content}]")
            case RunPaused(run, requests):
                for request in requests:
                    print(f"[{run.run_id!r} waits: may {request.call.name} run with {request.call.arguments}?]")
            case ChatFinished(chat):
                print(f"\n[done, {chat.usage}]")
            case _:
                pass


async def begin(store: str) -> None:
    await show(pipeline().stream(store=store, run_id="sum"))


async def approve(store: str) -> None:
    await show(pipeline().with_hooks(Approver()).stream_resumed("sum", store=store))


def in_a_process_of_its_own(what: str, store: str) -> None:
    print(f"\n== a process that can {what}")
    subprocess.run([sys.executable, __file__, GENERATOR, what, store], check=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        asyncio.run({"begin": begin, "approve": approve}[sys.argv[2]](sys.argv[3]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            kept = f"sqlite!{Path(folder) / 'runs.db'}"
            in_a_process_of_its_own("begin", kept)
            in_a_process_of_its_own("approve", kept)
