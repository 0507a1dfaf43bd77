"""What a grammar is made of, and the closed vocabulary that every language's grammar speaks.

A language is one ``Grammar``: patterns as data, and a few pure functions for what patterns cannot say (object
phrases, third person). ``rules.RuleExtractor`` runs any number of them; the predicates below are the same for all.

How an ending finds its fact: a ``Fact`` with ``ends=True`` carries the triple that a statement of the same thing
would carry ("I no longer live in Paris": user, lives_in, Paris). ``closes`` compares the two; the resolver asks it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from memori_wrap.text import fold
from memori_wrap.types import Triple

CATEGORIES = frozenset({"attribute", "preference", "relationship", "possession", "event", "plan", "rule", "fact"})
"""attribute: who one is and what one does; rule: what always or never holds; fact: asked to be remembered."""

PREDICATES: Mapping[str, str] = {
    "name": "one's own name",
    "called": "how one wants to be called",
    "lives_in": "home: a city, region or country",
    "lives_at": "home: a postal address",
    "lives_with": "who shares the home",
    "comes_from": "where one is from or grew up",
    "born_in": "place of birth",
    "works_at": "employer",
    "works_as": "job",
    "works_in": "field of work",
    "studies": "subject of study",
    "studies_at": "school or university",
    "age": "in years, when it was said",
    "birthday": "a date, with or without its year",
    "email": "e-mail address",
    "phone": "phone number",
    "timezone": "time zone",
    "pronouns": "the pronouns one goes by",
    "speaks": "a language",
    "is": "a lasting trait: vegan, married, left-handed, German",
    "likes": "likes, loves, enjoys",
    "dislikes": "dislikes, hates",
    "prefers": "likes better",
    "favorite": 'the subject is "user\'s favorite colour", the object what it is',
    "has": "owns: animals, vehicles, homes, instruments, devices",
    "has_relative": "kin, without a name",
    "named": 'the subject is "user\'s sister" or "user\'s dog", the object its name',
    "partner": "married to, engaged to, dating",
    "drinks": "habit",
    "eats": "habit",
    "plays": "a game, sport or instrument",
    "uses": "a tool",
    "drives": "a vehicle",
    "learns": "what one is learning",
    "does": "an activity: yoga, running, smoking",
    "goes_to": "a place one frequents",
    "appointment": "what is due, with its time",
    "anniversary": "a date",
    "plans": "what one is going to do, verb first",
    "wants": "what one wants to do, verb first",
    "decided": "what one has decided to do, verb first",
    "avoids": "does not eat, drink or do",
    "never": "a rule of one's own, verb first",
    "allergic_to": "allergies",
    "condition": "illness, intolerance, disability",
    "takes": "a medicine",
    "religion": "faith, or what of it one observes",
    "body": "height, weight, size",
    "fears": "a lasting fear",
    "member_of": "club, team, choir",
    "studied": "what one has a degree in or was trained for",
    "can": "a skill, verb first",
    "cannot": "what one is not able to do, verb first",
    "lacks": "what one does not have: a car, children",
    "did": "what one has done, verb first",
    "asks_to": "standing instruction to the assistant",
    "note": "what one asked to be remembered",
}

SINGLE_VALUED = frozenset(
    {"name", "called", "lives_in", "lives_at", "comes_from", "born_in", "works_at", "works_as", "works_in"}
    | {"studies_at", "age", "birthday", "email", "phone", "timezone", "pronouns", "favorite", "partner", "anniversary"}
)
"""Predicates of which a subject has one object at a time: a new one replaces the old one."""

ENDS: Mapping[str, frozenset[str]] = {
    "drinks": frozenset({"drinks", "likes", "prefers"}),
    "eats": frozenset({"eats", "likes", "prefers"}),
    "likes": frozenset({"likes", "prefers"}),
    "plays": frozenset({"plays", "learns"}),
    "plans": frozenset({"plans", "wants", "decided"}),
    "wants": frozenset({"wants", "plans"}),
}
"""The families: which predicates an ending also ends. One that is not listed ends itself alone.

Who stopped drinking coffee is not to be offered one, so an ended intake ends the liking; an ended liking leaves the
habit, and an ended game leaves the liking.
"""


def closes(ending: Triple, known: Triple) -> bool:
    """Whether a fact with ``ends=True`` and the triple ``ending`` ends the fact with the triple ``known``.

    Same subject, a predicate of the family, same object after folding; of a single-valued predicate one object may
    also be the beginning of the other, word for word ("Paris" ends "Paris, France").
    """
    if known.predicate not in ENDS.get(ending.predicate, frozenset({ending.predicate})):
        return False
    if fold(ending.subject) != fold(known.subject):
        return False
    one, other = fold(ending.object), fold(known.object)
    if one == other:
        return True
    begins = f"{one} ".startswith(f"{other} ") or f"{other} ".startswith(f"{one} ")
    return known.predicate in SINGLE_VALUED and begins


_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> AbstractSet[str]:
    """The words of a text in small letters; "I'd" is two."""
    return set(_WORD.findall(text.lower()))


@dataclass(frozen=True, slots=True)
class Clause:
    """A statement of the speaker's own, as the rules read it: plain text, openers stripped.

    ``before`` is what stands before it in the sentence, or the sentence before where it begins one; ``note`` says
    that the speaker asked to remember it; ``ends`` that it holds no longer (``text`` is then its positive form).
    """

    text: str
    before: str = ""
    note: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a reader makes of a captured group: ``key`` for the triple, ``words`` for the text of the fact."""

    key: str
    words: str


Reader = Callable[[str, Clause], Sequence[Phrase]]
"""Turns the raw text of a group into phrases; an empty result means that the rule does not apply."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern and the fact that it states.

    ``cues``: words of which the clause must have one, so that most rules are never tried. ``pattern`` is looked for
    everywhere in the clause (most begin with ^); its group ``o`` is read by the reader ``kind`` (several phrases:
    several facts), any other named group by the reader of its own name. ``subject`` and ``text`` are templates over
    these groups, ``{s}`` (the speaker), ``{p}`` (possessive) and ``{n}`` (" no longer" in an ending, else nothing).
    ``after`` must match what stands before the clause; ``unless`` must not match the clause.
    """

    id: str
    cues: frozenset[str]
    pattern: re.Pattern[str]
    kind: str
    predicate: str
    category: str
    text: str
    subject: str = "{s}"
    confidence: float = 0.9
    ends: bool = False
    after: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Grammar:
    """Everything that the extractor needs to know of one language.

    ``trigger``: words without which a text is not looked at. ``foreign``: what follows in this message is material,
    not the speaker's own statement ("Translate this:"). ``fiction``: likewise for the rest of the paragraph.
    ``question``, ``secret``: the sentence is skipped. ``turns_to_question``: of a sentence with a question mark, what
    stands before it is a statement ("I live in Berlin, where can I ...?"); a mere "right?" must not match.
    ``hypothetical``: the clause and all after it are skipped; it is tried where a word of ``doubts`` stands, and the
    reporting patterns where one of ``reports`` does, since a long alternation at every letter is slow.
    ``boundary``: where a clause begins; its group, if one matches, marks a verb that shares the subject
    (``elided`` before it) of the clause before it, unless that one matches ``open``. ``reported_before`` and
    ``reported_after``: somebody else's words. ``opener``: stripped from the front of a clause, again and again.
    ``carried``: finds, at the front of a clause, the subject (group ``own``, else it is ``elided``) that the clauses
    after it share; None: it is always ``elided``.
    ``note``: "remember that". ``words``: what of a text the cues are looked for among: words, or characters.
    ``ended``: the positive form of a clause that says that something ended, else None.
    """

    language: str
    trigger: re.Pattern[str]
    foreign: re.Pattern[str]
    fiction: re.Pattern[str]
    question: re.Pattern[str]
    turns_to_question: re.Pattern[str]
    secret: re.Pattern[str]
    hypothetical: re.Pattern[str]
    doubts: frozenset[str]
    reports: frozenset[str]
    boundary: re.Pattern[str]
    open: re.Pattern[str]
    elided: str
    reported_before: re.Pattern[str]
    reported_after: re.Pattern[str]
    opener: re.Pattern[str]
    note: re.Pattern[str]
    ended: Callable[[str], str | None]
    subject: str
    possessive: str
    no_longer: str
    readers: Mapping[str, Reader]
    rules: Sequence[Rule]
    note_rule: Rule
    words: Callable[[str], AbstractSet[str]] = words_of
    carried: re.Pattern[str] | None = None
    by_cue: Mapping[str, Sequence[int]] = field(init=False)

    def __post_init__(self) -> None:
        by_cue: dict[str, list[int]] = {}
        for number, rule in enumerate(self.rules):
            for cue in rule.cues:
                by_cue.setdefault(cue, []).append(number)
        object.__setattr__(self, "by_cue", by_cue)
