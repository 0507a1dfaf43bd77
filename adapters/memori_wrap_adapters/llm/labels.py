"""Who answers, told by a base URL: many providers speak OpenAI's format."""

from __future__ import annotations

from urllib.parse import urlsplit

_HOSTS = {
    "openai.com": "openai",
    "azure.com": "azure",
    "amazonaws.com": "bedrock",
    "anthropic.com": "anthropic",
    "googleapis.com": "google",
    "x.ai": "xai",
    "deepseek.com": "deepseek",
    "aliyuncs.com": "qwen",
    "openrouter.ai": "openrouter",
    "groq.com": "groq",
    "together.xyz": "together",
    "together.ai": "together",
    "nebius.com": "nebius",
    "nebius.cloud": "nebius",
    "mistral.ai": "mistral",
    "fireworks.ai": "fireworks",
    "cerebras.ai": "cerebras",
    "perplexity.ai": "perplexity",
    "moonshot.ai": "moonshot",
    "moonshot.cn": "moonshot",
    "z.ai": "zai",
    "bigmodel.cn": "zai",
    "deepinfra.com": "deepinfra",
    "sambanova.ai": "sambanova",
    "nvidia.com": "nvidia",
    "huggingface.co": "huggingface",
    "ollama.com": "ollama",
}
_PORTS = {11434: "ollama", 8000: "vllm", 1234: "lmstudio"}
"""The port that a server takes unless it is told otherwise; on a host that says nothing."""


def label_of(base_url: object) -> str:
    """A provider's short name, or the URL's host where it is nobody known."""
    try:
        parts = urlsplit(str(base_url))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    known = next((label for end, label in _HOSTS.items() if host == end or host.endswith(f".{end}")), None)
    return known or (_PORTS.get(port) if port is not None else None) or host
