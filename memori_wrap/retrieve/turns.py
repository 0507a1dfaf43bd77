"""The messages of one entity as columns: who spoke, when, in which conversation, after what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memori_wrap.retrieve.columns import Column
from memori_wrap.retrieve.dates import tells_time
from memori_wrap.retrieve.lexical import Floats, Ints
from memori_wrap.retrieve.texts import answers, generic, lectures
from memori_wrap.text import tokens
from memori_wrap.types import StoredMessage

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of turns, one entry each; a turn is named by its position, -1 stands for none.

    ``said``: seconds since 1970. ``answers``: it replies to the turn before it. ``asks``: it ends in a
    question. ``lectures``: it is a machine's long answer.
    """

    said: Floats
    before: Ints
    after: Ints
    conversation: Ints
    speaker: Ints
    lectures: Bools
    answers: Bools
    asks: Bools
    tells_time: Bools
    tokens: Floats

    def __len__(self) -> int:
        return len(self.said)

    def take(self, numbers: Ints) -> Table:
        """The rows ``numbers`` (ascending) as a table of its own; a neighbour that is not among them is none."""
        columns = {name: getattr(self, name)[numbers] for name in _DTYPES}
        for name in ("before", "after"):
            wanted = columns[name]
            at = np.minimum(np.searchsorted(numbers, wanted), max(len(numbers) - 1, 0))
            columns[name] = np.where((wanted >= 0) & (numbers[at] == wanted), at, -1)
        columns["answers"] = columns["answers"] & (columns["before"] >= 0)
        return Table(**columns)


_MESSAGE_BYTES = 600
_RECENT = 10_000
_DTYPES = {
    "said": np.float64,
    "before": np.int64,
    "after": np.int64,
    "conversation": np.int64,
    "speaker": np.int64,
    "lectures": np.bool_,
    "answers": np.bool_,
    "asks": np.bool_,
    "tells_time": np.bool_,
    "tokens": np.float64,
}


class Turns:
    """Turns are numbered in the order of arrival."""

    def __init__(self) -> None:
        self.messages: list[StoredMessage] = []
        self.number: dict[str, int] = {}
        self.speakers: dict[str, int] = {}
        self.places: list[tuple[str | None, str | None]] = []
        """(process, session) of each conversation."""
        self._columns = {name: Column(dtype) for name, dtype in _DTYPES.items()}
        self._conversations: dict[str, int] = {}
        self._last: dict[int, int] = {}
        self._known: set[int] = set()

    def __len__(self) -> int:
        return len(self.messages)

    def add(self, message: StoredMessage, cost: float) -> int:
        """Appends a message of ``cost`` tokens to its conversation; returns its number."""
        number = len(self.messages)
        conversation = self._conversations.setdefault(message.conversation, len(self._conversations))
        if conversation == len(self.places):
            self.places.append((message.process, message.session))
        row = _row(message, cost, self.speakers, conversation)
        before = self._last.get(conversation, -1)
        if before >= 0:
            self._columns["after"][before] = number
            row |= {"before": before, "answers": answers(self.messages[before], message)}
        for name, column in self._columns.items():
            column.append(row[name])
        self._last[conversation] = number
        self.messages.append(message)
        self.number[message.id] = number
        self._known.add(hash((message.role, message.text)))
        return number

    def news(self, recent: Sequence[StoredMessage]) -> list[StoredMessage]:
        """Those of ``recent`` that are not known yet, each once: a request repeats its history."""
        seen: dict[int, StoredMessage] = {}
        for message in recent:
            key = hash((message.role, message.text))
            if key not in self._known and message.id not in self.number:
                seen.setdefault(key, message)
        return list(seen.values())

    def table(self, recent: Sequence[StoredMessage]) -> Table:
        """All turns, with ``recent`` after them, in conversations of their own by session."""
        views = {name: column.view() for name, column in self._columns.items()}
        if recent:
            speakers = dict(self.speakers)
            conversations: dict[tuple[str | None, str | None], int] = {}
            last: dict[int, int] = {}
            rows: list[dict[str, float]] = []
            for at, message in enumerate(recent):
                number = len(self.places) + len(conversations)
                conversation = conversations.setdefault((message.process, message.session), number)
                row = _row(message, tokens(message.text[:_RECENT]), speakers, conversation)
                if conversation in last:
                    before = last[conversation]
                    rows[before]["after"] = len(self) + at
                    row |= {"before": len(self) + before, "answers": answers(recent[before], message)}
                last[conversation] = at
                rows.append(row)
            views = {
                name: np.concatenate([view, np.array([row[name] for row in rows], view.dtype)])
                for name, view in views.items()
            }
        return Table(**views)

    def nbytes(self) -> int:
        return sum(column.nbytes for column in self._columns.values()) + _MESSAGE_BYTES * len(self.messages)


def _row(message: StoredMessage, cost: float, speakers: dict[str, int], conversation: int) -> dict[str, float]:
    name = (message.speaker or "").strip().casefold()
    return {
        "said": message.said_at.timestamp(),
        "before": -1,
        "after": -1,
        "conversation": conversation,
        "speaker": -1 if generic(name) else speakers.setdefault(name, len(speakers)),
        "lectures": lectures(message),
        "answers": False,
        "asks": message.text[-40:].rstrip("\"'”’)* \n\t").endswith(("?", "？")),
        "tells_time": tells_time(message.text),
        "tokens": cost,
    }
