"""One line gives Mistral's client a memory: chat, streams, async, and conversations that Mistral keeps."""

import asyncio
import os

from memori_wrap import Memori
from mistralai.client import Mistral
from mistralai.client.models import UserMessage

MODEL = "mistral-small-latest"

mem = Memori()  # a SQLite file in your data directory
client = mem.register(Mistral(api_key=os.environ["MISTRAL_API_KEY"]), entity="me")

client.chat.complete(model=MODEL, messages=[UserMessage(content="My sister Anna lives in Lisbon.")])

question = "Where does my sister live?"
with client.chat.stream(model=MODEL, messages=[UserMessage(content=question)]) as stream:
    for event in stream:
        print(event.data.choices[0].delta.content or "", end="")
print()


async def serve(user: str, question: str) -> None:
    """In a server each request says whose it is. Here Mistral keeps the conversation, and the memory what was said."""
    async with mem.scope(user):
        answer = await client.beta.conversations.start_async(model=MODEL, inputs=question)
        for output in answer.outputs:
            if output.type == "message.output":
                print(user, output.content)


async def main() -> None:
    await asyncio.gather(serve("ben", "I am allergic to nuts."), serve("cleo", "I love peanut butter."))
    await serve("ben", "Which snack is good for me?")


asyncio.run(main())

for memory in mem.recall("what about nuts?", entity="ben"):
    print(f"{memory.score:.2f}", memory.text)
