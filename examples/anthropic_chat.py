"""One line gives an Anthropic client a memory: sync, streaming, async and tool runners alike."""

import asyncio

from anthropic import Anthropic, AsyncAnthropic, beta_tool
from memori_wrap import Memori

MODEL = "claude-sonnet-5"

mem = Memori()  # a SQLite file in your data directory
client = mem.register(Anthropic(), entity="me")

client.messages.create(
    model=MODEL, max_tokens=500, messages=[{"role": "user", "content": "My sister Anna lives in Lisbon."}]
)

question = "Where does my sister live?"
with client.messages.stream(
    model=MODEL,
    max_tokens=500,
    system=[
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
    ],  # is still found in the cache
    messages=[{"role": "user", "content": question}],
) as stream:
    for text in stream.text_stream:
        print(text, end="")
print()


@beta_tool
def weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: Its name.
    """
    return f"Sunny in {city}."


runner = client.beta.messages.tool_runner(
    model=MODEL,
    max_tokens=500,
    tools=[weather],
    messages=[{"role": "user", "content": "How is the weather at my sister's?"}],
)
for block in runner.until_done().content:
    print(block.text) if block.type == "text" else None


async def serve(user: str, question: str) -> None:
    """In a server each request says whose it is."""
    async with mem.scope(user):
        answer = await async_client.messages.create(
            model=MODEL, max_tokens=500, messages=[{"role": "user", "content": question}]
        )
        print(user, *(block.text for block in answer.content if block.type == "text"))


async_client = mem.register(AsyncAnthropic())


async def main() -> None:
    await asyncio.gather(serve("ben", "I am allergic to nuts."), serve("cleo", "I love peanut butter."))
    await serve("ben", "Which snack is good for me?")


asyncio.run(main())

for memory in mem.recall("what about nuts?", entity="ben"):
    print(f"{memory.score:.2f}", memory.text)
