"""Each item's test has been seen to fail: a fault is planted, and the named test of the suite must notice it."""

from __future__ import annotations

import openai
import planted_anthropic
import planted_bedrock
import planted_calls
import planted_clients
import planted_google
import planted_mistral
import planted_ollama
import planted_xai
import pytest
from planting import PLANTS

from memori_wrap.intercept import patch
from memori_wrap.testing.provider import faults, stage, streams

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
assert planted_anthropic
assert planted_bedrock
assert planted_calls
assert planted_clients
assert planted_google
assert planted_mistral
assert planted_ollama
assert planted_xai

HOOKED = [kind for client in (openai.OpenAI, openai.AsyncOpenAI) for kind in client.__mro__ if "request" in vars(kind)]
HOOKED += [openai.OpenAI, openai.AsyncOpenAI]


@pytest.fixture(autouse=True)
def classes_as_they_were(monkeypatch):
    """Takes out what a planted fault leaves standing; and what takes forever with a fault takes less."""
    before = [(kind, name, vars(kind)[name]) for kind in HOOKED for name in ("request", "copy") if name in vars(kind)]
    monkeypatch.setattr(stage, "PATIENCE", 0.3)
    monkeypatch.setattr(streams, "PATIENCE", 0.3)
    monkeypatch.setattr(stage, "BUDGET", 1.5)
    for part in (faults, streams):
        monkeypatch.setattr(part, "SOON", 1.0)
    monkeypatch.setattr(faults, "FROZEN", 1.5)
    yield
    for kind, name, method in before:
        setattr(kind, name, method)
        if name == "copy":
            kind.with_options = method
    for (owner, name), (_, method) in patch._hooks.items():
        setattr(owner, name, method)
    patch._hooks.clear()
    patch._clients.clear()


@pytest.mark.parametrize(("planted", "shape"), [(p, s) for p in PLANTS for s in p.shapes], ids=str)
def test_the_suite_notices(planted, shape, monkeypatch):
    suite = planted.suite()
    arguments = [shape]
    if planted.variant is not None:
        arguments += [v for v in suite.dialect.variants() if str(v) == planted.variant]
        assert len(arguments) == 2
    with monkeypatch.context() as planting:
        planted.fault(planting)
        with pytest.raises(BaseException) as noticed:  # noqa: PT011 (whatever it is)
            getattr(suite, planted.test)(*arguments)
    print(f"{type(noticed.value).__name__}: {str(noticed.value)[:300]}")
