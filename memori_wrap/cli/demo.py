"""``demo``: a real OpenAI client remembers across two processes; a server's own record says whether it did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memori_wrap import plugins
from memori_wrap.cli.demo_talk import ENTITY, HEADER, OLD_SESSIONS, QUESTIONS, REPLY, STAGES, TODAY, Question
from memori_wrap.cli.screen import Screen
from memori_wrap.errors import MemoriError
from memori_wrap.testing.openai_server import FakeOpenAI

TIMEOUT = 150.0
MEANING = "words and meaning"
SETTINGS = {
    "INJECT_LIMIT": "4",  # what fits on a screen
    "RECALL_BUDGET": "2",  # a slow machine shows its true times instead of a call that went without
}


class DemoError(MemoriError):
    """A process of the demo failed. The message has its last words."""


@dataclass(frozen=True)
class Answer:
    """One question in one round: what the provider got before the question, and what that cost."""

    block: str
    recall: str
    added_ms: float | None
    reply: str

    def has(self, question: Question) -> bool:
        return any(question.evidence in row[2] for row in self.rows())

    def must_have(self, question: Question) -> bool:
        return not question.by_meaning or self.recall == MEANING

    def rows(self) -> list[tuple[str, str, str]]:
        """The remembered turns as they stand in the block: when, who, what."""
        lines = [json.loads(line) for line in self.block.splitlines() if line.startswith("{")]
        return [(line["date"], line.get("by", ""), line["text"]) for line in lines]


def run(live_model: str | None, *, words_only: bool, keep: bool) -> int:
    """0 where the evidence of every question reached the provider, else 1."""
    if not plugins.is_importable("openai"):
        raise plugins.missing("openai")
    if live_model and not os.environ.get("OPENAI_API_KEY"):
        raise DemoError("--live asks a real provider: set OPENAI_API_KEY (and OPENAI_BASE_URL for another than OpenAI)")
    screen = Screen()
    with _folder(keep) as folder, nullcontext() if live_model else FakeOpenAI(REPLY) as server:
        environment = child_environment(folder, is_live=server is None, words_only=words_only)
        call = (live_model or "scripted", server.base_url if server else "")
        _introduce(screen, live_model)
        played = _played(screen, environment, call)
        asked = _asked(screen, environment, call)
        sent = _recorded(server) if server else {step["label"]: step["sent"] for step in asked["steps"]}
        answers = [_answers(n, asked["steps"], sent) for n in range(len(QUESTIONS))]
        failures = _show(screen, answers)
        _conclude(screen, answers, failures, played["model"], asked["model"])
        if keep:
            url = f"sqlite:///{folder / 'memori.db'}"
            screen.line(f"kept: memori-wrap recall QUESTION --entity {ENTITY} --database {url}")
    return 1 if failures else 0


def child_environment(folder: Path, *, is_live: bool, words_only: bool) -> dict[str, str]:
    """The environment of the two processes: nothing of the user's own memory or settings is in it."""
    prefixes = ("MEMORI_WRAP_",) if is_live else ("MEMORI_WRAP_", "OPENAI_")
    theirs = {name: value for name, value in os.environ.items() if not name.upper().startswith(prefixes)}
    ours = {**SETTINGS, "DATA_DIR": str(folder), "CONFIG": str(folder / "none.toml")}
    if words_only:
        ours["EMBEDDER"] = "none"
    return {**theirs, **{f"MEMORI_WRAP_{name}": value for name, value in ours.items()}, "PYTHONIOENCODING": "utf-8"}


@contextmanager
def _folder(keep: bool) -> Generator[Path, None, None]:
    if keep:
        yield Path(tempfile.mkdtemp(prefix="memori-wrap-demo-"))
        return
    with tempfile.TemporaryDirectory(prefix="memori-wrap-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


# ---------------------------------------------------------------- the two processes


def _played(screen: Screen, environment: Mapping[str, str], call: tuple[str, str]) -> dict[str, Any]:
    with screen.busy("the first process talks"):
        pid, told = _child("play", environment, call)
    turns = sum(2 * len(session.turns) for session in OLD_SESSIONS)
    screen.line(f"process {pid} talked, and {told[-1]['facts']} facts were read out of it:")
    screen.line(
        f"  {turns} turns of {len(OLD_SESSIONS)} older sessions, by memory.add(..., at=...): a call is always said now"
    )
    screen.line(
        f"  {len(TODAY)} messages of today, as calls of the real SDK: a plain one, a stream, one of the Responses API"
    )
    return told[-1]


def _asked(screen: Screen, environment: Mapping[str, str], call: tuple[str, str]) -> dict[str, Any]:
    with screen.busy("the second process asks"):
        pid, told = _child("ask", environment, call)
    *steps, last = told
    screen.line(f"process {pid} asked: it shares nothing with the first but the database.")
    if last["bare_ms"]:
        screen.line(f"  ms: what a call took beyond the {last['bare_ms']:.1f} ms of a client without a memory", "dim")
    return {"steps": steps, "model": last["model"]}


def _child(action: str, environment: Mapping[str, str], call: tuple[str, str]) -> tuple[int, list[dict[str, Any]]]:
    command = [sys.executable, "-m", "memori_wrap.cli.demo_child", action, *call]
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            raise DemoError(f"the process that was to {action} did not end within {TIMEOUT:.0f} s") from None
        finally:
            process.kill()
    if process.returncode:
        last_words = (err.strip().splitlines() or ["it said nothing"])[-1]
        raise DemoError(f"the process that was to {action} failed: {last_words}")
    return process.pid, [json.loads(line) for line in out.splitlines()]


# ---------------------------------------------------------------- what reached the provider


def _recorded(server: FakeOpenAI) -> dict[str, str]:
    """What the server got, by the label of the request."""
    return {
        label: received.body["messages"][-1]["content"]
        for received in server.requests
        if (label := received.headers.get(HEADER))
    }


def _answers(number: int, steps: list[dict[str, Any]], sent: Mapping[str, str]) -> dict[str, Answer]:
    """By round. The question itself is cut off: what it says is no memory."""
    text = QUESTIONS[number].text
    return {
        step["stage"]: Answer(
            sent.get(step["label"], "").removesuffix(text), step["recall"], step["added_ms"], step["reply"]
        )
        for step in steps
        if step["number"] == number
    }


# ---------------------------------------------------------------- the screen


def _introduce(screen: Screen, live_model: str | None) -> None:
    if live_model:
        screen.line(f"{live_model} of the provider of your environment, with a memory in a temporary file.", "bold")
    else:
        screen.line(
            "The provider is a loopback server that speaks OpenAI's wire format: its replies are SCRIPTED, no", "bold"
        )
        screen.line("model and no key. The SDK, the memory and what reaches the server are real.", "bold")
    screen.line()


def _show(screen: Screen, answers: list[dict[str, Answer]]) -> list[str]:
    """A table for each question; returns what failed."""
    failures: list[str] = []
    first = answers[0][STAGES[0]].block.strip()
    screen.line()
    screen.panel("what was put before the first question", first or "nothing")
    for number, (question, by_stage) in enumerate(zip(QUESTIONS, answers, strict=True), 1):
        screen.line()
        screen.line(f"{number}  {question.text}", "bold")
        notes: list[str] = []
        for stage, answer in by_stage.items():
            if answer.has(question):
                verdict = "reached"
            elif answer.must_have(question):
                verdict = "MISSING"
                failures.append(f"question {number}, {stage} ({answer.recall}): {question.evidence!r} did not arrive")
            else:
                verdict = "not found: that takes meaning"
            cost = "" if answer.added_ms is None else f", {answer.added_ms:+.0f} ms"
            notes.append(f"{stage} ({answer.recall}): {verdict}{cost}")
        screen.line("   " + " · ".join(notes), "dim")
        _show_turns(screen, question, by_stage)
        if reply := next((a.reply for a in by_stage.values() if a.added_ms is None), ""):
            screen.line(f"   reply: {reply}", "cyan")
    return failures


def _show_turns(screen: Screen, question: Question, by_stage: Mapping[str, Answer]) -> None:
    """The turns in the blocks of both rounds, once each, with the rounds that they came in."""
    turns = sorted({row for answer in by_stage.values() for row in answer.rows()})
    rows = [
        [
            "  >" if question.evidence in turn[2] else "",
            " ".join(s if turn in a.rows() else " " * len(s) for s, a in by_stage.items()),
            *turn,
        ]
        for turn in turns
    ]
    if rows:
        marked = frozenset(at for at, turn in enumerate(turns) if question.evidence in turn[2])
        screen.table([""] * 5, rows, marked)


def _conclude(
    screen: Screen, answers: list[dict[str, Answer]], failures: list[str], *models: Mapping[str, Any]
) -> None:
    screen.line()
    for reason in sorted({model["reason"] for model in models if model["state"] == "failed"}):
        screen.line(f"The embedding model could not be loaded: {reason}", "yellow")
    if all(model["state"] == "off" for model in models):
        screen.line("Recall was by words only. By meaning as well: pip install 'memori-wrap[local]'", "yellow")
    for failure in failures:
        screen.line(failure, "red")
    if failures:
        return
    tried = sum(any(a.must_have(q) for a in given.values()) for q, given in zip(QUESTIONS, answers, strict=True))
    rest = "" if tried == len(QUESTIONS) else f"; the other {len(QUESTIONS) - tried} take meaning"
    screen.line(f"The evidence of {tried} of {len(QUESTIONS)} questions reached the provider{rest}.", "bold green")
