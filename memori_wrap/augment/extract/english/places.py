"""Readers for places, employers, occupations and schools."""

from __future__ import annotations

import re

from memori_wrap.augment.extract.english import words as w
from memori_wrap.augment.extract.english.habits import is_of
from memori_wrap.augment.extract.english.phrases import COMPANY, NUMBER, bare, cut, first_word, is_thing, phrase
from memori_wrap.augment.extract.grammar import Clause, Phrase


def _typed_small(clause: Clause) -> bool:
    """Whether the writer uses no capitals, but for "I"."""
    return not any(letter.isupper() for letter in clause.text.replace("I", ""))


def _place(text: str, clause: Clause, strict: bool) -> list[Phrase]:
    # "Portland, Oregon" is one place: what follows the comma is kept where it is a capitalised end.
    match = re.match(
        r"([^\W\d_a-z][\w'.-]*(?: [^\W\d_a-z][\w'.-]*){0,3}), "
        r"(?P<in>[^\W\d_a-z][\w.]+(?: [A-Z]\w+)?)(?=[.;!]|$| (?!and\b)[a-z])",
        text,
    )
    place = f"{match[1]}, {match['in'].strip('.')}" if match else cut(COMPANY.split(cut(text), maxsplit=1)[0])
    place = re.split(
        r" (?:and|or) (?![A-Z]\w+$)| (?:just|only|alone|all|at|that|like|right|outside|working|living)\b", place
    )[0]
    place = re.sub(r"(?: back)? (?:here|there|home)$", "", place)
    name = bare(place)
    if not name or name.count(" ") > 4 or first_word(name) in w.NOT_PLACES:
        return []
    if not name[0].isalpha() or re.search(r" \d", name):
        return []
    article = first_word(place) if name != place else ""
    capital = any(part[0].isupper() for part in name.split() if part)
    if article not in ("", "the") or (article and not (capital or name.lower() in _KNOWN_WITH_THE)):
        return []
    if not capital and ((strict and not _typed_small(clause)) or name.count(" ") > 2):
        return []
    return phrase(place)


_KNOWN_WITH_THE = w.words(
    "netherlands us usa uk united_states united_kingdom philippines bay_area bahamas maldives states"
)


def home(text: str, clause: Clause) -> list[Phrase]:
    """A place after "live in", where a small letter is common."""
    return _place(text, clause, strict=False)


def place(text: str, clause: Clause) -> list[Phrase]:
    """A place after words that take anything else too: capitals are needed, but from who uses none."""
    return _place(text, clause, strict=True)


def address(text: str) -> list[Phrase]:
    """A postal address has a number."""
    said = re.split(r"[;!]|\.(?= |$)| and (?:i|my)\b", text)[0].strip(" ,.")
    return phrase(said) if any(letter.isdigit() for letter in said) and len(said) <= 120 else []


def employer(text: str) -> list[Phrase]:
    """Who one works for."""
    said = cut(re.split(r" (?:with|from|doing|to|full[- ]time|part[- ]time|remotely)\b", cut(text))[0])
    name = bare(said)
    if not name or first_word(name) in w.NOT_EMPLOYERS or NUMBER.match(name) or name.count(" ") > 6:
        return []
    return phrase(said)


def job(text: str) -> list[Phrase]:
    """An occupation of the list, with what goes before it: "freelance graphic designer"."""
    said = re.split(r" (?:at|in|for|with|from|by|and|who|of|to|on)\b", cut(text))[0]
    name = bare(said)
    parts = name.lower().split()
    if not parts or len(parts) > 5 or not is_of(name, w.JOBS):
        return []
    if parts[-1] == "student" and re.search(r"student (?:at|of) ", text, re.I):
        return []
    if parts[0] in w.PRAISE:  # "I'm a terrible cook"
        return []
    return phrase(said)


def work(text: str) -> list[Phrase]:
    """After "my job is": an occupation, or what one does."""
    said = cut(text)
    is_doing = re.match(r"[a-z]+ing \w", said, re.I) and first_word(said) not in w.NOT_JOBS
    return phrase(said) if is_doing and said.count(" ") <= 6 else job(text)


def field_of_work(text: str) -> list[Phrase]:
    said = re.split(r" (?:at|for|with|in|and|as)\b", cut(text))[0]
    said = re.sub(r" (?:industry|sector|field|business)$", "", bare(said), flags=re.I)
    return phrase(said) if said.lower() in w.FIELDS else []


def subject(text: str) -> list[Phrase]:
    """What one studies."""
    said = cut(re.split(r" (?:at|in|for|with|to|on|from|online|right|full[- ]time)\b", cut(text))[0])
    refused = ("for", "at", "in", "abroad", "hard", "a", "the", "my", "late", "how", "online", "with", "harder", "all")
    if first_word(said) in refused or said.count(" ") > 3 or not is_thing(said):
        return []
    return phrase(said)


def school(text: str) -> list[Phrase]:
    said = cut(re.split(r" (?:to|with|for|full[- ]time|majoring|studying)\b", cut(text))[0])
    known = re.search(r"\b(?:university|college|school|academy|institute|uni|community)\b", said, re.I)
    capital = any(part[:1].isupper() for part in said.split())
    return (
        phrase(said)
        if said and said.count(" ") <= 6 and (known or capital) and first_word(said) not in w.NOT_EMPLOYERS
        else []
    )
