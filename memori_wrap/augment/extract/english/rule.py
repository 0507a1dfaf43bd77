# ruff: noqa: E501 (a pattern is read in one piece)
"""How an English rule is written: its parts of speech, and the constructor that compiles it."""

from __future__ import annotations

import re

from memori_wrap.augment.extract.english.names import NAME
from memori_wrap.augment.extract.grammar import Rule

OFTEN = (
    "(?:(?:really|absolutely|totally|just|also|always|usually|often|mostly|mainly|currently|now|still|actually|so|"
    "truly|"
    "particularly|especially|recently|definitely|generally|normally|both|only|kinda|kind of|sort of|pretty much|simply|"
    "typically|do|finally|already|personally|originally|happily|very|all|even|proudly) ){0,3}"
)
I_DO = f"^(?:i|we) {OFTEN}"
AM = f"^(?:i am|i'm|im|we are|we're|i(?= (?:living|working|based|studying|married|currently)\\b)) {OFTEN}"
HAVE = f"^(?:i|we)(?:'ve| have|ve)? {OFTEN}"
BEEN = f"^(?:i have|i've|ive|we have|we've) {OFTEN}"
WHOSE = (
    "^(?:my|our|the(?= (?:wife|husband|missus)\\b)) (?:(?:new|old|current|own|only|dear|lovely|little|big|baby|youngest|oldest|eldest|younger|older|"
    "best|late|beloved|twin|elder|first|second|foster|adopted|middle|poor|dear|only|favourite|favorite) ){0,2}"
)
REL = r"[\w-]{2,24}"
"""Any word: its reader knows who is meant, and a list of a hundred words in every pattern is slow to compile."""
SOMEONE = f"{WHOSE}(?P<rel>{REL})(?P<who>,? {NAME},?)?"
PAST = (
    r"\b(?:when i was|when we were|as a (?:kid|child|teen\w*|baby)|back (?:in|then)|at first|years later|and then|"
    r"before moving)\b"
)


def rule(
    id: str,
    cues: str,
    pattern: str,
    kind: str,
    predicate: str,
    category: str,
    text: str,
    subject: str = "{s}",
    confidence: float = 0.9,
    ends: bool = False,
    after: str | None = None,
    unless: str | None = None,
) -> Rule:
    return Rule(
        id=f"en.{id}",
        cues=frozenset(cues.split()),
        pattern=re.compile(pattern, re.IGNORECASE),
        kind=kind,
        predicate=predicate,
        category=category,
        text=text,
        subject=subject,
        confidence=confidence,
        ends=ends,
        after=re.compile(after, re.IGNORECASE) if after else None,
        unless=re.compile(unless, re.IGNORECASE) if unless else None,
    )
