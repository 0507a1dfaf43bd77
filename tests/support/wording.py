"""An extractor's words: a fact is worded anew each time, as a model would, so that a second result is a second fact."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable

from memori_wrap.types import Fact, StoredMessage, Triple

_MARK = " / "


def worded_anew(message: StoredMessage) -> Iterable[Fact]:
    if message.role == "user":
        words = f"{message.text}{_MARK}{uuid.uuid4()}"
        yield Fact(words, message.text, Triple("user", "said", words), category="said", rule="scripted")


def results(facts: Iterable[str]) -> Counter[str]:
    """How many results there are for each text that was said."""
    return Counter(text.split(_MARK)[0] for text in facts)
