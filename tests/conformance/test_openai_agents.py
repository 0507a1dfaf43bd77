"""OpenAI's Agents SDK: every way to run an agent x every way to give its model a memory, through the real SDK to the
fake server; and ``MemoriSession``, which gives back exactly what it was given."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from agents import Agent, Runner, SQLiteSession, function_tool, set_tracing_disabled
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from agents.models.openai_responses import OpenAIResponsesModel
from openai import APIStatusError, AsyncOpenAI
from pydantic import BaseModel

from memori_wrap import Memori, ScopeError
from memori_wrap.intercept import call, drivers
from memori_wrap.testing.script import Scripted, ToolCall
from memori_wrap_adapters.frameworks import openai_agents
from memori_wrap_adapters.frameworks.openai_agents import MemoriSession
from tests.support.frameworks import ANSWER, BUDGET, QUESTION, World, cancelled_midway, world

FOUND = "It is yellow."
CALL = ToolCall("look_up", {"what": "canary"}, "call_1")


@pytest.fixture(autouse=True)
def no_tracing() -> None:
    set_tracing_disabled(True)  # else it would send its traces to OpenAI


class Bird(BaseModel):
    """What the structured answers are."""

    name: str


@function_tool
def look_up(what: str) -> str:
    """Looks something up."""
    return FOUND


def made(w: World, api: str) -> tuple[Any, AsyncOpenAI]:
    client = AsyncOpenAI(base_url=w.server.base_url, api_key="x", max_retries=0, timeout=BUDGET)
    w.clients.append(client)
    kind = OpenAIChatCompletionsModel if api == "chat" else OpenAIResponsesModel
    return kind(model="gpt-5", openai_client=client), client


def agent_of(model: Any, output: Any = None) -> Agent[Any]:
    expert = Agent(name="expert", instructions="You know birds.", model=model)
    return Agent(
        name="birds", instructions="Be brief.", model=model, tools=[look_up], handoffs=[expert], output_type=output
    )


# ---------------------------------------------------------------- ways to remember, ways to run


def by_model(w: World, api: str) -> Any:
    return w.mem.register(made(w, api)[0], entity="ada")


def by_client(w: World, api: str) -> Any:
    model, client = made(w, api)
    w.mem.register(client, entity="ada")
    return model


def by_both(w: World, api: str) -> Any:
    model, client = made(w, api)
    w.mem.register(client, entity="ada")
    return w.mem.register(model, entity="ada")


def by_both_reversed(w: World, api: str) -> Any:
    model, client = made(w, api)
    w.mem.register(model, entity="ada")
    w.mem.register(client, entity="ada")
    return model


WAYS: dict[str, Callable[[World, str], Any]] = {f.__name__: f for f in (by_model, by_client, by_both, by_both_reversed)}


async def run(agent: Any, given: Any = QUESTION, **options: Any) -> Any:
    return await Runner.run(agent, given, **options)


async def run_streamed(
    agent: Any, given: Any = QUESTION, *, midway: asyncio.Event | None = None, **options: Any
) -> Any:
    result = Runner.run_streamed(agent, given, **options)
    async for event in result.stream_events():
        if midway is not None and getattr(getattr(event, "data", None), "type", "") == "response.output_text.delta":
            midway.set()
    return result


def run_sync(w: World, agent: Any) -> Any:
    """Not from within a loop, so on a thread that has none."""
    found: list[Any] = []

    def work() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            found.append(Runner.run_sync(agent, QUESTION))
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


STYLES = ("run", "run_streamed", "run_sync")


def play(w: World, style: str, agent: Any, **given: Any) -> Any:
    if style == "run_sync":
        return run_sync(w, agent)

    async def main() -> Any:
        try:
            return await {"run": run, "run_streamed": run_streamed}[style](agent, **given)
        finally:
            await w.close_clients()

    return asyncio.run(main())


# ---------------------------------------------------------------- the matrix


@dataclass(frozen=True)
class Scenario:
    name: str
    script: tuple[Scripted, ...] = ()
    output: Any = None
    requests: int = 1
    said: tuple[str, ...] = (QUESTION, ANSWER)


PLAIN = Scenario("plain")
TOOLS = Scenario("tools", (Scripted(tool_calls=[CALL]),), None, 2, (QUESTION, "", FOUND, ANSWER))
HANDOFF = Scenario(
    "handoff",
    (Scripted(tool_calls=[ToolCall("transfer_to_expert", {}, "call_2")]),),
    None,
    2,
    (QUESTION, "", '{"assistant": "expert"}', ANSWER),
)
BIRD = '{"name":"Lumen-7"}'
STRUCTURED = Scenario("structured output", (Scripted(BIRD),), Bird, 1, (QUESTION, BIRD))
SCENARIOS = {s.name: s for s in (PLAIN, TOOLS, HANDOFF, STRUCTURED)}
_VOLATILE = ("id", "response_id", "created_at", "usage", "request_id", "prompt_cache_key")


def steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: steady(v) for k, v in value.items() if k not in _VOLATILE}
    return [steady(v) for v in value] if isinstance(value, list) else value


def shown(result: Any) -> Any:
    """What its user sees of a result: types and values, without ids."""
    answers = [(type(r), [(type(o), steady(o.model_dump())) for o in r.output]) for r in result.raw_responses]
    return type(result), result.final_output, result.last_agent.name, steady(result.to_input_list()), answers


def check(way: str, style: str, scenario: Scenario, api: str) -> None:
    with world() as w:
        seen, began = [], 0
        for there in (w.without_memory(), w):
            began = len(w.server.requests)
            w.server.script(*scenario.script)
            seen.append(shown(play(there, style, agent_of(WAYS[way](there, api), scenario.output))))
        assert seen[1] == seen[0]
        assert "<memory-" not in str(seen)
        assert w.blocks()[:began] == [None] * scenario.requests
        blocks = w.blocks(began)
        assert len(blocks) == scenario.requests
        assert blocks[0]
        assert "Lumen-7" in blocks[0]
        assert set(blocks) == {blocks[0]}, "a tool loop sends the same bytes"
        # a chat has the instructions among its messages: to the client, those of another agent are another conversation
        is_another = (way, api, scenario) == ("by_client", "chat", HANDOFF)
        assert len(w.recalls) == (2 if is_another else 1)
        assert steady(w.bodies(began)) == steady(w.bodies()[:began])
        exchanges = w.captured(scenario.requests)
        assert all(e.complete for e in exchanges)
        assert tuple(text for _, text in w.stored()) == scenario.said


EVERYDAY = {
    ("by_model", "run", "tools", "chat"),
    ("by_model", "run_streamed", "handoff", "responses"),
    ("by_client", "run_sync", "plain", "responses"),
    ("by_both", "run_streamed", "tools", "chat"),
    ("by_both_reversed", "run", "structured output", "responses"),
}


def cells() -> list[Any]:
    every = [(w, s, n, api) for w in WAYS for s in STYLES for n in SCENARIOS for api in ("chat", "responses")]
    return [pytest.param(*cell, marks=() if cell in EVERYDAY else pytest.mark.slow) for cell in every]


@pytest.mark.parametrize(("way", "style", "name", "api"), cells())
def test_matrix(way: str, style: str, name: str, api: str) -> None:
    check(way, style, SCENARIOS[name], api)


def thinned(every: list[tuple[str, ...]], everyday: tuple[str, ...]) -> list[Any]:
    return [pytest.param(*cell, marks=() if cell == everyday else pytest.mark.slow) for cell in every]


@pytest.mark.parametrize(
    ("way", "style", "api"),
    thinned([(w, s, a) for w in WAYS for s in STYLES for a in ("chat", "responses")], ("by_model", "run", "chat")),
)
def test_an_error_comes_out_as_it_is(way: str, style: str, api: str) -> None:
    with world() as w:
        seen = []
        for there in (w.without_memory(), w):
            w.server.script(Scripted(status=400, message="no such thing"))
            with pytest.raises(APIStatusError) as caught:
                play(there, style, agent_of(WAYS[way](there, api)))
            seen.append((type(caught.value), str(caught.value)))
        assert seen[0] == seen[1]
        w.captured(0)
        play(w, style, agent_of(WAYS[way](w, api)))
        w.captured(1)


@pytest.mark.parametrize(
    ("way", "api"), thinned([(w, a) for w in WAYS for a in ("chat", "responses")], ("by_model", "responses"))
)
def test_a_run_that_is_cancelled_in_its_stream(way: str, api: str) -> None:
    with world() as w:
        hold = threading.Event()
        w.server.script(Scripted(ANSWER, hold=hold, hold_after=6))
        agent = agent_of(WAYS[way](w, api))

        async def main() -> None:
            midway = asyncio.Event()
            try:
                await cancelled_midway(run_streamed(agent, midway=midway), midway)
                for _ in range(100):  # the run is a task of its own, which the SDK cancels when it likes
                    await asyncio.sleep(0.01)
                    if w.store.exchanges:
                        break
            finally:
                hold.set()
                await w.close_clients()

        asyncio.run(main())
        (exchange,) = w.captured(1)
        assert not exchange.complete
        assert [m.text for m in exchange.request if m.role == "user"] == [QUESTION]


def test_a_kept_conversation_never_holds_a_block() -> None:
    """What stands in the input would be inherited by the next response."""
    with world() as w:
        agent = agent_of(by_model(w, "responses"))

        async def main() -> None:
            first = await run(agent)
            await run(agent, "And what did I ask?", previous_response_id=first.last_response_id)
            await w.close_clients()

        asyncio.run(main())
        assert w.server.inherited()
        assert "<memory-" not in str(w.server.inherited())
        assert w.blocks()[0]
        w.captured(2)


def test_twenty_users_at_once() -> None:
    assert crossed(by_name=True) == []


def test_users_who_are_told_apart_by_a_global_cross() -> None:
    """The control of the test above."""
    assert crossed(by_name=False) != []


def crossed(by_name: bool) -> list[str]:
    """Twenty users tell their secrets, with a tool call, and ask for them; what came to another."""
    secrets = {f"user{n}": f"canary-{n}-{n * n + 7}" for n in range(20)}
    now = {"user": "user0"}
    with world(knows=False) as w:
        model = w.mem.register(made(w, "responses")[0], entity=lambda: now["user"])
        agent = agent_of(model)

        def reply(received: Any) -> Any:
            last = received.body["input"][-1]
            is_told = last.get("role") == "user" and "locker" in str(last)
            return Scripted(tool_calls=[ToolCall("look_up", {"what": "it"})]) if is_told else Scripted("Noted.")

        w.server._reply = reply

        async def told(user: str, text: str) -> None:
            now["user"] = user
            await asyncio.sleep(0)
            if by_name:
                with w.mem.scope(user):
                    await run_streamed(agent, text)
            else:
                await run_streamed(agent, text)

        async def serve(user: str) -> None:
            await told(user, f"My locker code is {secrets[user]}.")
            await told(user, "What is my locker code?")

        async def main() -> None:
            await asyncio.gather(*map(serve, secrets))
            await w.close_clients()

        asyncio.run(main())
        assert w.mem.flush(BUDGET).done
        found: list[str] = []
        for exchange in w.store.exchanges:
            own = secrets[exchange.scope.entity]
            found += [s for s in secrets.values() if s != own and s in str(exchange)]
        asked = set()
        for received in w.server.requests:
            seen = [s for s in secrets.values() if s in str(received.body)]
            found += seen[1:]
            if "What is my locker code?" in str(received.body):
                asked |= set(seen)
        assert found or len(asked) == 20, "the control: each is answered from its own memory"
        return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "place", "name", "fault"),
    [
        ("by_model", openai_agents, "_with", lambda arguments, changes: arguments),
        ("by_model", openai_agents._Requests, "reply", lambda self, result: None),
        ("by_both", drivers, "begin", None),
    ],
    ids=["not injected", "not captured", "twice"],
)
def test_a_planted_fault_is_noticed(
    monkeypatch: pytest.MonkeyPatch, way: str, place: Any, name: str, fault: Any
) -> None:
    if fault is None:
        whole = drivers.begin

        def fault(registration: Any, receiver: Any, arguments: Any, point: Any) -> Any:
            token = call._inside.set(None)  # it knows of no call around it
            try:
                return whole(registration, receiver, arguments, point)
            finally:
                call._inside.reset(token)

    monkeypatch.setattr(place, name, fault)
    with pytest.raises(AssertionError):
        check(way, "run", TOOLS, "chat")


# ---------------------------------------------------------------- MemoriSession

ITEMS: list[Any] = [
    {"role": "user", "content": "Grüße 🐦 \u0000 \ud83d"},
    {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"}]},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": 1.0}', "id": "fc_1", "status": None},
    {"type": "function_call_output", "call_id": "c", "output": "1e400"},
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x" * 5000, "n": [1, 1.5, True, None, {}]},
    {"role": "user", "content": "Grüße 🐦 \u0000 \ud83d"},
]


@pytest.fixture
def mem(tmp_path: Any) -> Iterator[Memori]:
    with Memori(f"sqlite:///{tmp_path}/m.db", embedder="none") as mem:
        yield mem


def test_a_session_gives_back_what_it_was_given(mem: Memori) -> None:
    async def main() -> None:
        session = MemoriSession(mem, "42", entity="alice")
        await session.add_items([])
        assert await session.get_items() == []
        assert await session.pop_item() is None
        await session.add_items(ITEMS[:4])
        await session.add_items(ITEMS[4:])
        again = MemoriSession(mem, "42", entity="alice")
        assert await again.get_items() == ITEMS
        assert [type(v) for v in (await again.get_items())[4]["n"]] == [int, float, bool, type(None), dict]  # type: ignore[typeddict-item]
        assert await again.get_items(2) == ITEMS[-2:]
        assert await again.get_items(0) == []
        assert await MemoriSession(mem, "42", entity="bob").get_items() == []
        assert await MemoriSession(mem, "4", entity="alice").get_items() == []
        assert await again.pop_item() == ITEMS[-1]
        assert await session.get_items() == ITEMS[:-1]
        await session.clear_session()
        assert await again.get_items() == []
        await session.add_items(ITEMS[:1])
        mem.erase("alice")
        assert await session.get_items() == []

    asyncio.run(main())
    with pytest.raises(ScopeError):
        MemoriSession(mem, "", entity="alice")


@pytest.mark.parametrize("style", ["run", pytest.param("run_streamed", marks=pytest.mark.slow)])
def test_a_session_is_what_the_sdks_own_is(style: str) -> None:
    """The same runs with SQLiteSession and with ours: the same items, the same requests; and what is remembered is in
    no item."""
    with world() as w:

        async def talk(session: Any, model: Any) -> Any:
            agent = agent_of(model)
            ask = {"run": run, "run_streamed": run_streamed}[style]
            w.server.script(Scripted(tool_calls=[CALL]))
            await ask(agent, session=session)
            await ask(agent, "Does it sing?", session=session)
            found = await session.get_items()
            await w.close_clients()
            return steady(found)

        theirs = asyncio.run(talk(SQLiteSession("42"), made(w, "responses")[0]))
        began = len(w.server.requests)
        ours = asyncio.run(talk(MemoriSession(w.mem, "42", entity="ada"), by_model(w, "responses")))
        assert ours == theirs
        assert len(ours) == 6
        assert "<memory-" not in str(ours)
        assert steady(w.bodies(began)) == steady(w.bodies()[:began])
        assert all(w.blocks(began)[:2])
        w.captured(3)
        assert [text for _, text in w.stored()] == [QUESTION, "", FOUND, ANSWER, "Does it sing?", ANSWER]
