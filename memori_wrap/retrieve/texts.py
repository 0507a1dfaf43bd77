"""Which texts of a message are embedded: the message or its passages, and what was said just before it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from memori_wrap.text import tokens
from memori_wrap.types import StoredMessage

PASSAGE_TOKENS = 130.0
"""A passage ends at the sentence that reaches it: small models read 256 word pieces and forget the rest."""
MAX_PASSAGES = 40
CONTEXT_TOKENS = 60.0
SHORT_TOKENS = 48.0
"""Up to so many tokens a message is as short as people talk."""
GENERIC_SPEAKERS = frozenset({"", "user", "human", "assistant", "ai", "bot", "model", "system", "tool"})

_BREAK = re.compile(r"(?<=[.!?。！？…])\s+|(?<=[。！？])|\n+")
_PIECE_CHARACTERS = 600


def generic(speaker: str | None) -> bool:
    """Whether ``speaker`` is no name of anybody, only that of a role."""
    return (speaker or "").strip().casefold() in GENERIC_SPEAKERS


def person(message: StoredMessage) -> bool:
    """Whether a human being is speaking: the user, or anybody with a name (in a talk of two, one is "assistant")."""
    return message.role in ("user", "human") or (message.role == "assistant" and not generic(message.speaker))


def lectures(message: StoredMessage) -> bool:
    """Whether this is a machine's long answer, one that no person would give in a conversation."""
    return not person(message) and (len(message.text) > _PIECE_CHARACTERS or tokens(message.text) > SHORT_TOKENS)


def answers(before: StoredMessage, message: StoredMessage) -> bool:
    """Whether ``message`` is a person's reply, so that what stands before helps to understand it: "Yes, two of them".

    A machine's reply is clear by itself, or says nothing: "Noted." must not be found by what was noted.
    """
    differ = (before.role, before.speaker) != (message.role, message.speaker)
    return differ and person(message) and not lectures(before)


def pieces(text: str) -> list[str]:
    """``text`` cut at the ends of sentences and lines; a piece without any is cut by length."""
    out: list[str] = []
    for piece in _BREAK.split(text):
        for start in range(0, len(piece), _PIECE_CHARACTERS):
            part = piece[start : start + _PIECE_CHARACTERS].strip()
            if part:
                out.append(part)
    return out


def passages(text: str) -> list[str]:
    """``text`` in passages of about ``PASSAGE_TOKENS``, at most ``MAX_PASSAGES``; a short text is one passage."""
    if len(text) < _PIECE_CHARACTERS and tokens(text) <= PASSAGE_TOKENS * 1.5:
        return [text]
    out: list[str] = []
    held: list[str] = []
    spent = 0.0
    for piece in pieces(text[: MAX_PASSAGES * _PIECE_CHARACTERS * 2]):
        cost = tokens(piece)
        if held and spent + cost > PASSAGE_TOKENS:
            out.append(" ".join(held))
            held, spent = [], 0.0
        held.append(piece)
        spent += cost
    if held:
        out.append(" ".join(held))
    return out[:MAX_PASSAGES] or [text[:_PIECE_CHARACTERS]]


def tail(text: str, limit: float = CONTEXT_TOKENS) -> str:
    """The last sentences of ``text``, about ``limit`` tokens of them, at least one."""
    held: list[str] = []
    spent = 0.0
    for piece in reversed(pieces(text[-4 * _PIECE_CHARACTERS :])):
        spent += tokens(piece)
        if held and spent > limit:
            break
        held.append(piece)
    return " ".join(reversed(held))


def embedding_texts(new: Sequence[StoredMessage], before: Sequence[StoredMessage]) -> Sequence[tuple[str, str, str]]:
    """(message id, variant, text to embed) for ``new``; ``before`` are the messages just before them.

    Variant "text" is the message, "text/1", "text/2" ... the further passages of a long one; "context" is a
    person's message after the end of what the other side said just before it (see ``answers``).
    """
    last: dict[str, StoredMessage] = {message.conversation: message for message in before}
    out: list[tuple[str, str, str]] = []
    for message in new:
        previous = last.get(message.conversation)
        last[message.conversation] = message
        if not message.text.strip():
            continue
        cut = passages(message.text)
        out += [(message.id, f"text/{i}" if i else "text", passage) for i, passage in enumerate(cut)]
        if previous is not None and previous.text.strip() and answers(previous, message):
            out.append((message.id, "context", f"{tail(previous.text)}\n{cut[0]}"))
    return out
