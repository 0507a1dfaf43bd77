"""The wire format of the old Completions: one prompt, texts that go on from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memori_wrap.types import Message, Reply, Request
from memori_wrap_adapters.llm.fields import get, items, numbers, text


def request(body: Mapping[str, Any]) -> Request | None:
    """A prompt of one text; several at once, or tokens, are no conversation."""
    prompt = body.get("prompt")
    if isinstance(prompt, (list, tuple)) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        return None
    return Request((Message("user", prompt),), text(body, "model") or None)


def inject(body: Mapping[str, Any], block: str) -> dict[str, Any] | None:
    """Before the prompt: the reply goes on from its end."""
    prompt = body["prompt"]
    if isinstance(prompt, str):
        return {"prompt": f"{block}\n\n{prompt}"}
    return {"prompt": [f"{block}\n\n{prompt[0]}"]}


def reply(data: Any) -> Reply | None:
    if get(data, "choices") is None:
        return None
    choices = items(data, "choices")
    return Reply(
        messages=tuple(Message("assistant", text(choice, "text")) for choice in choices),
        model=text(data, "model") or None,
        usage=numbers(get(data, "usage"), "prompt_tokens", "completion_tokens", "total_tokens"),
        finish_reason=next((text(choice, "finish_reason") for choice in choices), None),
        response_id=text(data, "id") or None,
    )


class Builder:
    """Gathers chunks: texts by choice."""

    def __init__(self) -> None:
        self._choices: dict[int, dict[str, str]] = {}
        self._data: dict[str, Any] = {}

    def feed(self, chunk: Any) -> None:
        for field in ("id", "model", "usage"):
            if get(chunk, field) is not None:
                self._data[field] = get(chunk, field)
        for choice in items(chunk, "choices"):
            gathered = self._choices.setdefault(get(choice, "index") or 0, {"text": ""})
            gathered["text"] += text(choice, "text")
            if text(choice, "finish_reason"):
                gathered["finish_reason"] = text(choice, "finish_reason")

    def reply(self) -> Reply:
        choices = [choice for _, choice in sorted(self._choices.items())]
        found = reply({**self._data, "choices": choices}) or Reply()
        is_complete = bool(choices) and all("finish_reason" in c for c in choices)
        return Reply(found.messages, found.model, found.usage, found.finish_reason, is_complete, found.response_id)
