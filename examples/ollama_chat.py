"""One line gives Ollama's client a memory: whole answers, streams and async alike. Needs a running Ollama."""

import asyncio

from memori_wrap import Memori
from ollama import AsyncClient, Client

MODEL = "llama3.2"

mem = Memori()  # a SQLite file in your data directory
client = mem.register(Client(), entity="me")

client.chat(MODEL, [{"role": "user", "content": "My sister Anna lives in Lisbon."}])

for chunk in client.chat(MODEL, [{"role": "user", "content": "Where does my sister live?"}], stream=True):
    print(chunk.message.content or "", end="")
print()


async def serve(user: str, question: str) -> None:
    """In a server each request says whose it is."""
    async with mem.scope(user):
        answer = await async_client.generate(MODEL, question)
        print(user, answer.response)


async_client = mem.register(AsyncClient())


async def main() -> None:
    await asyncio.gather(serve("ben", "I am allergic to nuts."), serve("cleo", "I love peanut butter."))
    await serve("ben", "Which snack is good for me?")


asyncio.run(main())

for memory in mem.recall("what about nuts?", entity="ben"):
    print(f"{memory.score:.2f}", memory.text)
