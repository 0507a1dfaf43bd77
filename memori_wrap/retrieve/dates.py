"""The times that a question names, as spans: "in July 2023", "on 3 May", "yesterday", "two weeks ago", "4月10日"."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta, timezone

import numpy as np

from memori_wrap.retrieve.lexical import Floats

Span = tuple[float, float]
"""Start and end in seconds since 1970, UTC."""

FADES = 7 * 86400.0
"""Seconds after which a turn outside a span counts a third: what happened is often told some days later."""
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_NUMBER = {name: i for i, name in enumerate(_MONTHS, 1)} | {name[:3]: i for i, name in enumerate(_MONTHS, 1)}
_NUMBER["sept"] = 9
_COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "a few": 3}
_UNIT_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}

_month = r"(?P<month>" + "|".join(sorted(_NUMBER, key=len, reverse=True)) + r")\b\.?"
_day = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?\b"
_year = r"(?P<year>(?:19|20)\d\d)\b"
_PATTERNS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_year}[-/.年](?P<month>[01]?\d)[-/.月](?P<day>[0-3]?\d)",
        rf"\b{_year}年(?P<month>[01]?\d)月",
        r"(?P<month>[01]?\d)月(?P<day>[0-3]?\d)[日号]",
        rf"\b{_month}\s+{_day}(?!:)(?:,?\s+{_year})?",
        rf"\b{_day}\s+(?:of\s+)?{_month}(?:,?\s+{_year})?",
        rf"\b{_month},?\s+(?:of\s+)?{_year}",
        rf"\b(?:in|of|during|since|until|before|after|by|late|early|mid|this|last)[\s-]+{_month}(?!\s+\d)",
        rf"\b{_year}",
    )
]
_AGO = re.compile(
    r"\b(?P<count>\d{1,3}|a few|an?|one|two|three|four|five|six)\s+(?P<unit>day|week|month|year)s?\s+ago\b"
)
_LAST = re.compile(r"\b(?P<which>last|this|past|previous)\s+(?P<unit>day|week|month|year)\b")
_DAYS = {"today": 0, "yesterday": 1, "今天": 0, "昨天": 1, "前天": 2}
_LAST_WIDE = {"上周": "week", "上星期": "week", "上个月": "month", "去年": "year"}

_TIME_WORD = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|ago|last|next|since|(?:week|month|year)s?|weekend|(?:mon|tues|wednes|thurs|"
    r"fri|satur|sun)day|(?:19|20)\d\d|" + "|".join(name for name in _MONTHS if name not in ("march", "may")) + r")\b|"
    r"[今昨明前后]天|[上下本这]个?(?:周|星期|月)|[今去明]年|\d\s*[年月日点]|周[一二三四五六日]"
)
_ASKS_TIME = re.compile(
    r"\b(?:when|how long|how many (?:days|weeks|months|years)|(?:what|which) (?:date|day|week|month|year|time)|wann|"
    r"quand|cuándo|quando|wanneer|когда)\b|什么时候|何时|时间|几[点号月]|哪[天年]|多久|いつ"
)


def tells_time(text: str) -> bool:
    """Whether words for a time stand in the text, "yesterday" or "in 2022"; of a long text in its beginning."""
    return bool(_TIME_WORD.search(text[:2000].casefold()))


def asks_time(text: str) -> bool:
    """Whether the question is after a time."""
    return bool(_ASKS_TIME.search(text.casefold()))


def spans(text: str, now: datetime, first: float, last: float) -> list[Span]:
    """The spans that ``text`` names. A date without a year is meant in every year from ``first`` to ``last``."""
    out: list[Span] = []
    taken: list[tuple[int, int]] = []
    years = range(datetime.fromtimestamp(first, timezone.utc).year, datetime.fromtimestamp(last, timezone.utc).year + 1)
    for pattern in _PATTERNS:
        for found in pattern.finditer(text):
            if any(start < found.end() and found.start() < end for start, end in taken):
                continue
            taken.append(found.span())
            parts = found.groupdict()
            month, day = parts.get("month"), parts.get("day")
            number = (_NUMBER.get(month.casefold()) or int(month)) if month else None
            for year in [int(parts["year"])] if parts.get("year") else years:
                span = _calendar(year, number, int(day) if day else None)
                if span is not None:
                    out.append(span)
    return out + _relative(text.casefold(), now)


def _calendar(year: int, month: int | None, day: int | None) -> Span | None:
    try:
        start = datetime(year, month or 1, day or 1, tzinfo=timezone.utc)
    except ValueError:
        return None
    length = 1 if day else monthrange(year, month)[1] if month else 366 if monthrange(year, 2)[1] == 29 else 365
    return start.timestamp(), start.timestamp() + length * 86400.0


def _relative(text: str, now: datetime) -> list[Span]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    out: list[Span] = []
    for word, ago in _DAYS.items():
        if word in text:
            out.append(_around(midnight - timedelta(days=ago), 1))
    for found in _AGO.finditer(text):
        count = found["count"]
        days = _UNIT_DAYS[found["unit"]]
        back = min((_COUNTS.get(count) or int(count)) * days, 36500)
        out.append(_around(midnight - timedelta(days=back), days))
    units = [(found["which"], found["unit"]) for found in _LAST.finditer(text)]
    units += [("last", unit) for word, unit in _LAST_WIDE.items() if word in text]
    for which, unit in units:
        days = _UNIT_DAYS[unit]
        out.append(_around(midnight - timedelta(days=0 if which == "this" else days), days))
    return out


def _around(middle: datetime, days: int) -> Span:
    half = days // 2
    return (middle - timedelta(days=half)).timestamp(), (middle + timedelta(days=half + 1)).timestamp()


def nearness(said: Floats, named: list[Span]) -> Floats:
    """1 for a time within a span, fading outside; the best of all spans. Shape as ``said``."""
    best = np.zeros(len(said))
    for start, end in named:
        gap = np.maximum(0.0, np.maximum(start - said, said - end))
        np.maximum(best, np.exp(-gap / FADES), out=best)
    return best
