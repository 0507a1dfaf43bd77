"""A message into the sentences that are its author's own, each with its exact place. Linear in the text.

Left out are fenced code, quoted lines (">") and blocks in ``<memory-...>`` tags, which this library itself put in.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

WINDOW = 32_768
"""Characters of a message that are looked at: who pastes more than that is not talking about themselves."""
MAX_SENTENCES = 200
MAX_LENGTH = 600
"""Longer sentences are skipped. No pattern sees more text than this, which bounds the work of each."""

_FOREIGN = re.compile(r"`{3,}|~{3,}|<memory-([\w-]{1,80})(?=[\s>])[^>\n]{0,200}>")
_MOST_FOREIGN = 200
"""Beginnings of blocks that are looked at; a message with more is treated as foreign from there on."""
_FOREIGN_BEGINS = ("```", "~~~", "<memory-")
_MARGIN = re.compile(r"(?:^|\n)[ \t]{0,3}$")
# An opening mark without its closing one reaches to the end of the line; after a digit it means inches.
_QUOTED = re.compile(r'(?<!\d)"[^"]*(?:"|$)|“[^”]*(?:”|$)|„[^“”]*(?:[“”]|$)|«[^»]*(?:»|$)|`[^`]*(?:`|$)')
_SINGLE = re.compile(
    r"(?<!\w)(?P<opens>['‘])(?!(?:cause|til|em|n|tis|twas|bout|round)\b)(?=\w)|(?<=[\w.,!?…])['’](?!\w)"
)
_ANY_QUOTE = re.compile('["“„«`]')
_SINGLE_REACH = 300
_STOP = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s|$)|[。！？]+[”」』）]*")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[^\W\d_]|mr|mrs|ms|dr|prof|sr|jr|st|mt|vs|etc|e\.g|i\.e|approx|dept|inc|ltd|co|[ap]\.m|u\.s|"
    r"u\.k)\.$",
    re.IGNORECASE,
)
_MARK = re.compile(r"[-*•–]\s+")
_SPACE = re.compile(r"\s+")
_SYMBOLS = re.compile("[☀-➿⬀-⯿️‍\U0001f000-\U0001faff]+")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "＇": "'", "´": "'", "“": '"', "”": '"'})


@dataclass(frozen=True, slots=True)
class Sentence:
    """``text`` stands at ``start`` of the message, character for character. ``line`` tells paragraphs apart.

    ``quoted`` holds the spans, within ``text``, that stand in quotation marks.
    """

    start: int
    text: str
    line: int
    quoted: tuple[tuple[int, int], ...] = ()


def sentences(message: str) -> Iterator[Sentence]:
    """The first ``MAX_SENTENCES`` sentences of the author's own, lazily."""
    count = 0
    for line_start, line_end in _own_lines(message[:WINDOW]):
        line = message[line_start:line_end]
        quoted = _quoted(line)
        for start, end in _split(line):
            yield Sentence(line_start + start, line[start:end], line_start, _within(quoted, start, end))
            count += 1
            if count == MAX_SENTENCES:
                return


def plain(sentence: Sentence) -> str:
    """The sentence as patterns read it: straight apostrophes, single blanks, symbols as ";", quotations in “ ”."""
    pieces: list[str] = []
    at = 0
    for start, end in sentence.quoted:
        inner = sentence.text[start:end].translate(_APOSTROPHES).strip("\"'„«»`")
        pieces += [sentence.text[at:start].translate(_APOSTROPHES), "“", inner, "”"]
        at = end
    pieces.append(sentence.text[at:].translate(_APOSTROPHES))
    return _SPACE.sub(" ", _SYMBOLS.sub(" ; ", "".join(pieces))).strip()


def _own_lines(text: str) -> Iterator[tuple[int, int]]:
    """The spans of lines outside of foreign blocks. An unclosed block reaches to the end."""
    at = 0
    for start, end in _foreign(text):
        yield from _unquoted(text, at, start)
        at = end
    yield from _unquoted(text, at, len(text))


def _unquoted(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for line_start, line_end in _lines(text, start, end):
        if not text[line_start:line_end].lstrip().startswith(">"):
            yield line_start, line_end


def _foreign(text: str) -> Iterator[tuple[int, int]]:
    """The spans of code fences and injected blocks, in order. ``find`` is a hundred times a pattern's speed."""
    at = 0
    found = {begin: text.find(begin) for begin in _FOREIGN_BEGINS}
    for _ in range(_MOST_FOREIGN):
        for begin, place in found.items():
            if 0 <= place < at:
                found[begin] = text.find(begin, at)
        start = min((place for place in found.values() if place >= 0), default=-1)
        if start < 0:
            return
        block = _FOREIGN.match(text, start)
        if block is None or (block[0][0] == "~" and not _MARGIN.search(text[max(0, start - 4) : start])):
            at = start + 1
            continue
        end = _closed(text, block)
        yield start, end
        at = end
    yield at, len(text)


def _closed(text: str, block: re.Match[str]) -> int:
    """Where a block ends: past its closing mark, of the same name, or with the text."""
    close = f"</memory-{block[1]}" if block[1] else block[0]
    place = text.find(close, block.end())
    if place < 0:
        return len(text)
    past = place + len(close)
    return max(past, text.find(">", past, past + 200) + 1) if block[1] else past


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        newline = text.find("\n", start, end)
        stop = end if newline < 0 else newline
        if stop > start:
            yield start, stop
        start = stop + 1


def _split(line: str) -> Iterator[tuple[int, int]]:
    """Spans of sentences within a line, trimmed, without list marks; those that are too long are left out."""
    start = 0
    for stop in _STOP.finditer(line):
        end = stop.end()
        mark = stop[0]
        if mark == "." and _ABBREVIATION.search(line, max(start, end - 12), end):
            continue
        if (
            mark[0] in ".…"
            and len(mark.rstrip("\"'”’»)]")) > 1 - (mark[0] == "…")
            and line[end : end + 2].strip().islower()
        ):
            continue  # a pause, not an end: "I live in ... Berlin" goes on, "I live in... well" too
        yield from _trimmed(line, start, end)
        start = end
    yield from _trimmed(line, start, len(line))


def _trimmed(line: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    text = line[start:end]
    kept = text.strip()
    if not kept or len(kept) > MAX_LENGTH:
        return
    start += len(text) - len(text.lstrip())
    end = start + len(kept)
    mark = _MARK.match(line, start, end)
    yield mark.end() if mark else start, end


def _quoted(line: str) -> list[tuple[int, int]]:
    """Spans in quotation marks, in order, not overlapping; single marks only where they are no apostrophes."""
    doubles = [match.span() for match in _QUOTED.finditer(line)] if _ANY_QUOTE.search(line) else []
    starts = [start for start, _ in doubles]
    singles: list[tuple[int, int]] = []
    opened = -1
    for match in _SINGLE.finditer(line):
        if match["opens"]:
            opened = match.start() if opened < 0 or match.start() - opened > _SINGLE_REACH else opened
        elif opened >= 0 and match.end() - opened <= _SINGLE_REACH:
            place = bisect_right(starts, opened)
            free_before = place == 0 or doubles[place - 1][1] <= opened
            if free_before and (place == len(doubles) or match.end() <= doubles[place][0]):
                singles.append((opened, match.end()))
            opened = -1
    return sorted(doubles + singles)


def _within(spans: list[tuple[int, int]], start: int, end: int) -> tuple[tuple[int, int], ...]:
    """The parts of ``spans`` that lie in a sentence, in its own coordinates."""
    first = max(0, bisect_right(spans, (start, start)) - 1)
    found: list[tuple[int, int]] = []
    for span_start, span_end in spans[first:]:
        if span_start >= end:
            break
        if span_end > start:
            found.append((max(span_start, start) - start, min(span_end, end) - start))
    return tuple(found)
