"""Readers: what stands where a rule expects a place, a thing, a name. An empty answer stops the rule.

Each takes the raw rest of a clause, cuts off what does not belong (time, reasons, company) and refuses what cannot
be what the rule takes it for. Places and work, names, and verb phrases have files of their own.
"""

from __future__ import annotations

import re

from memori_wrap.augment.extract.english import words as w
from memori_wrap.augment.extract.english.wording import gerund, third_person
from memori_wrap.augment.extract.grammar import Phrase

SIDE = (
    r"because|'?cause|cuz|since|so|but|although|though|while|when|whenever|where|which|who|whose|until|till|unless|if|"
    r"and (?:i|i'm|i've|it|it's|we|my|he|she|they|that|this|was|is|am|then|now|so)|as|due to|thanks to|except|yet|plus"
)
TIME = (
    r"now|here|right now|at the moment|at present|currently|these days|nowadays|today|tonight|tomorrow|yesterday|again|"
    r"already|still|btw|by the way|lol|haha|recently|lately|anymore|any more|any longer|too|also|as well|a lot|"
    r"a bit|very much|so much|lots|"
    r"a while|the most|most of all|more than anything|actually|instead|together|regularly|"
    r"every|each|once|twice|(?:one|two|three|four|five|six|\d+) times|several times|"
    r"(?:last|next|this) (?:week|month|year|weekend|spring|summer|fall|autumn|winter|morning|evening|night)|"
    r"for (?:a|the|about|over|almost|nearly|more|many|several|some|years|months|\d|one|two|three|four|five|six|seven|"
    r"eight|nine|ten|now|everything|work|fun|quite|most)|"
    r"(?:about |over |almost |around )?(?:a few|a couple of|\w+) (?:years?|months?|weeks?|days?) ago|"
    r"(?:in|on|from|until|by) (?:" + w.either(w.MONTHS - {"may", "mar", "sun"}) + r"|may\b(?! \w+ing)|"
    + w.either(w.DAYS) + r"s?|(?:19|20)\d\d|the (?:morning|evening|afternoon|weekend|future))"
)  # fmt: skip
_END = r"[,;:!…“”(—–]|\.(?= |$)| - "
_PAUSE = re.compile(_END)
_TAIL = re.compile(rf"{_END}| (?:{SIDE}|{TIME})\b.*", re.I)
LIST_TAIL = re.compile(rf"[;:!…(—–]|\.(?= |$)| - | (?:{SIDE}|{TIME})\b", re.I)
COMPANY = re.compile(r" (?:with|for|to|from|on|in order|during|by|via|via|near|alongside)\b", re.I)
_ARTICLE = re.compile(r"^(?:an?|the|some|my|our|their|this|any) (?=.)", re.I)
_SECOND_PERSON = re.compile(r"\b(?:you|your|yours|yourself|u|ur|y'all)\b", re.I)
SEPARATOR = re.compile(r", (?:and |or |but also )?| (?:and|or|&) (?:also )?| as well as ", re.I)
_SENTENCE_IN_IT = re.compile(
    r"(?:^| )(?:i|i'm|i've|i'll|we|he|she|they|is|are|was|were|has|had|that's|it's|can|could|would|will|makes?|made|"
    r"helps?|gives?|keeps?|got|did|does|do)(?: |$)",
    re.I,
)
_POINTING = re.compile(
    r"\b(?:this|these|those|it|him|her|them)\b|\b(?:of|to|in|at|on|with|for|about|like) that\b", re.I
)
# "clear, measurable goals": a comma between adjectives, not after a noun; what it is cut to would say nothing.
_ADJECTIVES = re.compile(
    r"^, (?!(?:and|but|or|like|which|so|because|especially|to|as|it|it's|they|since|even|not|can|could|how|what|you|"
    r"that|for|"
    r"with|at|in|on|who|when|where|though|although|more|rather|particularly|such|mostly|too|he|she|this|these|my|the|"
    r"a|an|"
    r"then|of|while|is|are|every|both|including|one|from|if|please|do|would|should|any|thanks)\b)[a-z-]+ [a-z]+"
)
_ADVERB = re.compile(r"^(?:also|just|really|both|all|especially|mostly|mainly|only|pretty much) (?=\w)", re.I)
_INSIDE = re.compile(r" (?:about|of|in|at|on|with|for|from|to|like|that|such)\b", re.I)
_CAPITAL_INSIDE = re.compile(r"^the (?:\w+ )?[^\W\d_a-z]")
NUMBER = re.compile(r"^(?:\d|one |two |three |four |five |six |seven |eight |nine |ten )", re.I)
MAX_THING_WORDS = 9


def cut(text: str, tail: re.Pattern[str] = _TAIL) -> str:
    """``text`` up to where something else begins."""
    match = tail.search(text)
    return (text[: match.start()] if match else text).strip(" ,.;:-'\"“”")


def bare(text: str) -> str:
    """Without its article: "a dog" and "the dog" are the same object of a triple."""
    return _ARTICLE.sub("", text)


def phrase(text: str) -> list[Phrase]:
    """One phrase for what was said, in the third person; none for an empty one or one about the listener."""
    if not text or _SECOND_PERSON.search(text):
        return []
    said = third_person(text)
    return [Phrase(third_person(bare(text)), said)]


def first_word(text: str) -> str:
    return text.split(" ", 1)[0].lower().strip(",.;:'\"“”")


def is_thing(text: str) -> bool:
    count = text.count(" ") + 1
    if (
        not text
        or text.lower() in ("the", "a", "an")
        or count > MAX_THING_WORDS
        or first_word(text) in w.NOT_THINGS
        or _SENTENCE_IN_IT.search(text)
    ):
        return False
    if _POINTING.search(text):  # "the taste of these" means nothing elsewhere
        return False
    lower = text.lower()
    if lower.startswith("the "):  # "the painting" points at something; "the sea", "the Beatles" stand for themselves
        return bool(_CAPITAL_INSIDE.match(text)) or bool(set(lower.split()[1:3]) & w.DEFINITE)
    return any(letter.isalnum() for letter in text)


def _listed(text: str) -> list[str]:
    """The items of an enumeration, or the whole where its parts are not of a kind."""
    whole = cut(text, LIST_TAIL)
    quoted = re.match("“([^”]{1,120})”", text)
    if quoted:
        return [quoted[1].strip(" ,.;")]
    for pair in w.PAIRS:
        if pair in whole.lower():
            return [cut(text)]
    items = [item.strip(" ,.'\"“”") for item in SEPARATOR.split(whole)]
    first = cut(text)
    if len(items) == 1 or (" and " not in whole and " or " not in whole and _ADJECTIVES.match(text[len(first) :])):
        return [] if _ADJECTIVES.match(text[len(first) :]) else [first]
    if not _parallel(items):
        return [cut(text, LIST_TAIL) if ", " not in whole else first]
    kept: list[str] = []
    for item in items:
        if not item or item.count(" ") >= 5 or not is_thing(item):
            break
        kept.append(item)
    # "reading and drawing in my room": the last item may carry what belongs to all; that is left as it was said.
    return kept or [first]


def _parallel(items: list[str]) -> bool:
    """Whether items stand side by side. In "books about growth and mindset" the second belongs to the first's end."""
    doing = [item.partition(" ")[0].endswith("ing") for item in items]
    loose = (" " in items[0] and doing[0]) or any(_INSIDE.search(item) for item in items[:-1])
    return all(doing) or not loose


def things(text: str) -> list[Phrase]:
    """Whatever one can like, eat or be allergic to; enumerations give several."""
    return [each for item in _listed(_ADVERB.sub("", text)) if is_thing(item) for each in phrase(item)]


def thing(text: str) -> list[Phrase]:
    """As ``things``, but one."""
    quoted = re.match("“([^”]{1,120})”", text)
    item = quoted[1].strip(" ,.;") if quoted else cut(text)
    return phrase(item) if is_thing(item) and not _ADJECTIVES.match(text[len(item) :]) else []


def doing(text: str) -> list[Phrase]:
    """The verb phrase after "like to", as a noun."""
    item = cut(text)
    alone = item.lower() in (
        "go",
        "get",
        "have",
        "take",
        "make",
        "try",
        "see",
        "use",
        "do",
        "watch",
        "talk",
        "keep",
        "give",
    )
    if (
        alone
        or first_word(item) in w.NOT_THINGS
        or _POINTING.search(item)
        or item.count(" ") >= MAX_THING_WORDS
        or _SENTENCE_IN_IT.search(item)
    ):
        return []
    return phrase(gerund(item)) if item[:1].isalpha() else []


def favorite_of(text: str) -> list[Phrase]:
    """What something is the favourite of: "color", "kind of music"."""
    kind = text.lower()
    vague = ("part", "thing", "one", "ones", "bit", "moment", "memory", "scene", "time", "things", "parts", "who")
    return (
        []
        if kind.split()[-1] in vague or kind.count(" ") > 3 or _POINTING.search(kind) or _SENTENCE_IN_IT.search(kind)
        else phrase(kind)
    )
