"""Paired bootstrap over conversations: how sure is it that one row is better than another?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from benchmarks.data import Conversation, Run

DRAWS = 10_000


@dataclass(frozen=True, slots=True)
class Difference:
    """Points by which a row is better, and the interval that holds 95 % of the draws."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        verdict = "  SIGNIFICANTLY BELOW" if self.high < 0 else ""
        return f"{self.mean:+.1f} [{self.low:+.1f}, {self.high:+.1f}]{verdict}"


def compare(
    score: ModuleType, conversations: Sequence[Conversation], run: Run, other: Run, metrics: Sequence[str]
) -> Mapping[str, Difference]:
    """``run`` against ``other`` on the core questions, conversations drawn with replacement (the seed is fixed)."""
    sums = np.zeros((len(conversations), len(metrics)))
    counts = np.zeros(len(conversations))
    for at, conversation in enumerate(conversations):
        for question in conversation.questions:
            if question["category"] not in score.CORE or not question["evidence"]:
                continue
            ours, theirs = (
                score.score_question(r.get(question["qid"], []), question["evidence"], question["answer"])
                for r in (run, other)
            )
            sums[at] += [100 * (ours.get(metric, 0.0) - theirs.get(metric, 0.0)) for metric in metrics]
            counts[at] += 1
    drawn = np.random.default_rng(0).integers(0, len(conversations), (DRAWS, len(conversations)))
    means = sums[drawn].sum(axis=1) / np.maximum(counts[drawn].sum(axis=1), 1)[:, None]
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    mean = sums.sum(axis=0) / max(counts.sum(), 1)
    return {m: Difference(float(mean[i]), float(low[i]), float(high[i])) for i, m in enumerate(metrics)}
