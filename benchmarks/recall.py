"""Recall quality through the public face: ``scripts/bench recall FOLDER... [--no-model] [--ablation] ...``.

Every turn goes in with ``add`` (one call a session) and every question through ``recall``; the figures are those of
the data's own ``score.py``. Beside them, from the same run: plain BM25, plain cosine and their sum, what Memori and
mem0 make of the same turns, and how sure the differences are. One conversation also goes in as calls of a registered
OpenAI client.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks import pictures, plain, rankings
from benchmarks.bootstrap import compare
from benchmarks.calls import through_client
from benchmarks.data import Conversation, Run, load, scorer, write_run
from memori_wrap import Memori
from memori_wrap.counts import Counts
from memori_wrap.embedders.choice import choose
from memori_wrap.index.faiss import FaissIndex
from memori_wrap.prompt import line
from memori_wrap.protocols import Embedder
from memori_wrap.retrieve.hybrid import HybridRetriever
from memori_wrap.retrieve.weights import Weights
from memori_wrap.types import Vectors

SHOWN = ["R@5", "R@10", "R@20", "R@500tok", "R@1000tok", "R@2000tok", "MRR", "ans@1000tok"]
COMPARED = ["R@5", "R@10", "R@1000tok", "R@2000tok"]
HEAD = f"| | against | {' | '.join(COMPARED)} |\n|{'---|' * (2 + len(COMPARED))}"
OURS = "memori_wrap"
ABLATED = {
    "words": ("words", "context"),
    "words in context": ("context",),
    "meaning": ("meaning", "meaning_context"),
    "meaning in context": ("meaning_context",),
    "reply": ("after",),
    "question before": ("before",),
    **{name.replace("_", " "): (name,) for name in ("session", "speaker", "lecture", "date", "time_words")},
    **{name: (name,) for name in ("length", "asks", "fact")},
}
"""Signal -> its weights."""


class Remembering:
    """An ``Embedder`` that embeds every text once: the rows of one run share their vectors."""

    def __init__(self, inner: Embedder) -> None:
        inner.load()
        self._inner = inner
        self._known: dict[str, Vectors] = {}
        self.model, self.dimension = inner.model, inner.dimension

    def load(self) -> None:
        """The model is there already."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        for start in range(0, len(new), 256):
            batch = new[start : start + 256]
            self._known.update(zip(batch, self._inner.embed(batch), strict=True))
        return np.stack([self._known[text] for text in texts]) if texts else np.empty((0, self.dimension), np.float32)


class Filled:
    """A ``Memori`` that was told the conversations, one entity each."""

    def __init__(self, conversations: Sequence[Conversation], embedder: Embedder | None) -> None:
        self.retrievers: list[HybridRetriever] = []
        self.memory = Memori("memory://", embedder=embedder or "none", retriever=self._make)
        self.turn_of: dict[str, str] = {}
        self.conversations = conversations
        for conversation in conversations:
            for turns in conversation.sessions():
                added = self.memory.add(
                    [{"role": turn.role, "name": turn.speaker, "content": turn.text} for turn in turns],
                    entity=conversation.id,
                    session=turns[0].session,
                    at=turns[0].at,
                )
                self.turn_of.update(zip(added.message_ids, (turn.id for turn in turns), strict=True))
        self.memory.warm()
        report = self.memory.flush()
        if report.dead:
            raise SystemExit(f"{report.dead} exchanges could not be augmented")

    def ask(self) -> tuple[Run, list[float]]:
        """The answers to all questions, and the milliseconds that each took."""
        run: Run = {}
        spent: list[float] = []
        for conversation in self.conversations:
            for question in conversation.questions:
                began = time.perf_counter()
                found = self.memory.recall(question["question"], entity=conversation.id, limit=plain.LIMIT)
                spent.append(1000 * (time.perf_counter() - began))
                run[question["qid"]] = [
                    ([self.turn_of[source] for source in item.sources], line(item)) for item in found
                ]
        return run, spent

    def weigh(self, weights: Weights) -> None:
        """Puts other weights to the signals."""
        for retriever in self.retrievers:
            retriever.weights = weights

    def _make(self) -> HybridRetriever:
        retriever = HybridRetriever(FaissIndex)
        self.retrievers.append(retriever)
        return retriever


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench recall", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--no-model", action="store_true", help="by words only")
    parser.add_argument("--by-category", action="store_true")
    parser.add_argument("--ablation", action="store_true", help="what each signal is worth: each left out once")
    parser.add_argument("--conversations", type=int, metavar="N", help="the first N conversations only")
    parser.add_argument("--labels", default="evidence", help="the column of questions that names the evidence")
    parser.add_argument("--no-client", action="store_true", help="leave out the calls of a registered client")
    parser.add_argument("--no-others", action="store_true", help="leave out Memori and mem0")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the evidence found against tokens (PNG)")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "memori-wrap-recall")
    args = parser.parse_args(arguments)
    embedder = None if args.no_model else _model()
    curves = {folder.name: bench(folder, embedder, args) for folder in args.folders}
    if args.picture:
        pictures.quality(args.picture, curves)


def bench(folder: Path, embedder: Embedder | None, args: argparse.Namespace) -> pictures.Curves:
    """Runs and prints everything for one folder; the share of the evidence that stands in so many tokens, by row."""
    score, conversations = scorer(folder), load(folder, args.conversations)
    turns = sum(len(conversation.turns) for conversation in conversations)
    print(f"\n## {folder.name}: {len(conversations)} conversations, {turns} turns", flush=True)
    runs = plain.runs(conversations, embedder)
    said: list[str] = []
    if embedder is not None and not args.no_others:
        others, said = rankings.runs(conversations)
        runs |= others
    compared = [name for name in runs if name != "cosine, plain"]
    ours: list[str] = []
    ablations: dict[str, Run] = {}
    for model in (embedder, None) if embedder else (None,):
        ours.append(f"{OURS}, {model.model.split('/')[-1] if model else 'words only'}")
        began = time.perf_counter()
        filled = Filled(conversations, model)
        took = time.perf_counter() - began
        runs[ours[-1]], spent = filled.ask()
        p50, p99 = np.percentile(spent, [50, 99])
        print(f"{ours[-1]}: told in {took:.0f} s; recall {p50:.1f} ms median, {p99:.1f} ms p99", flush=True)
        if args.ablation:
            ablations |= {f"{ours[-1]}: {name}": run for name, run in _ablate(filled, model is not None).items()}
        filled.memory.close()
    _print(score, conversations, runs, args)
    print(f"Points above another row, and their 95 % interval: conversations drawn with replacement\n\n{HEAD}")
    for other in compared:
        for name in ours:
            against = compare(score, conversations, runs[name], runs[other], COMPARED)
            print(f"| {name} | {other} | {' | '.join(str(against[metric]) for metric in COMPARED)} |", flush=True)
    print("", *said, sep="\n")
    if ablations:
        print("\nEvery signal left out once:")
        _print(score, conversations, ablations, args, by_category=False)
    if not args.no_client and conversations:
        first = conversations[:1]
        print(f"\n{first[0].id} as calls of a registered OpenAI client (no dates, one speaker nameless), beside add():")
        both = {"add()": runs[ours[0]], "client calls": through_client(first[0], embedder)}
        _print(score, first, both, args, by_category=False)
    for name, run in (runs | ablations).items():
        write_run(
            args.out / folder.name / f"{name.replace(', ', '-').replace(': ', '-').replace(' ', '_')}.jsonl.gz", run
        )
    print(f"\nrun files: {args.out / folder.name}")
    return {name: pictures.curve(score, conversations, run) for name, run in runs.items()}


def _ablate(filled: Filled, model: bool) -> dict[str, Run]:
    """The answers without each signal."""
    out: dict[str, Run] = {}
    whole = Weights()
    for name, left_out in ABLATED.items():
        if model or not name.startswith("meaning"):
            filled.weigh(replace(whole, **dict.fromkeys(left_out, 0.0)))
            out[f"no {name}"], _ = filled.ask()
    filled.weigh(whole)
    return out


def _print(
    score: ModuleType,
    conversations: Sequence[Conversation],
    runs: Mapping[str, Run],
    args: argparse.Namespace,
    by_category: bool | None = None,
) -> None:
    questions = [question for conversation in conversations for question in conversation.questions]
    results = {name: score.evaluate(questions, run, args.labels) for name, run in runs.items()}
    known: Mapping[str, Any] = next(iter(results.values()))
    others = sorted((group for group in known if group != "core"), key=str)
    for group in ["core", *(others if (args.by_category if by_category is None else by_category) else ())]:
        print(f"\n{group}, {known[group]['n']} questions\n\n{score.table(results, group, SHOWN)}\n", flush=True)


def _model() -> Embedder | None:
    """The library's own default model, as it chooses it; None, said aloud, where none is installed."""
    make = choose("auto", Counts())
    if make is None:
        print("no embedding model is installed: by words only")
        return None
    return Remembering(make())


if __name__ == "__main__":
    main()
