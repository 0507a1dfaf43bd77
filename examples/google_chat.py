"""One line gives a Gemini client a memory: generated content, streams, chats with functions, async alike."""

import asyncio

from memori_wrap import Memori
from google import genai

MODEL = "gemini-3.8-flash"

mem = Memori()  # a SQLite file in your data directory
client = mem.register(genai.Client(), entity="me")  # with its aio, chats and interactions

client.models.generate_content(model=MODEL, contents="My sister Anna lives in Lisbon.")

for chunk in client.models.generate_content_stream(model=MODEL, contents="Where does my sister live?"):
    print(chunk.text or "", end="")
print()


def weather(city: str) -> str:
    """How the weather is in a city."""
    return f"It is sunny in {city}."


chat = client.chats.create(model=MODEL, config={"tools": [weather]})
print(chat.send_message("How is the weather where my sister lives?").text)


async def serve(user: str, question: str) -> None:
    """In a server each request says whose it is."""
    async with mem.scope(user):
        answer = await shared.models.generate_content(model=MODEL, contents=question)
        print(user, answer.text)


shared = mem.register(genai.Client().aio)


async def main() -> None:
    await asyncio.gather(serve("ben", "I am allergic to nuts."), serve("cleo", "I love peanut butter."))
    await serve("ben", "Which snack is good for me?")


asyncio.run(main())

for memory in mem.recall("what about nuts?", entity="ben"):
    print(f"{memory.score:.2f}", memory.text)
