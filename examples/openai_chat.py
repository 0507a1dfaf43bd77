"""One line gives an OpenAI client a memory: sync, streaming and async alike."""

import asyncio

from memori_wrap import Memori
from openai import AsyncOpenAI, OpenAI

mem = Memori()  # a SQLite file in your data directory
client = mem.register(OpenAI(), entity="me")

client.chat.completions.create(
    model="gpt-5-mini", messages=[{"role": "user", "content": "My sister Anna lives in Lisbon."}]
)

stream = client.chat.completions.create(
    model="gpt-5-mini", messages=[{"role": "user", "content": "Where does my sister live?"}], stream=True
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="") if chunk.choices else None
print()


async def serve(user: str, question: str) -> None:
    """In a server each request says whose it is."""
    async with mem.scope(user):
        answer = await async_client.responses.create(model="gpt-5-mini", input=question)
        print(user, answer.output_text)


async_client = mem.register(AsyncOpenAI())


async def main() -> None:
    await asyncio.gather(serve("ben", "I am allergic to nuts."), serve("cleo", "I love peanut butter."))
    await serve("ben", "Which snack is good for me?")


asyncio.run(main())

for memory in mem.recall("what about nuts?", entity="ben"):
    print(f"{memory.score:.2f}", memory.text)
