"""OpenAI's Agents SDK: its client remembers, and a session keeps the conversation in the same database."""

import asyncio

from agents import Agent, Runner, function_tool, set_default_openai_client, set_tracing_disabled
from memori_wrap import Memori
from memori_wrap_adapters.frameworks.openai_agents import MemoriSession
from openai import AsyncOpenAI

set_tracing_disabled(True)  # the SDK would send its traces to OpenAI

mem = Memori()  # a SQLite file in your data directory
set_default_openai_client(mem.register(AsyncOpenAI()))  # or mem.register(OpenAIResponsesModel(...)), a single model


@function_tool
def opening_hours(shop: str) -> str:
    """When a shop is open."""
    return f"{shop}: from nine to five"


cook = Agent(name="cook", instructions="You know snacks.", model="gpt-5-mini")
agent = Agent(name="guide", instructions="Be brief.", model="gpt-5-mini", tools=[opening_hours], handoffs=[cook])


async def serve(user: str, text: str) -> None:
    """In a server each request says whose it is; what it recalls is in no item of the session."""
    async with mem.scope(user):
        result = await Runner.run(agent, text, session=MemoriSession(mem, "42", entity=user))
        print(user, result.final_output)


async def main() -> None:
    await serve("me", "My sister Anna lives in Lisbon.")
    await serve("me", "Where does my sister live?")
    await asyncio.gather(serve("ben", "I am allergic to nuts."), serve("cleo", "I love peanut butter."))

    async with mem.scope("ben"):  # another day, another session
        result = Runner.run_streamed(agent, "Which snack without nuts is good for me?")
        async for event in result.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                print(event.data.delta, end="")
    print()


asyncio.run(main())

for found in mem.recall("what about nuts?", entity="ben"):
    print(f"{found.score:.2f}", found.text)
