"""The SDKs whose own tests are run by ``scripts/sdk_suites``: where they come from, what they need, whom they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from memori_wrap.testing.anthropic_server import FakeAnthropic
from memori_wrap.testing.connection import Answer
from memori_wrap.testing.google_server import FakeGoogle
from memori_wrap.testing.openai_server import FakeOpenAI, Received

_PYTEST = ("pytest", "pytest-asyncio", "pytest-timeout", "inline-snapshot", "rich")


@dataclass(frozen=True)
class Sdk:
    """One row. ``clients``: "module:Class" of each class that is registered, with its subclasses, when it is made."""

    distribution: str
    clients: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    """Paths of tests under the unpacked source distribution, in the groups of the printed table."""
    server: Callable[[], Any]
    """The fake server that stands for the vendor's mock server; its address is in ``TEST_API_BASE_URL``."""
    is_installed: bool = False
    """The tests come with the installed package; else they are in the source distribution alone."""
    extras: str = ""
    needs: tuple[str, ...] = _PYTEST
    options: tuple[str, ...] = ()
    """Of pytest, in the place of the distribution's own."""
    hidden: tuple[str, ...] = ()
    """How names of environment variables begin that the tests must not see."""
    sees: tuple[str, ...] = ()
    """How ids of tests begin that look at the very field that carries the block: with one in it they must fail."""
    sees_taps: tuple[str, ...] = ()
    """How ids of tests begin that look at the class of a response's body, over which the tap stands: as above."""


class _LenientOpenAI(FakeOpenAI):
    """Takes what the vendor's mock server takes: generated requests without a model, or with too much in them."""

    def respond(self, received: Received) -> Answer:
        if received.path.endswith("/responses") and isinstance(received.body, dict):
            body = {"model": "gpt-5", **received.body, "previous_response_id": None}
            received = replace(received, body=body)
        return super().respond(received)


OPENAI = Sdk(
    "openai",
    ("openai:OpenAI", "openai:AsyncOpenAI"),  # Azure's, Bedrock's and the module's clients are subclasses
    {
        "clients and copies": (
            *("tests/test_client.py", "tests/test_module_client.py", "tests/test_client_runtime_bindings.py"),
            *("tests/lib/test_azure.py", "tests/lib/test_request_credentials.py", "tests/test_httpx2.py"),
        ),
        "streaming": ("tests/test_streaming.py", "tests/test_sse_framing.py", "tests/test_large_payload_contract.py"),
        "raw responses": ("tests/test_response.py", "tests/test_legacy_response.py"),
        "chat": ("tests/lib/chat", "tests/api_resources/chat/test_completions.py"),
        "responses": (
            *("tests/lib/responses", "tests/api_resources/test_responses.py"),
            *("tests/lib/test_responses_tool_runner.py", "tests/test_request_body_routing_order.py"),
        ),
    },
    lambda: _LenientOpenAI("Noted.", record=False),
    extras="[aiohttp,realtime,bedrock,vertex]",
    needs=(*_PYTEST, "azure-identity", "trio", "Pillow", "respx", "dirty-equals", "nest-asyncio"),
    hidden=("OPENAI_", "AZURE_"),
    sees=(
        "tests/lib/test_responses_tool_runner.py::test_saved_run_request_omission_matches_native[instructions-",
        "tests/lib/test_responses_tool_runner.py::test_saved_run_retains_explicit_optional_null[",
    ),
)

ANTHROPIC = Sdk(
    "anthropic",
    (
        *("anthropic:Anthropic", "anthropic:AsyncAnthropic"),  # Foundry's, AWS's and Google Cloud's are subclasses
        *("anthropic:AnthropicBedrock", "anthropic:AsyncAnthropicBedrock"),
        *("anthropic:AnthropicBedrockMantle", "anthropic:AsyncAnthropicBedrockMantle"),
        *("anthropic:AnthropicVertex", "anthropic:AsyncAnthropicVertex"),
    ),
    {
        "clients and copies": (
            *("tests/test_client.py", "tests/lib/test_client_copy.py", "tests/lib/test_scoped_client.py"),
            *("tests/test_middleware.py", "tests/test_prepare.py", "tests/test_header_case_sensitivity.py"),
        ),
        "platforms": (
            *("tests/lib/test_bedrock.py", "tests/lib/test_bedrock_mantle.py", "tests/lib/test_vertex.py"),
            *("tests/lib/test_azure.py", "tests/lib/test_aws.py", "tests/lib/test_google_cloud.py"),
        ),
        "streaming": ("tests/test_streaming.py", "tests/lib/streaming"),
        "raw responses": ("tests/test_response.py",),
        "messages": (
            *("tests/api_resources/test_messages.py", "tests/api_resources/beta/test_messages.py"),
            *("tests/lib/_parse", "tests/lib/test_refusal_fallback.py", "tests/lib/test_refusal_fallback_streaming.py"),
        ),
        "threads": ("tests/lib/threads",),
        "tools": (
            *("tests/lib/tools/test_runners.py", "tests/lib/tools/test_runner_eager_tools.py"),
            *("tests/lib/tools/test_functions.py", "tests/lib/tools/toolsets"),
        ),
        "tracing": ("tests/test_open_telemetry.py", "tests/test_tracing.py", "tests/lib/tools/test_open_telemetry.py"),
    },
    lambda: FakeAnthropic("Noted.", record=False),
    extras="[aiohttp,bedrock,vertex]",
    needs=(
        *(*_PYTEST, "respx", "dirty-equals", "time-machine", "hypothesis", "http-snapshot[httpx]==0.1.9"),
        *("opentelemetry-sdk", "importlib-metadata", "griffe", "boto3-stubs"),
    ),
    options=("-p", "tests._alias_httpx"),
    hidden=("ANTHROPIC_", "AWS_"),
    sees=(  # how many bytes of a request are traced
        "tests/test_open_telemetry.py::TestContent::test_parts_and_the_cut_of_the_last_text_part_are_measured_in_bytes[",
        "tests/test_open_telemetry.py::TestTracesOption::test_max_content_bytes_",
    ),
    sees_taps=(
        "tests/test_open_telemetry.py::TestCallSpans::test_disabled_spans_leave_the_body_of_the_response_alone",
        "tests/test_open_telemetry.py::TestCallSpans::test_async_disabled_spans_leave_the_body_of_the_response_alone",
    ),
)

_GENAI = "google/genai/tests"

GOOGLE = Sdk(
    "google-genai",
    ("google.genai:Client",),
    {
        "clients": (f"{_GENAI}/client",),
        "calls of functions": (f"{_GENAI}/afc",),
        "chats": (f"{_GENAI}/chats",),
        "continuation": (f"{_GENAI}/models/test_gc_continuation_token.py",),
        "interactions": (f"{_GENAI}/interactions", f"{_GENAI}/gaos"),
        "types": (f"{_GENAI}/transformers", f"{_GENAI}/types", f"{_GENAI}/errors", f"{_GENAI}/mcp"),
    },
    lambda: FakeGoogle("Noted.", record=False),
    is_installed=True,
    extras="[aiohttp]",
    needs=(*_PYTEST, "Pillow", "mcp", "httpx", "requests"),
    # without a configuration file of their own, the modules would be of a package called "genai"
    options=("--rootdir", ".", "-o", "consider_namespace_packages=true", "--mode", "tap"),
    hidden=("GOOGLE_", "GEMINI_"),
)

SDKS: Mapping[str, Sdk] = {"openai": OPENAI, "anthropic": ANTHROPIC, "google": GOOGLE}
"""By the name of the project's extra."""
