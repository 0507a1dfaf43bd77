"""One conversation as the calls of a registered OpenAI client to a loopback server, instead of ``add``."""

from __future__ import annotations

from collections.abc import Iterator

from openai import OpenAI

from benchmarks.data import Conversation, Run, Turn
from benchmarks.plain import LIMIT
from memori_wrap import Memori
from memori_wrap.prompt import line
from memori_wrap.protocols import Embedder
from memori_wrap.testing.openai_server import FakeOpenAI

NO_REPLY = "OK."


def through_client(conversation: Conversation, embedder: Embedder | None) -> Run:
    """Plays the conversation as chat calls, then asks ``recall`` its questions.

    A turn is the user's message, with the speaker as its name; what another one says next is the model's reply,
    and nameless. A call carries no date of its own: all was said now. Items are matched with turns by their text.
    """
    reply = NO_REPLY
    with (
        FakeOpenAI(lambda _: reply, record=False) as server,
        Memori("memory://", embedder=embedder or "none") as memory,
        OpenAI(base_url=server.base_url, api_key="none") as client,
    ):
        memory.register(client)
        memory.warm()
        for said, answer in _exchanges(conversation):
            reply = answer.text if answer else NO_REPLY
            with memory.scope(conversation.id, session=said.session):
                client.chat.completions.create(
                    model="gpt-4o-mini",
                    messages=[{"role": "user", "name": said.speaker, "content": said.text}],
                )
        memory.flush()
        turns = {turn.text.strip(): [turn.id] for turn in conversation.turns}
        return {
            question["qid"]: [
                (turns.get(item.text.strip(), []), line(item))
                for item in memory.recall(question["question"], entity=conversation.id, limit=LIMIT)
            ]
            for question in conversation.questions
        }


def _exchanges(conversation: Conversation) -> Iterator[tuple[Turn, Turn | None]]:
    for turns in conversation.sessions():
        waiting: Turn | None = None
        for turn in turns:
            if waiting is not None and turn.speaker != waiting.speaker:
                yield waiting, turn
                waiting = None
            else:
                if waiting is not None:
                    yield waiting, None
                waiting = turn
        if waiting is not None:
            yield waiting, None
