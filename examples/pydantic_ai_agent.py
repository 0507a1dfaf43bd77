"""Pydantic AI: an agent remembers, whoever's run it is; what is remembered never enters its message history."""

import asyncio
from dataclasses import dataclass

from memori_wrap import Memori
from memori_wrap_adapters.frameworks.pydantic_ai import MemoriCapability
from pydantic_ai import Agent

mem = Memori()  # a SQLite file in your data directory
agent = mem.register(Agent("openai:gpt-5-mini", instructions="Be brief."), entity="me")

agent.run_sync("My sister Anna lives in Lisbon.")
answer = agent.run_sync("Where does my sister live?")
print(answer.output)


@dataclass
class Deps:
    """What a run of the server's agent knows of its request."""

    user: str


# in a server the run says whose it is; the model may look for more with a tool, always in that user's memory
memory = MemoriCapability(mem, entity=lambda ctx: ctx.deps.user, recall_tool=True)
server_agent = Agent("openai:gpt-5-mini", deps_type=Deps, capabilities=[memory])


async def serve(user: str, text: str) -> None:
    async with server_agent.run_stream(text, deps=Deps(user)) as result:
        async for piece in result.stream_text(delta=True):
            print(piece, end="")
    print(f" ({user})")


async def main() -> None:
    await asyncio.gather(serve("ben", "I am allergic to nuts."), serve("cleo", "I love peanut butter."))
    await serve("ben", "Which snack without nuts is good for me?")


asyncio.run(main())

for found in mem.recall("what about nuts?", entity="ben"):
    print(f"{found.score:.2f}", found.text)
