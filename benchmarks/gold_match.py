# ruff: noqa: E501 (wide letters count twice)
"""When a predicted fact is a fact of the gold sets: the rules of ``gold/README.md``, and our predicates in its words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from memori_wrap.types import Fact

GROUPS = tuple(
    frozenset(group.split())
    for group in (
        "name nickname", "lives_in moved_to contact", "from born_in", "works_as works_at",
        "studies studies_at studied_at learning", "likes prefers favorite", "eats drinks diet habit",
        "plays can speaks learning likes", "uses owns has_pet", "habit goes_to member_of plays",
        "married_to partner_of engaged_to", "has_condition allergic_to body", "plans_to has_event did goes_to",
        "relative_of friend_of works_with", "rule prefers dislikes likes",
    )
)  # fmt: skip

MEANS: Mapping[str, str] = {
    "name": "name", "called": "nickname", "lives_in": "lives_in", "lives_at": "contact lives_in",
    "lives_with": "relative_of partner_of habit", "comes_from": "from", "born_in": "born_in", "works_at": "works_at",
    "works_as": "works_as", "works_in": "works_as", "studies": "studies", "studies_at": "studies_at",
    "studied": "studied_at", "age": "age", "birthday": "birthday", "email": "contact", "phone": "contact",
    "timezone": "lives_in", "pronouns": "pronouns", "speaks": "speaks",
    "is": "diet religion from has_condition body married_to works_as sibling_of -sibling_of habit", "likes": "likes",
    "dislikes": "dislikes", "prefers": "prefers", "favorite": "favorite", "has": "owns has_pet", "lacks": "-owns -has_pet -has_child",
    "has_relative": "RELATION", "named": "RELATION", "partner": "married_to partner_of engaged_to", "drinks": "drinks",
    "eats": "eats", "plays": "plays", "uses": "uses", "drives": "owns", "learns": "learning", "does": "habit",
    "goes_to": "goes_to", "appointment": "has_event", "anniversary": "has_event", "plans": "plans_to",
    "wants": "plans_to", "decided": "plans_to", "avoids": "-eats -drinks -habit", "never": "-habit -eats -drinks rule",
    "allergic_to": "allergic_to", "condition": "has_condition", "takes": "takes", "religion": "religion",
    "body": "body", "member_of": "member_of", "fears": "afraid_of", "can": "can", "cannot": "-can", "did": "did",
    "asks_to": "rule", "note": "rule has_event",
}  # fmt: skip
"""Our predicate to the gold's, "-" for negated; from the definitions of both. RELATION: by the word for the relation."""

RELATIONS: Mapping[str, str] = {
    "married_to": "wife husband spouse 老婆 妻子 媳妇 媳妇儿 老公 丈夫 先生 太太 爱人 对象",
    "partner_of": "partner girlfriend boyfriend 女朋友 男朋友 女友 男友 对象",
    "engaged_to": "fiance fiancee fiancé fiancée 未婚夫 未婚妻",
    "has_child": "child kid son daughter baby twin stepson stepdaughter 儿子 女儿 孩子 闺女 小孩 宝宝 娃",
    "has_parent": "mother mom mum mommy mama father dad daddy papa parent 妈 妈妈 母亲 老妈 爸 爸爸 父亲 老爸",
    "sibling_of": "sister brother sibling twin half-brother half-sister 哥 哥哥 姐 姐姐 弟 弟弟 妹 妹妹 双胞胎",
    "friend_of": "friend bestie buddy 朋友 闺蜜 好友 哥们 死党",
    "works_with": "boss manager supervisor colleague coworker co-worker lead mentor 老板 上司 领导 同事 经理 主管 搭档",
}
_ARTICLES = frozenset(
    [
        "a",
        "an",
        "the",
        "my",
        "your",
        "his",
        "her",
        "our",
        "their",
        "its",
        "i",
        "user",
        "and",
        "or",
        "of",
        "in",
        "at",
        "to",
        "for",
        "on",
        "with",
        "from",
        "by",
        "as",
        "is",
        "are",
        "am",
        "was",
        "be",
        "been",
        "this",
        "that",
        "some",
        "it",
        "they",
        "them",
        "he",
        "she",
        "we",
        "you",
    ]
)
_PREPOSITION = re.compile(r" (?:of|in|at|to|for|on|with|from|by|as|about|near) ")
_CHINESE = re.compile("[㐀-鿿]")
_INFLECTION = re.compile(r"(?<=\w{3})(?:ing|ed|es|s|e)$")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Claim:
    """A fact as the gold sets put it: ``predicates`` are what it may mean, with whether it is negated."""

    subject: str
    predicates: tuple[tuple[str, bool], ...]
    object: str
    ended: bool
    about_existence: bool = False


def predicted(fact: Fact, speaker: str | None) -> Claim:
    """Our fact in the gold's words."""
    subject = fact.triple.subject
    for own in ("user", speaker or "user"):
        if subject == own:
            subject = "user"
        subject = subject.removeprefix(f"{own}'s ").removeprefix(f"{own}的")
    means = MEANS[fact.triple.predicate]
    spoken = fact.triple.object
    if means == "RELATION":
        word = (spoken if fact.triple.predicate == "has_relative" else subject).lower()
        means = _relation(word)
        spoken = spoken if fact.triple.predicate == "has_relative" else f"{subject} {spoken}"
        subject = "user"
    if fact.triple.predicate == "favorite":
        subject = "user"
    pairs = tuple((name.removeprefix("-"), name.startswith("-")) for name in means.split())
    existence = fact.triple.predicate in ("named", "has_relative") or (
        fact.triple.predicate == "has" and fact.category == "relationship"
    )
    return Claim(subject, pairs, spoken, fact.ends, existence)


def _relation(word: str) -> str:
    means = [name for name, names in RELATIONS.items() if any(_is_word(each, word) for each in names.split())]
    return " ".join(means) or "has_pet relative_of"


def _is_word(relation: str, text: str) -> bool:
    return (
        relation == text.removeprefix("双胞胎").lstrip("大小二三")
        if _CHINESE.search(relation)
        else relation in text.split()
    )


def matches(claim: Claim, gold: Mapping[str, Any]) -> tuple[bool, bool]:
    """(lenient, strict): whether a prediction is this gold fact."""
    if not _same_subject(claim.subject, gold["subject"]) or not same_object(claim.object, gold["object"]):
        return False, False
    lenient = strict = False
    wanted = _positive(gold["predicate"], bool(gold.get("negated")))
    gold_off = wanted[1] or bool(gold.get("ended"))
    for pair in claim.predicates:
        name, negated = _positive(*pair)
        off = negated or claim.ended
        if off != gold_off:
            continue
        same_group = any(name in group and wanted[0] in group for group in GROUPS)
        if name == wanted[0]:
            lenient = True
            strict = strict or (negated, claim.ended) == (wanted[1], bool(gold.get("ended")))
        elif same_group and not _opposed(name, wanted[0]):
            lenient = True
    return lenient, strict


def _positive(predicate: str, negated: bool) -> tuple[str, bool]:
    return ("dislikes", False) if predicate == "likes" and negated else (predicate, negated)


def _opposed(one: str, other: str) -> bool:
    return "dislikes" in (one, other) and bool({one, other} & {"likes", "prefers", "favorite"})


def _same_subject(one: str, other: str) -> bool:
    if "user" in (one, other):
        return one == other
    if _CHINESE.search(one + other):
        return one in other or other in one or bool(_pairs(one) & _pairs(other))
    return bool(_content(one) & _content(other))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("'s", "")


def _content(text: str) -> set[str]:
    return {_INFLECTION.sub("", word) for word in _WORD.findall(_folded(text)) if word not in _ARTICLES}


def _head(text: str) -> str:
    words = [word for word in _WORD.findall(_PREPOSITION.split(_folded(text))[0]) if word not in _ARTICLES]
    return words[-1] if words else ""


def _pairs(text: str) -> set[str]:
    kept = "".join(_WORD.findall(_folded(text)))
    return {kept[at : at + 2] for at in range(len(kept) - 1)} or {kept}


def same_object(one: str, other: str) -> bool:
    if _CHINESE.search(one + other):
        a, b = ("".join(_WORD.findall(_folded(text))) for text in (one, other))
        if not a or not b:
            return False
        small, large = sorted((_pairs(a), _pairs(b)), key=len)
        return a in b or b in a or 2 * len(small & large) >= len(small)
    first, second = _content(one), _content(other)
    if not first or not second:
        return _folded(one) == _folded(other)
    return first <= second or second <= first or (_head(one) == _head(other) != "")
