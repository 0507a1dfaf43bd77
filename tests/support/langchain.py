"""LangChain's styles of calling, each with each of what may become of a call, told as plain values."""

from __future__ import annotations

import asyncio
import copy
import gc
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core._api.beta_decorator import LangChainBetaWarning
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, MessagesState, StateGraph
from pydantic import BaseModel

from memori_wrap.testing.anthropic_server import FakeAnthropic
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.testing.script import Scripted, ToolCall
from memori_wrap_adapters.frameworks.langchain import MemoriMiddleware

KNOWN = "My sister Anna lives in Lisbon."
QUESTION = "Where does my sister live?"
REPLY = "In Lisbon, as far as I know."
FENCE = "<memory-"
LOOP = asyncio.new_event_loop()
"""One for all: LangChain's SDK clients share their connections, which belong to a loop."""

SYNC = ("invoke", "batch", "stream", "stream_v3", "agent", "agent_stream", "graph")
ASYNC = ("ainvoke", "abatch", "astream", "astream_events", "astream_v3", "aagent", "aagent_stream", "agraph")
AWAITED = ("ainvoke", "abatch", "aagent", "agraph")
STYLES = (*SYNC, *ASYNC)
CASES = ("plain", "streaming", "tools", "structured", "error", "cancel")


class Place(BaseModel):
    """Where somebody lives."""

    city: str


@tool
def weather(city: str) -> str:
    """Tells the weather."""
    return f"Sunny in {city}."


class Watcher(BaseCallbackHandler):
    """What a tracer sees of the prompts."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.prompts += [str(m.content) for batch in messages for m in batch]


@dataclass
class Outcome:
    """What a caller has of it, and what a tracer saw. Equal with and without a memory."""

    types: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    error: str = ""
    prompts: list[str] = field(default_factory=list)
    arrived: Callable[[], bool] = field(default=bool, repr=False, compare=False)
    """Whether the request has come to the server."""

    def add(self, made: Any) -> None:
        self.types.append(type(made).__name__)
        if isinstance(made, BaseMessage):
            calls = [(c["name"], c["args"]) for c in getattr(made, "tool_calls", [])]
            self.values.append((made.content, calls, made.response_metadata.get("finish_reason")))
        else:
            self.values.append(made.model_dump() if isinstance(made, BaseModel) else str(made))


@dataclass
class Maker:
    """One provider's models, and its fake server."""

    name: str
    server: Callable[[], Any]
    model: Callable[..., Any]
    clients: tuple[str, ...]


def _openai(server: Any, **options: Any) -> Any:
    return ChatOpenAI(model="gpt-5-mini", base_url=server.base_url, api_key="x", max_retries=0, **options)


def _anthropic(server: Any, **options: Any) -> Any:
    return ChatAnthropic(model="claude-opus-4-8", base_url=server.base_url, api_key="x", max_retries=0, **options)


OPENAI = Maker("openai", lambda: FakeOpenAI(REPLY), _openai, ("root_client", "root_async_client"))
ANTHROPIC = Maker("anthropic", lambda: FakeAnthropic(REPLY), _anthropic, ("_client", "_async_client"))


def script(server: Any, style: str, case: str) -> None:
    """What the server is to answer."""
    if case == "tools":
        server.script(Scripted(tool_calls=[ToolCall("weather", {"city": "Lisbon"}, id="call_1")]))
    elif case == "structured":
        as_tool = isinstance(server, FakeAnthropic) or "agent" in style
        call = Scripted(tool_calls=[ToolCall("Place", {"city": "Lisbon"}, id="call_1")])
        server.script(call if as_tool else Scripted('{"city":"Lisbon"}'))
    elif case == "error":
        server.script(Scripted(status=400, message="no such thing"))
    elif case == "cancel" and style in AWAITED:
        server.script(Scripted(REPLY, hold=threading.Event()))
    elif case == "cancel":
        server.script(Scripted(REPLY, chunk_delay=0.05))


def run(style: str, case: str, server: Any, model: Any, mem: Any = None) -> Outcome:
    """Calls ``model`` in a style; ``mem``: the agents get its middleware."""
    out = Outcome(arrived=lambda: bool(server.requests))
    watcher = Watcher()
    given: list[Any] = [SystemMessage("Be brief."), HumanMessage(QUESTION)]
    before = copy.deepcopy(given)
    config = {"callbacks": [watcher]}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LangChainBetaWarning)
            if style in ASYNC:
                LOOP.run_until_complete(_async(style, case, model, given, config, mem, out))
                gc.collect()
                LOOP.run_until_complete(asyncio.sleep(0.01))  # what was dropped is closed by the loop
            else:
                _sync(style, case, model, given, config, mem, out)
    except Exception as error:
        out.error = f"{type(error).__module__}.{type(error).__qualname__}: {error}"
    for message, copied in zip(given, before, strict=True):
        copied.id = message.id  # a graph gives its messages one
    assert given == before, "the caller's own messages were changed"
    out.prompts = watcher.prompts
    return out


def bound(model: Any, case: str) -> Any:
    if case == "tools":
        return model.bind_tools([weather])
    if case == "structured":
        is_openai = isinstance(model, ChatOpenAI)
        return model.with_structured_output(Place, method="json_schema" if is_openai else "function_calling")
    return model


def agent_of(model: Any, case: str, mem: Any) -> Any:
    from langchain.agents.structured_output import ToolStrategy

    return create_agent(
        model,
        [weather] if case == "tools" else [],
        middleware=[MemoriMiddleware(mem)] if mem is not None else [],
        response_format=ToolStrategy(Place) if case == "structured" else None,
    )


def graph_of(model: Any, case: str) -> Any:
    asked = bound(model, case)

    def ask(state: Any) -> dict[str, Any]:
        made = asked.invoke(state["messages"])
        return {"messages": [made if isinstance(made, BaseMessage) else str(made)]}

    async def aask(state: Any) -> dict[str, Any]:
        made = await asked.ainvoke(state["messages"])
        return {"messages": [made if isinstance(made, BaseMessage) else str(made)]}

    from langchain_core.runnables import RunnableLambda

    graph = StateGraph(MessagesState)
    graph.add_node("ask", RunnableLambda(ask, aask))
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    return graph.compile()


def _state(out: Outcome, state: Any) -> None:
    assert set(state) <= {"messages", "structured_response"}
    for made in state["messages"]:
        out.add(made)
    if "structured_response" in state:
        out.add(state["structured_response"])


def _sync(style: str, case: str, model: Any, given: Any, config: Any, mem: Any, out: Outcome) -> None:
    asked = bound(model, case) if "agent" not in style else model
    if style == "invoke":
        out.add(asked.invoke(given, config))
    elif style == "batch":
        for made in asked.batch([given], config):
            out.add(made)
    elif style == "stream":
        for chunk in asked.stream(given, config):
            out.add(chunk)
            if case == "cancel":
                break
    elif style == "stream_v3":
        if case == "structured":
            asked = model
        stream = asked.stream_events(given, config, version="v3")
        if case == "cancel":
            next(iter(stream.text))
        else:
            out.add(stream.output)
    elif style == "agent":
        _state(out, agent_of(model, case, mem).invoke({"messages": given[1:]}, config))
    elif style == "agent_stream":
        for made, _ in agent_of(model, case, mem).stream({"messages": given[1:]}, config, stream_mode="messages"):
            out.add(made)
            if case == "cancel":
                break
    else:
        _state(out, graph_of(model, case).invoke({"messages": given}, config))


async def _async(style: str, case: str, model: Any, given: Any, config: Any, mem: Any, out: Outcome) -> None:
    asked = bound(model, case) if "agent" not in style else model
    if style in AWAITED:
        if style == "ainvoke":
            work = asked.ainvoke(given, config)
        elif style == "abatch":
            work = asked.abatch([given], config)
        elif style == "aagent":
            work = agent_of(model, case, mem).ainvoke({"messages": given[1:]}, config)
        else:
            work = graph_of(model, case).ainvoke({"messages": given}, config)
        if case == "cancel":
            task = asyncio.ensure_future(work)
            while not out.arrived():
                await asyncio.sleep(0.005)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                out.error = "cancelled"
            return
        made = await work
        if style in ("aagent", "agraph"):
            _state(out, made)
        else:
            for each in made if style == "abatch" else [made]:
                out.add(each)
    elif style == "astream":
        async for chunk in asked.astream(given, config):
            out.add(chunk)
            if case == "cancel":
                break
    elif style == "astream_events":
        async for event in asked.astream_events(given, config):
            out.types.append(event["event"])
            if event["event"] in ("on_chat_model_end", "on_chat_model_stream"):
                made = event["data"].get("output") or event["data"].get("chunk")
                out.add(made)
            if case == "cancel" and event["event"] == "on_chat_model_stream":
                break
    elif style == "astream_v3":
        if case == "structured":
            asked = model
        stream = await asked.astream_events(given, config, version="v3")
        if case == "cancel":
            async for _ in stream.text:
                break
            await stream.aclose()
        else:
            out.add(await stream.output)
    else:
        agent = agent_of(model, case, mem)
        async for made, _ in agent.astream({"messages": given[1:]}, config, stream_mode="messages"):
            out.add(made)
            if case == "cancel":
                break
