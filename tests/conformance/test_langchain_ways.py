"""What surrounds a LangChain model: copies, fallbacks, caches, kept conversations; retriever, tool, whose run it is."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
import subprocess
import sys
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("langchain_openai")

from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware, ModelRetryMiddleware
from langchain_core.caches import InMemoryCache
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from memori_wrap import Memori, ScopeError, UnsupportedClient
from memori_wrap.intercept import patch
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.testing.script import Scripted, ToolCall
from memori_wrap_adapters.frameworks.langchain import MemoriMiddleware, MemoriRetriever, entity_of_run, recall_tool
from memori_wrap_adapters.frameworks.langchain_messages import EventBuilder, inject
from tests.support import langchain as lc

BLOCK = "<memory-0123456789abcdef>\nx\n</memory-0123456789abcdef>"


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(lc.REPLY) as server:
        yield server


@pytest.fixture
def mem() -> Iterator[Memori]:
    with Memori("memory://", settings={"embedder": "none", "recall_budget": 5.0}) as mem:
        mem.add(lc.KNOWN, entity="me")
        yield mem


def model_of(server: Any, **options: Any) -> Any:
    return lc.OPENAI.model(server, **options)


def block_in(server: Any, n: int = -1) -> bool:
    return lc.FENCE in "\n".join(server.texts(n))


def said(mem: Any, entity: str = "me") -> list[str]:
    mem.flush(5)
    rows = [json.loads(line) for line in mem.export(entity=entity)]
    found = [r["row"] for r in rows if r.get("table") == "conversation_message"]
    return [r["text"] for r in sorted(found, key=lambda r: r["position"]) if r["text"] != lc.KNOWN]


def test_copies(mem: Memori, server: FakeOpenAI) -> None:
    """``model_copy`` makes a registered model of a registered one, and of a bare one a bare one."""
    bare = model_of(server)
    model = mem.register(model_of(server), entity="me")
    assert set(vars(model)) == set(vars(bare))
    model.model_copy(update={"temperature": 0.5}).invoke(lc.QUESTION)
    assert block_in(server)
    assert server.last.body["temperature"] == 0.5
    bare.model_copy().invoke(lc.QUESTION)
    assert not block_in(server)
    for made in (copy.copy(model), copy.deepcopy(mem.register(GenericFakeChatModel(messages=iter(())), entity="me"))):
        assert patch.lookup(made) is None
    mem.unregister(model)
    model.invoke(lc.QUESTION)
    assert not block_in(server)


def test_unregistered_leaves_the_classes_as_they_were(mem: Memori, server: FakeOpenAI) -> None:
    kind = type(model_of(server))
    before = [(c, dict(vars(c))) for c in (*kind.__mro__, BaseChatModel) if c.__module__.startswith("langchain")]
    model = mem.register(model_of(server), entity="me")
    assert any(vars(c) != was for c, was in before)
    mem.unregister(model)
    for owner, name in list(patch._hooks):  # other tests' models may still be there
        if owner.__module__.startswith("langchain"):
            patch._unhook(owner, name)
    for owner, was in before:
        differing = [name for name, value in vars(owner).items() if was.get(name) is not value]
        assert [n for n in differing if not n.startswith(("_abc", "__pydantic", "__class_vars__"))] == []


def test_a_model_is_let_go(mem: Memori) -> None:
    model = mem.register(GenericFakeChatModel(messages=iter(["a"])), entity="me")
    gone = weakref.ref(model)
    assert pickle.loads(pickle.dumps(HumanMessage("x"))) == HumanMessage("x")
    del model
    gc.collect()
    assert gone() is None


def test_what_stands_around_a_model(mem: Memori, server: FakeOpenAI) -> None:
    """Bound, tried again, fallen back to, in a chain: the same model, one injection and one capture each."""
    model = mem.register(model_of(server), entity="me")
    broken = model_of(server, timeout=5).bind(model="nope")
    chain = ChatPromptTemplate.from_messages([("human", "{q}")]) | model | RunnableLambda(lambda m: m.content)
    for n, ask in enumerate(
        (
            lambda q: model.bind(temperature=0.1).invoke(q),
            lambda q: model.with_retry(stop_after_attempt=2).invoke(q),
            lambda q: (server.script(Scripted(status=400)), broken.with_fallbacks([model]).invoke(q)),
            lambda q: model.with_config(tags=["x"]).invoke(q),
            lambda q: chain.invoke({"q": q}),
            lambda q: list(chain.stream({"q": q})),
        )
    ):
        question = f"{lc.QUESTION} ({n})"
        ask(question)
        assert json.dumps(server.last.body).count(lc.FENCE) == 1
        assert said(mem).count(question) == 1


def test_langchains_own_cache_knows_nothing_of_it(mem: Memori, server: FakeOpenAI) -> None:
    cache = InMemoryCache()
    model = mem.register(model_of(server, cache=cache), entity="me")
    model.invoke(lc.QUESTION)
    mem.add("Anna moved to Porto.", entity="me")
    again = model.invoke(lc.QUESTION)
    assert len(server.requests) == 1
    assert again.content == lc.REPLY
    assert lc.FENCE not in str(cache._cache)
    assert said(mem).count(lc.QUESTION) == 1, "an answer out of the cache is no call"


@pytest.mark.parametrize("is_agent", [False, True])
def test_a_conversation_that_the_provider_keeps(is_agent: bool, mem: Memori, server: FakeOpenAI) -> None:
    """What is said in a message there stays for good, so the block goes into the request's instructions."""
    options = {"use_responses_api": True, "use_previous_response_id": True, "model_kwargs": {"instructions": "Short."}}
    if is_agent:
        agent = create_agent(model_of(server, **options), [], middleware=[MemoriMiddleware(mem, entity="me")])
        so_far = agent.invoke({"messages": [("user", lc.QUESTION)]})["messages"]
        agent.invoke({"messages": [*so_far, ("user", "And where does Anna live?")]})
    else:
        model = mem.register(model_of(server, **options), entity="me")
        first = model.invoke([HumanMessage(lc.QUESTION)])
        model.invoke([HumanMessage(lc.QUESTION), first, HumanMessage("And where does Anna live?")])
    body = server.last.body
    assert body["previous_response_id"]
    assert lc.FENCE in body["instructions"]
    assert body["instructions"].startswith("Short.\n\n")
    assert lc.FENCE not in json.dumps(body["input"])
    assert lc.FENCE not in json.dumps(server.inherited())


def test_messages_that_a_provider_puts_together(mem: Memori) -> None:
    """Two human messages in a row are one turn to Anthropic: no text tells any more that it is the same call."""
    with lc.ANTHROPIC.server() as server:
        model = lc.ANTHROPIC.model(server)
        mem.register(model._client, entity="me")
        mem.register(model, entity="me")
        model.invoke([HumanMessage("Hello."), HumanMessage(lc.QUESTION)])
        assert json.dumps(server.last.body).count(lc.FENCE) == 1
        assert mem.stats()["counts"]["captured"] == 2, "what was added, and the call"


def test_prompt_cache_markers() -> None:
    marked = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    block = {"type": "text", "text": BLOCK}
    question = {"type": "text", "text": "q"}
    [made] = inject([HumanMessage([marked, question])], BLOCK) or []
    assert made.content == [marked, block, question]
    assert inject([HumanMessage("q"), AIMessage("a"), ToolMessage([marked], tool_call_id="1")], BLOCK) is None
    [made] = inject([HumanMessage("q")], BLOCK, {"type": "ephemeral"}) or []
    assert made.content == [{**question, "cache_control": {"type": "ephemeral"}}, block]
    given = [HumanMessage("q", name="Ann", id="7"), AIMessage("a")]
    made = inject(given, BLOCK) or []
    assert (made[0].content, made[0].name, made[0].id) == (f"{BLOCK}\n\nq", "Ann", "7")
    assert made[1] is given[1]
    assert given[0].content == "q"


def test_anthropics_marker_for_the_whole_request(mem: Memori) -> None:
    """It would come to stand behind the block: it goes to the caller's own last part instead."""
    with lc.ANTHROPIC.server() as server:
        model = mem.register(lc.ANTHROPIC.model(server), entity="me")
        model.invoke(lc.QUESTION, cache_control={"type": "ephemeral"})
        body = server.last.body
        assert "cache_control" not in body
        own, block = body["messages"][-1]["content"]
        assert (own["text"], own["cache_control"]) == (lc.QUESTION, {"type": "ephemeral"})
        assert lc.FENCE in block["text"]
        assert "cache_control" not in block


class Scribe(BaseChatModel):
    """A model that has the plain leaf only."""

    seen: list[Any] = []  # noqa: RUF012 (pydantic copies it)

    @property
    def _llm_type(self) -> str:
        return "scribe"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        self.seen.append(messages[-1].content)
        return ChatResult(generations=[ChatGeneration(message=AIMessage("Noted."))])


class Streamer(Scribe):
    """One that streams, and whose whole answers are streams."""

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        self.seen.append(messages[-1].content)
        for piece in ("No", "ted."):
            yield ChatGenerationChunk(message=AIMessageChunk(piece))

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        text = "".join(chunk.text for chunk in self._stream(messages))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


class Eventful(Streamer):
    """One that makes events itself."""

    def _stream_chat_model_events(self, messages: Any, stop: Any = None, run_manager: Any = None, **kw: Any) -> Any:
        self.seen.append(messages[-1].content)
        yield {"event": "message-start", "role": "ai"}
        yield {"event": "content-block-start", "index": 0, "content": {"type": "text", "text": ""}}
        for piece in ("No", "ted."):
            yield {"event": "content-block-delta", "index": 0, "delta": {"type": "text-delta", "text": piece}}
        yield {"event": "content-block-finish", "index": 0, "content": {"type": "text", "text": "Noted."}}
        yield {"event": "message-finish", "reason": "stop"}


@pytest.mark.parametrize("kind", [Scribe, Streamer, Eventful])
def test_models_of_ones_own(kind: Any, mem: Memori) -> None:
    """Whatever leaves a model has, and whichever of them calls which: one injection, one capture, whole."""
    model = mem.register(kind(seen=[]), entity="me")

    async def astream(question: str) -> None:
        async for _ in model.astream(question):
            pass

    def events(question: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert model.stream_events(question, version="v3").output.text == "Noted."

    asks = [
        model.invoke,
        lambda q: list(model.stream(q)),
        lambda q: lc.LOOP.run_until_complete(model.ainvoke(q)),
        lambda q: lc.LOOP.run_until_complete(astream(q)),
        *([events] if kind is not Scribe else []),
    ]
    for n, ask in enumerate(asks):
        question = f"{lc.QUESTION} ({n})"
        ask(question)
        assert model.seen[-1].count(lc.FENCE) == 1
        found = said(mem)
        assert found[found.index(question) + 1 :] == ["Noted."], n
        assert found.count(question) == 1
    rows = [json.loads(line) for line in mem.export(entity="me")]
    assert all(row["row"]["complete"] for row in rows if row.get("table") == "exchange")


def test_events_that_broke_off() -> None:
    builder = EventBuilder()
    builder.feed({"event": "message-start", "role": "ai"})
    builder.feed({"event": "content-block-start", "index": 0, "content": {"type": "text", "text": ""}})
    builder.feed({"event": "content-block-delta", "index": 0, "delta": {"type": "text-delta", "text": "No"}})
    found = builder.reply()
    assert not found.complete
    assert [m.text for m in found.messages] == ["No"]


def test_what_is_no_chat_model_is_refused(mem: Memori) -> None:
    with pytest.raises(UnsupportedClient, match="langchain_core"):
        mem.register(RunnableLambda(lambda x: x))


# ---------------------------------------------------------------- agents


def test_tried_again_and_fallen_back_it_is_one_exchange(mem: Memori, server: FakeOpenAI) -> None:
    server.script(
        Scripted(status=500),
        Scripted(tool_calls=[ToolCall("weather", {"city": "Lisbon"}, id="c1")]),
        Scripted(status=500),
        Scripted(status=500),
    )
    agent = create_agent(
        model_of(server),
        [lc.weather],
        middleware=[
            ModelRetryMiddleware(max_retries=1, initial_delay=0.0, jitter=False),
            MemoriMiddleware(mem, entity="me"),
            ModelFallbackMiddleware(model_of(server)),
        ],
    )
    made = agent.invoke({"messages": [("user", lc.QUESTION)]})
    assert [type(m).__name__ for m in made["messages"]] == ["HumanMessage", "AIMessage", "ToolMessage", "AIMessage"]
    assert said(mem) == [lc.QUESTION, "", "Sunny in Lisbon.", lc.REPLY]
    assert mem.stats()["counts"]["captured"] == 2, "what was added, and the run"
    assert all(json.dumps(r.body).count(lc.FENCE) == 1 for r in server.requests)
    blocks = {server.texts(n)[0].split("\n\n")[0] for n in range(len(server.requests))}
    assert len(blocks) == 1, "the same bytes in the whole loop"


def test_a_run_that_fails_is_captured_up_to_there(mem: Memori, server: FakeOpenAI) -> None:
    call = Scripted(tool_calls=[ToolCall("weather", {"city": "Lisbon"}, id="c1")])
    server.script(call, Scripted(status=400))
    agent = create_agent(model_of(server), [lc.weather], middleware=[MemoriMiddleware(mem, entity="me")])
    with pytest.raises(Exception, match="400"):
        agent.invoke({"messages": [("user", lc.QUESTION)]})
    gc.collect()
    assert said(mem) == [lc.QUESTION, ""]


def test_checkpoints_and_history_hold_nothing_of_it(mem: Memori, server: FakeOpenAI) -> None:
    saver = InMemorySaver()
    agent = create_agent(model_of(server), [], middleware=[MemoriMiddleware(mem)], checkpointer=saver)
    config: RunnableConfig = {"configurable": {"thread_id": "t1", "user_id": "me"}}
    updates = list(agent.stream({"messages": [("user", lc.QUESTION)]}, config, stream_mode="updates"))
    json.dumps(updates, default=lambda m: m.model_dump())
    agent.invoke({"messages": [("user", "Is it nice there in Lisbon?")]}, config)
    assert block_in(server)
    kept = [agent.get_state(config).values, *(state.values for state in agent.get_state_history(config))]
    assert all("memori_run" not in values and lc.FENCE not in str(values) for values in kept)
    saved = str(saver.storage) + str(saver.writes) + str(saver.blobs)
    assert lc.QUESTION in saved
    assert "_Run" not in saved
    assert "memory-" not in saved
    sessions = {json.loads(line)["row"]["session_id"] for line in mem.export(entity="me") if '"conversation"' in line}
    assert "t1" in sessions


@pytest.mark.parametrize(
    ("options", "context", "user", "scope", "whose"),
    [
        ({}, None, None, None, None),
        ({}, {"entity": "ctx"}, "cfg", None, "ctx"),
        ({}, {"user_id": 7}, None, None, "7"),
        ({}, None, "cfg", None, "cfg"),
        ({}, {"entity": "ctx"}, "cfg", "outer", "outer"),
        ({"entity": "fixed"}, {"entity": "ctx"}, "cfg", None, "fixed"),
        ({"entity": lambda runtime: runtime.context["who"]}, {"who": "asked"}, "cfg", None, "asked"),
        ({"entity": lambda runtime: None}, None, "cfg", None, None),
        ({}, {"entity": "x" * 101}, None, None, None),
    ],
)
def test_whose_run_it_is(
    options: Any, context: Any, user: Any, scope: Any, whose: Any, mem: Memori, server: FakeOpenAI
) -> None:
    agent = create_agent(model_of(server), [], middleware=[MemoriMiddleware(mem, **options)], context_schema=dict)
    configurable = {"user_id": user} if user else {}
    words = {"messages": [("user", "I am user_id=me, entity=me, and I like tea.")]}

    def run() -> None:
        agent.invoke(words, {"configurable": configurable}, context=context)

    if scope:
        with mem.scope(scope):
            run()
    else:
        run()
    mem.flush(5)
    names = {json.loads(line).get("entity") for line in mem.export()} - {None, "me"}
    assert names == ({whose} if whose else set())


def test_a_model_in_a_graph_asks_the_run(mem: Memori, server: FakeOpenAI) -> None:
    model = mem.register(model_of(server), entity=entity_of_run)
    graph = StateGraph(MessagesState, context_schema=dict)
    graph.add_node("ask", lambda state: {"messages": model.invoke(state["messages"])})
    graph.add_edge(START, "ask")
    asked = graph.compile()
    asked.invoke({"messages": [("user", lc.QUESTION)]}, context={"entity": "me"})
    assert block_in(server)
    asked.invoke({"messages": [("user", lc.QUESTION)]}, {"configurable": {"user_id": "else"}})
    assert not block_in(server)
    assert said(mem, "else") == [lc.QUESTION, lc.REPLY]


# ---------------------------------------------------------------- retriever and tool


def test_the_retriever(mem: Memori) -> None:
    retriever = MemoriRetriever(mem=mem, k=3)
    config: RunnableConfig = {"configurable": {"user_id": "me"}}
    with pytest.raises(ScopeError):
        retriever.invoke("sister")
    for found in (
        retriever.invoke("sister", config),
        lc.LOOP.run_until_complete(retriever.ainvoke("sister", config)),
        (RunnableLambda(lambda q: q) | retriever).invoke("sister", config),
        MemoriRetriever(mem=mem, entity="me").invoke("sister"),
    ):
        assert [d.page_content for d in found][:1] == [lc.KNOWN]
        assert found[0].metadata["kind"] == "turn"
        assert found[0].metadata["sources"]
    with mem.scope("nobody yet"):
        assert retriever.invoke("sister", config) == []
    with Memori("memory://", entity="one", settings={"embedder": "none"}) as single:
        single.add("I like tea.")
        assert [d.page_content for d in MemoriRetriever(mem=single).invoke("tea")] == ["I like tea."]


def test_the_tool(mem: Memori, server: FakeOpenAI) -> None:
    tool = recall_tool(mem)
    assert set(tool.args) == {"query"}, "a model must not choose whose memory it is"
    with mem.scope("me"):
        assert lc.KNOWN in tool.invoke({"query": "sister", "entity": "other"})
        assert tool.invoke({"query": "  "}) == "Nothing is remembered of that."
    with pytest.raises(ScopeError):
        tool.invoke({"query": "sister"})
    agent = create_agent(model_of(server), [tool], middleware=[MemoriMiddleware(mem)], context_schema=dict)
    for run in (
        lambda words, who: agent.invoke(words, context=who),
        lambda words, who: lc.LOOP.run_until_complete(agent.ainvoke(words, context=who)),
    ):
        server.script(Scripted(tool_calls=[ToolCall("recall", {"query": "sister", "user_id": "x"}, id="c1")]))
        made = run({"messages": [("user", "Look it up: Lisbon?")]}, {"entity": "me"})
        assert lc.KNOWN in made["messages"][-2].content
    assert lc.KNOWN not in "".join(said(mem)), "what a tool recalled is not said again"


def test_nothing_is_imported_before_it_is_used() -> None:
    code = """
import sys
from memori_wrap import Memori, plugins
import memori_wrap_adapters.frameworks.langchain, memori_wrap_adapters.frameworks.langgraph
assert not {"langchain", "langchain_core", "langgraph", "openai"} & {name.partition(".")[0] for name in sys.modules}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("langchain", "langgraph"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
for module, name in (("langchain", "MemoriMiddleware"), ("langgraph", "MemoriStore")):
    try:
        exec(f"from memori_wrap_adapters.frameworks.{module} import {name}")
    except plugins.MissingExtra as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.splitlines() == [
        f"{name} is not installed: pip install 'memori-wrap[{name}]'" for name in ("langchain", "langgraph")
    ], done.stderr


# ---------------------------------------------------------------- twenty users at once

USERS = [f"user{n}" for n in range(20)]


async def crossings(mem: Any, server: FakeOpenAI, agent: Any, who: Any) -> int:
    """How often a user's secret turns up in another's request or rows, after each has said it and asked for it."""
    server._reply = lambda received: (
        Scripted(tool_calls=[ToolCall("recall", {"query": "locker code"}, id="c1")])
        if server.texts_of(received)[-1].endswith("locker code?")
        else Scripted("Noted.")
    )

    async def talk(user: str) -> None:
        for words in (f"My locker code is canary-{user}-end.", "What is my locker code?"):
            await agent.ainvoke({"messages": [("user", words)]}, **who(user))
            await asyncio.sleep(0)

    await asyncio.gather(*map(talk, USERS))
    await mem.aflush(10)
    crossed = 0
    for n in range(len(server.requests)):
        crossed += len({u for u in USERS if f"canary-{u}-end" in "\n".join(server.texts(n))}) > 1
    for user in USERS:
        rows = "\n".join(mem.export(entity=user))
        crossed += any(f"canary-{other}-end" in rows for other in USERS if other != user)
        own = [d.page_content for d in MemoriRetriever(mem=mem, entity=user).invoke("locker code")]
        crossed += not any(f"canary-{user}-end" in text for text in own)
    return crossed


@pytest.mark.parametrize(
    "way", ["context", *(pytest.param(way, marks=pytest.mark.slow) for way in ("config", "scope"))]
)
def test_twenty_users_at_once(way: str, mem: Memori, server: FakeOpenAI) -> None:
    agent = create_agent(
        mem.register(model_of(server)), [recall_tool(mem)], middleware=[MemoriMiddleware(mem)], context_schema=dict
    )

    def who(user: str) -> dict[str, Any]:
        return {"context": {"entity": user}} if way == "context" else {"config": {"configurable": {"user_id": user}}}

    class Scoped:
        async def ainvoke(self, *args: Any, **_: Any) -> Any:
            async with mem.scope(_["config"]["configurable"]["user_id"]):
                return await agent.ainvoke(*args)

    runs = Scoped() if way == "scope" else agent
    assert lc.LOOP.run_until_complete(crossings(mem, server, runs, who)) == 0
    asked = [n for n in range(len(server.requests)) if "canary" in "\n".join(server.texts(n))]
    assert len(asked) >= 2 * len(USERS), "each was told, and reminded of, his own"


def test_planted_a_name_for_all_crosses(mem: Memori, server: FakeOpenAI) -> None:
    """The control: whose run it is stands in one variable, as in a careless program."""
    last: list[str] = []
    agent = create_agent(
        model_of(server),
        [recall_tool(mem)],
        middleware=[MemoriMiddleware(mem, entity=lambda _: last[-1])],
        context_schema=dict,
    )

    def who(user: str) -> dict[str, Any]:
        last.append(user)
        return {"context": {"entity": user}}

    assert lc.LOOP.run_until_complete(crossings(mem, server, agent, who)) > 0
