"""OpenAI's Agents SDK: ``register(model)``, hooked at ``get_response`` and ``stream_response`` of its class.

Registering the ``AsyncOpenAI`` that a model calls by serves as well (``set_default_openai_client(register(...))``), and
both together are one call. Each request of a tool loop is an exchange, whose messages are stored once. Not seen are
realtime and voice.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from memori_wrap.generators import atee
from memori_wrap.plugins import lazily
from memori_wrap.protocols import Arguments, Endpoint, PatchPoint, ReplyBuilder, Tap, Tested
from memori_wrap.types import Reply, Request
from memori_wrap_adapters.llm import openai_chat, openai_responses
from memori_wrap_adapters.llm.fields import get, text
from memori_wrap_adapters.llm.labels import label_of

if TYPE_CHECKING:
    from memori_wrap_adapters.frameworks.openai_agents_session import MemoriSession

__all__ = ["MemoriSession", "OpenAIAgentsProvider", "provider"]

_NAMES = ("system_instructions", "input", "model_settings")
"""The first parameters of a request."""


class OpenAIAgentsProvider:
    """A ``Provider``. Registered under the root package ``agents``."""

    tested = Tested("openai-agents", ">=0.10,<1")

    def supports(self, client: object) -> bool:
        # "agents" may as well be a package of the user's own
        interface = sys.modules.get("agents.models.interface")
        return interface is not None and isinstance(client, interface.Model)

    def patch_points(self, client: object) -> Iterable[PatchPoint]:
        yield PatchPoint(_owner(client, "get_response"), "get_response", is_async=True, is_framework=True)
        owner = _owner(client, "stream_response")
        if inspect.isasyncgenfunction(inspect.unwrap(vars(owner)["stream_response"])):
            yield PatchPoint(owner, "stream_response", is_async=True, is_framework=True)

    def subject(self, receiver: Any) -> object:
        return receiver

    def endpoint(self, receiver: Any, arguments: Arguments, method: str) -> Endpoint | None:
        return _Requests(receiver)

    def label(self, receiver: Any) -> str:
        base_url = getattr(getattr(receiver, "_client", None), "base_url", None)
        return (label_of(base_url) if base_url is not None else "") or "openai_agents"


def _owner(client: object, method: str) -> type:
    return next(base for base in type(client).__mro__ if method in vars(base))


class _Requests:
    """The requests of one model. Whatever it is, they are in the words of the Responses API."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def request(self, arguments: Arguments) -> Request | None:
        return openai_responses.request(self._body(arguments))

    def inject(self, arguments: Arguments, block: str) -> Arguments | None:
        body = self._body(arguments)
        if self._is_kept(body):
            changes = openai_responses.inject(body, block)
        else:
            changes = _in_last_message(body["input"], block)
        if changes is None:
            return None
        names = {"instructions": "system_instructions", "input": "input"}
        return _with(arguments, {names[name]: value for name, value in changes.items()})

    def reply(self, result: Any) -> Reply | None:
        if get(result, "output") is None:
            return None
        answer = {"output": result.output, "usage": get(result, "usage"), "id": get(result, "response_id")}
        return openai_responses.reply({**answer, "model": self._name})

    def attach(self, result: Any, tap: Callable[[ReplyBuilder], Tap]) -> Any:
        return atee(result, tap(openai_responses.Builder())) if hasattr(result, "__anext__") else None

    @property
    def _name(self) -> str:
        return str(getattr(self._model, "model", "") or "")

    def _body(self, arguments: Arguments) -> dict[str, Any]:
        """The request as the Responses API would have it."""
        given = {**dict(zip(_NAMES, arguments.args)), **arguments.kwargs}  # noqa: B905 (there are more parameters)
        return {
            "model": self._name,
            "input": given.get("input"),
            "instructions": given.get("system_instructions"),
            "store": get(given.get("model_settings"), "store"),
            "previous_response_id": given.get("previous_response_id"),
            "conversation": given.get("conversation_id"),
        }

    def _is_kept(self, body: dict[str, Any]) -> bool:
        """Whether OpenAI may keep the input, as its own model of the Responses API lets it."""
        responses = sys.modules.get("agents.models.openai_responses")
        is_own = responses is not None and isinstance(self._model, responses.OpenAIResponsesModel)
        return is_own or bool(body["previous_response_id"] or body["conversation"])


def _in_last_message(given: Any, block: str) -> dict[str, Any] | None:
    """Before the caller's text in the last user message, as in a chat: a text stays one text."""
    if isinstance(given, str):
        return {"input": f"{block}\n\n{given}"}
    at = next((i for i in range(len(given) - 1, -1, -1) if text(given[i], "role") == "user"), None)
    if at is None or not isinstance(get(given[at], "content"), str):
        return openai_responses.behind_breakpoints(given, block)
    changes = openai_chat.inject({"messages": given}, block)
    return changes and {"input": changes["messages"]}


def _with(arguments: Arguments, changes: dict[str, Any]) -> Arguments:
    args, kwargs = list(arguments.args), dict(arguments.kwargs)
    for name, value in changes.items():
        at = _NAMES.index(name)
        if at < len(args):
            args[at] = value
        else:
            kwargs[name] = value
    return Arguments(tuple(args), kwargs)


provider = OpenAIAgentsProvider()

if not TYPE_CHECKING:  # only who uses it needs the framework
    __getattr__ = lazily(__package__, {"MemoriSession": "openai_agents_session"})
