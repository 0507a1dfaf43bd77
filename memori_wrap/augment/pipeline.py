"""One batch of jobs, from messages to facts and vectors. Touches no database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from memori_wrap.augment.resolve import resolve
from memori_wrap.background import Courtesy
from memori_wrap.context import paused
from memori_wrap.embedding import Closing, Model
from memori_wrap.protocols import EmbeddingTexts, Extractor
from memori_wrap.types import Augmentation, Job, ResolvedFact, StoredVector


@dataclass
class Outcome:
    """``model`` names the space of the vectors; ``failed`` holds the jobs whose extraction raised, with why."""

    done: list[Augmentation] = field(default_factory=list)
    failed: list[tuple[Job, Exception]] = field(default_factory=list)
    model: str | None = None


class Pipeline:
    def __init__(self, extractor: Extractor | None, model: Model, texts: EmbeddingTexts, courtesy: Courtesy) -> None:
        self._extractor, self._model, self._texts, self._courtesy = extractor, model, texts, courtesy

    def is_ready(self, timeout: float) -> bool:
        """Jobs are not claimed while the model loads: who is broken off then would hold their leases."""
        return self._model.settled(timeout)

    def run(self, jobs: Sequence[Job], is_ending: Callable[[], bool] = lambda: False) -> Outcome:
        """Each job succeeds or fails on its own; the texts of all are embedded in one go.

        Once ``is_ending`` says so none is begun: the rest fails with ``Closing``, and is given back.
        """
        outcome = Outcome()
        found: list[tuple[Job, list[ResolvedFact]]] = []
        with paused():
            for job in jobs:
                if is_ending():
                    outcome.failed.append((job, Closing("the memory is closing")))
                    continue
                try:
                    found.append((job, self._facts(job)))
                except Exception as error:  # an extractor may be anybody's
                    outcome.failed.append((job, error))
                self._courtesy.breathe()
        vectors = self._vectors(found)
        outcome.model = self._model.name
        outcome.done = [Augmentation(job, facts, vectors.get(job.exchange, [])) for job, facts in found]
        return outcome

    def _facts(self, job: Job) -> list[ResolvedFact]:
        if self._extractor is None:
            return []
        by_id = {m.id: m for m in job.messages}
        return [
            resolve(job.entity, by_id[message], fact)
            for message, fact in self._extractor.extract(job.messages)
            if fact.quote in by_id[message].text
        ]

    def _vectors(self, found: Sequence[tuple[Job, list[ResolvedFact]]]) -> dict[str, list[StoredVector]]:
        if not self._model.wait():
            return {}
        wanted: list[tuple[str, str, str, str]] = []
        for job, facts in found:
            wanted += [(job.exchange, *text) for text in self._texts(job.messages, job.before)]
            wanted += [(job.exchange, f.id, "text", f.fact.text) for f in facts]
        out: dict[str, list[StoredVector]] = {}
        if wanted:
            rows = self._model.embed([text for *_, text in wanted])
            for (exchange, item, variant, _), row in zip(wanted, rows, strict=True):
                out.setdefault(exchange, []).append(StoredVector(item, row, variant))
        return out
