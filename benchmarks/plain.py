"""What the library is compared with: BM25, cosine and their sum, as plainly as they can be written."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.data import Conversation, Run
from memori_wrap.protocols import Embedder

Floats = npt.NDArray[np.float64]
LIMIT = 50
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def words(text: str, pairs: bool) -> list[str]:
    """Lower-case words, or all pairs of characters."""
    return [text[i : i + 2] for i in range(len(text) - 1)] if pairs else re.findall(r"\w+", text.lower())


def bm25(texts: Sequence[str], questions: Sequence[str], k1: float = 1.2, b: float = 0.75) -> Floats:
    """Scores, shape (questions, texts). Where texts are mostly Chinese or the like, pairs of characters are words."""
    everything = "".join(texts)
    pairs = 2 * len(_WIDE.findall(everything)) > len(re.findall(r"\w", everything))
    counts = [Counter(words(text, pairs)) for text in texts]
    lengths = np.array([count.total() for count in counts], np.float64)
    norm = k1 * (1 - b + b * lengths / max(lengths.mean(), 1e-9))
    postings: dict[str, list[tuple[int, int]]] = {}
    for i, count in enumerate(counts):
        for word, number in count.items():
            postings.setdefault(word, []).append((i, number))
    scores = np.zeros((len(questions), len(texts)))
    for row, question in zip(scores, questions, strict=True):
        for word in set(words(question, pairs)):
            found = postings.get(word, [])
            idf = math.log1p((len(texts) - len(found) + 0.5) / (len(found) + 0.5))
            for i, number in found:
                row[i] += idf * number * (k1 + 1) / (number + norm[i])
    return scores


def runs(conversations: Sequence[Conversation], embedder: Embedder | None) -> dict[str, Run]:
    """The rows to compare with; without an embedder BM25 alone."""
    out: dict[str, Run] = {}
    for conversation in conversations:
        texts = [turn.text for turn in conversation.turns]
        questions = [str(question["question"]) for question in conversation.questions]
        lexical = bm25(texts, questions)
        rows = {"BM25, plain": lexical}
        if embedder is not None and questions:
            cosine = (embedder.embed(questions) @ embedder.embed(texts).T).astype(np.float64)
            rows["cosine, plain"] = cosine
            rows["score sum, plain"] = lexical / np.maximum(lexical.max(axis=1, keepdims=True), 1e-9) + cosine
        items = [turn.item for turn in conversation.turns]
        for name, scores in rows.items():
            run = out.setdefault(name, {})
            for question, row in zip(conversation.questions, scores, strict=True):
                run[question["qid"]] = [items[i] for i in np.argsort(-row, kind="stable")[:LIMIT]]
    return out
