"""Faults planted into the adapters for LangChain: the tests of ``test_langchain`` and its ways notice each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("langchain_openai")

import test_langchain as calls
import test_langchain_ways as ways

from memori_wrap import Memori, prompt
from memori_wrap.intercept import patch
from memori_wrap.intercept.call import Call, _Mark
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap_adapters.frameworks import langchain_messages as wire
from memori_wrap_adapters.frameworks.langchain_middleware import _Call, _reply, _Run
from memori_wrap_adapters.frameworks.langchain_models import LangChainProvider, _Leaf
from tests.support import langchain as lc

pytestmark = pytest.mark.slow


def nothing_is_hooked_twice_over(monkeypatch: Any) -> None:
    monkeypatch.setattr(_Mark, "covers", lambda self, messages: False)


def into_the_callers_own_message(monkeypatch: Any) -> None:
    real = wire.inject

    def inject(given: Any, block: str, marker: Any = None) -> Any:
        changed = real(given, block, marker)
        for before, after in zip(given, changed or (), strict=False):
            before.content = after.content
        return changed

    monkeypatch.setattr(wire, "inject", inject)


def what_was_sent_is_captured(monkeypatch: Any) -> None:
    real = Call._exchange

    def exchange(self: Any, reply: Any) -> Any:
        self._request = self._endpoint.request(self._given)
        return real(self, reply)

    monkeypatch.setattr(Call, "_exchange", exchange)


def streams_are_forgotten(monkeypatch: Any) -> None:
    real = LangChainProvider.patch_points
    monkeypatch.setattr(
        LangChainProvider, "patch_points", lambda self, c: [p for p in real(self, c) if "stream" not in p.method]
    )


def copies_are_forgotten(monkeypatch: Any) -> None:
    real = LangChainProvider.patch_points
    monkeypatch.setattr(
        LangChainProvider, "patch_points", lambda self, c: [p for p in real(self, c) if p.role != "copy"]
    )


def a_stream_is_read_to_its_end_first(monkeypatch: Any) -> None:
    real = _Leaf.attach
    monkeypatch.setattr(_Leaf, "attach", lambda self, result, tap: real(self, iter([*result][:-1]), tap))


def answers_are_not_read(monkeypatch: Any) -> None:
    monkeypatch.setattr(wire, "reply", lambda generations: wire.Reply())


def each_call_of_an_agent_is_captured(monkeypatch: Any) -> None:
    monkeypatch.setattr(_Call, "reply", lambda self, result: _reply(result))


def earlier_calls_of_a_run_stay(monkeypatch: Any) -> None:
    def took(self: Any, reply: Any, tap: Any) -> None:
        from memori_wrap_adapters.frameworks.langchain_middleware import _Said

        before, self._tap = self._tap, tap(_Said(reply))
        if before is not None:
            before.broken()

    monkeypatch.setattr(_Run, "took", took)


def an_sdks_words_must_be_the_same(monkeypatch: Any) -> None:
    real = _Mark.__init__
    monkeypatch.setattr(_Mark, "__init__", lambda self, turn, is_framework: real(self, turn, False))


def what_a_tool_recalled_is_captured(monkeypatch: Any) -> None:
    monkeypatch.setattr(prompt, "without_blocks", lambda text: text)


def _way(test: Callable[..., None]) -> Callable[[], None]:
    def run() -> None:
        with FakeOpenAI(lc.REPLY) as server, Memori("memory://", settings=SETTINGS) as mem:
            mem.add(lc.KNOWN, entity="me")
            names = test.__code__.co_varnames[: test.__code__.co_argcount]
            test(**{name: given for name, given in (("mem", mem), ("server", server)) if name in names})

    return run


def _call(*given: Any) -> Callable[[], None]:
    return lambda: calls.check(*given)


SETTINGS = {"embedder": "none", "recall_budget": 5.0}
PLANTS = [
    (nothing_is_hooked_twice_over, _call("invoke", "plain", "client, model")),
    (into_the_callers_own_message, _call("invoke", "plain", "model")),
    (what_was_sent_is_captured, _call("ainvoke", "plain", "model")),
    (streams_are_forgotten, _call("stream", "plain", "model")),
    (streams_are_forgotten, _call("astream_v3", "plain", "model")),
    (copies_are_forgotten, _way(ways.test_copies)),
    (a_stream_is_read_to_its_end_first, _call("stream", "plain", "model")),
    (answers_are_not_read, _call("batch", "plain", "model")),
    (each_call_of_an_agent_is_captured, _call("agent", "tools", "middleware")),
    (earlier_calls_of_a_run_stay, _call("aagent", "tools", "middleware")),
    (an_sdks_words_must_be_the_same, _way(ways.test_messages_that_a_provider_puts_together)),
    (what_a_tool_recalled_is_captured, _way(ways.test_the_tool)),
]


def restore() -> None:
    for owner, name in list(patch._hooks):
        patch._unhook(owner, name)
    patch._clients.clear()


@pytest.fixture(autouse=True)
def classes_as_they_were() -> Any:
    restore()
    yield
    restore()


@pytest.mark.parametrize(("plant", "test"), PLANTS, ids=[f"{plant.__name__}" for plant, _ in PLANTS])
def test_it_is_noticed(plant: Any, test: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    test()
    restore()
    with monkeypatch.context() as planting:
        plant(planting)
        with pytest.raises(BaseException) as noticed:  # noqa: PT011 (whatever it is)
            test()
    print(f"{type(noticed.value).__name__}: {str(noticed.value)[:300]}")
