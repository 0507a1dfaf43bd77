"""How a Chinese rule is written. Most hold of oneself and of one's people alike: ``both`` makes the two."""

from __future__ import annotations

import re

from memori_wrap.augment.extract.chinese.words import KIN, either
from memori_wrap.augment.extract.grammar import Rule

I = "(?:我们家|我们|我家|我这人|我这个人|我|本人|俺们|俺|咱们|咱|偶)"  # noqa: E741
TIME = (
    "(?:(?:刚刚|刚才|刚|昨天|昨晚|前天|大前天|今天|今早|上个?周末|上个?月|上个?星期|上周[一二三四五六日天]?|去年|前年|今年|最近|已经|终于|"
    "前几天|前两天|这个月|本周|周[一二三四五六日天]|[一二三四五六七八九十\\d]+月份?|[\\d]{4}年|毕业(?:后|以后)|下岗(?:后|以后)|退休(?:后|以后)|离职后)的?[，,]?){0,2}"
)
ADV = (
    "(?:现在|目前|一直|平时|最近|特别|非常|很|真的?|超级?|就|也|还|都|最|从小|其实|确实|一般|通常|十分|尤其|挺|蛮|今年|自己|本来|又|"
    "刚|已经|可|才|常年|长期|倒是|比较|总|老|只|仍然|依然|平常){0,3}"
)
ME = f"^{I}?{TIME}{I}?{ADV}"
"""Oneself, also unsaid: for verbs that nobody else is the subject of without being named."""
SELF = f"^{TIME}{I}{ADV}{TIME}"
THEIR = (
    f"^(?:{TIME})(?:(?:我们家|我们|我家|我|俺|咱)(?:们|家|的|那|现在的|现任)?|(?=孩子|老公|老婆|儿子|女儿|闺女|媳妇|男朋友|女朋友|男友|女友))(?P<rel>{either(KIN)})"
    f"(?P<who>(?:[小阿老大][㐀-鿿]|[㐀-鿿]{{2,3}}(?=今年))?)(?:她|他)?{ADV}{TIME}"
)


def rule(
    id: str,
    cues: str,
    pattern: str,
    kind: str,
    predicate: str,
    category: str,
    text: str,
    subject: str = "{s}",
    confidence: float = 0.85,
    ends: bool = False,
    unless: str | None = None,
    after: str | None = None,
) -> Rule:
    """``cues`` are characters."""
    return Rule(
        id=f"zh.{id}",
        cues=frozenset(cues.replace(" ", "")),
        pattern=re.compile(pattern),
        kind=kind,
        predicate=predicate,
        category=category,
        text=text,
        subject=subject,
        confidence=confidence,
        ends=ends,
        after=re.compile(after) if after else None,
        unless=re.compile(unless) if unless else None,
    )


def both(
    id: str, cues: str, tail: str, kind: str, predicate: str, category: str, text: str, me: str = SELF,
    unless: str | None = None, ends: bool = False,
) -> tuple[Rule, Rule]:  # fmt: skip
    """The rule of oneself, and of "my sister": ``tail`` follows the subject."""
    return (
        rule(id, cues, me + tail, kind, predicate, category, "{s}" + text, unless=unless, ends=ends),
        rule(f"their.{id}", cues, THEIR + tail, kind, predicate, "relationship", "{p}{rel}{who}" + text,
             subject="{s}的{rel}{who}", unless=unless, ends=ends),
    )  # fmt: skip
