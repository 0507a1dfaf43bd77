"""boto3's client for ``bedrock-runtime``: Converse, and InvokeModel in the formats of the vendors.

Its class is made for each client; every operation arrives at ``BaseClient._make_api_call(operation, parameters)``,
before the parameters are looked at and before retries.
"""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, ReplyBuilder, Tap, Tested
from memori_wrap.types import Reply, Request
from memori_wrap_adapters.llm import bedrock_converse, bedrock_streams
from memori_wrap_adapters.llm.bedrock_bodies import Format, format_of
from memori_wrap_adapters.llm.fields import get, numbers, text
from memori_wrap_adapters.llm.stainless import REMOVED

SERVICE = "bedrock-runtime"


class BedrockProvider:
    """A ``Provider``. Registered under the root package ``botocore``, whose classes boto3's clients are."""

    tested = Tested("botocore", ">=1.40,<2")

    def supports(self, client: object) -> bool:
        call = getattr(client, "_make_api_call", None)
        service: Any = getattr(getattr(client, "meta", None), "service_model", None)
        is_ours = getattr(service, "service_name", None) == SERVICE
        return is_ours and inspect.ismethod(call) and not inspect.iscoroutinefunction(call)

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        owner = next(base for base in type(client).__mro__ if "_make_api_call" in vars(base))
        yield PatchPoint(owner, "_make_api_call")

    def subject(self, receiver: Any) -> object:
        return receiver

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        parameters = _parameters(arguments)
        if not isinstance(parameters, dict):
            return None
        operation = _operation(arguments)
        if operation in ("Converse", "ConverseStream"):
            return _Converse(receiver.meta.service_model.operation_model(operation).input_shape)
        if operation in ("InvokeModel", "InvokeModelWithResponseStream"):
            body = _object(parameters.get("body"))
            found = format_of(text(parameters, "modelId"), body)
            return _Invoke(found, body) if found is not None else None
        return None

    def label(self, receiver: Any) -> str:
        return "bedrock"


class _Converse:
    """The request is made of the operation's own parameters, whose shape the SDK's model of the service tells."""

    def __init__(self, shape: Any) -> None:
        self._shape = shape

    def request(self, arguments: Arguments) -> Request | None:
        return bedrock_converse.request(_parameters(arguments))

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        from botocore.validate import ParamValidator

        parameters = _parameters(arguments)
        place, changes = bedrock_converse.place_in(parameters), bedrock_converse.inject(parameters, block)
        if place is None or changes is None:
            return None
        shape = self._shape.members["messages"].member
        if ParamValidator().validate(parameters["messages"][place[0]], shape).has_errors():
            return None  # the SDK refuses it, and tells where: a block before that would shift the place
        return _with_parameters(arguments, {**parameters, **changes})

    def reply(self, result: Any) -> Reply | None:
        found = bedrock_converse.reply(result)
        return found and _named(found, result)

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        builder = _Named(bedrock_converse.Builder(), result)
        return result if bedrock_streams.attach_events(get(result, "stream"), builder, tap) else None


class _Invoke:
    """The request is JSON in a parameter. Made for one call: ``body`` is what that says."""

    def __init__(self, wire: Format, body: Any) -> None:
        self._wire, self._body = wire, body

    def request(self, arguments: Arguments) -> Request | None:
        found = self._wire.request(self._body)
        return found and replace(found, model=text(_parameters(arguments), "modelId") or None)

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        changes = self._wire.inject(self._body, block)
        if changes is None:
            return None
        parameters = _parameters(arguments)
        fields: dict[str, Any] = {**self._body, **changes}
        body = json.dumps({name: value for name, value in fields.items() if value is not REMOVED})
        given = body if isinstance(parameters["body"], str) else body.encode()
        return _with_parameters(arguments, {**parameters, "body": given})

    def reply(self, result: Any) -> Reply | None:
        content = bedrock_streams.in_memory(get(result, "body"))
        return self._whole(result, content) if content is not None else None

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        body = get(result, "body")
        if hasattr(body, "get_initial_response"):
            builder = _Chunks(_Named(self._wire.Builder(), result))
            return result if bedrock_streams.attach_events(body, builder, tap) else None

        read = partial(self._whole, _about(result))
        return result if bedrock_streams.attach_body(body, read, tap) else None

    def _whole(self, about: Any, content: bytes) -> Reply | None:
        found = self._wire.reply(_object(content))
        return found and _named(found, about)


class _Chunks:
    """A ``ReplyBuilder``: what the chunks of a stream hold goes to that of the vendor."""

    def __init__(self, builder: _Named) -> None:
        self._builder = builder

    def feed(self, chunk: Any) -> None:
        if (payload := get(chunk, "chunk")) is not None:
            self._builder.feed(_object(base64.b64decode(text(payload, "bytes"))))

    def reply(self) -> Reply:
        return self._builder.reply()


class _Named:
    """A ``ReplyBuilder`` whose reply has what the response's metadata tell, where the vendor does not."""

    def __init__(self, builder: ReplyBuilder, result: Any) -> None:
        self._builder, self._about = builder, _about(result)
        self._metrics: dict[str, int] = {}

    def feed(self, chunk: Any) -> None:
        if (metrics := get(chunk, "amazon-bedrock-invocationMetrics")) is not None:
            self._metrics = numbers(metrics, "inputTokenCount", "outputTokenCount")
        self._builder.feed(chunk)

    def reply(self) -> Reply:
        found = _named(self._builder.reply(), self._about)
        return found if found.usage else replace(found, usage=self._metrics)


def _about(result: Any) -> dict[str, Any]:
    """The metadata alone: a tap that held the whole result would hold the stream in a circle."""
    return {"ResponseMetadata": get(result, "ResponseMetadata")}


def _named(found: Reply, result: Any) -> Reply:
    metadata = get(result, "ResponseMetadata")
    headers = get(metadata, "HTTPHeaders")
    counted = {name: text(headers, f"x-amzn-bedrock-{name}-token-count") for name in ("input", "output")}
    usage = found.usage or {f"{name}TokenCount": int(n) for name, n in counted.items() if n.isdecimal()}
    return replace(found, usage=usage, response_id=found.response_id or text(metadata, "RequestId") or None)


# ---------------------------------------------------------------- arguments


def _operation(arguments: Arguments) -> Any:
    return arguments.kwargs.get("operation_name", next(iter(arguments.args), None))


def _parameters(arguments: Arguments) -> Any:
    return arguments.kwargs.get("api_params", next(iter(arguments.args[1:]), None))


def _with_parameters(arguments: Arguments, parameters: Mapping[str, Any]) -> Arguments:
    if "api_params" in arguments.kwargs:
        return Arguments(arguments.args, {**arguments.kwargs, "api_params": parameters})
    return Arguments((arguments.args[0], parameters), arguments.kwargs)


def _object(body: Any) -> Any:
    """The JSON in a body; None where there is none, or where it is a file that only the SDK may read."""
    if not isinstance(body, (str, bytes, bytearray)):
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None


provider = BedrockProvider()
