# ruff: noqa: E501 (a pattern is read in one piece)
"""Readers for what lasts: illnesses, medicine, skills, groups, habits with their times, and deeds."""

from __future__ import annotations

import re

from memori_wrap.augment.extract.english import lists_more as more
from memori_wrap.augment.extract.english import words as w
from memori_wrap.augment.extract.english.habits import is_of
from memori_wrap.augment.extract.english.phrases import (
    LIST_TAIL,
    SEPARATOR,
    bare,
    cut,
    first_word,
    is_thing,
    phrase,
    things,
)
from memori_wrap.augment.extract.english.wording import third_person
from memori_wrap.augment.extract.grammar import Phrase

_CLAUSE = re.compile(
    r",(?!\d)|[;:!…(—–“]|(?<!\bst)\.(?= |$)| - | (?:because|since|so|but|although|though|while|when|before|after|which|who|if|unless|"
    r"and (?:i|it|it's|we|my|he|she|they|that|then))\b",
    re.I,
)
_OFTEN = re.compile(
    r"\b(?:(?:every|each) (?:single |other |second |third |few |\d )?(?:day|morning|evening|night|afternoon|week|weekend|month|year|hour|"
    r"spring|summer|autumn|fall|winter|lunch|" + w.either(w.DAYS | w.MONTHS) + r")s?|"
    r"(?:daily|weekly|monthly|nightly)(?=$| (?:at|in|with|for|to|before|after|on)\b)|(?:once|twice|\w+ times|\w+ \w+) an? (?:day|week|month|year|night)|"
    r"on (?:" + w.either(w.DAYS) + r")s(?: and \w+s)?|on weekends|at weekends|in the (?:mornings|evenings))\b",
    re.I,
)  # fmt: skip
_STRENGTH = re.compile(
    r"^(?:an? )?(?:(?:very|really|quite|rather|mild|severe|chronic|bad|terrible|slight|type \w+|stage \w+|early|"
    r"clinical|general|generalised|generalized|social|seasonal|rheumatoid|rare|serious|bit of|lot of) )*",
    re.I,
)
_UNSAID = re.compile(
    r"\b(?:it|them|him|her|this|these|those|that|you|your|something|anything|what|what's|how|each other)\b", re.I
)
_BODY = re.compile(
    r"(?P<o>\d{1,3}(?:[.,]\d{1,2})? ?(?:m|cm|metres|meters|ft|feet|foot)\b(?: \d{1,2}\b)?(?: inches)?(?: tall)?|"
    r"\d'\d{0,2}\"?(?: tall)?|\d{2,3} ?(?:kg|kilos|lbs|pounds|stone)\b)",
    re.I,
)
_TITLED = re.compile(
    r"(?:an? |the )?(?P<o>(?:head|director|chief|vice president|dean|treasurer|secretary|chair) of .+)", re.I
)


def illness(text: str) -> list[Phrase]:
    """Illnesses of the list or with an ending of theirs; an enumeration may give several."""
    found: list[Phrase] = []
    for raw in SEPARATOR.split(cut(text, LIST_TAIL)):
        item = re.split(r" (?:in|on|from|for|with|at|diagnosed|under)\b", raw)[0].strip(" ,.")
        kernel = _STRENGTH.sub("", item).lower()
        known = kernel in more.ILLNESSES or f"a {kernel}" in more.ILLNESSES or kernel.endswith(more.ILLNESS_ENDS)
        if not known or kernel.count(" ") > 3 or len(kernel) < 2 or re.match(r"(?:no|any|the|this) ", item, re.I):
            break
        found += phrase(item)
    return found


def medicine(text: str) -> list[Phrase]:
    found: list[Phrase] = []
    for raw in SEPARATOR.split(cut(text, LIST_TAIL)):
        item = re.sub(r"^(?:an? )?(?:daily|low-dose|low dose of|\d+ ?(?:mg|mcg|ml)(?: of)?) ", "", raw.strip(" ,."))
        item = re.split(r" (?:for|in|at|with|twice|once|daily|every|before|after|against)\b", item)[0]
        if item.lower() not in more.MEDICINES and not item.lower().endswith(more.MEDICINE_ENDS):
            break
        found += phrase(item)
    return found


def intolerance(text: str) -> list[Phrase]:
    return [Phrase(f"intolerant to {each.key}", f"intolerant to {each.words}") for each in phrase(cut(text))
            if is_thing(each.key)]  # fmt: skip


def observed(text: str) -> list[Phrase]:
    said = cut(text)
    return phrase(said) if said.lower() in more.OBSERVED or bare(said).lower() in more.OBSERVED else []


def faith(text: str) -> list[Phrase]:
    match = re.match(r"(?:an? )?(?P<o>[\w']+)(?=$|[,;.!]| (?:and|but|by|more)\b)", text)
    return phrase(match["o"]) if match and match["o"].lower() in more.FAITHS else []


def body(text: str) -> list[Phrase]:
    """Height or weight, with its unit."""
    match = _BODY.match(text)
    return [Phrase(match["o"], match["o"])] if match else []


def skill(text: str) -> list[Phrase]:
    """A verb of the list, with what it is done to."""
    said = re.split(r" (?:with|for|at|to|on|better|faster|well|pretty|really|if|too|anymore|n|and)\b", cut(text))[0]
    lower = said.lower()
    if re.search(r"\b(?:conclusions?|attention|lines?|blank|through|off|out|into|up|down|home|there|here)\b", lower):
        return []
    known = first_word(said) in more.SKILLS or lower in more.SKILLS
    return phrase(said) if known and said.count(" ") <= 4 and not _UNSAID.search(said) else []


def group(text: str) -> list[Phrase]:
    """A club, team, choir: something one belongs to."""
    said = re.split(r" (?:at|in|on|for|with|of|from|since|every|that|where|here|who)\b", cut(text))[0]
    vague = bare(said).lower() in ("group", "team", "society", "squad", "crew", "party", "new group", "new team")
    return phrase(said) if not vague and is_of(bare(said), more.GROUPS) and not _UNSAID.search(said) else []


def business(text: str) -> list[Phrase]:
    said = re.split(r" (?:in|on|at|with|near|for|from|that|which|called|named|where|out)\b", cut(text))[0]
    return phrase(f"running {said}") if is_of(bare(said), more.BUSINESSES) and not _UNSAID.search(said) else []


def taught(text: str) -> list[Phrase]:
    said = re.split(r" (?:at|in|to|for|on|and|with)\b", cut(text))[0]
    refused = _UNSAID.search(said) or first_word(said) in w.NOT_THINGS | {"my", "me", "people", "kids"}
    return phrase(f"teaching {said}") if said and not refused and said.count(" ") <= 4 else []


def occupation(text: str) -> list[Phrase]:
    """An occupation that no list has, by its ending, after an article; or "head of ..."."""
    said = re.split(r" (?:at|in|for|with|from|by|and|who|to|on)\b", cut(text))[0]
    titled = _TITLED.match(said)
    if titled and titled["o"].count(" ") <= 5:
        return phrase(titled["o"])
    match = re.match(r"(?:an?|the) (?P<o>(?:[\w-]+ ){0,3}(?P<last>[a-z-]+))(?: of .+)?$", said, re.I)
    last = match["last"].lower() if match else ""
    agent = re.search(r"(?:ers?|ors?|ists?|icians?|arians?|eers?|keepers?|wrights?|smiths?|ants?|men|man|woman)$", last)
    if not match or not agent or len(last) < 5 or last in more.NOT_AGENTS | w.KIN | w.JOBS | w.TRAITS | w.OWNED:
        return []
    if match["o"].split()[0].lower() in w.PRAISE | {"next", "only", "big", "slow", "fast", "light", "heavy", "real"}:
        return []
    return phrase(said)


def _is_task(said: str) -> bool:
    return not more.TASKS.isdisjoint(said.lower().split()) and "driving test" not in said.lower()


def habit(text: str) -> list[Phrase]:
    """A verb phrase with how often: "run 5k every morning"."""
    match = _CLAUSE.search(text)
    said = (text[: match.start()] if match else text).strip(" .")
    verb = first_word(said)
    often = _OFTEN.search(said)
    if not often or not verb.isalpha() or verb in more.NOT_HABITS or verb.endswith(("ed", "ing")) or often.start() == 0:
        return []
    if _is_task(said):
        return []
    if said[: often.start()].strip() in ("go", "do", "meet", "come", "talk", "speak", "try", "post"):
        return []
    return phrase(said) if said.count(" ") <= 12 and not _UNSAID.search(said) else []


def deed(text: str) -> list[Phrase]:
    """What was done: one of the listed verbs with something of one's own or with its article."""
    match = _CLAUSE.search(text)
    said = cut(text[: match.start()] if match else text).strip(" .")
    if _UNSAID.search(said) or said.count(" ") > 10 or first_word(said) not in more.DEEDS:
        return []
    if _is_task(said):
        return []
    if re.search(r" (?:the|an?|my|our|and|with|at|for|of|to|in|on)$", said):  # a quotation or the like was cut off
        return []
    if re.match(
        r"lost (?!my (?:job|wallet|passport|licence|license|hearing|sight|" + w.either(w.KIN | w.PETS) + r")\b)", said
    ):
        return []
    if re.match(r"(?:finished|completed|passed|submitted|recorded|built|planted) the\b", said):  # a task of the day
        return []
    own = re.match(r"\w+ (?:my|our|a|an|the|two|three|[A-Z0-9])\b|\w+ (?:my|our|from|[A-Z])", said)
    return phrase(said) if own else []


def negated_thing(text: str) -> list[Phrase]:
    """After "I don't have": something one may own, or a child, not a clue."""
    said = re.split(r" (?:to|in|at|with|for|on|that|of|yet|any)\b", cut(re.sub(r"^(?:an?|any) ", "", text)))[0]
    lasting = w.OWNED | w.KIN | {"licence", "license", "passport", "kids", "children", "pets", "tv", "television",
                                 "oven", "microwave", "dishwasher", "freezer", "siblings", "smartphone"}  # fmt: skip
    return phrase(said) if is_of(said, frozenset(lasting)) and not _UNSAID.search(said) else []


def person(text: str) -> list[Phrase]:
    """A person's name with its title."""
    match = re.match(r"(?:(?:Mr|Mrs|Ms|Dr|Prof)\.? )?[A-Z][\w'-]+(?: [A-Z][\w'-]+)?(?=$|[,;.! ])", text)
    return phrase(match[0]) if match and first_word(match[0]) not in w.NOT_NAMES else []


def food(text: str) -> list[Phrase]:
    """Foods and drinks of the lists: after "can't have" anything else may follow."""
    found: list[Phrase] = []
    for raw in SEPARATOR.split(cut(text, LIST_TAIL)):
        item = bare(raw.strip(" ,."))
        if item.lower() not in w.FOODS | w.DRINKS | more.ALLERGENS:
            break
        found += phrase(item)
    return found


def whole(text: str) -> list[Phrase]:
    """What the pattern has already found, up to the end of its statement."""
    said = re.split(r"[;!…—–]|\.(?= |$)| - ", text)[0].strip(" ,.")
    return phrase_of_orders(said) if said.count(" ") <= 24 else []


def phrase_of_orders(said: str) -> list[Phrase]:
    told = third_person(said)
    return [Phrase(told, told)] if told else []


def tongues(text: str) -> list[Phrase]:
    """Languages by their capital, where the list knows them not: "Galician"."""
    found: list[Phrase] = []
    for raw in SEPARATOR.split(cut(re.sub(r"\ba (?:little|bit)(?: of)? ", "", text, flags=re.I), LIST_TAIL)):
        item = re.sub(r"^(?:(?:some|fluent|basic|native|both|broken) )+", "", raw, flags=re.I)
        item = re.split(r" (?:fluently|at|with|well|natively|better|in|to)\b", item)[0].strip(" ,.")
        if not re.fullmatch(r"[A-Z][a-zâéíóôõ]{3,14}", item) or item.lower() in w.NOT_NAMES:
            break
        found += phrase(item) if item.lower() not in w.LANGUAGES else []
    return found


def title(text: str) -> list[Phrase]:
    """A post, by any name: "head of logistics"."""
    said = re.split(r" (?:at|in|with|last|this|on|and)\b", cut(text))[0]
    return phrase(said) if is_thing(bare(said)) else []


def peeve(text: str) -> list[Phrase]:
    """What annoys: people who do something, or a thing."""
    said = re.split(r"[,;.!(—–]", text)[0].strip()
    return phrase(said) if said.count(" ") <= 8 and first_word(said) not in w.NOT_THINGS else []


def supported(text: str) -> list[Phrase]:
    """A club or firm, by its capitals."""
    name = re.search(r"(?:^| )((?:[A-Z][\w.&-]+ ?)+)$", text)
    return phrase(name[1].strip()) if name and first_word(name[1]) not in w.NOT_NAMES else []


def late_pet(text: str) -> list[Phrase]:
    """An animal that died, with its name: "cat Pixel"."""
    return phrase(text) if first_word(text) in w.PETS and text.count(" ") <= 2 else []


def expected(text: str) -> list[Phrase]:
    """A child that is expected, with its time."""
    said = re.split(r"[;,!(—–]|\.(?= |$)", text)[0].strip()
    return phrase(said) if re.search(r"\b(?:baby|child|twins|boy|girl|son|daughter|grandchild)\b", said) else []


def happened(text: str) -> list[Phrase]:
    """What befell somebody, up to the next statement."""
    match = _CLAUSE.search(text)
    said = (text[: match.start()] if match else text).strip(" .")
    return phrase(said) if said.count(" ") <= 8 else []


def allergens(text: str) -> list[Phrase]:
    """What one is allergic to, but in jest."""
    return [each for each in things(text) if each.key.lower() not in more.JOKED_ALLERGENS]
