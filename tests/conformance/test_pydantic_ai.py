"""Pydantic AI: every way to run an agent x every way to give it a memory, through the real SDKs to the fake servers.

A cell plays a scenario with a bare agent and with one that remembers: the same requests but for one memory block, the
same history and output, and one exchange. The everyday tests take a few cells of it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessagesTypeAdapter
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.instrumented import InstrumentedModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from memori_wrap.testing.script import Scripted, ToolCall
from memori_wrap_adapters.frameworks.pydantic_ai import MemoriCapability
from tests.support.frameworks import ANSWER, BUDGET, QUESTION, World, world

CALL = ToolCall("look_up", {"what": "canary"}, "call_1")
FOUND = "It is yellow."


class Bird(BaseModel):
    """What the structured answers are."""

    name: str


BIRD = '{"name":"Lumen-7"}'
APIS = {"chat": "openai", "responses": "openai", "anthropic": "anthropic"}


def made(w: World, api: str) -> tuple[Any, Any]:
    """A model over a client of the real SDK, and that client."""
    if api == "anthropic":
        anthropic = AsyncAnthropic(base_url=w.server.base_url, api_key="x", max_retries=0, timeout=BUDGET)
        w.clients.append(anthropic)
        return AnthropicModel("claude-sonnet-5", provider=AnthropicProvider(anthropic_client=anthropic)), anthropic
    client = AsyncOpenAI(base_url=w.server.base_url, api_key="x", max_retries=0, timeout=BUDGET)
    w.clients.append(client)
    kind = OpenAIChatModel if api == "chat" else OpenAIResponsesModel
    return kind("gpt-5", provider=OpenAIProvider(openai_client=client)), client


def agent_of(model: Any, *, output: Any = str, **given: Any) -> Agent[str, Any]:
    agent: Agent[str, Any] = Agent(
        model, instructions="Be brief.", output_type=output, deps_type=str, name="birds", **given
    )

    @agent.tool_plain
    def look_up(what: str) -> str:
        """Looks something up."""
        return FOUND

    return agent


# ---------------------------------------------------------------- ways to remember


Way = Callable[[World, str, Any], "Agent[str, Any]"]


def by_model(w: World, api: str, output: Any) -> Agent[str, Any]:
    return agent_of(w.mem.register(made(w, api)[0], entity="ada"), output=output)


def by_agent(w: World, api: str, output: Any) -> Agent[str, Any]:
    return w.mem.register(agent_of(made(w, api)[0], output=output), entity="ada")


def by_capability(w: World, api: str, output: Any) -> Agent[str, Any]:
    capability = MemoriCapability(w.mem, entity=lambda ctx: ctx.deps)
    return agent_of(made(w, api)[0], output=output, capabilities=[capability])


def beneath_wrapper(w: World, api: str, output: Any) -> Agent[str, Any]:
    return agent_of(WrapperModel(w.mem.register(made(w, api)[0], entity="ada")), output=output)


def by_wrapper(w: World, api: str, output: Any) -> Agent[str, Any]:
    return agent_of(w.mem.register(WrapperModel(made(w, api)[0]), entity="ada"), output=output)


def beneath_fallback(w: World, api: str, output: Any) -> Agent[str, Any]:
    models = [w.mem.register(made(w, api)[0], entity="ada") for _ in range(2)]
    return agent_of(FallbackModel(*models), output=output)


def by_fallback(w: World, api: str, output: Any) -> Agent[str, Any]:
    return agent_of(w.mem.register(FallbackModel(made(w, api)[0], made(w, api)[0]), entity="ada"), output=output)


def beneath_instrumented(w: World, api: str, output: Any) -> Agent[str, Any]:
    return agent_of(InstrumentedModel(w.mem.register(made(w, api)[0], entity="ada")), output=output)


def by_all(w: World, api: str, output: Any) -> Agent[str, Any]:
    """The client first, then all that stands over it: whichever was registered first, it is one call."""
    model, client = made(w, api)
    w.mem.register(client, entity="ada")
    w.mem.register(model, entity="ada")
    agent = agent_of(model, output=output, capabilities=[MemoriCapability(w.mem, entity="ada")])
    return w.mem.register(agent, entity="ada")


def by_all_reversed(w: World, api: str, output: Any) -> Agent[str, Any]:
    model, client = made(w, api)
    agent = w.mem.register(agent_of(model, output=output), entity="ada")
    w.mem.register(model, entity="ada")
    w.mem.register(client, entity="ada")
    return agent


def by_client(w: World, api: str, output: Any) -> Agent[str, Any]:
    """The SDK's client alone: the framework knows nothing of it."""
    model, client = made(w, api)
    w.mem.register(client, entity="ada")
    return agent_of(model, output=output)


WAYS: dict[str, Way] = {
    f.__name__: f
    for f in (by_model, by_agent, by_capability, beneath_wrapper, by_wrapper, beneath_fallback, by_fallback)
} | {f.__name__: f for f in (beneath_instrumented, by_all, by_all_reversed, by_client)}
IN_RUNS = ("by_agent", "by_capability", "by_all", "by_all_reversed")
"""Where a run is one exchange; else each request is one, and each message is stored once."""


# ---------------------------------------------------------------- ways to run


async def run(agent: Any, prompt: Any = QUESTION, **given: Any) -> Any:
    return await agent.run(prompt, deps="ada", **given)


async def run_stream(agent: Any, prompt: Any = QUESTION, *, midway: asyncio.Event | None = None, **given: Any) -> Any:
    async with agent.run_stream(prompt, deps="ada", **given) as result:
        async for _ in result.stream_response(debounce_by=None):
            if midway is not None:
                midway.set()
        await result.get_output()
        return result


async def iterate(agent: Any, prompt: Any = QUESTION, **given: Any) -> Any:
    async with agent.iter(prompt, deps="ada", **given) as ran:
        async for _ in ran:
            pass
        return ran.result


async def iterate_streams(
    agent: Any, prompt: Any = QUESTION, *, midway: asyncio.Event | None = None, **given: Any
) -> Any:
    async with agent.iter(prompt, deps="ada", **given) as ran:
        async for node in ran:
            if Agent.is_model_request_node(node):
                async with node.stream(ran.ctx) as stream:
                    async for _ in stream:
                        if midway is not None:
                            midway.set()
        return ran.result


async def events(agent: Any, prompt: Any = QUESTION, *, midway: asyncio.Event | None = None, **given: Any) -> Any:
    """``run`` with a handler of events, which makes its requests streams."""

    async def handle(_: Any, stream: Any) -> None:
        async for _ in stream:
            if midway is not None:
                midway.set()

    return await agent.run(prompt, deps="ada", event_stream_handler=handle, **given)


def run_sync(w: World, agent: Any) -> Any:
    """Not from within a loop, so on a thread that has none."""
    found: list[Any] = []

    def work() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            found.append(agent.run_sync(QUESTION, deps="ada"))
        except Exception as error:
            found.append(error)
        finally:
            loop.run_until_complete(w.close_clients())
            loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


STYLES: dict[str, Any] = {f.__name__: f for f in (run, run_stream, iterate, iterate_streams, events, run_sync)}
STREAMED = ("run_stream", "iterate_streams", "events")


# ---------------------------------------------------------------- one cell


@dataclass(frozen=True)
class Scenario:
    name: str
    script: tuple[Scripted, ...] = ()
    output: Any = str
    requests: int = 1
    stored: tuple[tuple[str, str], ...] = (("user", QUESTION), ("assistant", ANSWER))


PLAIN = Scenario("plain")
TOOLS = Scenario(
    "tools",
    (Scripted(tool_calls=[CALL]),),
    requests=2,
    stored=(("user", QUESTION), ("assistant", ""), ("tool", FOUND), ("assistant", ANSWER)),
)
STRUCTURED = Scenario(
    "structured output",
    (Scripted(tool_calls=[ToolCall("final_result", BIRD, "call_2")]),),
    Bird,
    stored=(("user", QUESTION), ("assistant", "")),
)
SCENARIOS = {s.name: s for s in (PLAIN, TOOLS, STRUCTURED)}


def play(w: World, style: str, agent: Any, **given: Any) -> Any:
    if style == "run_sync":
        return run_sync(w, agent)

    async def main() -> Any:
        try:
            return await STYLES[style](agent, **given)
        finally:
            await w.close_clients()

    return asyncio.run(main())


def shown(result: Any) -> Any:
    """What its user sees of a result: types and values, without ids and times."""
    if isinstance(result, Exception):
        return type(result), str(result)
    history = ModelMessagesTypeAdapter.dump_python(result.all_messages(), mode="json")
    output = getattr(result, "output", None)
    return type(result), type(output), output, _steady(history)


_VOLATILE = ("timestamp", "run_id", "conversation_id", "provider_response_id", "id", "provider_details", "usage")


def _steady(value: Any) -> Any:
    """Usage, too: the fake server counts what it was sent."""
    if isinstance(value, dict):
        return {k: _steady(v) for k, v in value.items() if k not in _VOLATILE}
    return [_steady(v) for v in value] if isinstance(value, list) else value


def outcome(w: World, agent: Any, style: str, scenario: Scenario) -> tuple[Any, int]:
    began = len(w.server.requests)
    w.server.script(*scenario.script)
    try:
        return shown(play(w, style, agent)), began
    except ModelHTTPError as error:
        return shown(error), began


def check(way: str, style: str, scenario: Scenario, api: str) -> None:
    with world(APIS[api]) as w:
        bare, bare_began = outcome(w, WAYS[way](w.without_memory(), api, scenario.output), style, scenario)
        before = w.bodies(bare_began)
        assert w.blocks() == [None] * scenario.requests
        assert not w.recalls

        ours, began = outcome(w, WAYS[way](w, api, scenario.output), style, scenario)
        assert ours == bare
        assert "<memory-" not in str(ours)
        blocks = w.blocks(began)
        assert len(blocks) == scenario.requests
        assert blocks[0]
        assert "Lumen-7" in blocks[0]
        assert set(blocks) == {blocks[0]}, "a tool loop sends the same bytes"
        assert len(w.recalls) == 1
        assert _plain(w.bodies(began)) == _plain(before)

        exchanges = w.captured(1 if way in IN_RUNS else scenario.requests)
        assert all(e.complete for e in exchanges)
        assert {e.provider for e in exchanges} <= {"openai", "anthropic", "fallback", "127.0.0.1"}
        assert w.stored() == list(scenario.stored)


def _plain(bodies: list[Any]) -> list[Any]:
    """Anthropic's system text is a list of blocks where there are several, else one text."""
    bodies = _steady(bodies)
    for body in bodies:
        if isinstance(body.get("system"), list):
            body["system"] = "\n\n".join(part["text"] for part in body["system"])
    return bodies


EVERYDAY = {
    ("by_model", "run", "tools", "chat"),
    ("by_model", "run_stream", "plain", "responses"),
    ("by_agent", "run_stream", "tools", "anthropic"),
    ("by_agent", "run_sync", "plain", "chat"),
    ("by_capability", "iterate_streams", "tools", "chat"),
    ("by_capability", "run", "structured output", "responses"),
    ("by_all", "run", "tools", "chat"),
    ("by_all_reversed", "events", "plain", "chat"),
    ("beneath_fallback", "run_stream", "plain", "chat"),
    ("by_fallback", "run", "plain", "anthropic"),
}


def cells() -> list[Any]:
    every = [(way, style, name, api) for way in WAYS for style in STYLES for name in SCENARIOS for api in APIS]
    return [pytest.param(*cell, marks=() if cell in EVERYDAY else pytest.mark.slow) for cell in every]


@pytest.mark.parametrize(("way", "style", "name", "api"), cells())
def test_matrix(way: str, style: str, name: str, api: str) -> None:
    check(way, style, SCENARIOS[name], api)
