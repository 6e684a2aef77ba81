"""A batch whose first provider is down: another answers, nothing is asked twice, and the bill is known and bounded.

Run it with `python examples/resilient.py`. Another last resort is asked when its connection string is given:
`python examples/resilient.py openai!gpt-4o-mini`.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import rigging_py as rg

LAST_RESORT = sys.argv[1] if len(sys.argv) > 1 else "local!smollm2,temperature=0,seed=1"
DOWN = "openai!gpt-4o-mini,api_base=http://127.0.0.1:9/v1,api_key=none"
"""Nobody listens at this port."""
SYSTEM: rg.MessageDict = {"role": "system", "content": "Answer with the name of one city and nothing else."}
QUESTIONS = ["What is the capital of France?", "What is the capital of Italy?", "What is the capital of France?"]


async def main() -> None:
    if LAST_RESORT.startswith("local!"):
        rg.set_price(LAST_RESORT.partition(",")[0], input=0, output=0)  # or its cost would be unknown
    with tempfile.TemporaryDirectory() as folder:
        letters = Path(folder) / "letters.jsonl"
        asked = rg.record(f"retry({DOWN}),attempts=2,first=0.1|{LAST_RESORT}", letters)
        generator = rg.limit(rg.budget(rg.cache(asked), dollars=0.01), concurrency=2)
        print(f"asking {generator.to_identifier(short=True)}")
        chats = await generator.chat(SYSTEM).with_(max_tokens=60).run_batch(QUESTIONS)
        for question, chat in zip(QUESTIONS, chats, strict=True):
            who = "the cache" if chat.extra.get("cached") else chat.extra["generator"]
            print(f"{question}  {chat.last.content.strip()[:60]!r}, says {who}")
        print(f"in all {chats.usage}, {chats.usage.cost} dollars")

        # What was recorded answers again, without anybody being asked.
        again = await rg.replay(letters).chat(SYSTEM).add(QUESTIONS[0]).with_(max_tokens=60).run()
        assert again.last.content == chats[0].last.content
        print("replayed")


if __name__ == "__main__":
    asyncio.run(main())
