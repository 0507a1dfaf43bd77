"""LangChain's chat models and agents over OpenAI's and Anthropic's SDKs: each style of calling, whatever becomes of it.

One injection, one capture, and nothing of it to be seen by the caller; whoever else was registered, and when.
"""

from __future__ import annotations

import gc
import json
import re
import time
from contextlib import ExitStack
from typing import Any

import pytest

pytest.importorskip("langchain_openai")

from memori_wrap import Memori
from tests.support import langchain as lc

WHO = ("model", "client, model", "model, client", "client")
"""Who is registered, in the order of the registrations."""
SHAPED = re.compile(r"(chatcmpl|resp|msg|call|toolu|lc_run-)[-_][\w-]+")


def register(mem: Any, model: Any, maker: lc.Maker, who: str) -> None:
    for each in who.split(", "):
        if each == "model":
            assert mem.register(model, entity="me") is model
        else:
            for name in maker.clients:
                mem.register(getattr(model, name), entity="me")


def messages(mem: Any) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What was captured beside what was known before."""
    rows = [json.loads(line) for line in mem.export(entity="me")]
    found = [row["row"] for row in rows if row.get("table") == "conversation_message"]
    found.sort(key=lambda row: (row["said_at"]["v"], row["position"]))
    return [
        (row["role"], row["text"], [(kind, name) for kind, _, _, name in row.get("parts") or ()])
        for row in found
        if row["text"] != lc.KNOWN and row["role"] != "system"
    ]


def exchanges(mem: Any) -> int:
    rows = [json.loads(line) for line in mem.export(entity="me")]
    return sum(row.get("table") == "exchange" for row in rows) - 1


def blocks(server: Any) -> list[int]:
    """How many blocks each request had, in whatever place."""
    return [json.dumps(request.body).count(lc.FENCE) for request in server.requests]


def expected(style: str, case: str, maker: lc.Maker) -> list[tuple[str, str, list[tuple[str, str]]]]:
    asked = ("user", lc.QUESTION, [])
    call = [("tool_call", "weather")]
    place = [("tool_call", "Place")]
    if case == "error":
        return []
    if case == "tools" and "agent" in style:
        result = ("tool", "Sunny in Lisbon.", [("tool_result", "weather")])
        return [asked, ("assistant", "", call), result, ("assistant", lc.REPLY, [])]
    if case == "tools":
        return [asked, ("assistant", "", call)]
    if case == "structured" and "agent" in style:
        return [asked, ("assistant", "", place)]
    if case == "structured":
        as_text = maker is lc.OPENAI
        return [asked, ("assistant", '{"city":"Lisbon"}', []) if as_text else ("assistant", "", place)]
    return [asked, ("assistant", lc.REPLY, [])]


def check(style: str, case: str, who: str, maker: lc.Maker = lc.OPENAI) -> None:
    """The same with and without a memory, but for the block on the wire and what is remembered afterwards."""
    with ExitStack() as stack:
        server = stack.enter_context(maker.server())
        mem = stack.enter_context(Memori("memory://", settings={"embedder": "none", "recall_budget": 5.0}))
        with_middleware = mem if "agent" in style and who == "middleware" else None
        options: dict[str, Any] = {"streaming": True} if case == "streaming" else {}
        lc.script(server, style, case)
        bare = lc.run(style, case, server, maker.model(server, **options))
        assert set(blocks(server)) == {0}
        server.forget()

        mem.add(lc.KNOWN, entity="me")
        model = maker.model(server, **options)
        if who != "middleware":
            register(mem, model, maker, who)
        lc.script(server, style, case)
        if with_middleware is not None:
            with mem.scope("me"):
                known = lc.run(style, case, server, model, mem)
        else:
            known = lc.run(style, case, server, model)
        assert known.error == bare.error
        assert normal(known.types) == normal(bare.types)
        assert normal(known.values) == normal(bare.values)
        if with_middleware is not None:  # it stands above the model, and so above what traces that
            assert lc.FENCE in str(known.prompts)
            known.prompts = [re.sub(r"<memory-.*</memory-\w+>\n\n", "", p, flags=re.DOTALL) for p in known.prompts]
        assert known.prompts == bare.prompts
        assert lc.FENCE not in str(known)
        assert set(blocks(server)) == {1}
        assert mem.stats()["counts"]["injected"] == len(server.requests)
        verify_captured(mem, style, case, who, maker)


def verify_captured(mem: Any, style: str, case: str, who: str, maker: lc.Maker) -> None:
    gc.collect()
    deadline = time.monotonic() + 5
    wanted = expected(style, case, maker)
    if case == "cancel":
        # what had come so far, if anything; never the words of the user twice, nor what was not said
        time.sleep(0.05)
        mem.flush(5)
        found = messages(mem)
        assert [m[0] for m in found] in ([], ["user"], ["user", "assistant"])
        assert all(text == lc.QUESTION if role == "user" else lc.REPLY.startswith(text) for role, text, _ in found)
        return
    while len(found := messages(mem)) < len(wanted) and time.monotonic() < deadline:
        mem.flush(5)
    mem.flush(5)
    found = messages(mem)
    if case == "structured" and "agent" in style:
        found = found[:2]  # behind them is what LangChain answers to its own tool
    if who == "client":
        found = [(role, text, [(kind, name if kind == "tool_call" else "weather") for kind, name in parts])
                 for role, text, parts in found]  # fmt: skip
    assert found == wanted
    is_loop = case == "tools" and "agent" in style
    requests = 2 if is_loop and who != "middleware" else 1
    assert exchanges(mem) == (requests if wanted else 0)


def normal(given: Any) -> Any:
    """Without the ids that differ from call to call."""
    return SHAPED.sub("id", repr(given))


EVERYDAY = [
    *((style, "plain", "client, model") for style in ("stream_v3", "agent_stream", "agraph")),
    ("aagent", "tools", "model, client"),
    ("agent", "tools", "middleware"),
    ("ainvoke", "structured", "model"),
    ("astream", "cancel", "model"),
]


@pytest.mark.parametrize(("style", "case", "who"), EVERYDAY)
def test_a_call(style: str, case: str, who: str) -> None:
    check(style, case, who)


def every(*who: str) -> list[tuple[str, str, str]]:
    """The matrix; only agents have a middleware."""
    every = ((style, case, each) for style in lc.STYLES for case in lc.CASES for each in who)
    return [(style, case, each) for style, case, each in every if each != "middleware" or "agent" in style]


@pytest.mark.slow
@pytest.mark.parametrize(("style", "case", "who"), every(*WHO, "middleware"))
def test_every_call(style: str, case: str, who: str) -> None:
    check(style, case, who)


@pytest.mark.parametrize(("style", "case"), [("astream", "tools")])
def test_a_call_of_anthropic(style: str, case: str) -> None:
    check(style, case, "client, model", lc.ANTHROPIC)


@pytest.mark.slow
@pytest.mark.parametrize(("style", "case", "who"), every("model", "client, model", "middleware"))
def test_every_call_of_anthropic(style: str, case: str, who: str) -> None:
    check(style, case, who, lc.ANTHROPIC)
