"""The two processes of the demo: ``python -m memori_wrap.cli.demo_child play`` talks, ``ask`` asks.

Everything here is the public face and the real SDK, as in anybody's program. One JSON line on stdout for each step.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import Any

from openai import DefaultHttpxClient, OpenAI

from memori_wrap import Memori
from memori_wrap.cli.chat import Wire
from memori_wrap.cli.demo_talk import ENTITY, HEADER, OLD_SESSIONS, QUESTIONS, SPEAKER, STAGES, TODAY

WARM_TIMEOUT = 90.0
BARE_CALLS = 11


def play(client: OpenAI, model: str) -> None:
    """The conversation: older sessions with the dates they had, today's through registered calls."""
    now = datetime.now(timezone.utc)
    with Memori() as memory:
        for session in OLD_SESSIONS:
            said = [
                message
                for user, assistant in session.turns
                for message in (
                    {"role": "user", "name": SPEAKER, "content": user},
                    {"role": "assistant", "content": assistant},
                )
            ]
            began = now - timedelta(days=session.days)
            memory.add(said, entity=ENTITY, session=f"{session.days} days ago", at=began)
        memory.register(client, entity=ENTITY)
        plain, streamed, responses = TODAY
        client.chat.completions.create(model=model, messages=[{"role": "user", "name": SPEAKER, "content": plain}])
        message: Any = {"role": "user", "name": SPEAKER, "content": streamed}
        for _ in client.chat.completions.create(model=model, messages=[message], stream=True):
            pass
        client.responses.create(model=model, input=responses)
        report = memory.flush(WARM_TIMEOUT)
        tell(stored=report.done, facts=len(memory.facts(entity=ENTITY)), model=memory.stats()["model"])


def ask(client: OpenAI, model: str, wire: Wire, *, is_live: bool) -> None:
    """Each question twice: at once, while the model is loading, and when it is there."""
    bare = (
        0.0
        if is_live
        else statistics.median(_timed(client, model, QUESTIONS[0].text, "")[0] for _ in range(BARE_CALLS))
    )
    with Memori() as memory:
        memory.register(client, entity=ENTITY)
        for stage in STAGES:
            is_warm = stage == "warm" and memory.warm(WARM_TIMEOUT)
            for number, question in enumerate(QUESTIONS):
                if is_warm:  # as when somebody types: the question before is embedded by the time of the next
                    memory.flush(WARM_TIMEOUT)
                how, label = memory.stats()["recall"], f"{stage}-{number}"
                seconds, reply = _timed(client, model, question.text, label)
                added = None if is_live else 1000 * (seconds - bare)
                tell(label=label, stage=stage, number=number, recall=how, added_ms=added, reply=reply, sent=wire.sent)
        tell(bare_ms=1000 * bare, model=memory.stats()["model"])


def _timed(client: OpenAI, model: str, text: str, label: str) -> tuple[float, str]:
    began = time.perf_counter()
    reply = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}], extra_headers={HEADER: label}
    )
    return time.perf_counter() - began, reply.choices[0].message.content or ""


def tell(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main(action: str, model: str, base_url: str) -> None:
    """``base_url``: the loopback server's; empty for the provider of the environment."""
    wire = Wire()
    hooks = {"request": [wire.on_request]}
    if base_url:  # no proxy stands between two processes of one machine
        client = OpenAI(
            base_url=base_url, api_key="none", http_client=DefaultHttpxClient(trust_env=False, event_hooks=hooks)
        )
    else:
        client = OpenAI(http_client=DefaultHttpxClient(event_hooks=hooks))
    with client:
        if action == "play":
            play(client, model)
        else:
            ask(client, model, wire, is_live=not base_url)


if __name__ == "__main__":
    main(*sys.argv[1:])
