"""Agno: nothing of it is registered but the client inside its model, whose turns are then one call each."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from agno.agent import Agent
from agno.models.openai import OpenAIChat, OpenAIResponses
from openai import AsyncOpenAI, OpenAI

from memori_wrap.testing.script import Scripted, ToolCall
from tests.support.frameworks import ANSWER, QUESTION, World, world

pytestmark = pytest.mark.slow
CALL = ToolCall("look_up", {"what": "canary"}, "call_1")


def look_up(what: str) -> str:
    """Looks something up."""
    return "It is yellow."


def agent_of(w: World, kind: Any) -> Agent:
    client = w.mem.register(OpenAI(base_url=w.server.base_url, api_key="x"), entity="ada")
    asynchronous = w.mem.register(AsyncOpenAI(base_url=w.server.base_url, api_key="x"), entity="ada")
    w.clients.append(asynchronous)
    return Agent(model=kind(id="gpt-5", client=client, async_client=asynchronous), tools=[look_up], telemetry=False)


def run(w: World, agent: Agent) -> Any:
    return agent.run(QUESTION).content


def stream(w: World, agent: Agent) -> Any:
    return "".join(event.content or "" for event in agent.run(QUESTION, stream=True) if hasattr(event, "content"))


def arun(w: World, agent: Agent) -> Any:
    async def main() -> Any:
        try:
            return (await agent.arun(QUESTION)).content
        finally:
            await w.close_clients()

    return asyncio.run(main())


@pytest.mark.parametrize("kind", [OpenAIChat, OpenAIResponses])
@pytest.mark.parametrize("style", [run, stream, arun])
def test_its_client_serves(style: Any, kind: Any) -> None:
    with world() as w:
        w.server.script(Scripted(tool_calls=[CALL]))
        there = w.without_memory()
        assert style(there, agent_of(there, kind)) == ANSWER
        began = len(w.server.requests)
        w.server.script(Scripted(tool_calls=[CALL]))
        assert style(w, agent_of(w, kind)) == ANSWER
        blocks = w.blocks(began)
        assert blocks[0]
        assert blocks == blocks[:1] * 2
        assert w.blocks()[:began] == [None, None]
        assert len(w.recalls) == 1
        w.captured(2)
        assert [role for role, _ in w.stored()][-4:] == ["user", "assistant", "tool", "assistant"]
