"""Text as it may be stored, compared and counted. Pure functions."""

from __future__ import annotations

import re
import unicodedata

_SPACE = re.compile(r"\s+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_WIDE = re.compile(r"[぀-ヿ㐀-鿿가-힯]")


def clean(text: str, limit: int) -> str:
    """``text`` as every database takes it: NUL and lone surrogates become U+FFFD, past ``limit`` it is cut.

    The cut is marked, with the number of characters left out, so that nobody takes the rest for the whole.
    """
    if len(text) > limit:
        text = f"{text[:limit]} […{len(text) - limit} characters left out]"
    return _UNSTORABLE.sub("�", text) if _UNSTORABLE.search(text) else text


def normal(text: str) -> str:
    """The form in which two texts count as the same: NFC, runs of white space as one blank, trimmed."""
    return unicodedata.normalize("NFC", _SPACE.sub(" ", text).strip())


def fold(text: str) -> str:
    """The form in which two facts count as the same: compatibility form, case folded, letters and digits only.

    Any script keeps its letters: folding to a-z0-9 would merge all Chinese facts into one.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in folded)
    return _SPACE.sub(" ", kept).strip() or _SPACE.sub(" ", folded).strip()


def tokens(text: str) -> float:
    """About how many model tokens a text takes: 1.3 a word, one a Chinese, Japanese or Korean character."""
    wide = len(_WIDE.findall(text))
    return wide + 1.3 * len((_WIDE.sub(" ", text) if wide else text).split())
