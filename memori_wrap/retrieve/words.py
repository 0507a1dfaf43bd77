"""Text to index terms: words of any script, stemmed (Snowball), without stop words; Chinese, Japanese and Korean
text, which has no spaces, as characters and pairs of characters."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import snowballstemmer

from memori_wrap.retrieve.stopwords import STOP_WORDS

_WIDE = "぀-ヿ㐀-䶿一-鿿豈-﫿가-힯"
_WORD = re.compile(rf"[{_WIDE}]+|[^\W_{_WIDE}]+(?:['’][^\W_{_WIDE}]+)*")
_IS_WIDE = re.compile(f"[{_WIDE}]")
MAX_WORD = 40

DEFAULT_LANGUAGE = "english"
_BY_SCRIPT = (("а", "ӿ", "russian"), ("ͱ", "Ͽ", "greek"), ("؀", "ۿ", "arabic"), ("ऀ", "ॿ", "hindi"))
_LATIN = tuple(language for language in STOP_WORDS if language != "russian")
_EVERY_STOP_WORD = frozenset().union(*STOP_WORDS.values())

_stemmers: dict[str, Any] = {}
_lock = threading.Lock()


@lru_cache(maxsize=1 << 16)
def stem(word: str, language: str) -> str:
    """``word`` without its ending (M. Porter's Snowball); its stemmers keep state, hence the lock."""
    with _lock:
        stemmer = _stemmers.get(language)
        if stemmer is None:
            stemmer = _stemmers[language] = snowballstemmer.stemmer(language)
        return str(stemmer.stemWord(word))


def split(text: str) -> list[str]:
    """The words of ``text`` in compatibility form and case folded; a run of CJK characters is one "word"."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return _WORD.findall(folded)


def wide(word: str) -> bool:
    """Whether ``word`` (from ``split``) is a run of CJK characters."""
    return bool(_IS_WIDE.match(word))


def language_of(words: list[str]) -> str:
    """The language with the most stop words among ``words``; without any, the default of the script."""
    hits = [word for word in words if word in _EVERY_STOP_WORD]
    if hits:
        best = max(_LATIN, key=lambda language: sum(word in STOP_WORDS[language] for word in hits))
        if any(word in STOP_WORDS[best] for word in hits):
            return best
    return DEFAULT_LANGUAGE


def _script(word: str) -> str | None:
    first = word[0]
    return next((language for low, high, language in _BY_SCRIPT if low <= first <= high), None)


def ngrams(run: str) -> list[str]:
    """The characters of a run of CJK characters and its pairs."""
    return [*run, *(run[i : i + 2] for i in range(len(run) - 1))]


def spellings(word: str, languages: Iterable[str]) -> tuple[str, ...]:
    """How a word of a question may stand in an index of texts in ``languages``."""
    own = _script(word)
    word = word[:MAX_WORD].removesuffix("'s")
    return (stem(word, own),) if own else tuple(sorted({stem(word, language) for language in languages}))


def terms(words: Iterable[str], language: str) -> Iterator[str]:
    """The index terms of ``words`` (from ``split``) of a text in ``language``, in order, repeated as they occur."""
    stop = STOP_WORDS[language]
    for word in words:
        if wide(word):
            yield from ngrams(word)
        elif word not in stop:
            own = _script(word)
            if own is None or word not in STOP_WORDS.get(own, ()):
                yield stem(word[:MAX_WORD].removesuffix("'s"), own or language)


def terms_of(text: str) -> Iterator[str]:
    """The index terms of a short text."""
    words = split(text)
    return terms(words, language_of(words))
