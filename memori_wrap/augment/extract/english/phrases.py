"""Readers: what stands where a rule expects a place, a thing, a name. An empty answer stops the rule.

Each takes the raw rest of a clause, cuts off what does not belong (time, reasons, company) and refuses what cannot
be what the rule takes it for. Names and verb phrases have files of their own.
"""

from __future__ import annotations

import re

from memori_wrap.augment.extract.english import words as w
from memori_wrap.augment.extract.english.wording import gerund, third_person
from memori_wrap.augment.extract.grammar import Clause, Phrase

_SIDE = (
    r"because|cause|cuz|since|so|but|although|though|while|when|whenever|where|which|who|whose|until|till|unless|if|"
    r"and (?:i|i'm|i've|it|it's|we|my|he|she|they|that|this|was|is|am|then|now|so)|as|due to|thanks to|except|yet|plus"
)
_TIME = (
    r"now|right now|at the moment|at present|currently|these days|nowadays|today|tonight|tomorrow|yesterday|again|"
    r"already|still|recently|lately|anymore|any more|any longer|too|also|as well|a lot|a bit|very much|so much|lots|"
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
_TAIL = re.compile(rf"{_END}| (?:{_SIDE}|{_TIME})\b.*", re.I)
_LIST_TAIL = re.compile(rf"[;:!…(—–]|\.(?= |$)| - | (?:{_SIDE}|{_TIME})\b", re.I)
_COMPANY = re.compile(r" (?:with|for|to|from|on|in order|during|by|via|via|near|alongside)\b", re.I)
_ARTICLE = re.compile(r"^(?:an?|the|some|my|our|their|this|any) (?=.)", re.I)
_SECOND_PERSON = re.compile(r"\b(?:you|your|yours|yourself|u|ur|y'all)\b", re.I)
_SEPARATOR = re.compile(r", (?:and |or |but also )?| (?:and|or|&) (?:also )?| as well as ", re.I)
_SENTENCE_IN_IT = re.compile(
    r"(?:^| )(?:i|i'm|i've|i'll|we|he|she|they|is|are|was|were|has|had|that's|it's|can|could|would|will|makes?|made|"
    r"helps?|gives?|keeps?|got|did|does|do)(?: |$)",
    re.I,
)
_CAPITAL_INSIDE = re.compile(r"^the (?:\w+ )?[^\W\d_a-z]")
_NUMBER = re.compile(r"^(?:\d|one |two |three |four |five |six |seven |eight |nine |ten )", re.I)
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


# ---------------------------------------------------------------- things


def _is_thing(text: str) -> bool:
    count = text.count(" ") + 1
    if not text or count > MAX_THING_WORDS or first_word(text) in w.NOT_THINGS or _SENTENCE_IN_IT.search(text):
        return False
    lower = text.lower()
    if lower.startswith("the "):  # "the painting" points at something; "the sea", "the Beatles" stand for themselves
        return bool(_CAPITAL_INSIDE.match(text)) or bool(set(lower.split()[1:3]) & w.DEFINITE)
    return any(letter.isalnum() for letter in text)


def _listed(text: str) -> list[str]:
    """The items of an enumeration, or the whole where its parts are not of a kind."""
    whole = cut(text, _LIST_TAIL)
    quoted = re.match("“([^”]{1,120})”", text)
    if quoted:
        return [quoted[1].strip(" ,.;")]
    for pair in w.PAIRS:
        if pair in whole.lower():
            return [cut(text)]
    items = [item.strip(" ,.'\"“”") for item in _SEPARATOR.split(whole)]
    first = cut(text)
    if len(items) == 1:
        return [first]
    kept: list[str] = []
    for item in items:
        if not item or item.count(" ") >= 5 or not _is_thing(item):
            break
        kept.append(item)
    # "reading and drawing in my room": the last item may carry what belongs to all; that is left as it was said.
    return kept or [first]


def things(text: str, clause: Clause) -> list[Phrase]:
    """Whatever one can like, eat or be allergic to; enumerations give several."""
    return [each for item in _listed(text) if _is_thing(item) for each in phrase(item)]


def thing(text: str, clause: Clause) -> list[Phrase]:
    """As ``things``, but one."""
    quoted = re.match("“([^”]{1,120})”", text)
    item = quoted[1].strip(" ,.;") if quoted else cut(text)
    return phrase(item) if _is_thing(item) else []


def doing(text: str, clause: Clause) -> list[Phrase]:
    """The verb phrase after "like to", as a noun."""
    item = cut(text)
    if first_word(item) in w.NOT_THINGS or item.count(" ") >= MAX_THING_WORDS or _SENTENCE_IN_IT.search(item):
        return []
    return phrase(gerund(item)) if item[:1].isalpha() else []


def favorite_of(text: str, clause: Clause) -> list[Phrase]:
    """What something is the favourite of: "color", "kind of music"."""
    kind = text.lower()
    vague = ("part", "thing", "one", "ones", "bit", "moment", "memory", "scene", "time", "things", "parts", "who")
    return [] if kind.split()[-1] in vague or kind.count(" ") > 3 or _SENTENCE_IN_IT.search(kind) else phrase(kind)


# ---------------------------------------------------------------- what one has


def _head(item: str) -> str:
    """A noun phrase up to its first preposition or name."""
    match = re.search(
        r" (?:in|on|at|with|for|from|that|who|which|named|called|of|to|whose|here|parked|waiting|now)\b", item, re.I
    )
    return (item[: match.start()] if match else item).strip(" ,.")


def _singular(noun: str) -> str:
    return w.PLURALS.get(noun) or (noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun)


def _owned(item: str, kinds: frozenset[str], anywhere: bool) -> bool:
    """Whether the noun at the end is of a kind; of brands any word will do ("Honda Civic LX")."""
    parts = [part.strip(",.") for part in item.lower().split()]
    if not parts or len(parts) > 6:
        return False
    ends = [parts[-1], " ".join(parts[-2:]), *(parts if anywhere and item != item.lower() else ())]
    return any(end in kinds or _singular(end) in kinds for end in ends)


def _had(text: str, kinds: frozenset[str], anywhere: bool) -> list[Phrase]:
    found: list[Phrase] = []
    for raw in _SEPARATOR.split(cut(text, _LIST_TAIL)):
        item = _head(raw)
        item = re.sub(r"^(?:own|got|a new|brand[- ]new) (?=an? |two )", "", item)
        if not _owned(item, kinds, anywhere) or re.match(r"(?:no|to|your|his|her|their|the best|not) ", item, re.I):
            break
        found += phrase(item)
    return found


def owned(text: str, clause: Clause) -> list[Phrase]:
    """Animals, vehicles, homes, instruments, devices."""
    return _had(text, w.OWNED, anywhere=True)


def kin(text: str, clause: Clause) -> list[Phrase]:
    """Relatives without a name."""
    return _had(text, w.KIN, anywhere=False)


# ---------------------------------------------------------------- places, work, study


def _typed_small(clause: Clause) -> bool:
    """Whether the writer uses no capitals, but for "I"."""
    return not any(letter.isupper() for letter in clause.text.replace("I", ""))


def _place(text: str, clause: Clause, strict: bool) -> list[Phrase]:
    place = text
    # "Portland, Oregon" is one place: what follows the comma is kept where it is a capitalised end.
    match = re.match(r"([^\W\d_a-z][\w'.-]*(?: [^\W\d_a-z][\w'.-]*){0,3}), (?P<in>[^\W\d_a-z][\w.]+(?: [A-Z]\w+)?)(?=[.;!]|$)", text)
    place = f"{match[1]}, {match['in'].strip('.')}" if match else cut(text)
    place = cut(_COMPANY.split(place, maxsplit=1)[0])
    place = re.split(r" (?:and|or) (?![A-Z]\w+$)| (?:just|only|alone|all|at|that|like|right|outside|working|living)\b", place)[0]
    place = re.sub(r"(?: back)? (?:here|there|home)$", "", place)
    name = bare(place)
    if not name or name.count(" ") > 4 or first_word(name) in w.NOT_PLACES or not name[0].isalpha():
        return []
    article = first_word(place) if name != place else ""
    capital = any(part[0].isupper() for part in name.split() if part)
    if article not in ("", "the") or (article and not (capital or name.lower() in _KNOWN_WITH_THE)):
        return []
    if not capital and (strict and not _typed_small(clause) or name.count(" ") > 2):
        return []
    return phrase(place)


_KNOWN_WITH_THE = w.words("netherlands us usa uk united_states united_kingdom philippines bay_area bahamas maldives states")


def home(text: str, clause: Clause) -> list[Phrase]:
    """A place after "live in", where a small letter is common."""
    return _place(text, clause, strict=False)


def place(text: str, clause: Clause) -> list[Phrase]:
    """A place after words that take anything else too: capitals are needed, but from who uses none."""
    return _place(text, clause, strict=True)


def address(text: str, clause: Clause) -> list[Phrase]:
    """A postal address has a number."""
    said = re.split(r"[;!]|\.(?= |$)| and (?:i|my)\b", text)[0].strip(" ,.")
    return phrase(said) if any(letter.isdigit() for letter in said) and len(said) <= 120 else []


def employer(text: str, clause: Clause) -> list[Phrase]:
    """Who one works for."""
    said = cut(re.split(r" (?:with|from|doing|to|full[- ]time|part[- ]time|remotely)\b", cut(text))[0])
    name = bare(said)
    if not name or first_word(name) in w.NOT_EMPLOYERS or _NUMBER.match(name) or name.count(" ") > 6:
        return []
    return phrase(said)


def job(text: str, clause: Clause) -> list[Phrase]:
    """An occupation of the list, with what goes before it: "freelance graphic designer"."""
    said = re.split(r" (?:at|in|for|with|from|by|and|who|of|to|on)\b", cut(text))[0]
    name = bare(said)
    parts = name.lower().split()
    if not parts or len(parts) > 5 or not _owned(name, w.JOBS, anywhere=False):
        return []
    if parts[-1] == "student" and re.search(r"student (?:at|of) ", text, re.I):
        return []
    if parts[0] in ("good", "great", "bad", "terrible", "better", "pretty", "decent", "natural", "big", "huge", "horrible"):
        return []  # "I'm a terrible cook"
    return phrase(said)


def work(text: str, clause: Clause) -> list[Phrase]:
    """After "my job is": an occupation, or what one does."""
    said = cut(text)
    is_doing = re.match(r"[a-z]+ing \w", said, re.I) and first_word(said) not in ("going", "getting", "making", "being", "killing")
    return phrase(said) if is_doing and said.count(" ") <= 6 else job(text, clause)


def field_of_work(text: str, clause: Clause) -> list[Phrase]:
    said = re.split(r" (?:at|for|with|in|and|as)\b", cut(text))[0]
    said = re.sub(r" (?:industry|sector|field|business)$", "", bare(said), flags=re.I)
    return phrase(said) if said.lower() in w.FIELDS else []


def subject(text: str, clause: Clause) -> list[Phrase]:
    """What one studies."""
    said = cut(re.split(r" (?:at|in|for|with|to|on|from|online|right|full[- ]time)\b", cut(text))[0])
    refused = ("for", "at", "in", "abroad", "hard", "a", "the", "my", "late", "how", "online", "with", "harder", "all")
    if first_word(said) in refused or said.count(" ") > 3 or not _is_thing(said):
        return []
    return phrase(said)


def school(text: str, clause: Clause) -> list[Phrase]:
    said = cut(re.split(r" (?:to|with|for|full[- ]time|majoring|studying)\b", cut(text))[0])
    known = re.search(r"\b(?:university|college|school|academy|institute|uni|community)\b", said, re.I)
    capital = any(part[:1].isupper() for part in said.split())
    return phrase(said) if said and said.count(" ") <= 6 and (known or capital) and first_word(said) not in w.NOT_EMPLOYERS else []


def trait(text: str, clause: Clause) -> list[Phrase]:
    """A lasting trait of the list, at the end or before something that does not change it."""
    said = re.sub(r"^(?:an?|the) ", "", text, flags=re.I)
    match = _TRAIT.match(said)
    return phrase(match[1]) if match else []


_TRAIT = re.compile(
    rf"({w.either(w.TRAITS)})(?=$|[,;.!:]| (?:and|but|{_SIDE}|{_TIME}|person|woman|man|guy|girl|by)\b)(?! (?:and|&) (?:tired))", re.I
)


def languages(text: str, clause: Clause) -> list[Phrase]:
    found: list[Phrase] = []
    for raw in _SEPARATOR.split(cut(text, _LIST_TAIL)):
        item = re.sub(r"^(?:(?:a (?:little|bit)(?: of)?|some|fluent|basic|native|both|conversational|only|broken) )+", "", raw, flags=re.I)
        item = re.split(r" (?:fluently|at|with|well|natively|pretty|better|in)\b", item)[0].strip(" ,.")
        if item.lower() not in w.LANGUAGES:
            break
        found += phrase(item)
    return found


def played(text: str, clause: Clause) -> list[Phrase]:
    """Games, sports and instruments of the list."""
    found: list[Phrase] = []
    for raw in _SEPARATOR.split(cut(text, _LIST_TAIL)):
        item = re.split(r" (?:with|at|on|in|for|against)\b", raw)[0].strip(" ,.")
        if bare(item).lower() not in w.PLAYED:
            break
        found += phrase(item)
    return found


def activity(text: str, clause: Clause) -> list[Phrase]:
    """Yoga and the like, or an -ing form."""
    said = cut(_COMPANY.split(cut(text), maxsplit=1)[0])
    is_one = first_word(said) in w.ACTIVITIES or said.lower() in w.ACTIVITIES or re.match(r"[a-z]{2,}ing(?: \w+)*$", said, re.I)
    refused = ("nothing", "everything", "something", "anything", "being", "having", "thing", "bring", "going")
    return phrase(said) if is_one and first_word(said) not in refused and said.count(" ") <= 4 else []


def frequented(text: str, clause: Clause) -> list[Phrase]:
    """Where one goes again and again: only said with how often."""
    often = re.search(r" (?:every|each|on \w+days|once a|twice a|\w+ times a|regularly|weekly|daily)\b", text, re.I)
    return phrase(cut(text)) if often and cut(text).count(" ") <= 5 and _is_thing(bare(cut(text))) else []


def tool(text: str, clause: Clause) -> list[Phrase]:
    """A named tool: it has a capital somewhere, so "it", "a lot of" and "my hands" fall through."""
    said = cut(_COMPANY.split(cut(text), maxsplit=1)[0])
    named = re.match(r"(?:an? |the )?[^\W\d_a-z][\w.+#-]*(?: [^\W\d_a-z\s][\w.+#-]*| \d\w*){0,3}$", said)
    return phrase(said) if named and _is_thing(bare(said)) else []
