"""The retriever: a plain weighted sum of normalised signals over an entity's turns and facts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

import numpy as np

from memori_wrap.errors import ConfigurationError, StoreError
from memori_wrap.protocols import Query, VectorIndex
from memori_wrap.retrieve import question as questions
from memori_wrap.retrieve import scoring, words
from memori_wrap.retrieve.candidates import Matches, allowed, gather
from memori_wrap.retrieve.corpus import Corpus
from memori_wrap.retrieve.lexical import Floats
from memori_wrap.retrieve.turns import Bools
from memori_wrap.retrieve.weights import Weights
from memori_wrap.types import Delta, Recollection, StoredFact, StoredMessage, Vectors

ENGINES = ("auto", "lexical", "dense")
RECENT_CHARACTERS = 10_000
"""Of a turn that is not stored yet so much is searched: it is read while a call waits."""


def rest() -> None:
    """Lets another thread run."""
    time.sleep(0)


def ignore(_: Exception) -> None:
    """What is raised by an index past this process is nobody's business: the words answer."""


class HybridRetriever:
    """Implements ``Retriever``. ``make_index`` gives an empty vector index, or one that outlives the process;
    ``breathe`` is called while applying, ``on_fault`` with what the latter raises.

    A delta with ``base`` 0 starts afresh; one that leaves a gap after the present revision is a ``ValueError``.
    """

    def __init__(
        self,
        make_index: Callable[[], VectorIndex],
        *,
        weights: Weights | None = None,
        breathe: Callable[[], None] = rest,
        on_fault: Callable[[Exception], None] = ignore,
    ) -> None:
        self.revision = 0
        self._make_index, self._breathe, self._on_fault = make_index, breathe, on_fault
        self.weights = weights or Weights()
        self._corpus = Corpus(make_index, breathe, on_fault, prune=True)
        self._recent: dict[str, Counter[str]] = {}

    @property
    def since(self) -> int | None:
        return self._corpus.vectors.since

    def apply(self, delta: Delta) -> None:
        if delta.base > self.revision:
            raise ValueError(f"a delta from revision {delta.base} cannot follow revision {self.revision}")
        if delta.base == 0 and self.revision:
            self._corpus = Corpus(self._make_index, self._breathe, self._on_fault, prune=False)
        self._corpus.apply(delta)
        self.revision = delta.revision

    def focus(self, text: str) -> str:
        # a copy: this is asked while another thread may be applying a delta
        return questions.focus(text, list(self._corpus.turns.speakers))

    def nbytes(self) -> int:
        return self._corpus.nbytes()

    @property
    def is_behind(self) -> bool:
        return self._corpus.vectors.is_behind

    def tend(self) -> None:
        self._corpus.vectors.tend()

    def rank(self, query: Query, vector: Vectors | None, recent: Sequence[StoredMessage]) -> Sequence[Recollection]:
        if query.engine not in ENGINES:
            raise ConfigurationError(f"engine={query.engine!r} is unknown; it is one of {', '.join(ENGINES)}")
        if query.limit <= 0:
            return []
        corpus = self._corpus
        now = query.now or datetime.now(timezone.utc)
        recent = corpus.turns.news(recent)
        table = corpus.turns.table(recent)
        first, last = (table.said.min(), table.said.max()) if len(table) else (now.timestamp(), now.timestamp())
        question = questions.read(query.text, corpus.turns.speakers, corpus.languages(), now, float(first), float(last))
        if query.engine == "dense":
            question = questions.wordless(question)
        if query.engine == "lexical" or not len(corpus.vectors):
            vector = None
        keep, terms = allowed(corpus, query, table, recent), self._terms(recent)
        try:
            matches = gather(corpus, question, table, keep, vector, terms, query.limit)
        except StoreError:  # of an index past this process
            matches = gather(corpus, question, table, keep, None, terms, query.limit)
        fact_parts = scoring.base(
            matches.fact_words,
            matches.fact_words,
            matches.fact_cosine,
            matches.fact_cosine,
            question,
            self.weights,
        )
        fact = scoring.total(fact_parts)
        found: list[Recollection] = []
        if query.kinds is None or "turn" in query.kinds:
            lifted = corpus.facts.lift(matches.facts, fact)
            parts = scoring.score_turns(matches, question, lifted, self.weights)
            found += self._turns(query, matches, parts, scoring.found(matches, question, parts), recent)
        if query.kinds is None or "fact" in query.kinds:
            found += self._facts(query, matches, fact_parts, fact, now)
        found.sort(key=lambda item: (-round(item.score, 6), -item.said_at.timestamp(), item.id))
        return found[: query.limit]

    def _terms(self, recent: Sequence[StoredMessage]) -> list[Counter[str]]:
        """The words of the turns that are not stored yet; kept while they are recent."""
        known = self._recent
        self._recent = {}
        for message in recent:
            counts = known.get(message.text)
            self._recent[message.text] = counts or Counter(words.terms_of(message.text[:RECENT_CHARACTERS]))
        return [self._recent[message.text] for message in recent]

    def _turns(
        self, query: Query, matches: Matches, parts: scoring.Parts, keep: Bools, recent: Sequence[StoredMessage]
    ) -> list[Recollection]:
        stored = self._corpus.turns.messages
        scores = scoring.total(parts)

        def message(at: int) -> StoredMessage:
            number = int(matches.turns[at])
            return stored[number] if number < len(stored) else recent[number - len(stored)]

        if query.threshold is not None:
            keep = keep & (scores >= query.threshold)
        best = scoring.best(scores, matches.rows.said, lambda at: message(at).id, keep, query.limit)
        return [
            Recollection(
                id=found.id,
                kind="turn",
                text=found.text,
                score=float(scores[at]),
                said_at=found.said_at,
                speaker=found.speaker or found.role,
                why=_why(parts, at),
                sources=(found.id,),
            )
            for at, found in ((at, message(at)) for at in best)
        ]

    def _facts(
        self, query: Query, matches: Matches, parts: scoring.Parts, scores: Floats, now: datetime
    ) -> list[Recollection]:
        """Facts as items: where facts are asked for, and else those whose turns are not remembered."""
        book, numbers = self._corpus.facts, matches.facts
        facts: list[StoredFact] = [book.facts[number] for number in numbers]
        said = book.said.view()[numbers]
        keep = (matches.fact_words > 0) | ~np.isnan(matches.fact_cosine)
        keep &= book.ends.view()[numbers] > now.timestamp()
        if query.threshold is not None:
            keep &= scores >= query.threshold
        if query.kinds is None:
            keep &= ~book.is_linked(numbers)
        if query.since is not None:
            keep &= said >= query.since.timestamp()
        if query.until is not None:
            keep &= said <= query.until.timestamp()
        if query.process is not None:
            keep &= np.array([fact.process == query.process for fact in facts], np.bool_)
        return [
            Recollection(
                id=facts[at].id,
                kind="fact",
                text=facts[at].text,
                score=float(scores[at]),
                said_at=facts[at].said_at,
                why=_why(parts, at),
                valid_from=facts[at].valid_from,
                valid_to=facts[at].valid_to,
                triple=facts[at].triple,
                sources=facts[at].sources,
            )
            for at in scoring.best(scores, said, lambda at: facts[at].id, keep, query.limit)
        ]


def _why(parts: scoring.Parts, at: int) -> dict[str, float]:
    return {name: float(values[at]) for name, values in parts.items() if values[at]}
