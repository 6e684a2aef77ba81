"""A conversation at a real terminal: a program of its own behind a pseudo terminal, and us at its keyboard."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, os
os.open(os.ttyname(0), os.O_RDWR)  # so that Ctrl-C there is a signal here
import rigging_py as rg

class Slow(rg.ScriptedGenerator):
    async def stream_message(self, messages, params):
        async for delta in super().stream_message(messages, params):
            yield delta
            if messages[-1].content == "wait":
                await asyncio.Event().wait()

chat = asyncio.run(rg.interact(Slow("hi there", "never ends", "as I said")))
print("returned", chat and chat.last.content)
"""


class Keyboard:
    """The other end of a terminal. What is shown is read up to what is waited for."""

    def __init__(self) -> None:
        self.end, self.terminal = pty.openpty()
        self.shown = ""
        self.program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=self.terminal,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )

    def press(self, keys: str) -> None:
        os.write(self.end, keys.encode())

    def until(self, text: str, *, again: str = "") -> str:
        """What was shown before and with `text`; `again` is pressed once more when nothing comes.

        Between the prompt and the wait for a key Python does not see Ctrl-C until the next key.
        """
        silences = 0
        while text not in self.shown:
            if select.select([self.end], [], [], 5)[0]:
                self.shown += os.read(self.end, 1024).decode().replace("\r\n", "\n")
                continue
            silences += 1
            assert silences < 12, self.shown
            self.press(again)
        place = self.shown.index(text) + len(text)
        read, self.shown = self.shown[:place], self.shown[place:]
        return read


@pytest.fixture
def keyboard() -> Iterator[Keyboard]:
    made = Keyboard()
    try:
        made.until("[user]: ")
        yield made
    finally:
        made.program.kill()
        made.program.wait()
        os.close(made.end)
        os.close(made.terminal)


def test_ctrl_c_stops_an_answer_and_at_the_prompt_ends_at_once(keyboard: Keyboard) -> None:
    keyboard.press("hello\n")
    assert keyboard.until("[user]: ").endswith("\n[assistant]: hi there\n\n[user]: ")
    keyboard.press("wait\n")
    keyboard.until("[assistant]: never")
    keyboard.press("\x03")
    assert "ends" not in keyboard.until("[stopped]\n\n[user]: ")
    keyboard.press("hello?\n")
    keyboard.until("[assistant]: as I said\n\n[user]: ")
    keyboard.press("half a line\x03")
    keyboard.until("returned as I said\n", again="\x03")
    assert keyboard.program.wait(60) == 0


@pytest.mark.parametrize("end", ["exit\n", "\x04", "\x03"])
def test_a_word_the_end_of_input_and_ctrl_c_end_it(keyboard: Keyboard, end: str) -> None:
    keyboard.press(end)
    keyboard.until("returned None\n", again=end)
    assert keyboard.program.wait(60) == 0
