"""Anthropic's prompt cache: with a memory, the bytes up to each breakpoint are those that they are without one."""

from __future__ import annotations

import copy
import json
from functools import partial
from itertools import pairwise

import anthropic
import pytest
from anthropic_dialect import IMAGE, MARK, MODEL, TLS, part

from memori_wrap import Memori
from memori_wrap.testing.anthropic_rules import prompt
from memori_wrap.testing.anthropic_server import FakeAnthropic
from memori_wrap.testing.provider.compare import BLOCK, without_block

HOUR = {"type": "ephemeral", "ttl": "1h"}
TOOLS = [{"name": name, "description": "", "input_schema": {"type": "object"}} for name in ("look_up", "feed")]


def ask(text, *, after=()):
    return {"role": "user", "content": [*after, part("A note on canaries."), part(text)]}


def used(n):
    return {
        "role": "assistant",
        "content": [
            part("Let me see."),
            {"type": "tool_use", "id": f"toolu_{n}", "name": "look_up", "input": {"cache_control": {"of": n}}},
        ],
    }


def result(n):
    found = {"type": "tool_result", "tool_use_id": f"toolu_{n}", "content": [part(f"Found {n}."), part("Really.")]}
    return {"role": "user", "content": [found]}


def answered(text):
    return {"role": "assistant", "content": [part(text)]}


WHOLE = [
    ask("What is my canary called?"),
    answered("Lumen-7."),
    ask("What does my canary eat?"),
    used(1),
    result(1),
    used(2),
    result(2),
    answered("Seed."),
    {"role": "user", "content": "When does my canary sing?"},
    answered("At dawn."),
    ask("And which canary sings at dusk?"),
    used(3),
    ask("Or is it another canary that I know?", after=result(3)["content"]),
]
REQUESTS = [WHOLE[: n + 1] for n, message in enumerate(WHOLE) if message["role"] == "user"]
"""A conversation as its application sends it: all of it, each time."""


# ---------------------------------------------------------------- where an application puts its markers


def mark(message, at=-1, marker=MARK):
    if isinstance(message["content"], str):
        message["content"] = [part(message["content"])]
    message["content"][at] |= marker


def no_marker(body):
    pass


def tools(body):
    body["tools"][-1] |= MARK


def system(body):
    body["system"][0] |= MARK


def last_block(body):
    mark(body["messages"][-1])


def first_block_of_the_last_message(body):
    mark(body["messages"][-1], 0)


def last_two_messages_of_the_user(body):
    for message in [m for m in body["messages"] if m["role"] == "user"][-2:]:
        mark(message)


def everywhere(body):
    tools(body)
    system(body)
    last_two_messages_of_the_user(body)


def within_a_result(body):
    results = [b for m in body["messages"] for b in m["content"] if isinstance(b, dict) and b["type"] == "tool_result"]
    for block in results[-1:]:
        block["content"][0] |= MARK


def first_result(body):
    for message in [m for m in body["messages"] if "tool_result" in repr(m)][:1]:
        mark(message, 0)


def last_call(body):
    for message in [m for m in body["messages"] if m["role"] == "assistant"][-1:]:
        mark(message)


def for_an_hour(body):
    body["tools"][-1]["cache_control"] = HOUR
    mark(body["messages"][-1])


def automatic(body):
    body["cache_control"] = MARK["cache_control"]


def automatic_for_an_hour(body):
    body["cache_control"] = HOUR
    body["system"][0]["cache_control"] = HOUR


def automatic_beside_three(body):
    tools(body)
    system(body)
    mark(body["messages"][0])
    automatic(body)


def automatic_where_one_is(body):
    last_block(body)
    automatic(body)


def automatic_in_extra_body(body):
    body["extra_body"] = {"cache_control": HOUR}


SCHEMES = [
    *(no_marker, tools, system, last_block, first_block_of_the_last_message, last_two_messages_of_the_user),
    *(everywhere, within_a_result, first_result, last_call, for_an_hour),
    *(automatic, automatic_for_an_hour, automatic_beside_three, automatic_where_one_is, automatic_in_extra_body),
]


# ---------------------------------------------------------------- what Anthropic caches


def bare(block):
    """A block without its markers, which are no part of the prompt."""
    if isinstance(block, list):
        return [bare(b) for b in block]
    if not isinstance(block, dict):
        return block
    return {k: v if k == "input" else bare(v) for k, v in block.items() if k != "cache_control"}


def has_marker(block):
    inner = block.get("content")
    return "cache_control" in block or (isinstance(inner, list) and any(map(has_marker, inner)))


def prefixes(body):
    """The bytes of a prompt up to each of its breakpoints, with the breakpoint's time to live."""
    lines, found = [], []
    blocks = list(prompt(body))
    for n, block in enumerate(blocks):
        lines.append(json.dumps(bare(block)))
        own = block.get("cache_control") or (body.get("cache_control") if n == len(blocks) - 1 else None)
        if own is not None or has_marker(block):
            found.append(("\n".join(lines), (own or {}).get("ttl")))
    return found, "\n".join(lines)


@pytest.fixture(scope="module")
def server():
    with FakeAnthropic("Noted.") as running:
        yield running


@pytest.fixture
def mem():
    with Memori("memory://", embedder="none", extractor="none", settings={"recall_budget": 10.0}) as made:
        made.add("My canary is called Lumen-7, eats seed and sings at dawn.", entity="ada")
        yield made


def client_for(server):
    http = anthropic.DefaultHttpxClient(verify=TLS)
    return anthropic.Anthropic(base_url=server.base_url, api_key="none", max_retries=0, http_client=http)


def sent(server, client, scheme, messages, **more):
    """The body that a request has on the wire."""
    body = {"tools": TOOLS, "system": [part("Be brief."), part("Be kind.")], "messages": messages, **more}
    body = copy.deepcopy(body)
    scheme(body)
    before = copy.deepcopy(body)
    client.messages.create(model=MODEL, max_tokens=100, **body)
    assert body == before
    return server.last.body


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.__name__)
def test_the_cache_sees_no_block(server, mem, scheme):
    ours, theirs = mem.register(client_for(server), entity="ada"), client_for(server)
    plain = [sent(server, theirs, scheme, messages) for messages in REQUESTS]
    with_memory = [sent(server, ours, scheme, messages) for messages in REQUESTS]
    for a, b in zip(plain, with_memory, strict=True):
        assert len(BLOCK.findall(json.dumps(b).replace("\\n", "\n"))) == 1
        assert prefixes(a)[0] == prefixes(b)[0]
        assert bare(without_block(b))["messages"] == bare(listed(a, b))["messages"]
    for a, b in pairwise(with_memory):
        assert all(prefixes(b)[1].startswith(prefix) for prefix, _ in prefixes(a)[0])


def listed(a, b):
    """``a`` with a string as a list where ``b`` has that: a marker needs a block to stand on."""
    pairs = zip(a["messages"], b["messages"], strict=True)
    return {"messages": [{**m, "content": [part(m["content"])]} if wants(m, n) else m for m, n in pairs]}


def wants(m, n):
    return isinstance(m["content"], str) and isinstance(n["content"], list)


@pytest.mark.parametrize("scheme", [no_marker, tools, system], ids=lambda scheme: scheme.__name__)
def test_a_tool_loop_sends_the_same_bytes(server, mem, scheme):
    ours = mem.register(client_for(server), entity="ada")
    loop = REQUESTS[1:4]
    assert [len(messages) for messages in loop] == [3, 5, 7]
    first, second, third = (sent(server, ours, scheme, messages) for messages in loop)
    assert second["messages"][:3] == first["messages"]
    assert third["messages"][:5] == second["messages"]
    assert "<memory-" in json.dumps(first["messages"][2])


def test_results_come_first(server, mem):
    ours = mem.register(client_for(server), entity="ada")
    for scheme in (last_block, automatic):
        body = sent(server, ours, scheme, REQUESTS[2])
        kinds = [block["type"] for block in body["messages"][-1]["content"]]
        assert kinds == ["tool_result", "text"]
    body = sent(server, ours, no_marker, REQUESTS[-1])
    assert [block["type"] for block in body["messages"][-1]["content"]] == ["tool_result", "text", "text", "text"]
    assert "<memory-" in body["messages"][-1]["content"][1]["text"]


def test_the_automatic_marker_becomes_one_of_the_callers_block(server, mem):
    ours = mem.register(client_for(server), entity="ada")
    for content in ("What is my canary called?", [IMAGE, part("What is my canary called?")]):
        body = sent(server, ours, no_marker, [{"role": "user", "content": content}], cache_control=HOUR)
        *_, own, block = body["messages"][0]["content"]
        assert own == {"type": "text", "text": "What is my canary called?", "cache_control": HOUR}
        assert block.keys() == {"type", "text"}
        assert "cache_control" not in body


def four(body):
    everywhere(body)
    body["messages"][-1]["content"].append(part("And this."))


def prefilled(body):
    body["messages"].append(answered("It is"))


def another_time(body):
    mark(body["messages"][-1], marker={"cache_control": HOUR})


def on_the_systems(body):
    body["messages"].append({"role": "system", "content": [part("Be brief.") | MARK]})


def blank(body):
    body["messages"][-1]["content"].append(part(" "))


@pytest.mark.parametrize(
    ("scheme", "is_automatic"),
    [(four, True), (prefilled, True), (another_time, True), (blank, True), (on_the_systems, False)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_where_there_is_no_place(server, mem, scheme, is_automatic):
    """The request is the caller's own, refused or not, and that is counted."""
    more = {"cache_control": MARK["cache_control"]} if is_automatic else {}
    ours = mem.register(client_for(server), entity="ada")
    seen = []
    for client in (client_for(server), ours):
        try:
            sent(server, client, scheme, REQUESTS[2][:3], **more)
            seen.append(server.last.raw)
        except anthropic.BadRequestError as error:
            seen.append((server.last.raw, error.message.partition("request_id")[0]))
    assert seen[0] == seen[1]
    assert mem.stats()["counts"]["skipped.no_place"] == 1


def test_the_block_is_no_message_of_its_own(server, mem):
    ours = mem.register(client_for(server), entity="ada")
    for messages in REQUESTS:
        assert len(sent(server, ours, partial(automatic), messages)["messages"]) == len(messages)
