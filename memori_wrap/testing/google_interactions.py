"""The wire format of Google's Interactions API. Pure functions."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from memori_wrap.testing.google_wire import SIGNATURE
from memori_wrap.testing.openai_wire import encode, new_id, pieces, tokens, words
from memori_wrap.testing.script import Scripted, ToolCall

Step = Mapping[str, Any]
DONE = b"event: done\ndata: [DONE]\n\n"
_BODY = frozenset(
    [
        "model",
        "agent",
        "agent_config",
        "background",
        "cached_content",
        "continuation_token",
        "environment",
        "generation_config",
        "input",
        "labels",
        "previous_interaction_id",
        "response_format",
        "response_mime_type",
        "response_modalities",
        "safety_settings",
        "service_tier",
        "store",
        "stream",
        "system_instruction",
        "tools",
        "webhook_config",
    ]
)
_CONTENT = ("text", "image", "audio", "document", "video")
_RESULTS = ("function_call", "function_result")
_STATUS = {"stop": "completed", "tool_calls": "requires_action", "length": "incomplete"}


# ---------------------------------------------------------------- reading


def input_steps(body: Mapping[str, Any]) -> list[Step]:
    """The input as steps, in whichever form it is given."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "user_input", "content": [{"type": "text", "text": given}]}]
    if isinstance(given, Mapping):
        return [{"type": "user_input", "content": [given]}]
    if not isinstance(given, list):
        return []
    if given and all(isinstance(item, Mapping) and item.get("type") in _CONTENT for item in given):
        return [{"type": "user_input", "content": given}]
    return given


def step_text(step: Step) -> str:
    """The text of a step."""
    content = step.get("content") or step.get("result") or ()
    if isinstance(content, str):
        return content
    found = [part.get("text") for part in content if isinstance(part, Mapping)]
    return "\n".join(text for text in found if isinstance(text, str))


def texts(body: Any) -> list[str]:
    """The texts of a request, one per step, the system instruction first."""
    if not isinstance(body, Mapping):
        return []
    system = [body["system_instruction"]] if body.get("system_instruction") else []
    return [*system, *map(step_text, input_steps(body))]


def objection(body: Any, inherited: Sequence[Step]) -> str | None:
    """Why the API would answer a request with status 400; None where it would not."""
    if not isinstance(body, Mapping):
        return "Invalid JSON payload received."
    if unknown := next((name for name in body if name not in _BODY), None):
        return f'Invalid JSON payload received. Unknown name "{unknown}": Cannot find field.'
    if not body.get("model") and not body.get("agent"):
        return "One of model or agent must be specified."
    if not isinstance(body.get("system_instruction") or "", str):
        return "Invalid value at 'system_instruction' (TYPE_STRING)"
    if body.get("cached_content") and body.get("system_instruction"):
        return "cached_content can not be used with system_instruction."
    steps = input_steps(body)
    if not steps and not body.get("continuation_token"):
        return "The input is empty."
    asked: list[str] = []
    for step in [*inherited, *steps]:
        if not isinstance(step, Mapping) or not isinstance(step.get("type"), str):
            return "Invalid value at 'input': a step has no type."
        if step["type"] == "function_call":
            asked.append(step["id"])
        elif step["type"] == "function_result":
            if step.get("call_id") not in asked:
                return "A function_result must answer a function_call that comes before it."
            asked.remove(step["call_id"])
    return "Every function_call must be answered by a function_result." if asked else None


# ---------------------------------------------------------------- answers


def error_body(status: int, message: str | None = None, code: str | None = None) -> dict[str, Any]:
    """The body of an error answer."""
    usual = {400: "invalid_request", 401: "authentication", 404: "not_found", 429: "rate_limit_exceeded"}
    return {"error": {"message": message or "Something went wrong.", "code": code or usual.get(status, "api_error")}}


def _call(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = json.loads(call.json)
    except ValueError:
        arguments = {}
    return {"type": "function_call", "id": call.id or new_id("", 8), "name": call.name, "arguments": arguments}


def _steps(script: Scripted) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    if script.reasoning:
        made.append(
            {"type": "thought", "signature": SIGNATURE, "summary": [{"type": "text", "text": script.reasoning}]}
        )
    said = script.text or script.refusal
    if said or not script.tool_calls:
        made.append({"type": "model_output", "content": [{"type": "text", "text": said or ""}]})
    return made + [_call(call) for call in script.tool_calls]


def interaction(body: Mapping[str, Any], script: Scripted, inherited: Sequence[Step]) -> dict[str, Any]:
    """A whole interaction. Its id stands for all that it holds, so that the same one has the same each time."""
    asked = tokens(*texts(body), *map(step_text, inherited)) + 1
    said = tokens(script.text, script.refusal, *(call.json for call in script.tool_calls))
    thought = tokens(script.reasoning)
    now = datetime.now(timezone.utc).isoformat()
    status = _STATUS.get(script.finish, script.finish)
    steps = _steps(script)
    held = json.dumps([*inherited, *input_steps(body), *steps], sort_keys=True)
    made: dict[str, Any] = {
        "id": f"v1_{hashlib.sha256(held.encode()).hexdigest()[:28]}",
        "object": "interaction",
        "status": status,
        "created": now,
        "updated": now,
        **{name: body[name] for name in ("model", "agent", "previous_interaction_id") if name in body},
        "steps": steps,
        "usage": {
            "total_input_tokens": asked,
            "total_output_tokens": said,
            "total_thought_tokens": thought,
            "total_tokens": asked + said + thought,
        },
    }
    if status == "requires_continuation":
        made["continuation_token"] = base64.b64encode(f"after {script.text}".encode()).decode()
    if status == "failed":
        made["errors"] = [{"code": script.code or "api_error", "message": script.message or "It failed."}]
    return made


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\n".encode() + b"data: " + encode({"event_type": kind, **fields}) + b"\n\n"


def error_event(script: Scripted) -> bytes:
    """The event with which a stream reports that it cannot go on."""
    return _event("error", error={"code": script.code or "api_error", "message": script.message or "It failed."})


def events(whole: Mapping[str, Any]) -> list[bytes]:
    """The same as a stream. Its last event repeats everything but the steps."""
    brief = {k: v for k, v in whole.items() if k in ("id", "object", "model", "agent", "created", "updated")}
    made = [_event("interaction.created", interaction={**brief, "status": "in_progress"})]
    for index, step in enumerate(whole["steps"]):
        made.append(_event("step.start", index=index, step=_begun(step)))
        made += [_event("step.delta", index=index, delta=delta) for delta in _deltas(step)]
        made.append(_event("step.stop", index=index))
    ends = {k: whole[k] for k in ("status", "usage", "continuation_token") if k in whole}
    return [*made, _event("interaction.completed", interaction={**brief, **ends}), DONE]


def _begun(step: Step) -> dict[str, Any]:
    if step["type"] == "function_call":
        return {**step, "arguments": {}}
    return {"type": step["type"]}


def _deltas(step: Step) -> list[dict[str, Any]]:
    if step["type"] == "function_call":
        return [{"type": "arguments_delta", "arguments": piece} for piece in pieces(json.dumps(step["arguments"]))]
    if step["type"] == "thought":
        said = [{"type": "thought_summary", "content": part} for part in step["summary"]]
        return [*said, {"type": "thought_signature", "signature": step["signature"]}]
    return [{"type": "text", "text": word} for part in step["content"] for word in words(part["text"])]
