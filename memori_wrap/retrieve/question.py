"""What a question asks for: its words, whom and which time it names, who is asking."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from memori_wrap.retrieve import words
from memori_wrap.retrieve.dates import Span, asks_time, spans
from memori_wrap.retrieve.stopwords import STOP_WORDS

HEAD, TAIL = 2000, 4000
"""Of a longer question the first and the last so many characters are read."""
MAX_WORDS, MAX_SENTENCES = 256, 12

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[。？！；])|\n+")
_ADDRESSED = re.compile(
    r"\b(?:did|have|had) you\b|"
    r"\byou(?:'ve| have| had)?(?: also| just| once| previously)? "
    r"(?:\w+ed|said|told|gave|given|found|wrote|written|shown|made|chose|chosen)\b|"
    r"你(?:之前|上次|曾)?(?:说|推荐|建议|告诉|提到|给)"
)
_TOKEN = re.compile(r"\S+")
_EDGE = '.,;:!?"()[]{}«»“”‘’¿¡…'


@dataclass(frozen=True, slots=True)
class Question:
    """What was read out of a question.

    ``words``: per word its spellings in the index; ``sentences``: which of the words each sentence has, empty for a
    single one; ``speakers``: numbers of the speakers that it names; ``addressed``: asks what the machine has said;
    ``wide``: the share of its letters that are Chinese or the like.
    """

    words: tuple[tuple[str, ...], ...]
    sentences: tuple[frozenset[int], ...]
    speakers: frozenset[int]
    addressed: bool
    spans: tuple[Span, ...]
    asks_time: bool
    wide: float


def cut(text: str) -> str:
    """``text`` bounded: a pasted book is not a question, but the lines around it are."""
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def parts_of(name: str) -> list[str]:
    """The words by which a speaker's name is recognised."""
    return [part for part in words.split(name) if len(part) > 1 or words.wide(part)]


def read(
    text: str, speakers: Mapping[str, int], languages: Collection[str], now: datetime, first: float, last: float
) -> Question:
    """Reads a question. ``speakers``: number by name; ``languages`` of the memory; ``first``, ``last``: its times."""
    text = cut(text)
    spoken = words.split(text)
    bare = {word.removesuffix("'s") for word in spoken}
    language = words.language_of(spoken)
    named = {name: number for name, number in speakers.items() if bare.intersection(parts_of(name))}
    names = {part for name in named for part in parts_of(name)}
    spoken_in = {language, *languages}
    wanted: dict[tuple[str, ...], int] = {}
    sentences: list[frozenset[int]] = []
    for sentence in [part for part in _SENTENCE.split(text) if part.strip()][: -MAX_SENTENCES - 1 : -1]:
        here: set[int] = set()
        for spellings in _topic(words.split(sentence), STOP_WORDS[language] | names, spoken_in):
            if spellings in wanted or len(wanted) < MAX_WORDS:
                here.add(wanted.setdefault(spellings, len(wanted)))
        if here:
            sentences.append(frozenset(here))
    if not wanted:
        wanted = {words.spellings(name, spoken_in): i for i, name in enumerate(sorted(names))}
    letters = [c for c in text if c.isalnum()]
    return Question(
        words=tuple(wanted),
        sentences=tuple(sentences) if len(sentences) > 1 else (),
        speakers=frozenset(named.values()),
        addressed=bool(_ADDRESSED.search(text.casefold())),
        spans=tuple(spans(text, now, first, last)),
        asks_time=asks_time(text),
        wide=sum(map(words.wide, letters)) / max(len(letters), 1),
    )


def _topic(spoken: list[str], stop: Collection[str], languages: Collection[str]) -> Iterator[tuple[str, ...]]:
    for word in spoken:
        if words.wide(word):
            yield from ((gram,) for gram in words.ngrams(word))
        elif word not in stop and word.removesuffix("'s") not in stop:
            yield words.spellings(word, languages)


def focus(text: str, speakers: Collection[str]) -> str:
    """``text`` without stop words and names of speakers, whom the meaning would follow instead of the matter."""
    text = cut(text)
    stop = STOP_WORDS[words.language_of(words.split(text))]
    names = {part for name in speakers for part in parts_of(name)}
    kept: list[str] = []
    for token in _TOKEN.findall(text):
        word = token.strip(_EDGE).casefold().replace("’", "'")
        if word not in stop and word.removesuffix("'s") not in names:
            kept.append(token)
    return " ".join(kept) or text


def wordless(question: Question) -> Question:
    """The question for a search by meaning alone."""
    return replace(question, words=())
