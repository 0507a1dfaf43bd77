"""English word forms: first person to third, base form to gerund and back, and what a negated clause denies."""

from __future__ import annotations

import re

from memori_wrap.augment.extract.english.words import DRINKS, FOODS, GERUNDS_OF, either

_THIRD = {
    "i": "they", "i'm": "they're", "i've": "they've", "i'll": "they'll", "i'd": "they'd", "im": "they're",
    "ive": "they've", "me": "them", "my": "their", "mine": "theirs", "myself": "themselves", "we": "they",
    "we're": "they're", "we've": "they've", "we'll": "they'll", "us": "them", "our": "their", "ours": "theirs",
    "ourselves": "themselves",
}  # fmt: skip
_FIRST_PERSON = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, _THIRD), key=len, reverse=True)) + r")\b", re.I)
_I_AM = re.compile(r"\b(i|we) (am|was)\b", re.I)
_AUXILIARY = {"am": "are", "was": "were"}
_IRREGULAR = {"have": "has", "do": "does", "go": "goes", "be": "is"}
_VOWELS = "aeiou"


def third_person(text: str) -> str:
    """The speaker seen from outside, as "they", which needs no conjugation."""
    text = _I_AM.sub(lambda match: f"{match[1]} {_AUXILIARY[match[2].lower()]}", text)
    return _FIRST_PERSON.sub(_third, text)


def _third(match: re.Match[str]) -> str:
    # "US" and "IT"-like capitals are names, not pronouns; "I" and a sentence's first letter are.
    said = match[0]
    return said if said == "US" else _THIRD[said.lower()]


def conjugated(phrase: str) -> str:
    """A verb phrase in the third person singular: "eat meat" -> "eats meat"."""
    verb, blank, rest = phrase.partition(" ")
    if verb in _IRREGULAR:
        verb = _IRREGULAR[verb]
    elif verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        verb += "es"
    elif verb.endswith("y") and verb[-2:-1] not in _VOWELS:
        verb = verb[:-1] + "ies"
    else:
        verb += "s"
    return verb + blank + rest


def gerund(phrase: str) -> str:
    """A verb phrase as a noun: "run marathons" -> "running marathons"."""
    verb, blank, rest = phrase.partition(" ")
    if verb.endswith("ie"):
        verb = verb[:-2] + "y"
    elif verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        verb = verb[:-1]
    elif _doubles(verb):
        verb += verb[-1]
    return f"{verb}ing{blank}{rest}"


def _doubles(verb: str) -> bool:
    """One syllable that ends consonant, vowel, consonant: run, swim, chat; not cook, play, fix."""
    if len(verb) < 3 or verb[-1] in _VOWELS + "wxy" or verb[-2] not in _VOWELS or verb[-3] in _VOWELS:
        return verb[-4:] == "quit"
    return sum(letter in _VOWELS for letter in verb) == 1 or verb == "quit"


_BASES = {gerund(verb): verb for verb in GERUNDS_OF}
_ANY_MORE = r"(?:any ?more|any longer)"
_NO_LONGER = re.compile(r"\b(?:no longer|not any longer) ", re.I)
_NOT_ANY_MORE = re.compile(rf"^(i|we) (?:do not|don't|dont) (?P<rest>.+?) {_ANY_MORE}\b", re.I)
_AM_NOT_ANY_MORE = re.compile(rf"^(i'm|i am|im|we're|we are) not (?P<rest>.+?) {_ANY_MORE}\b", re.I)
_KIN_NOT_ANY_MORE = re.compile(
    rf"^(?P<who>(?:my|our) [\w -]{{2,40}}?) (?:does not|doesn't|doesnt) (?P<rest>.+?) {_ANY_MORE}\b", re.I
)
_STOPPED = re.compile(
    r"^(?P<who>i|we)(?:'ve| have|ve)? (?:just |recently |finally |already )?(?:stopped|quit|gave up|given up) "
    r"(?P<verb>[a-z]+ing)\b(?P<rest>.*)",
    re.I,
)
_USED_TO = re.compile(r"^(?P<who>i|we) used to (?:also )?(?P<verb>[a-z]+)\b(?P<rest>.*)", re.I)
_GAVE_UP = re.compile(
    rf"^(?P<who>i|we)(?:'ve| have|ve)? (?:just |recently |finally )?(?:quit|gave up|given up|cut out) (?:on )?"
    rf"(?:(?P<drink>{either(DRINKS)})|(?P<food>{either(FOODS)}))\b(?P<rest>.*)",
    re.I,
)
_NOT_OVER = re.compile(r"\bstill\b|^\w+ used to (?:also |really )?(?:like|love|enjoy|hate|prefer|want|think)\b", re.I)


def ended(clause: str) -> str | None:
    """The positive statement that a clause says no longer holds, or None where it does not say so."""
    if _NO_LONGER.search(clause):
        return _NO_LONGER.sub("", clause, count=1)
    if match := _NOT_ANY_MORE.match(clause) or _AM_NOT_ANY_MORE.match(clause):
        return f"{match[1]} {match['rest']}"
    if match := _KIN_NOT_ANY_MORE.match(clause):
        return f"{match['who']} {conjugated(match['rest'])}"
    if match := _GAVE_UP.match(clause):
        verb, what = ("drink", match["drink"]) if match["drink"] else ("eat", match["food"])
        return f"{match['who']} {verb} {what}{match['rest']}"
    if match := _STOPPED.match(clause):
        verb = match["verb"].lower()
        return f"{match['who']} {_BASES.get(verb) or f'do {verb}'}{match['rest']}"
    if (match := _USED_TO.match(clause)) and not _NOT_OVER.search(clause):
        verb = match["verb"].lower()
        return f"{match['who']} {'am' if verb == 'be' else verb}{match['rest']}"
    return None
