"""Readers for names, people, dates and addresses: what has a form of its own."""

from __future__ import annotations

import re

from memori_wrap.augment.extract.english import words as w
from memori_wrap.augment.extract.english.lists_more import NATIONS
from memori_wrap.augment.extract.english.phrases import bare, cut, first_word, phrase
from memori_wrap.augment.extract.grammar import Clause, Phrase

UPPER = r"[^\W\d_a-zà-öø-ÿ]"
"""A capital, or a letter of a script without them: within ``(?-i:...)``."""
WORD = rf"(?-i:{UPPER}(?:'{UPPER})?[\w-]+)"
TITLE = r"(?:(?:Mr|Mrs|Ms|Dr|Prof)\.? )?"
NAME = rf"{TITLE}{WORD}(?: {WORD}){{0,2}}"

_FULL_NAME = re.compile(
    rf"{TITLE}{WORD}(?:(?: (?:del|de|la|van|von|der|den|bin|al|da|dos|di|le|el|[A-Z]\.))* {WORD}){{0,3}}"
)
_SMALL_NAME = re.compile(r"[^\W\d_]{2,20}(?=$|[,;.!]| and | but )")
_NATIONAL = re.compile(r"(?:ish|ese|ians?|eans?|cans?|ist|ists|ers)$", re.I)
_ORDINARY = w.NOT_NAMES | w.TRAITS | NATIONS | w.FIELDS | w.JOBS | w.KIN | w.LANGUAGES
_SOMEBODY = re.compile(rf"(?:.{{0,60}}? (?:named|called) )?(?:my \w+,? )?(?P<name>{NAME})", re.I)
_LIST = re.compile(r", (?:and )?| and | & ")


def _is_name(text: str) -> bool:
    parts = text.split()
    return bool(parts) and not any(part.lower().strip(".") in _ORDINARY for part in parts) and not text.isdigit()


def name(text: str) -> list[Phrase]:
    """After "my name is": capitals, or one small word that ends the clause."""
    said = text.lstrip("“'\"")
    match = _FULL_NAME.match(said) or _SMALL_NAME.match(said)
    # Here even an ordinary word is a name if it has its capital: Will, Grace, Christian.
    if match is None or (match[0].lower() in _ORDINARY and not match[0][0].isupper()):
        return []
    return phrase(match[0]) if first_word(match[0]) not in w.NOT_NAMES - {"will"} or match[0] == "will" else []


def greeted(text: str, clause: Clause) -> list[Phrase]:
    """After "Hi, I'm": a capital is needed, and nothing that people are."""
    match = re.match(rf"{WORD}(?: {WORD})?(?=$|[,;.!–—(]| (?:and|from|but|here|,))", text)
    good = match is not None and _is_name(match[0]) and not _NATIONAL.search(match[0]) and not clause.text.isupper()
    return phrase(match[0]) if match and good else []


def nickname(text: str) -> list[Phrase]:
    """After "call me": one or two capitalised words, and no more."""
    match = re.match(
        rf"“?(?P<name>{TITLE}{WORD}(?: {WORD})?)(?=$|[,;.!”–—(]| (?:and|please|instead|but|,))", text.strip("'\"")
    )
    return phrase(match["name"]) if match and _is_name(match["name"]) else []


def names(text: str, clause: Clause) -> list[Phrase]:
    """Names of people and animals, one or a list of them. Small letters only where the clause ends after one."""
    found: list[Phrase] = []
    for raw in _LIST.split(re.split(r"[;.!(—–](?= |$)|,? (?:who|which|but|because|is|are)\b", text)[0]):
        item = raw.strip(" ,'\"“”.!")
        match = re.match(NAME, item)
        if match is None or not _is_name(match[0]):
            break
        found += phrase(match[0])
    if found or clause.text.isupper():
        return found
    small = _SMALL_NAME.match(text)
    said_so = re.search(r"\b(?:named|called|name is|name's|names)\b", clause.text, re.I)
    return phrase(small[0]) if small and said_so and _is_name(small[0]) and small[0] == text.strip(" .!,") else []


def strictly_named(text: str, clause: Clause) -> list[Phrase]:
    """A name after a bare "is", where a trait or nationality could stand as well."""
    match = re.match(rf"(?P<name>{NAME})(?=$|[,;.!(–—]| and | but )", text)
    good = match is not None and _is_name(match["name"]) and not _NATIONAL.search(match["name"])
    return phrase(match["name"]) if match and good and not clause.text.isupper() else []


def beloved(text: str) -> list[Phrase]:
    """Whom one is married to: a name, or "a wonderful woman named Sarah"."""
    match = _SOMEBODY.match(text)
    return phrase(match["name"]) if match and _is_name(match["name"]) else []


def _relation(text: str, known: frozenset[str]) -> list[Phrase]:
    said = text.lower()
    single = w.PLURALS.get(said) or (said if said in known else said.removesuffix("s"))
    return [Phrase(single, said)] if single in known else []


def relation(text: str) -> list[Phrase]:
    """A group ``rel``: who someone or some animal is to the speaker, in the singular."""
    return _relation(text, w.PEOPLE | w.PETS)


def given_name(text: str, clause: Clause) -> list[Phrase]:
    """A group ``who``: the name that goes with a relation, with a blank before it; it may be missing."""
    said = text.strip(" ,")
    if not said:
        return [Phrase("", "")]
    return [Phrase(f" {said}", f" {said}")] if _is_name(said) and not clause.text.isupper() else []


def people(text: str) -> list[Phrase]:
    """With whom one lives: kin or friends, a name, an animal."""
    said = cut(text)
    parts = {part.removesuffix("s").strip(",") for part in said.lower().split()} | set(said.lower().split())
    known = parts & (w.PEOPLE | w.PETS | {"parent", "family", "grandparent", "parents"} | set(w.PLURALS))
    return phrase(said) if (known or re.match(rf"{NAME}$", said)) and said.count(" ") <= 6 else []


_MONTH = rf"(?:{w.either(w.MONTHS)})\b\.?"
_DATE = re.compile(
    rf"(?:the )?(?P<date>{_MONTH}(?: (?:the )?\d{{1,2}}(?:st|nd|rd|th)?)?(?:,? (?:19|20)\d\d)?(?!\w)"
    rf"|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}(?:,? (?:19|20)\d\d)?"
    r"|\d{1,4}[./-]\d{1,2}(?:[./-]\d{2,4})?\b|(?:christmas|halloween|new year's)(?: (?:eve|day))?\b)",
    re.I,
)


def date(text: str) -> list[Phrase]:
    """A day of the year, in words or figures."""
    match = _DATE.match(text)
    return phrase(match["date"]) if match else []


def age(text: str) -> list[Phrase]:
    """Years of life: a bare number must end the statement."""
    match = re.match(
        r"(?P<age>\d{1,3})(?:(?:[ -]years?[ -]old|[ -]yo|[ -]y/o)\b|(?= ?(?:$|[,;!]|\.(?!\d))|"
        r" (?:and|now|today|this|last|yesterday|on)\b))",
        text,
        re.I,
    )
    return phrase(match["age"]) if match and 0 < int(match["age"]) < 120 else []


def email(text: str) -> list[Phrase]:
    match = re.match(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}", text)
    return phrase(match[0]) if match else []


def phone(text: str) -> list[Phrase]:
    match = re.match(r"\+?\(?\d[\d ()./-]{4,20}\d", text)
    return phrase(match[0]) if match else []


def time_zone(text: str) -> list[Phrase]:
    match = re.match(r"(?:the )?(?P<zone>[\w/+:-]{2,40}(?: standard)?)", text, re.I)
    return (
        phrase(match["zone"]) if match and first_word(text) not in w.NOT_THINGS | {"different", "the", "very"} else []
    )


def pronouns(text: str) -> list[Phrase]:
    match = re.match(r"[a-z]{2,5}(?:/[a-z]{2,7}){1,3}", text, re.I)
    return [Phrase(match[0], match[0])] if match else []


def own_name(text: str) -> list[Phrase]:
    """A place, firm or school that is written with a capital: "Google", "the BBC"."""
    said = cut(text)
    return phrase(said) if bare(said)[:1].isupper() and said.count(" ") <= 4 else []
