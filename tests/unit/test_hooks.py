"""The user's own hooks: their order, what they may change and leave out, and that none of them breaks a call."""

from __future__ import annotations

from dataclasses import replace

import openai
import pytest

from memori_wrap import Memori
from memori_wrap.errors import ConfigurationError
from memori_wrap.testing.openai_server import FakeOpenAI, Scripted

ASK = [{"role": "user", "content": "What is my canary called?"}]
ORDER = [
    "before_call",
    "before_recall",
    "after_recall",
    "before_inject",
    "after_inject",
    "after_call",
    "before_capture",
    "after_capture",
]


@pytest.fixture
def server():
    with FakeOpenAI("Noted.") as running:
        yield running


@pytest.fixture
def mem():
    with Memori("memory://", embedder="none", extractor="none", settings={"recall_budget": 10.0}) as made:
        made.add("My canary is called Lumen.", entity="ada")
        yield made


@pytest.fixture
def client(mem, server):
    with openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0) as made:
        yield mem.register(made, entity="ada")


def ask(client):
    return client.chat.completions.create(model="gpt-4o-mini", messages=ASK).choices[0].message.content


def sent(server):
    return server.texts()[-1]


def test_each_stage_in_its_order(mem, client):
    seen = []
    for stage in [*ORDER, "call_error", "recall_error", "inject_error", "capture_error"]:
        mem.on(stage, seen.append)
    assert ask(client) == "Noted."
    mem.flush(5)
    assert [event.stage for event in seen] == ORDER
    assert {event.scope.entity for event in seen} == {"ada"}
    by_stage = {event.stage: event for event in seen}
    assert by_stage["after_recall"].recollections[0].text == "My canary is called Lumen."
    assert "Lumen" in by_stage["before_inject"].block
    assert by_stage["before_capture"].exchange.reply[0].text == "Noted."
    assert by_stage["before_call"].request.messages[-1].text == ASK[0]["content"]


def test_priority_and_handles(mem, client):
    seen = []
    for name, priority in (("low", -1), ("first", 5), ("second", 5), ("middle", 0)):
        mem.on("before_capture", lambda _, name=name: seen.append(name), priority)
    gone = mem.on("before_capture", lambda _: seen.append("gone"), 9)
    gone.dispose()
    gone.dispose()
    with mem.on("before_capture", lambda _: seen.append("within"), -9):
        ask(client)
    ask(client)
    order = ["first", "second", "middle", "low"]
    assert seen == [*order, "within", *order]


def test_a_hook_changes_what_goes_on(mem, client, server):
    mem.on("after_recall", lambda e: replace(e, recollections=()))
    ask(client)
    assert sent(server) == ASK[0]["content"]


def test_what_is_captured_can_be_redacted_and_left_out(mem, client):
    def redact(event):
        reply = tuple(replace(m, text="[redacted]") for m in event.exchange.reply)
        return replace(event, exchange=replace(event.exchange, reply=reply))

    with mem.on("before_capture", redact):
        ask(client)
    with mem.on("before_capture", lambda _: False):
        client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "A secret canary."}])
    mem.flush(5)
    texts = [r.text for r in mem.recall("canary secret noted redacted", 20, entity="ada")]
    assert "[redacted]" in texts
    assert "Noted." not in texts
    assert not any("secret" in text for text in texts)


@pytest.mark.parametrize("stage", ["before_call", "before_recall", "before_inject"])
def test_a_stage_is_left_out(mem, client, server, stage):
    mem.on(stage, lambda _: False)
    assert ask(client) == "Noted."
    assert sent(server) == ASK[0]["content"]
    mem.flush(5)
    stored = [r.text for r in mem.recall("noted", 20, entity="ada")]
    assert ("Noted." in stored) == (stage != "before_call")


def test_where(mem, client):
    seen = []
    mem.on("before_call", seen.append, where=lambda e: e.scope.entity == "bob")
    ask(client)
    assert not seen
    with mem.scope("bob"):
        ask(client)
    assert len(seen) == 1


@pytest.mark.parametrize("strict", [False, True])
def test_one_that_raises(mem, client, caplog, strict):
    def fail(_):
        raise ValueError("content of the user")

    mem.on("before_capture", fail, strict=strict)
    for _ in range(2):
        assert ask(client) == "Noted."
    mem.flush(5)
    assert mem.stats()["counts"]["failed.hook"] == 2
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING" and "hook" in r.getMessage()]
    assert len(warnings) == 1
    assert "content of the user" not in warnings[0]
    assert ("Noted." in [r.text for r in mem.recall("noted", 20, entity="ada")]) == (not strict)


def test_errors_have_stages(mem, client, server):
    seen = []
    mem.on("call_error", seen.append)
    server.script(Scripted(status=401))
    with pytest.raises(openai.AuthenticationError) as raised:
        ask(client)
    assert [e.error for e in seen] == [raised.value]
    assert "Lumen" in seen[0].block


def test_what_is_no_hook(mem):
    async def later(_):
        return None

    for stage, hook in (("before_lunch", print), ("before_call", None), ("before_call", later)):
        with pytest.raises(ConfigurationError):
            mem.on(stage, hook)
