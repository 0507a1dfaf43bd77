"""A server that speaks Bedrock's runtime API: for tests and demos.

    with FakeBedrock("Noted.") as server:
        client = boto3.client("bedrock-runtime", endpoint_url=server.base_url, region_name="us-east-1",
                              aws_access_key_id="x", aws_secret_access_key="x")

Converse and InvokeModel, whole and streamed in AWS's binary frames. It runs no model and checks no signature: it says
what it is told to, else it echoes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from memori_wrap.testing import bedrock_frames as frames
from memori_wrap.testing import bedrock_vendors as vendors
from memori_wrap.testing import bedrock_wire as wire
from memori_wrap.testing.connection import Answer
from memori_wrap.testing.openai_wire import encode, new_id, tokens
from memori_wrap.testing.script import Received, Replier, Scripted, ToolCall
from memori_wrap.testing.server import LoopbackServer

__all__ = ["FakeBedrock", "Received", "Scripted", "ToolCall"]


class FakeBedrock(LoopbackServer):
    """``bedrock-runtime`` on a loopback port; guardrails, token counts and asynchronous invocations as well.

    ``context_tokens``: a longer request gets the error of a full context window.
    """

    def __init__(
        self,
        reply: Replier | None = None,
        *,
        port: int = 0,
        compress: bool = True,
        record: bool = True,
        context_tokens: int | None = None,
    ) -> None:
        self._context_tokens = context_tokens
        super().__init__(reply, port=port, compress=compress, record=record)
        self.base_url = self.origin

    def texts_of(self, received: Received) -> list[str]:
        """The texts of a request, one per message, those for the system first."""
        model, operation = _parts(received)
        if operation.startswith("invoke"):
            vendor = vendors.vendor_of(model, received.body)
            return vendor.texts(received.body) if vendor else []
        return wire.texts(received.body)

    def respond(self, received: Received) -> Answer:
        """Routes by the end of the path."""
        model, operation = _parts(received)
        if operation in ("converse", "converse-stream"):
            return self._converse(received, model, is_stream=operation.endswith("stream"))
        if operation in ("invoke", "invoke-with-response-stream"):
            return self._invoke(received, model, is_stream=operation.endswith("stream"))
        script = self.scripted(received, to=operation)
        if script.is_override:
            return self._override(script)
        found = _OTHERS.get(operation)
        if found is None:
            return self._override(Scripted(status=404, code="UnknownOperationException", message="No such operation."))
        return self._plain(found, script)

    def broken_reply(self, error: Exception) -> Answer:
        """An error, not to be tried again, that says what the scripted function raised."""
        return self._override(Scripted(status=400, message=f"the scripted reply raised {error!r}"))

    def _converse(self, received: Received, model: str, *, is_stream: bool) -> Answer:
        body = received.body
        if objection := wire.objection(body, model) or self._too_long(received):
            return self._override(Scripted(status=400, message=objection))
        script = self.scripted(received)
        if script.is_override:
            return self._override(script)
        if not is_stream:
            return self._plain(wire.whole(body, script), script)
        return self._streamed([frames.event(*event) for event in wire.events(body, script)], script)

    def _invoke(self, received: Received, model: str, *, is_stream: bool) -> Answer:
        body = received.body
        if "embed" in model:
            return self._plain({"embedding": [0.1, 0.2], "inputTextTokenCount": 2}, self.scripted(received, to="embed"))
        if "image" in model or "canvas" in model:
            return self._plain({"images": [""], "error": None}, self.scripted(received, to="image"))
        vendor = vendors.vendor_of(model, body)
        if vendor is None:
            return self._override(Scripted(status=400, message="The provided model identifier is invalid."))
        if objection := vendor.objection(body) or self._too_long(received):
            return self._override(Scripted(status=400, message=objection))
        script = self.scripted(received)
        if script.is_override:
            return self._override(script)
        asked = tokens(*vendor.texts(body))
        said = tokens(script.text, script.refusal, script.reasoning, *(call.json for call in script.tool_calls))
        if not is_stream:
            headers = {"input": asked, "output": said}
            return self._plain(vendor.whole(body, script), script, _counts(headers))
        parts = list(vendor.parts(body, script))
        metrics = {"inputTokenCount": asked, "outputTokenCount": said, "invocationLatency": 7, "firstByteLatency": 3}
        parts[-1] = {**parts[-1], "amazon-bedrock-invocationMetrics": metrics}
        chunks = [frames.event("chunk", {"bytes": base64.b64encode(encode(p)).decode(), "p": "abcdef"}) for p in parts]
        return self._streamed(chunks, script, {"x-amzn-bedrock-content-type": "application/json"})

    # ------------------------------------------------------------ answers

    @staticmethod
    def _plain(body: Mapping[str, Any], script: Scripted, headers: Mapping[str, str] | None = None) -> Answer:
        return Answer(encode(body), headers={**_request_id(), **(headers or {}), **script.headers}, script=script)

    @staticmethod
    def _streamed(chunks: Sequence[bytes], script: Scripted, headers: Mapping[str, str] | None = None) -> Answer:
        if script.error_after is not None:
            chunks = [*chunks[: script.error_after], wire.error_frame(script)]
        headers = {**_request_id(), **(headers or {}), **script.headers}
        return Answer(chunks=chunks, media=frames.MEDIA, headers=headers, script=script)

    @staticmethod
    def _override(script: Scripted) -> Answer:
        status = script.status or 200
        headers = {**_request_id(), **script.headers}
        if script.retry_after is not None:
            headers["x-amz-retry-after"] = f"{script.retry_after * 1000:.0f}"
        kind, body = wire.error_of(status, script.message, script.code)
        if script.body is not None:
            raw = script.body.encode() if isinstance(script.body, str) else script.body
        else:
            headers["x-amzn-errortype"] = f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"
            raw = encode(body)
        return Answer(raw, status=status, headers=headers, script=script)

    def _too_long(self, received: Received) -> str | None:
        limit = self._context_tokens
        if limit is None or tokens(*self.texts_of(received)) <= limit:
            return None
        return "The model returned the following errors: Input is too long for requested model."


def _parts(received: Received) -> tuple[str, str]:
    """The model and the operation of a request's path; a model's ARN has slashes of its own, which are escaped."""
    *_, model, operation = ("", *received.path.strip("/").split("/"))
    return unquote(model), operation


def _request_id() -> dict[str, str]:
    return {"x-amzn-requestid": new_id("", 36)}


def _counts(found: Mapping[str, int]) -> dict[str, str]:
    headers = {f"x-amzn-bedrock-{name}-token-count": str(n) for name, n in found.items()}
    return {**headers, "x-amzn-bedrock-invocation-latency": "7"}


_ARN = "arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdefghijkl"
_OTHERS: Mapping[str, Any] = {
    "apply": {"usage": {}, "action": "NONE", "outputs": [], "assessments": []},
    "count-tokens": {"inputTokens": 7},
    "async-invoke": {"invocationArn": _ARN, "asyncInvokeSummaries": []},
}
