"""xAI's wire format: the protobuf messages of its Chat service, as the server makes them. Pure functions."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from xai_sdk.proto import chat_pb2, image_pb2, models_pb2, sample_pb2, tokenize_pb2, usage_pb2

from memori_wrap.testing.openai_wire import tokens, words
from memori_wrap.testing.script import Scripted, ToolCall

FINGERPRINT = "fp_memori_wrap"
MODELS = ("grok-4.20-non-reasoning", "grok-4.3")
FOUND = "[1] Canaries - a page about canaries"
"""What a tool on the server's side finds."""
DONE = "I have looked it up."
IMAGE = {"__type": "image_generation_result", "result": "data:image/png;base64,iVBORw0KGgo=", "image_uuid": "i1"}
"""What the tool that makes images gives."""

CODES: Mapping[int, grpc.StatusCode] = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    502: grpc.StatusCode.UNAVAILABLE,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""HTTP's statuses, which scripts speak of, in gRPC's words."""

_DETAILS: Mapping[grpc.StatusCode, str] = {
    grpc.StatusCode.INVALID_ARGUMENT: "Invalid request.",
    grpc.StatusCode.UNAUTHENTICATED: "Incorrect API key provided.",
    grpc.StatusCode.PERMISSION_DENIED: "Your team does not have the permission to do this.",
    grpc.StatusCode.NOT_FOUND: "The requested resource was not found.",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "Too many requests.",
    grpc.StatusCode.UNAVAILABLE: "The service is currently unavailable.",
}
_FINISHES: Mapping[str, sample_pb2.FinishReason] = {
    "stop": sample_pb2.REASON_STOP,
    "length": sample_pb2.REASON_MAX_LEN,
    "tool_calls": sample_pb2.REASON_TOOL_CALLS,
    "time_limit": sample_pb2.REASON_TIME_LIMIT,
    "max_context": sample_pb2.REASON_MAX_CONTEXT,
}
_SERVER_TOOLS: Mapping[str, tuple[Any, Any]] = {
    "web_search": (chat_pb2.TOOL_CALL_TYPE_WEB_SEARCH_TOOL, usage_pb2.SERVER_SIDE_TOOL_WEB_SEARCH),
    "x_search": (chat_pb2.TOOL_CALL_TYPE_X_SEARCH_TOOL, usage_pb2.SERVER_SIDE_TOOL_X_SEARCH),
    "code_execution": (chat_pb2.TOOL_CALL_TYPE_CODE_EXECUTION_TOOL, usage_pb2.SERVER_SIDE_TOOL_CODE_EXECUTION),
    "image_generation": (
        chat_pb2.TOOL_CALL_TYPE_IMAGE_GENERATION_TOOL,
        usage_pb2.SERVER_SIDE_TOOL_IMAGE_GENERATION,
    ),
}
Refusal = tuple[grpc.StatusCode, str]


# ---------------------------------------------------------------- reading


def shown(message: Any) -> dict[str, Any]:
    """A message as JSON-like values, under the names of its fields."""
    found: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return found


def text_of(message: chat_pb2.Message) -> str:
    """The text of a message's content."""
    return "\n".join(part.text for part in message.content if part.HasField("text"))


def refusal(script: Scripted) -> Refusal:
    """The status with which a scripted error ends the call."""
    code = CODES.get(script.status or 500, grpc.StatusCode.UNKNOWN)
    said = script.body.decode("utf-8", "replace") if isinstance(script.body, bytes) else script.body
    details = said or script.message or _DETAILS.get(code, "Internal error.")
    return code, f"{script.code}: {details}" if script.code else details


def objection(request: chat_pb2.GetCompletionsRequest, known: Iterable[str]) -> Refusal | None:
    """Why xAI would refuse a request; None where it would not. ``known``: the ids of what it has stored."""
    if not request.model:
        return grpc.StatusCode.INVALID_ARGUMENT, "Each request must name a model."
    if not request.messages:
        return grpc.StatusCode.INVALID_ARGUMENT, "Each request must have at least one message."
    if not 1 <= request.n <= 128:
        return grpc.StatusCode.INVALID_ARGUMENT, f"n must be between 1 and 128, but is {request.n}."
    if request.previous_response_id and request.previous_response_id not in known:
        return grpc.StatusCode.NOT_FOUND, f"Response with id={request.previous_response_id} not found."
    asked: set[str] = set()
    for i, message in enumerate(request.messages):
        if message.role == chat_pb2.INVALID_ROLE or message.role not in chat_pb2.MessageRole.values():
            return grpc.StatusCode.INVALID_ARGUMENT, f"messages[{i}]: unknown role."
        if any(part.WhichOneof("content") is None for part in message.content):
            return grpc.StatusCode.INVALID_ARGUMENT, f"messages[{i}]: each content element must have a value."
        call = message.tool_call_id if message.role == chat_pb2.ROLE_TOOL else ""
        if call and call not in asked and not request.previous_response_id:
            return grpc.StatusCode.INVALID_ARGUMENT, f"messages[{i}]: no tool call {call!r} before."
        asked |= {call.id for call in message.tool_calls}
    return None


# ---------------------------------------------------------------- answers


def _usage(request: chat_pb2.GetCompletionsRequest, outputs: Sequence[chat_pb2.CompletionOutput], tools: Any) -> Any:
    prompt = tokens(*(text_of(m) for m in request.messages))
    thoughts = tokens(*(o.message.reasoning_content for o in outputs))
    said = tokens(*(o.message.content for o in outputs if o.message.role == chat_pb2.ROLE_ASSISTANT))
    return usage_pb2.SamplingUsage(
        prompt_tokens=prompt,
        prompt_text_tokens=prompt,
        reasoning_tokens=thoughts,
        completion_tokens=said,
        total_tokens=prompt + thoughts + said,
        server_side_tools_used=tools,
    )


def _call(call: ToolCall, kind: Any = chat_pb2.TOOL_CALL_TYPE_CLIENT_SIDE_TOOL) -> chat_pb2.ToolCall:
    function = chat_pb2.FunctionCall(name=call.name, arguments=call.json)
    status = chat_pb2.TOOL_CALL_STATUS_COMPLETED
    return chat_pb2.ToolCall(id=call.id or f"call_{uuid.uuid4().hex[:24]}", type=kind, status=status, function=function)


def _output(index: int, content: str, finish: str | None, **more: Any) -> chat_pb2.CompletionOutput:
    given: dict[str, Any] = {"role": chat_pb2.ROLE_ASSISTANT, **more}
    message = chat_pb2.CompletionMessage(content=content, **given)
    reason = _FINISHES.get(finish, sample_pb2.REASON_STOP) if finish else sample_pb2.REASON_INVALID
    return chat_pb2.CompletionOutput(index=index, message=message, finish_reason=reason)


def _alternative(request: chat_pb2.GetCompletionsRequest, index: int, script: Scripted) -> chat_pb2.CompletionOutput:
    encrypted = f"sealed:{script.reasoning or ''}" if request.use_encrypted_content else ""
    made = _output(
        index,
        script.text or "",
        script.finish,
        reasoning_content=script.reasoning or "",
        encrypted_content=encrypted,
        tool_calls=[_call(call) for call in script.tool_calls],
    )
    if request.logprobs:
        pieces = (chat_pb2.LogProb(token=word, logprob=-0.5, bytes=word.encode()) for word in words(script.text or ""))
        made.logprobs.content.extend(pieces)
    return made


def _looped(script: Scripted) -> list[chat_pb2.CompletionOutput]:
    """What a loop over tools on the server's side gives: each call, its result, and the answer at the end."""
    outputs: list[chat_pb2.CompletionOutput] = []
    for asked in script.tool_calls:
        call = _call(asked, _SERVER_TOOLS[asked.name][0])
        found = FOUND if asked.name != "image_generation" else json.dumps(IMAGE)
        for content, role in (("", chat_pb2.ROLE_ASSISTANT), (found, chat_pb2.ROLE_TOOL)):
            outputs.append(_output(len(outputs), content, None, role=role, tool_calls=[call]))
    answer = script.text or DONE
    finish = script.finish_reason or "stop"
    outputs.append(_output(len(outputs), answer, finish, reasoning_content=script.reasoning or ""))
    return outputs


def completion(request: chat_pb2.GetCompletionsRequest, script: Scripted) -> chat_pb2.GetChatCompletionResponse:
    """The whole answer."""
    offered = {name for tool in request.tools if (name := tool.WhichOneof("tool")) in _SERVER_TOOLS}
    used = [call.name for call in script.tool_calls if call.name in offered]
    if used and len(used) == len(script.tool_calls):
        outputs = _looped(script)
    else:
        outputs = [_alternative(request, i, choice) for i, choice in enumerate(script.alternatives(request.n))]
    tools = [_SERVER_TOOLS[name][1] for name in used]
    made = chat_pb2.GetChatCompletionResponse(
        id=str(uuid.uuid4()),
        outputs=outputs,
        model=request.model,
        system_fingerprint=FINGERPRINT,
        usage=_usage(request, outputs, tools),
        citations=["https://example.com/canaries"] if "web_search" in used else [],
    )
    made.created.FromSeconds(int(time.time()))
    made.settings.store_messages = request.store_messages
    return made


def chunks(
    whole: chat_pb2.GetChatCompletionResponse, *, is_verbose: bool = False
) -> list[chat_pb2.GetChatCompletionChunk]:
    """The answer in the pieces that a stream sends: the role, thoughts, words, calls, the reason of the end.

    Each has the usage so far; alternatives take turns. ``is_verbose``: a call on xAI's side is also told of when it
    begins.
    """
    made: list[chat_pb2.GetChatCompletionChunk] = []

    def add(output: chat_pb2.CompletionOutput, finish: Any = sample_pb2.REASON_INVALID, **delta: Any) -> None:
        piece = chat_pb2.CompletionOutputChunk(
            index=output.index,
            finish_reason=finish,
            delta=chat_pb2.Delta(role=output.message.role, **delta),
        )
        chunk = chat_pb2.GetChatCompletionChunk(
            id=whole.id, model=whole.model, created=whole.created, system_fingerprint=whole.system_fingerprint
        )
        chunk.outputs.append(piece)
        chunk.usage.prompt_tokens = chunk.usage.total_tokens = whole.usage.prompt_tokens
        made.append(chunk)

    is_loop = any(output.message.role == chat_pb2.ROLE_TOOL for output in whole.outputs)
    lines = [_deltas(output, is_verbose=is_verbose) for output in whole.outputs]
    if is_loop:
        for output, line in zip(whole.outputs, lines, strict=True):
            for delta in line:
                add(output, **delta)
            if output.finish_reason:
                add(output, output.finish_reason)
    else:
        for n in range(max(map(len, lines), default=0)):
            for output, line in zip(whole.outputs, lines, strict=True):
                if n < len(line):
                    add(output, **line[n])
        for output in whole.outputs:
            add(output, output.finish_reason)
    if made:
        made[-1].usage.CopyFrom(whole.usage)
        made[-1].citations.extend(whole.citations)
    return made


def _deltas(output: chat_pb2.CompletionOutput, *, is_verbose: bool) -> list[dict[str, Any]]:
    message = output.message
    if message.role == chat_pb2.ROLE_TOOL:
        return [{"content": message.content, "tool_calls": message.tool_calls}]
    made: list[dict[str, Any]] = [{}]
    made += [{"reasoning_content": word} for word in words(message.reasoning_content)]
    made += [{"content": word} for word in words(message.content)]
    for call in message.tool_calls:
        if is_verbose and call.type != chat_pb2.TOOL_CALL_TYPE_CLIENT_SIDE_TOOL:
            begun = chat_pb2.ToolCall()
            begun.CopyFrom(call)
            begun.status = chat_pb2.TOOL_CALL_STATUS_IN_PROGRESS
            made.append({"tool_calls": [begun]})
        made.append({"tool_calls": [call]})
    made += [{"encrypted_content": message.encrypted_content}] if message.encrypted_content else []
    return made


# ---------------------------------------------------------------- what is no conversation


def _sent(message: Any) -> bytes:
    found: bytes = message.SerializeToString()
    return found


def _compacted(raw: bytes) -> bytes:
    """A conversation made small."""
    request = chat_pb2.CompactContextRequest.FromString(raw)
    usage = usage_pb2.SamplingUsage(prompt_tokens=tokens(*(text_of(m) for m in request.input)))
    made = chat_pb2.CompactContextResponse(
        id=str(uuid.uuid4()), encrypted_content="sealed", dropped_message_count=len(request.input), usage=usage
    )
    return _sent(made)


def _tokenized(raw: bytes) -> bytes:
    request = tokenize_pb2.TokenizeTextRequest.FromString(raw)
    found = [
        tokenize_pb2.Token(token_id=n, string_token=word, token_bytes=word.encode())
        for n, word in enumerate(words(request.text))
    ]
    return _sent(tokenize_pb2.TokenizeTextResponse(tokens=found, model=request.model))


def _models(raw: bytes) -> bytes:
    assert not raw
    found = [models_pb2.LanguageModel(name=name, max_prompt_length=131072) for name in MODELS]
    return _sent(models_pb2.ListLanguageModelsResponse(models=found))


def _images(raw: bytes) -> bytes:
    request = image_pb2.GenerateImageRequest.FromString(raw)
    images = [image_pb2.GeneratedImage(url="https://example.com/1.jpg", respect_moderation=True)] * (request.n or 1)
    return _sent(image_pb2.ImageResponse(images=images, model=request.model))


OTHERS: Mapping[str, Callable[[bytes], bytes]] = {
    "/xai_api.Chat/CompactContext": _compacted,
    "/xai_api.Tokenize/TokenizeText": _tokenized,
    "/xai_api.Models/ListLanguageModels": _models,
    "/xai_api.Image/GenerateImage": _images,
}
