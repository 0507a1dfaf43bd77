"""Who answers, told by the base URL."""

from __future__ import annotations

import openai
import pytest

from memori_wrap import plugins, protocols
from memori_wrap_adapters.llm.labels import label_of


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://mine.openai.azure.com/openai/v1", "azure"),
        ("https://mine.services.ai.azure.com/models", "azure"),
        ("https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1", "bedrock"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "google"),
        ("https://api.x.ai/v1", "xai"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", "qwen"),
        ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "qwen"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://api.together.xyz/v1", "together"),
        ("https://api.studio.nebius.com/v1", "nebius"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("http://localhost:11434/v1", "ollama"),
        ("http://gpu.internal:8000/v1", "vllm"),
        ("https://llm.example.com/v1", "llm.example.com"),
        ("https://notopenai.com/v1", "notopenai.com"),
        ("https://openai.com.evil.example/v1", "openai.com.evil.example"),
        ("http://[broken/v1", ""),
        (None, ""),
    ],
)
def test_table(url, label):
    assert label_of(url) == label


def test_of_a_client():
    with openai.OpenAI(base_url="https://api.groq.com/openai/v1", api_key="none") as client:
        assert plugins.provider_for(client).label(client) == "groq"


def test_releases_outside_of_the_tested_range_are_named():
    assert plugins.outside_of_tested(protocols.Tested("openai", ">=1.0")) is None
    said = plugins.outside_of_tested(protocols.Tested("openai", "<1.0"))
    assert said
    assert "openai" in said
    assert "<1.0" in said


def test_register_warns_once(monkeypatch, caplog):
    from memori_wrap import Memori

    with openai.OpenAI(api_key="none") as client, Memori("memory://", embedder="none", extractor="none") as mem:
        monkeypatch.setattr(type(plugins.provider_for(client)), "tested", protocols.Tested("openai", "==0.1"))
        for _ in range(3):
            mem.register(client, entity="ada")
    assert sum("outside of the tested range" in r.getMessage() for r in caplog.records) == 1
