"""``chat``: a terminal chat with a memory, on any OpenAI-compatible endpoint."""

from __future__ import annotations

import importlib
import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from memori_wrap import plugins
from memori_wrap.cli.look import chat_facts
from memori_wrap.cli.options import database_url, open_memory, who
from memori_wrap.cli.screen import Screen

if TYPE_CHECKING:
    from memori_wrap.memory import Memori

HELP = "/memory what was put into the last request · /facts what is known · /quit"


class Wire:
    """Reads the requests as they leave this process: what the provider gets, not what we believe to have sent."""

    def __init__(self) -> None:
        self.sent: str | None = None
        """The content of the newest request's last message."""

    def on_request(self, request: Any) -> None:
        body = json.loads(request.content or b"{}")
        if body.get("messages"):
            self.sent = body["messages"][-1]["content"]

    def added_to(self, said: str) -> str:
        """What stands before the caller's own words in the newest request."""
        return (self.sent or "").removesuffix(said).strip()


def run(base_url: str | None, model: str, entity: str | None, process: str | None, database: str | None) -> int:
    if not plugins.is_importable("openai"):
        raise plugins.missing("openai")
    import openai

    screen, wire = Screen(), Wire()
    key = os.environ.get("OPENAI_API_KEY") or ("none" if base_url else None)
    with open_memory(database) as memory:
        name = who(entity, memory.settings)
        try:
            client = openai.OpenAI(
                base_url=base_url,
                api_key=key,
                http_client=openai.DefaultHttpxClient(event_hooks={"request": [wire.on_request]}),
            )
        except openai.OpenAIError:
            Screen(stderr=True).line("memori-wrap: no key: set OPENAI_API_KEY, or give --base-url", "red")
            return 2
        with client:
            memory.register(client, entity=name, process=process)
            screen.line(f"{model} with the memory of {name} in {database_url(memory.settings, database)}", "bold")
            screen.line(HELP, "dim")
            return Conversation(screen, memory, client, wire, model, name).run()


class Conversation:
    """One chat: its history lives here, as in any application; what lasts is in the memory."""

    def __init__(self, screen: Screen, memory: Memori, client: Any, wire: Wire, model: str, name: str) -> None:
        self._screen, self._memory, self._client, self._wire = screen, memory, client, wire
        self._model, self._name = model, name
        self._history: list[dict[str, str]] = []
        self._asked = ""

    def run(self) -> int:
        """Until /quit, Ctrl-D or Ctrl-C. With nobody at the keyboard the first failed request ends it, with 1."""
        is_watched = sys.stdin.isatty()
        if is_watched:
            with suppress(ImportError):
                importlib.import_module("readline")  # arrow keys in input()
        while True:
            try:
                # what a broken paste leaves of a character can be in no request
                line = input("\nyou> " if is_watched else "").encode("utf-8", "replace").decode().strip()
            except (EOFError, KeyboardInterrupt):
                self._screen.line()
                return 0
            if line == "/quit":
                return 0
            if line.startswith("/"):
                self._command(line)
            elif line and not self._say(line) and not is_watched:
                return 1

    def _command(self, line: str) -> None:
        if line == "/memory":
            added = self._wire.added_to(self._asked)
            self._screen.panel("put into the last request", added or "nothing")
        elif line == "/facts":
            chat_facts(self._screen, self._memory, self._name)
        else:
            self._screen.line(HELP, "dim")

    def _say(self, line: str) -> bool:
        """Sends it and shows the answer as it comes; Ctrl-C ends the answer, not the chat."""
        self._asked = line
        messages = [*self._history, {"role": "user", "content": line}]
        answer = ""
        try:
            with self._client.chat.completions.create(model=self._model, messages=messages, stream=True) as stream:
                for chunk in stream:
                    piece = (chunk.choices[0].delta.content or "") if chunk.choices else ""
                    answer += piece
                    self._screen.text(piece, "cyan", end="")
        except KeyboardInterrupt:
            self._screen.text(" [stopped]", "dim", end="")
        except Exception as error:  # the SDK's own, or its transport's where a stream breaks off
            Screen(stderr=True).line(f"memori-wrap: the endpoint failed: {type(error).__name__}: {error}", "red")
            return False
        self._screen.line()
        self._history = [*messages, {"role": "assistant", "content": answer}]
        return True
