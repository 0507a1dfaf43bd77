"""``RuleExtractor``: facts from what people say of themselves, with no model and no key.

Nothing is inferred: a fact is a pattern of a grammar found in a statement of the user's own, and quotes the sentence
that it stands in. Whatever is asked, wished, supposed, quoted or pasted gives no fact. Work is bounded by
construction: a window of each message, its first sentences, no sentence past a fixed length, no nested repeats in a
pattern, and the interpreter is released after every sentence.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence

from memori_wrap.augment.extract.chinese.grammar import CHINESE
from memori_wrap.augment.extract.clauses import clauses, is_reported
from memori_wrap.augment.extract.english.grammar import ENGLISH
from memori_wrap.augment.extract.grammar import Clause, Grammar, Phrase, Rule
from memori_wrap.augment.extract.sentences import Sentence, plain, sentences
from memori_wrap.text import normal
from memori_wrap.types import Fact, StoredMessage, Triple

USER = "user"
"""The subject of a triple where the application gives no name."""

PIECE = 0.0002
"""Seconds of work after which the interpreter is released, at the end of the clause or sentence."""


class _Pace:
    """Hands the interpreter over whenever a piece of work has been done: a call waits for it elsewhere.

    By the clock, not after every sentence: one ``sleep(0)`` takes about 0.1 ms, more than most sentences.
    """

    def __init__(self) -> None:
        self._since = time.perf_counter()

    def breathe(self) -> None:
        if time.perf_counter() - self._since > PIECE:
            time.sleep(0)
            self._since = time.perf_counter()


class RuleExtractor:
    """The ``Extractor`` that always works. Pure and without state: one instance serves any number of threads."""

    def __init__(self, grammars: Sequence[Grammar] = (ENGLISH, CHINESE)) -> None:
        self._grammars = tuple(grammars)

    def extract(self, messages: Sequence[StoredMessage]) -> Sequence[tuple[str, Fact]]:
        found: list[tuple[str, Fact]] = []
        pace = _Pace()
        for message in messages:
            if message.role == "user" and message.origin == "live":
                found.extend((message.id, fact) for fact in self._message(message, pace))
            pace.breathe()
        return found

    def _message(self, message: StoredMessage, pace: _Pace) -> Iterator[Fact]:
        seen: set[tuple[Triple, bool]] = set()
        said = _said(message.text, pace)
        for grammar in self._grammars:
            for fact in _read(grammar, said, normal(message.speaker or ""), pace):
                key = (fact.triple, fact.ends)
                if key not in seen:
                    seen.add(key)
                    yield fact


def _said(text: str, pace: _Pace) -> list[tuple[Sentence, str]]:
    """The sentences of a message with their plain forms, once for all grammars."""
    found: list[tuple[Sentence, str]] = []
    for sentence in sentences(text):
        found.append((sentence, plain(sentence)))
        pace.breathe()
    return found


def _read(grammar: Grammar, message: Sequence[tuple[Sentence, str]], speaker: str, pace: _Pace) -> Iterator[Fact]:
    before, fiction = "", -1
    for sentence, said in message:
        if grammar.foreign.match(said):
            return
        if grammar.fiction.match(said):
            fiction = sentence.line
        if sentence.line != fiction and grammar.trigger.search(said):
            for clause in clauses(grammar, said, before):
                yield from _facts(grammar, clause, sentence.text, speaker)
                pace.breathe()
        before = said
        pace.breathe()


def _facts(grammar: Grammar, clause: Clause, quote: str, speaker: str) -> Iterator[Fact]:
    """The facts of one clause; where it is to be remembered and no rule knows it, the note that it is."""
    numbers = sorted({number for word in grammar.words(clause.text) for number in grammar.by_cue.get(word, ())})
    found = False
    for number in numbers:
        for fact in _apply(grammar, grammar.rules[number], clause, quote, speaker):
            found = True
            yield fact
    if clause.note and not found:
        yield from _apply(grammar, grammar.note_rule, clause, quote, speaker)


def _apply(grammar: Grammar, rule: Rule, clause: Clause, quote: str, speaker: str) -> Iterator[Fact]:
    if rule.after and not rule.after.search(clause.before):
        return
    if rule.unless and rule.unless.search(clause.text):
        return
    for match in rule.pattern.finditer(clause.text):
        groups = None if _not_own(grammar, clause.text, match.start()) else _groups(grammar, match, clause)
        if groups is None:
            continue
        subject = grammar.subject if speaker in ("", USER) else speaker
        keys = {name: phrase.key for name, phrase in groups.items()} | {"s": speaker or USER}
        spoken = {name: phrase.words for name, phrase in groups.items()} | {
            "s": subject,
            "p": grammar.possessive.replace("{s}", subject),
            "n": grammar.no_longer if clause.ends else "",
        }
        for phrase in grammar.readers[rule.kind](match["o"], clause):
            yield Fact(
                text=rule.text.format(o=phrase.words, **spoken),
                quote=quote,
                triple=Triple(rule.subject.format(**keys), rule.predicate, phrase.key),
                category=rule.category,
                rule=rule.id,
                confidence=rule.confidence,
                ends=clause.ends or rule.ends,
            )


def _groups(grammar: Grammar, match: re.Match[str], clause: Clause) -> dict[str, Phrase] | None:
    """The named groups beside ``o`` as their readers take them; None where one refuses."""
    groups: dict[str, Phrase] = {}
    for name, value in match.groupdict().items():
        if name != "o":
            read = grammar.readers[name](value or "", clause)
            if not read:
                return None
            groups[name] = read[0]
    return groups


def _not_own(grammar: Grammar, text: str, place: int) -> bool:
    """Whether a match within a clause stands in a quotation or after "she said"."""
    if place == 0:
        return False
    return text.count("“", 0, place) > text.count("”", 0, place) or is_reported(grammar, text, place)
