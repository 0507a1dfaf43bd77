"""Conversations with questions whose evidence is known: the folders that the recall benchmark reads.

A folder has ``turns.jsonl.gz`` (conversation, session, session_datetime, turn_id, speaker, text) and
``questions.jsonl.gz`` (qid, conversation, category, question, answer, evidence); ``score.py`` stands beside it.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

from memori_wrap.prompt import line
from memori_wrap.types import Recollection

Item = tuple[list[str], str]
"""The turns that a ranked item stands for, and its text as it would be injected."""
Run = dict[str, list[Item]]
"""Question id -> ranked items, best first."""


@dataclass(frozen=True, slots=True)
class Turn:
    id: str
    session: str
    speaker: str
    text: str
    at: datetime

    @property
    def role(self) -> str:
        return "assistant" if self.speaker == "assistant" else "user"

    @property
    def item(self) -> Item:
        """What is shown of the turn by the rows that are only compared with."""
        return [self.id], line(Recollection(self.id, "turn", self.text, 0.0, self.at, self.speaker))


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    turns: list[Turn]
    questions: list[Mapping[str, Any]]

    def sessions(self) -> Iterator[list[Turn]]:
        for _, turns in groupby(self.turns, key=lambda turn: turn.session):
            yield list(turns)


def load(folder: Path, only: int | None = None) -> list[Conversation]:
    """The conversations of ``folder``, the first ``only`` of them."""
    turns: dict[str, list[Turn]] = {}
    for row in _rows(folder / "turns.jsonl.gz"):
        at = datetime.fromisoformat(row["session_datetime"]).replace(tzinfo=timezone.utc)
        turns.setdefault(row["conversation"], []).append(
            Turn(row["turn_id"], str(row["session"]), row["speaker"], row["text"], at)
        )
    questions: dict[str, list[Mapping[str, Any]]] = {}
    for row in _rows(folder / "questions.jsonl.gz"):
        questions.setdefault(row["conversation"], []).append(row)
    return [Conversation(id, rows, questions.get(id, [])) for id, rows in list(turns.items())[:only]]


def scorer(folder: Path) -> ModuleType:
    """The data's own ``score.py``, from the folder above."""
    path = folder.resolve().parent / "score.py"
    spec = importlib.util.spec_from_file_location("score", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"{path} is missing: the data comes with it")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_run(path: Path, run: Run) -> None:
    """Writes a run file in the form that ``score.py`` reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for qid, items in run.items():
            ranked = [{"turns": turns, "text": text} for turns, text in items]
            file.write(json.dumps({"qid": qid, "items": ranked}, ensure_ascii=False) + "\n")


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise SystemExit(f"{path} is missing; see the docstring of benchmarks/data.py for the form of a data folder")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(row) for row in file]
