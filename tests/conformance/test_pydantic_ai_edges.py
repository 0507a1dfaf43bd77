"""Pydantic AI beside the straight road: errors, cancellations, many users, prompt caches, tools; and planted faults,
each of which a check of the matrix has to notice."""

from __future__ import annotations

import asyncio
import threading
from contextlib import nullcontext
from typing import Any

import pytest
from pydantic_ai import BinaryContent, ModelRetry, direct
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import CachePoint, ModelRequest, SystemPromptPart
from pydantic_ai.models.fallback import FallbackModel

from memori_wrap import paused
from memori_wrap.intercept import call, drivers
from memori_wrap.intercept.runs import AgentRun
from memori_wrap.testing.provider.compare import BLOCK
from memori_wrap.testing.script import Scripted, ToolCall
from memori_wrap_adapters.frameworks import pydantic_ai, pydantic_ai_messages
from memori_wrap_adapters.frameworks.pydantic_ai import MemoriCapability
from tests.conformance.test_pydantic_ai import (
    APIS,
    CALL,
    IN_RUNS,
    PLAIN,
    STREAMED,
    STYLES,
    TOOLS,
    WAYS,
    agent_of,
    by_agent,
    by_all,
    by_capability,
    by_model,
    check,
    made,
    play,
    run,
)
from tests.support.frameworks import ANSWER, BUDGET, QUESTION, World, cancelled_midway, world


def cells(names: Any, everyday: set[tuple[str, ...]]) -> list[Any]:
    return [pytest.param(*cell, marks=() if cell in everyday else pytest.mark.slow) for cell in names]


# ---------------------------------------------------------------- errors and cancellations


@pytest.mark.parametrize(
    ("way", "style", "api"),
    cells([(w, s, a) for w in WAYS for s in STYLES for a in APIS], {("by_capability", "run", "chat")}),
)
def test_an_error_comes_out_as_it_is(way: str, style: str, api: str) -> None:
    """Of the first request: nothing was answered, nothing is captured. The next one is as ever."""
    with world(APIS[api]) as w:
        seen = []
        for there in (w.without_memory(), w):
            w.server.script(*[Scripted(status=400, message="no such thing")] * (2 if "fallback" in way else 1))
            with pytest.raises(Exception) as caught:  # noqa: PT011 (which, is what is compared)
                play(there, style, WAYS[way](there, api, str))
            seen.append((type(caught.value), str(caught.value)))
        assert seen[0] == seen[1]
        w.captured(0)
        play(w, style, WAYS[way](w, api, str))
        assert w.captured(1)[0].complete


@pytest.mark.parametrize("way", cells([(w,) for w in IN_RUNS], {("by_capability",)}))
def test_a_run_that_fails_in_its_middle_is_captured(way: str) -> None:
    """The tool was asked for; then the provider refuses."""
    with world() as w:
        w.server.script(Scripted(tool_calls=[CALL]), Scripted(status=400))
        with pytest.raises(ModelHTTPError):
            play(w, "run", WAYS[way](w, "chat", str))
        w.captured(1)
        assert w.stored() == [("user", QUESTION), ("assistant", "")]


@pytest.mark.parametrize(
    ("way", "style"),
    cells(
        [(w, s) for w in WAYS for s in STREAMED],
        {("by_model", "run_stream"), ("by_agent", "events"), ("by_capability", "iterate_streams")},
    ),
)
def test_a_run_that_is_cancelled_in_its_stream(way: str, style: str) -> None:
    with world() as w:
        hold = threading.Event()
        w.server.script(Scripted(ANSWER, hold=hold, hold_after=4))
        agent = WAYS[way](w, "chat", str)

        async def main() -> None:
            midway = asyncio.Event()
            try:
                await cancelled_midway(STYLES[style](agent, midway=midway), midway)
            finally:
                hold.set()
                await w.close_clients()

        asyncio.run(main())
        (exchange,) = w.captured(1)
        assert not exchange.complete
        assert [m.text for m in exchange.request if m.role == "user"] == [QUESTION]
        assert ANSWER.startswith("".join(m.text for m in exchange.reply))
        assert w.blocks()[0]


@pytest.mark.parametrize("way", cells([(w,) for w in IN_RUNS], {("by_agent",)}))
@pytest.mark.parametrize("style", STREAMED)
def test_a_run_that_is_cancelled_behind_its_tool(way: str, style: str) -> None:
    """It is one exchange still, which has the tool's result and what came of the answer."""
    with world() as w:
        hold = threading.Event()
        w.server.script(Scripted(tool_calls=[CALL]), Scripted(ANSWER, hold=hold, hold_after=4))
        agent = WAYS[way](w, "chat", str)

        async def main() -> None:
            midway = asyncio.Event()

            async def watch() -> None:
                while len(w.server.requests) < 2:
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.1)
                midway.set()

            watching = asyncio.ensure_future(watch())
            try:
                await cancelled_midway(STYLES[style](agent), midway)
            finally:
                hold.set()
                await watching
                await w.close_clients()

        asyncio.run(main())
        (exchange,) = w.captured(1)
        assert not exchange.complete
        assert [text for _, text in w.stored()][:3] == [QUESTION, "", "It is yellow."]


def test_a_stream_that_is_left_early() -> None:
    with world() as w:
        w.server.script(Scripted(ANSWER, hold=(hold := threading.Event()), hold_after=4))
        agent = by_agent(w, "chat", str)

        async def main() -> None:
            async with agent.run_stream(QUESTION, deps="ada") as result:
                async for _ in result.stream_response(debounce_by=None):
                    break
                await result.cancel()
            hold.set()
            await w.close_clients()

        asyncio.run(main())
        assert not w.captured(1)[0].complete


def test_a_block_for_which_there_is_no_room() -> None:
    """The framework's own error says so, and the request is made as it would have been without us."""
    with world() as w:
        w.server._context_tokens = 40
        assert play(w, "run", by_model(w, "chat", str)).output == ANSWER
        assert [bool(b) for b in w.blocks()] == [True, False]
        w.captured(1)


def test_a_fallback_takes_the_second_model_with_the_same_memory() -> None:
    with world() as w:
        w.server.script(Scripted(status=500))
        model = w.mem.register(FallbackModel(made(w, "chat")[0], made(w, "responses")[0]), entity="ada")
        assert play(w, "run_stream", agent_of(model)) is not None
        blocks = w.blocks()
        assert blocks == blocks[:1] * 2
        assert blocks[0]
        assert len(w.recalls) == 1
        w.captured(1)


# ---------------------------------------------------------------- what is said


def test_what_the_framework_says_is_not_the_users() -> None:
    """Feedback on an answer that could not be used goes out in the user's role; the turn stays one."""
    with world() as w:
        agent = by_capability(w, "chat", str)
        asked: list[int] = []

        @agent.output_validator
        def once(output: str) -> str:
            asked.append(1)
            if len(asked) == 1:
                raise ModelRetry("Say it in full.")
            return output

        play(w, "run", agent)
        assert len(w.server.requests) == 2
        blocks = w.blocks()
        assert blocks == blocks[:1] * 2
        (exchange,) = w.captured(1)
        assert [m.text for m in exchange.request if m.role == "user"] == [QUESTION]
        assert len(w.recalls) == 1


def test_what_a_prompt_may_hold() -> None:
    """Parts, an image, a history of its own; the framework's words for them may differ from ours: one call still."""
    with world() as w:
        prompt = ["Look at this.", BinaryContent(b"\x89PNG", media_type="image/png"), QUESTION]
        play(w, "run", by_all(w, "chat", str), prompt=prompt)
        assert w.blocks()[0]
        (exchange,) = w.captured(1)
        assert [(m.role, m.text) for m in exchange.request] == [("user", f"Look at this.\n{QUESTION}")]
        assert [p.kind for p in exchange.request[0].parts] == ["binary"]


def test_a_history_is_stored_once() -> None:
    with world() as w:
        agent = by_agent(w, "chat", str)

        async def main() -> None:
            first = await run(agent)
            w.server.script("Yes.")
            await run(agent, "Does it sing?", message_history=first.all_messages())
            await w.close_clients()

        asyncio.run(main())
        w.captured(2)
        assert w.stored() == [
            ("user", QUESTION),
            ("assistant", ANSWER),
            ("user", "Does it sing?"),
            ("assistant", "Yes."),
        ]


def test_direct_requests() -> None:
    """Without an agent, instructions stand in the history: they are sent as before, and the block behind them."""
    with world() as w:
        model = w.mem.register(made(w, "chat")[0], entity="ada")
        request = ModelRequest.user_text_prompt(QUESTION, instructions="Be brief.")

        async def main() -> None:
            await direct.model_request(model, [request])
            async with direct.model_request_stream(model, [request]) as stream:
                async for _ in stream:
                    pass
            await w.close_clients()

        asyncio.run(main())
        for received in w.server.requests:
            system, block, user = received.body["messages"]
            assert (system["content"], user["content"]) == ("Be brief.", QUESTION)
            assert BLOCK.fullmatch(block["content"])
        w.captured(2)
        assert request.instructions == "Be brief."


# ---------------------------------------------------------------- prompt caches


def marked(w: World) -> list[Any]:
    """What of Anthropic's last request stands before each marker, that part included."""
    body = w.server.requests[-1].body
    parts: list[Any] = list(body.get("system") or []) if not isinstance(body.get("system"), str) else []
    for message in body["messages"]:
        content = message["content"]
        parts += [{"type": "text", "text": content}] if isinstance(content, str) else content
    assert "cache_control" not in body
    bare = [{k: v for k, v in part.items() if k != "cache_control"} for part in parts]
    return [bare[: n + 1] for n, part in enumerate(parts) if part.get("cache_control")]


@pytest.mark.parametrize(
    "settings",
    [
        {"anthropic_cache_instructions": True},
        {"anthropic_cache_messages": "1h"},
        {"anthropic_cache": True},
        {"cache": True},
        {"cache": {"retention": "1h"}},
        {},
    ],
    ids=str,
)
def test_no_byte_changes_before_a_marker(settings: dict[str, Any]) -> None:
    """The parts up to each marker are the same with and without a memory, but for what is marked automatically, which
    is then marked where the caller's own words end."""
    with world("anthropic") as w:
        prompt = QUESTION if settings else ["A long text.", CachePoint(), QUESTION]
        play(w, "run", by_capability(w, "anthropic", str), prompt=prompt, model_settings=settings)
        assert w.blocks()[0]
        before = marked(w)
        assert before, "the control: there is a marker"
        assert not any("<memory-" in str(prefix) for prefix in before)
        if "anthropic_cache_instructions" not in settings:
            assert before[-1][-1]["text"] == ("A long text." if not settings else QUESTION)


# ---------------------------------------------------------------- whose


def test_the_recall_tool_is_the_runs_own() -> None:
    """The model asks for another's memories; what it gets are those of the run's own user."""
    with world() as w:
        w.mem.add("Bob's canary is called Ignis-9.", entity="bob")
        w.store.exchanges.clear()
        capability = MemoriCapability(w.mem, entity=lambda ctx: ctx.deps, recall_tool=True)
        agent = agent_of(made(w, "chat")[0], capabilities=[capability])
        w.server.script(Scripted(tool_calls=[ToolCall("recall", {"query": "canary of entity bob"}, "c1")]))
        play(w, "run", agent)
        (tool,) = (t for t in w.server.requests[0].body["tools"] if t["function"]["name"] == "recall")
        assert list(tool["function"]["parameters"]["properties"]) == ["query"]
        said = w.server.requests[1].body["messages"][-1]["content"]
        assert "Lumen-7" in said
        assert "Ignis" not in str(w.server.requests)
        w.captured(1)
        assert w.stored()[2] == ("tool", ""), "what is remembered is not remembered once more"


def test_nobody_is_named() -> None:
    with world() as w:
        agent = agent_of(made(w, "chat")[0], capabilities=[MemoriCapability(w.mem, entity=lambda ctx: None)])
        play(w, "run", agent)
        with paused():
            play(w, "run", by_agent(w, "chat", str))
        other = by_model(w, "chat", str)
        w.mem.unregister(other.model)
        play(w, "run", other)
        assert w.blocks() == [None] * 3
        w.captured(0)


def test_scope_goes_before_what_the_run_says() -> None:
    with world() as w:
        agent = by_capability(w, "chat", str)
        with w.mem.scope("eve", mode="w"):
            play(w, "run", agent)
        assert w.blocks() == [None]
        assert w.captured(1)[0].scope.entity == "eve"


def test_a_script_with_attribution() -> None:
    """Of Memori's users: on the main thread, outside of any loop."""
    with world() as w:
        agent = w.mem.register(agent_of(made(w, "chat")[0]))
        w.mem.attribution("ada")
        assert agent.run_sync(QUESTION, deps="").output == ANSWER
        agent = w.mem.register(agent_of(made(w, "chat")[0]))
        with agent.run_stream_sync(QUESTION, deps="") as stream:
            assert stream.get_output() == ANSWER
        play(w, "run", w.mem.register(agent_of(made(w, "chat")[0])))
        assert [bool(b) for b in w.blocks()] == [True, True, False], "a task that named nobody is never served"
        w.captured(2)


def users(w: World, agent: Any, told: Any) -> list[str]:
    """Twenty users at once: each tells its secret with a tool call, then asks. Whoever got another's secret."""
    w.server.script()
    secrets = {f"user{n}": f"canary-{n}-{n * n + 7}" for n in range(20)}

    def reply(received: Any) -> Any:
        messages = received.body["messages"]
        if messages[-1]["role"] == "user" and "locker" in str(messages[-1]["content"]):
            return Scripted(tool_calls=[ToolCall("look_up", {"what": "it"})])
        return Scripted("Noted.")

    w.server._reply = reply

    async def serve(user: str) -> None:
        await told(agent, user, f"My locker code is {secrets[user]}.")
        await asyncio.sleep(0)
        await told(agent, user, "What is my locker code?")

    async def main() -> None:
        await asyncio.gather(*map(serve, secrets))
        await w.close_clients()

    asyncio.run(main())
    assert w.mem.flush(BUDGET).done
    crossed = []
    for exchange in w.store.exchanges:
        own = secrets[exchange.scope.entity]
        crossed += [s for s in secrets.values() if s != own and s in str(exchange)]
    asked = {}
    for received in w.server.requests:
        text = str(received.body)
        found = {s for s in secrets.values() if s in text}
        crossed += list(found)[1:]
        if "What is my locker code?" in text:
            asked |= dict.fromkeys(found)
    assert crossed or len(asked) == 20, "the control: each is answered from its own memory"
    return crossed


@pytest.mark.parametrize("way", ["scope", pytest.param("deps", marks=pytest.mark.slow)])
def test_twenty_users_at_once(way: str) -> None:
    with world(knows=False) as w:
        if way == "deps":
            agent = by_capability(w, "chat", str)

            async def told(agent: Any, user: str, text: str) -> None:
                await agent.run(text, deps=user)
        else:
            agent = w.mem.register(agent_of(made(w, "chat")[0]))

            async def told(agent: Any, user: str, text: str) -> None:
                with w.mem.scope(user):
                    async with agent.run_stream(text, deps="") as result:
                        await result.get_output()

        assert users(w, agent, told) == []


def test_users_who_are_told_apart_by_a_global_cross() -> None:
    """The control of the test above: the same with the name in a variable that all of them share."""
    with world(knows=False) as w:
        now = {"user": "user0"}
        agent = w.mem.register(agent_of(made(w, "chat")[0]), entity=lambda: now["user"])

        async def told(agent: Any, user: str, text: str) -> None:
            now["user"] = user
            await asyncio.sleep(0)
            await agent.run(text, deps="")

        assert users(w, agent, told) != []


# ---------------------------------------------------------------- planted faults


def into_the_history(arguments: Any, **changes: Any) -> Any:
    messages = pydantic_ai._given(arguments)["messages"]
    block = changes["model_request_parameters"].instruction_parts[-1].content
    messages[-1].parts = [SystemPromptPart(block), *messages[-1].parts]
    return arguments


def never_told(*_: Any, **__: Any) -> Any:
    return None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "style", "scenario", "place", "name", "fault"),
    [
        ("by_model", "run", PLAIN, pydantic_ai, "_with", into_the_history),
        ("by_model", "run", PLAIN, pydantic_ai_messages, "reply", lambda _: None),
        ("by_model", "run_stream", PLAIN, pydantic_ai._Streamed, "reply", lambda self: None),
        ("by_agent", "run", TOOLS, AgentRun, "entered", lambda self: nullcontext()),
        ("by_capability", "run", TOOLS, drivers.Call, "inject", never_told),
        ("by_all", "run", TOOLS, drivers, "begin", None),
    ],
    ids=["in the history", "not captured", "stream not captured", "by request", "not injected", "twice"],
)
def test_a_planted_fault_is_noticed(
    monkeypatch: pytest.MonkeyPatch, way: str, style: str, scenario: Any, place: Any, name: str, fault: Any
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
        check(way, style, scenario, "chat")
