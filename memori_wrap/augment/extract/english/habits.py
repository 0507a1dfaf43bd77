"""Readers for what one has and does: possessions, kin, traits, languages, games, activities, tools."""

from __future__ import annotations

import re

from memori_wrap.augment.extract.english import words as w
from memori_wrap.augment.extract.english.lists_more import NATIONS
from memori_wrap.augment.extract.english.phrases import (
    COMPANY,
    LIST_TAIL,
    SEPARATOR,
    SIDE,
    TIME,
    bare,
    cut,
    first_word,
    is_thing,
    phrase,
)
from memori_wrap.augment.extract.grammar import Clause, Phrase


def _head(item: str) -> str:
    """A noun phrase up to its first preposition or name."""
    match = re.search(
        r" (?:in|on|at|with|for|from|that|who|which|named|called|of|to|whose|here|parked|waiting|now)\b", item, re.I
    )
    return (item[: match.start()] if match else item).strip(" ,.")


def _singular(noun: str) -> str:
    return w.PLURALS.get(noun) or (noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun)


def _branded(item: str) -> bool:
    """Whether the last word is a name or a number: "Honda Civic", but not "Honda dealer"."""
    return not item.rpartition(" ")[2][:1].islower()


def is_of(item: str, kinds: frozenset[str], anywhere: bool = False) -> bool:
    """Whether the noun at the end is of a kind; of brands any word will do ("Honda Civic LX")."""
    parts = [part.strip(",.") for part in item.lower().split()]
    if not parts or len(parts) > 6 or parts[0] in ("not", "no", "never"):
        return False
    ends = [parts[-1], " ".join(parts[-2:]), *(parts if anywhere and _branded(item) else ())]
    return any(end in kinds or _singular(end) in kinds for end in ends)


def _had(text: str, kinds: frozenset[str], anywhere: bool) -> list[Phrase]:
    found: list[Phrase] = []
    for raw in SEPARATOR.split(cut(text, LIST_TAIL)):
        item = _head(raw)
        item = re.sub(r"^(?:own|got|a new|brand[- ]new) (?=an? |two )", "", item)
        if not is_of(item, kinds, anywhere) or re.match(r"(?:no|to|your|his|her|their|the best|not) ", item, re.I):
            break
        found += phrase(re.sub(r"^(?:this|my|our|the) ", "a ", item))
    return found


def bought(text: str) -> list[Phrase]:
    """Whatever was bought, if it is one thing rather than a lot of something."""
    item = _head(cut(text))
    amount = re.search(
        r"\b(?:lot|lots|couple|few|bunch|ton|tons|bit|one|ones|pair|gift|present|ticket|tickets)\b", item, re.I
    )
    return phrase(item) if not amount and is_thing(bare(item)) else []


def owned(text: str) -> list[Phrase]:
    """Animals, vehicles, homes, instruments, devices."""
    return _had(text, w.OWNED, anywhere=True)


def kin(text: str) -> list[Phrase]:
    """Relatives without a name."""
    return _had(text, w.KIN, anywhere=False)


def trait(text: str) -> list[Phrase]:
    """A lasting trait of the list, at the end or before something that does not change it."""
    said = re.sub(r"^(?:an?|the) ", "", text, flags=re.I)
    match = _TRAIT.match(said)
    return phrase(match[1]) if match else []


_TRAIT = re.compile(
    rf"({w.either(w.TRAITS | NATIONS)})(?=$|[,;.!:]| (?:and|but|{SIDE}|{TIME}|person|woman|man|guy|girl|by)\b)",
    re.I,
)


def languages(text: str) -> list[Phrase]:
    found: list[Phrase] = []
    for raw in SEPARATOR.split(cut(re.sub(r"\ba (?:little|bit)(?: of)? ", "", text, flags=re.I), LIST_TAIL)):
        item = re.sub(
            r"^(?:(?:a (?:little|bit)(?: of)?|some|fluent|basic|native|both|conversational|only|broken) )+",
            "",
            raw,
            flags=re.I,
        )
        item = re.split(r" (?:fluently|at|with|well|natively|pretty|better|in)\b", item)[0].strip(" ,.")
        if item.lower() not in w.LANGUAGES:
            break
        found += phrase(item)
    return found


def played(text: str) -> list[Phrase]:
    """Games, sports and instruments of the list."""
    found: list[Phrase] = []
    for raw in SEPARATOR.split(cut(text, LIST_TAIL)):
        item = re.split(r" (?:with|at|on|in|for|against)\b", raw)[0].strip(" ,.")
        if bare(item).lower() not in w.PLAYED:
            break
        found += phrase(item)
    return found


def activity(text: str) -> list[Phrase]:
    """Yoga and the like, or an -ing form."""
    said = cut(COMPANY.split(cut(text), maxsplit=1)[0])
    is_one = (
        first_word(said) in w.ACTIVITIES
        or said.lower() in w.ACTIVITIES
        or re.match(r"[a-z]{2,}ing(?: \w+)*$", said, re.I)
    )
    refused = ("nothing", "everything", "something", "anything", "being", "having", "thing", "bring", "going")
    return phrase(said) if is_one and first_word(said) not in refused and said.count(" ") <= 4 else []


def begun(text: str) -> list[Phrase]:
    """After "started": an activity; not a turn of mind."""
    title = re.match("(?P<verb>[a-z]+ing) “(?P<title>[^”]{1,80})”", text)
    said = f"{title['verb']} {title['title']}" if title else cut(text)
    mental = ("focusing", "caring", "thinking", "feeling", "looking", "working", "writing", "getting", "noticing",
              "trying", "wondering", "crying", "seeing", "making", "using", "asking", "talking", "having", "being",
              "taking", "putting", "planning", "questioning", "appreciating", "understanding", "losing", "realizing",
              "hearing", "telling", "going", "introducing", "showing", "helping", "giving")  # fmt: skip
    return phrase(said) if first_word(said) not in mental and said.count(" ") <= 5 and is_thing(said) else []


def frequented(text: str, clause: Clause) -> list[Phrase]:
    """Where one goes again and again: only said with how often, or that it is over."""
    often = re.search(r" (?:every|each|on \w+days|once a|twice a|\w+ times a|regularly|weekly|daily)\b", text, re.I)
    return (
        phrase(cut(text)) if (often or clause.ends) and cut(text).count(" ") <= 5 and is_thing(bare(cut(text))) else []
    )


def tool(text: str) -> list[Phrase]:
    """A named tool: it has a capital somewhere, so "it", "a lot of" and "my hands" fall through."""
    said = cut(COMPANY.split(cut(text), maxsplit=1)[0])
    named = re.match(r"(?:an? |the )?[^\W\d_a-z][\w.+#-]*(?: [^\W\d_a-z\s][\w.+#-]*| \d\w*){0,3}$", said)
    return phrase(said) if named and is_thing(bare(said)) else []
