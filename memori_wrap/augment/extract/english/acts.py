# ruff: noqa: E501 (a pattern is read in one piece)
"""Readers for verb phrases: plans, wishes, decisions, rules, and what is due at a time."""

from __future__ import annotations

import re

from memori_wrap.augment.extract.english import words as w
from memori_wrap.augment.extract.english.phrases import first_word, phrase
from memori_wrap.augment.extract.english.wording import conjugated, gerund, third_person
from memori_wrap.augment.extract.grammar import Phrase

_END = re.compile(
    r"[;!…(—–]|\.(?= |$)|, (?!and |\d|(?-i:[A-Z]))| - | (?:because|since|so|but|although|though|while|which|if|"
    r"unless|as soon|"
    r"whenever|and (?:i|i'm|i've|it|it's|we|my|he|she|they|that|this))\b.*",
    re.I,
)
_WHEN = re.compile(
    r"\b(?:next|tomorrow|tonight|this (?:week|weekend|month|year|spring|summer|fall|autumn|winter|afternoon|evening)|"
    r"soon|"
    r"later this|in (?:a|one|two|three|four|five|six|\d+|a few) (?:days?|weeks?|months?|years?|hours?)|"
    r"(?:on|by|before|until|at) (?:the )?(?:\d|noon|midnight|" + w.either(w.DAYS) + r")|(?:on |by |in |this )?"
    + w.either(w.DAYS | (w.MONTHS - {"may", "mar", "sun"})) + r"\b|in may|20\d\d|at \d|\d(?: ?[ap]m| o'clock|:\d\d))",
    re.I,
)  # fmt: skip
_VAGUE = re.compile(
    r"^(?:have to|take (?:a look|care|it|note|my time|a break)|make (?:sure|it|a|the|some|up|them|me|your)|"
    r"get (?:back|it|the|some|to|this|going)|"
    r"see (?:what|if|how|it|this|you|where)|go (?:ahead|with|for|through|back|over|on|out and)|do (?:it|this|that|"
    r"my best|the|some)|"
    r"try (?:it|that|this|again|out|and)|use (?:it|this|that)|read it|keep|have (?:a|some|fun|so)|let|work on it|"
    r"start (?:by|with)|"
    r"check|run (?:it|this|the (?:code|test|tests|script|command|program))|write (?:it|this|that)|"
    r"watch it|play it|spend it|"
    r"give (?:it|this|that)|learn (?:how|more|about|what|why))\b",
    re.I,
)
_EVENT = re.compile(rf"\b{w.either(w.EVENTS)}\b", re.I)
_YOU = re.compile(r"\b(?:you|your|yours|u|ur)\b", re.I)
_UNSAID = re.compile(
    r"\b(?:it|them|him|her|his|their|these|those)\b|\b(?:that|this|one)$|\b(?:make|do) (?:that|this)\b|\bthis (?!year|month|week|weekend|summer|winter|spring|autumn|fall|morning|afternoon|evening|\w+day)",
    re.I,
)
_VERBS_OF = {gerund(verb): verb for verb in w.PLAN_VERBS}
MAX_WORDS = 16


def _act(text: str) -> str:
    """A verb phrase up to where the next statement begins; "" where it says nothing by itself."""
    match = _END.search(text)
    said = (text[: match.start()] if match else text).strip(" ,.'\"“”")
    if said.count(" ") >= MAX_WORDS or not said or _YOU.search(said) or _UNSAID.search(said):
        return ""
    return said if " " in said else ""


def _plain(said: str, verbs: frozenset[str]) -> list[Phrase]:
    verb = first_word(said)
    if verb not in verbs or _VAGUE.match(said):
        return []
    act = third_person(verb + said[len(verb) :])
    return [Phrase(act, act)]


def act(text: str) -> list[Phrase]:
    """After "plan to": any verb, but not "be" and "have to"."""
    said = _act(text)
    verb = first_word(said)
    if not said or not verb.isalpha() or verb in w.NOT_THINGS - {"do"} or _VAGUE.match(said):
        return []
    return [Phrase(third_person(said), third_person(said))]


def doing_act(text: str) -> list[Phrase]:
    """After "planning on": the verb of an -ing form."""
    verb, blank, rest = _act(text).partition(" ")
    base = _VERBS_OF.get(verb.lower())
    return _plain(base + blank + rest, w.PLAN_VERBS) if base else []


def dated_act(text: str) -> list[Phrase]:
    """After "I'm going to" or "I'll": only what has a time is a plan; the rest is talk."""
    said = _act(re.sub(r"^(?:also|definitely|probably|finally|be) (?=\w)", "", text))
    if not _WHEN.search(said):
        return []
    verb, blank, rest = said.partition(" ")
    base = _VERBS_OF.get(verb.lower(), verb)
    return _plain(base + blank + rest, w.PLAN_VERBS)


def journey(text: str) -> list[Phrase]:
    """After "going to": a place with a capital, or "a ...", and a time, as the plan to go there."""
    said = _act(text)
    starts = re.match(r"(?:the |my )?[^\W\d_a-z]|an? \w", said)
    return (
        [Phrase(f"go to {third_person(said)}", f"go to {third_person(said)}")] if starts and _WHEN.search(said) else []
    )


def removal(text: str) -> list[Phrase]:
    """After "moving": a place and a time, as the plan to move there."""
    return dated_act(f"move {text}") if re.match(r"to (?:the )?[^\W\d_a-z]", text) else []


def trip(text: str) -> list[Phrase]:
    """After "planning": a trip, party or the like, as the plan to have it."""
    said = _act(text)
    noun = (
        r"(?:an? |my |our |the )?(?:[\w'-]+ ){0,3}?(?:trip|vacation|holiday|wedding|party|getaway|honeymoon|"
        r"reunion|move|road trip|visit)\b"
    )
    return phrase(said) if re.match(noun, said, re.I) else []


def wish(text: str) -> list[Phrase]:
    """After "want to": a change in one's life, not what is wanted of the listener."""
    return _plain(_act(text), w.WISH_VERBS)


def decision(text: str) -> list[Phrase]:
    """After "decided": "to ..." or "not to ..."."""
    match = re.match(r"(?P<no>not )?to (?P<act>.+)", text, re.I)
    if match is None:
        return []
    return [
        Phrase(f"{match['no'] or ''}{each.key}", f"{match['no'] or ''}to {each.words}") for each in act(match["act"])
    ]


def own_rule(text: str) -> list[Phrase]:
    """After "I never": a habit of the list; the words are conjugated, the key is not."""
    found = _plain(_act(text), w.OWN_RULES)
    return [Phrase(each.key, conjugated(each.words)) for each in found]


def order(text: str) -> list[Phrase]:
    """A standing instruction, verb first, with or without "always" or "never"."""
    match = _END.search(text)
    said = (text[: match.start()] if match else text).strip(" ,.")
    verb = re.match(r"(?:please )?(?P<said>(?:(?:always|never|don't|do not|only) )?(?P<verb>[a-z]+) .+)", said, re.I)
    if verb is None or verb["verb"].lower() not in w.ORDERS or said.count(" ") > 20:
        return []
    instruction = third_person(verb["said"][0].lower() + verb["said"][1:])
    return [Phrase(instruction, instruction)]


def due(text: str) -> list[Phrase]:
    """An event of the list with its time: "a dentist appointment on Friday"."""
    match = _END.search(text)
    said = (text[: match.start()] if match else text).strip(" ,.")
    event = _EVENT.search(said)
    when = _WHEN.search(said, event.end()) if event else None
    if event is None or when is None or said.count(" ") >= MAX_WORDS or event.start() > 40:
        return []
    said = re.sub(r"^(.{0,60}?) (?:is|are|'s)(?: scheduled| booked| set)?(?: for)? ", r"\1 ", said, count=1)
    return phrase(said)


def noted(text: str) -> list[Phrase]:
    """What is to be remembered: something about the speaker, a name or "the ..."; not advice to the listener."""
    said = text.strip(" ,.:;!")
    first = first_word(said)
    own = first in ("i", "i'm", "im", "i've", "my", "our", "we", "we're", "we've", "the") or said[:1].isupper()
    idle = re.match(
        r"the (?:time|times|day|days|one|first|last|good|best|most|only|journey|key|old|night)\b", said, re.I
    )
    if (
        not own
        or idle
        or _YOU.search(said)
        or said.count(" ") < 2
        or first in (w.NOT_NAMES - {"my", "our", "the", "i", "i'm", "i've", "we"})
    ):
        return []
    told = third_person(said)
    return [Phrase(told, told)]
