"""The pictures of the documentation, drawn from what a command has just measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.data import Conversation, Run
from benchmarks.plain import LIMIT

BUDGETS = (100, 150, 200, 300, 400, 500, 700, 1000, 1400, 2000, 2800, 4000)
"""Tokens of injected text."""
Curves = dict[str, list[float]]
"""Row -> for each of ``BUDGETS`` the share of the evidence, in %."""
DPI = 110


def curve(score: ModuleType, conversations: Sequence[Conversation], run: Run) -> list[float]:
    """How much of a core question's evidence stands in the first so many tokens, in %, on average."""
    shares: list[list[float]] = []
    for conversation in conversations:
        for question in conversation.questions:
            evidence = set(question["evidence"])
            if question["category"] not in score.CORE or not evidence:
                continue
            spent, seen, found = 0.0, set[str](), [0.0] * len(BUDGETS)
            for turns, text in run.get(question["qid"], []):
                spent += score.tokens(text)
                seen |= evidence.intersection(turns)
                found = [len(seen) / len(evidence) if spent <= n else f for n, f in zip(BUDGETS, found, strict=True)]
            shares.append(found)
    return [100 * float(share) for share in np.mean(shares, axis=0)] if shares else [0.0] * len(BUDGETS)


def quality(path: Path, sets: Mapping[str, Curves]) -> None:
    """One panel for each set: the evidence that is found against the tokens that it costs."""
    figure, panels = _panels(len(sets))
    for panel, (name, curves) in zip(panels, sets.items(), strict=True):
        for row, shares in curves.items():
            panel.plot(BUDGETS, shares, label=row, **_style(row))
        panel.set(title=name, xscale="log", xlabel=f"tokens injected (the best {LIMIT} items at most)")
        panel.set_xticks([100, 200, 500, 1000, 2000, 4000], ["100", "200", "500", "1,000", "2,000", "4,000"])
        panel.minorticks_off()
    panels[0].set_ylabel("evidence found, %")
    panels[0].legend(fontsize=8, frameon=False)
    _save(figure, path)


def latency(path: Path, rows: Mapping[str, Mapping[int, float]], what: str, goal: Mapping[int, float]) -> None:
    """Milliseconds of ``what`` against turns remembered; ``goal``: turns -> what we should take at most."""
    figure, (panel,) = _panels(1)
    for row, found in rows.items():
        panel.plot(list(found), list(found.values()), marker="o", label=row, **_style(row))
    if goal:
        panel.plot(list(goal), list(goal.values()), color="tab:red", marker="_", markersize=14, ls="none", label="goal")
    panel.set(xscale="log", yscale="log", xlabel="turns remembered of one entity", ylabel=what)
    sizes = sorted({size for found in rows.values() for size in found})
    panel.set_xticks(sizes, [f"{size:,}" for size in sizes])
    panel.minorticks_off()
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    panel.legend(fontsize=8, frameon=False)
    _save(figure, path)


def _style(row: str) -> dict[str, Any]:
    ours = row.startswith("memori_wrap")
    dashes = "-" if ours else "--" if "plain" not in row else ":"
    return {"linewidth": 2.4 if ours else 1.3, "linestyle": dashes, "zorder": 3 if ours else 2}


def _panels(number: int) -> tuple[Any, Any]:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, number, figsize=(1.5 + 4.5 * number, 4.2), squeeze=False, layout="constrained")
    for panel in panels[0]:
        panel.grid(visible=True, alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, panels[0]


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI)
    print(f"\npicture: {path}")
