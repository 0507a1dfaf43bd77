"""What a question asks for: its words, whom and which time it names, who is asking."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from memori_wrap.retrieve import words
from memori_wrap.retrieve.dates import Span, spans

HEAD, TAIL = 2000, 4000
"""Of a longer question the first and the last so many characters are read."""
MAX_WORDS = 64

_FIRST_PERSON = frozenset(
    """i i'm i've i'd i'll me my mine myself we we've our us ich mich mir mein meine meinen meinem meiner wir unser je
    j'ai moi mon ma mes nous notre yo mi mis nosotros io mio mia miei noi eu meu minha nós ik mijn wij jag mig min vi
    я меня мне мой моя моё мы наш 我 咱 私 僕 俺 나 내 저""".split()
)
_WIDE_FIRST_PERSON = re.compile("[我咱私僕俺]")
_WHEN = re.compile(
    r"\b(?:when|since|how (?:long|recently|old)|(?:what|which) (?:date|day|month|year|time|week|season)|wann|seit|"
    r"quand|cuándo|quando|wanneer|когда)\b|什么时候|何时|几月|几号|哪天|哪年|时间|いつ"
)
_TOKEN = re.compile(r"\S+")
_EDGE = '.,;:!?"()[]{}«»“”‘’¿¡…'


@dataclass(frozen=True, slots=True)
class Question:
    """``words``: per word its spellings in the index; ``wide``: share of letters that are Chinese or the like."""

    words: tuple[tuple[str, ...], ...]
    speakers: frozenset[int]
    first_person: bool
    when: bool
    spans: tuple[Span, ...]
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
    stop = words.STOP_WORDS[language]
    wanted: dict[tuple[str, ...], None] = {}
    for word in spoken:
        if words.wide(word):
            wanted.update(dict.fromkeys((gram,) for gram in words.ngrams(word)))
        elif word not in stop and word.removesuffix("'s") not in names:
            wanted[words.spellings(word, {language, *languages})] = None
    if not wanted:
        wanted.update(dict.fromkeys(words.spellings(name, {language, *languages}) for name in sorted(names)))
    letters = [c for c in text if c.isalnum()]
    return Question(
        tuple(wanted),
        frozenset(named.values()),
        bool(bare & _FIRST_PERSON or _WIDE_FIRST_PERSON.search(text)),
        bool(_WHEN.search(text.casefold())),
        tuple(spans(text, now, first, last)),
        sum(map(words.wide, letters)) / max(len(letters), 1),
    )


def focus(text: str, speakers: Collection[str]) -> str:
    """``text`` without stop words and names of speakers, whom the meaning would follow instead of the matter."""
    text = cut(text)
    stop = words.STOP_WORDS[words.language_of(words.split(text))]
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
