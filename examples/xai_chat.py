"""One line gives xAI's client a memory: whole answers, streams and async alike. Needs XAI_API_KEY."""

import asyncio

from memori_wrap import Memori
from xai_sdk import AsyncClient, Client
from xai_sdk.chat import user

MODEL = "grok-4.3"

mem = Memori()  # a SQLite file in your data directory
client = mem.register(Client(), entity="me")

chat = client.chat.create(MODEL, messages=[user("My sister Anna lives in Lisbon.")])
chat.sample()

chat = client.chat.create(MODEL, messages=[user("Where does my sister live?")])  # another conversation
for _, chunk in chat.stream():
    print(chunk.content, end="")
print()


async def serve(client: AsyncClient, name: str, question: str) -> None:
    """In a server each request says whose it is."""
    async with mem.scope(name):
        answer = await client.chat.create(MODEL, messages=[user(question)]).sample()
        print(name, answer.content)


async def main() -> None:
    client = mem.register(AsyncClient())  # gRPC binds it to the running event loop
    await asyncio.gather(serve(client, "ben", "I am allergic to nuts."), serve(client, "cleo", "I love peanut butter."))
    await serve(client, "ben", "Which snack is good for me?")
    await client.close()


asyncio.run(main())

for memory in mem.recall("what about nuts?", entity="ben"):
    print(f"{memory.score:.2f}", memory.text)
