"""``scripts/bench extract``: precision and recall of the rules on the gold sets of facts, by language and kind.

Of the half ``test`` only sums are printed. ``--misses`` lists what went wrong on ``dev``. Intervals hold 95 % of 2,000
resamples of lines.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gold_match import Claim, matches, predicted
from memori_wrap.augment.extract.rules import RuleExtractor
from memori_wrap.protocols import Extractor
from memori_wrap.types import Fact, StoredMessage

GOLD = Path(__file__).parent / "gold"
HALVES = ("dev", "test")
LANGUAGES = ("en", "zh")
DRAWS = 2_000


@dataclass(slots=True)
class Count:
    """Of one line and one kind: predictions that count, those right, gold facts asked for, those found."""

    said: int = 0
    right: int = 0
    strict: int = 0
    wanted: int = 0
    found: int = 0


@dataclass(slots=True)
class Line:
    """What came of one line: counts by kind, and in words what was missed and what was false."""

    counts: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    missed: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)


def lines(language: str, half: str) -> list[Mapping[str, Any]]:
    text = (GOLD / f"extraction_{language}.jsonl").read_text("utf-8")
    return [row for row in map(json.loads, text.splitlines()) if row["half"] == half]


def read(extractor: Extractor, row: Mapping[str, Any]) -> list[Fact]:
    at = datetime.fromisoformat(row["said_at"]).replace(tzinfo=timezone.utc)
    message = StoredMessage("m", "c", "e", 0, row["role"], row["text"], at, speaker=row["speaker"])
    return [fact for _, fact in extractor.extract([message])]


def judged(row: Mapping[str, Any], facts: Sequence[Fact], kinds: Mapping[str, str]) -> Line:
    """Pair the predictions with the gold facts of a line, the obligatory and the exact first, and count."""
    gold: list[Mapping[str, Any]] = row["facts"]
    claims = [predicted(fact, row["speaker"]) for fact in facts]
    verdicts = {(i, j): matches(claim, want) for i, claim in enumerate(claims) for j, want in enumerate(gold)}
    likely = sorted(
        (pair for pair, (lenient, _) in verdicts.items() if lenient),
        key=lambda pair: (bool(gold[pair[1]].get("optional")), not verdicts[pair][1], pair),
    )
    of_claim: dict[int, int] = {}
    taken: set[int] = set()
    for i, j in likely:
        if i not in of_claim and j not in taken and facts[i].quote in row["text"]:
            of_claim[i] = j
            taken.add(j)
    line = Line()
    for i, claim in enumerate(claims):
        match = of_claim.get(i)
        if match is not None:
            if not gold[match].get("optional"):
                count = line.counts[gold[match]["kind"]]
                count.said, count.right = count.said + 1, count.right + 1
                count.strict += verdicts[i, match][1]
        elif not _neutral(i, claim, gold, verdicts, facts[i].quote in row["text"]):
            kind = "people" if claim.subject != "user" else kinds.get(claim.predicates[0][0], "attribute")
            line.counts[kind].said += 1
            line.false.append(
                f"{facts[i].rule}: {facts[i].triple.subject} · {facts[i].triple.predicate} · {claim.object}"
            )
    for j, want in enumerate(gold):
        if not want.get("optional"):
            line.counts[want["kind"]].wanted += 1
            line.counts[want["kind"]].found += j in taken
            if j not in taken:
                line.missed.append(f"{want['subject']} · {want['predicate']} · {want['object']}{_flags(want)}")
    return line


def _flags(want: Mapping[str, Any]) -> str:
    return "".join(f" ({flag})" for flag in ("negated", "ended") if want.get(flag))


def _neutral(
    i: int, claim: Claim, gold: Sequence[Any], verdicts: Mapping[tuple[int, int], tuple[bool, bool]], quoted: bool
) -> bool:
    """A second wording of a fact, or the mere existence of somebody; the latter not where a line states nothing."""
    again = any(verdicts[i, j][0] for j in range(len(gold)))
    return quoted and (again or (claim.about_existence and bool(gold) and not claim.ended))


def kinds_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The kind of each gold predicate of the author's own."""
    return {f["predicate"]: f["kind"] for row in rows for f in row["facts"] if f["subject"] == "user"}


def measure(language: str, half: str, extractor: Extractor) -> list[tuple[Mapping[str, Any], Line]]:
    kinds = kinds_of(row for each in LANGUAGES for row in lines(each, "dev"))
    return [(row, judged(row, read(extractor, row), kinds)) for row in lines(language, half)]


def ratio(sums: np.ndarray) -> float:
    return float(sums[0] / sums[1]) if sums[1] else float("nan")


def interval(parts: np.ndarray) -> str:
    """A share over all lines, (lines, 2) of right and all, with its interval."""
    drawn = np.random.default_rng(0).integers(0, len(parts), (DRAWS, len(parts)))
    sums = parts[drawn].sum(axis=1)
    sums = sums[sums[:, 1] > 0]
    if not len(sums):
        return "     -              "
    low, high = np.percentile(sums[:, 0] / sums[:, 1], [2.5, 97.5])
    return f"{ratio(parts.sum(axis=0)):5.3f} [{low:.3f}, {high:.3f}]"


def table(results: Sequence[tuple[Mapping[str, Any], Line]]) -> Iterable[str]:
    kinds = sorted({kind for _, line in results for kind in line.counts})
    for kind in ("all", *kinds):
        counts = [[c for name, c in line.counts.items() if kind in ("all", name)] for _, line in results]
        grid = np.array([[sum(getattr(c, name) for c in each) for name in Count.__slots__] for each in counts])
        said, right, strict, wanted, _ = grid.sum(axis=0)
        yield (
            f"  {kind:<13} precision {interval(grid[:, [1, 0]])} of {said:>3}   recall {interval(grid[:, [4, 3]])}"
            f" of {wanted:>3}   strict {strict}/{right}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench extract", description=__doc__)
    parser.add_argument("--half", choices=HALVES, help="one half only")
    parser.add_argument("--misses", action="store_true", help="list what was missed and what was false, on dev")
    options = parser.parse_args()
    extractor = RuleExtractor()
    for half in [options.half] if options.half else HALVES:
        for language in LANGUAGES:
            results = measure(language, half, extractor)
            silent = [line for row, line in results if not row["facts"]]
            alarms = sum(bool(line.false) for line in silent)
            print(f"{language}, {half}: {len(results)} lines; {alarms} of {len(silent)} without a fact gave one")
            print(*table(results), sep="\n")
            if options.misses and half == "dev":
                for row, line in results:
                    if line.missed or line.false:
                        print(f"  {row['id']}  {row['text']!r}")
                        print(*(f"      missed {each}" for each in line.missed), sep="\n", end="\n" * bool(line.missed))
                        print(*(f"      FALSE  {each}" for each in line.false), sep="\n", end="\n" * bool(line.false))


if __name__ == "__main__":
    main()
