"""A sentence into the clauses that its speaker states as true of themselves. The words come from the grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator

from memori_wrap.augment.extract.grammar import Clause, Grammar

_QUOTATION = re.compile("“[^”]*”")
_PAUSE = re.compile(r"[,;:—–(，；：（]")
_REACH = 60
"""How far back the words are looked for that make a clause somebody else's."""
_LONGEST = 300
"""Characters of a clause that the rules see: half a sentence's bound, a quarter of the worst pattern's work."""
_OPENERS = 6
"""How many openers ("well, actually, ...") are stripped from one clause."""


def clauses(grammar: Grammar, sentence: str, before: str) -> Iterator[Clause]:
    """The clauses of a plain sentence (see ``sentences.plain``); ``before``: the plain sentence before it."""
    quotations = [match.span() for match in _QUOTATION.finditer(sentence)]
    outside = _QUOTATION.sub(lambda match: "“" * len(match[0]), sentence) if quotations else sentence
    if grammar.question.match(outside) or grammar.secret.search(sentence):
        return
    words = grammar.words(sentence)
    may_be_reported = not words.isdisjoint(grammar.reports)
    limit = len(sentence) if words.isdisjoint(grammar.doubts) else _certain(grammar, sentence)
    limit = min(limit, _stated(grammar, sentence, outside))
    shared = ""
    for start, end, bare in _spans(grammar, sentence, quotations):
        if start >= limit:
            return
        stop = min(end, limit)
        text = sentence[start:stop]
        if bare:
            if not shared:
                continue
            text = (shared + text).replace("  ", " ")
        text, note = _opened(grammar, _shortened(text.strip()))
        # A quotation at the front is somebody else's; so is what is reported on either side.
        if not text or text.startswith("“") or (may_be_reported and is_reported(grammar, sentence, start)):
            shared = ""
            continue
        if may_be_reported and grammar.reported_after.match(sentence, stop):
            shared = ""
            continue
        shared = _carried(grammar, text)
        ended = grammar.ended(text)
        yield Clause(ended or text, sentence[:start] or before, note, ended is not None)


def _carried(grammar: Grammar, text: str) -> str:
    """The subject of a clause as the next one may share it; "" where it does not."""
    if grammar.open.search(text):
        return ""
    if grammar.carried is not None:
        match = grammar.carried.match(text)
        return (match["own"] or grammar.elided) if match else ""
    return grammar.elided if text.lower().startswith(grammar.elided.lower().strip()) else ""


def _shortened(text: str) -> str:
    """A clause up to ``_LONGEST``, at a blank: nobody states a thing of themselves at such length."""
    return text if len(text) <= _LONGEST else text[:_LONGEST].rpartition(" ")[0]


def is_reported(grammar: Grammar, text: str, place: int) -> bool:
    """Whether "she said" or the like stands just before a place; a window, so that many clauses stay linear."""
    return grammar.reported_before.search(text, max(0, place - _REACH), place) is not None


def _stated(grammar: Grammar, sentence: str, outside: str) -> int:
    """Where the part of a sentence ends that is not a question; all of a sentence asks, if it does not turn to it."""
    marks = [found for found in map(outside.find, "?？؟") if found >= 0]
    if not marks and not sentence.endswith(("?”", "？”")):
        return len(sentence)
    turn = grammar.turns_to_question.search(outside)
    return turn.start() if turn and turn.start() < min(marks, default=0) else 0


def _certain(grammar: Grammar, sentence: str) -> int:
    """Where the part of a sentence ends that is not under an "if" or a "wish"."""
    doubt = grammar.hypothetical.search(sentence)
    if doubt is None:
        return len(sentence)
    pauses = [pause.start() for pause in _PAUSE.finditer(sentence, 0, doubt.start())]
    return pauses[-1] if pauses else 0


def _spans(grammar: Grammar, sentence: str, quotations: list[tuple[int, int]]) -> Iterator[tuple[int, int, bool]]:
    """(start, end, shares its subject with the one before) of each clause."""
    start, bare = 0, False
    for match in grammar.boundary.finditer(sentence):
        if any(opens < match.start() < closes for opens, closes in quotations):
            continue
        yield start, match.start(), bare
        start, bare = match.end(), match.lastgroup is not None
    yield start, len(sentence), bare


def _opened(grammar: Grammar, text: str) -> tuple[str, bool]:
    """The clause without its openers, and whether one of them asks to remember it."""
    note = False
    for _ in range(_OPENERS):
        match = grammar.note.match(text)
        if match:
            note = True
        else:
            match = grammar.opener.match(text)
        if match is None or match.end() == 0:
            break
        text = text[match.end() :]
    return text.rstrip(" ,;:-–—(.!…。！，；：、～~（"), note
