"""Memory blocks that a recall tool has put into a conversation."""

from __future__ import annotations

import re

_BLOCK = re.compile(r"<memory-([0-9a-f]{16})>\n.*?\n</memory-\1>", re.DOTALL)


def without(text: str) -> str:
    """What a tool said, without memory blocks in it: what is remembered must not be remembered once more."""
    return _BLOCK.sub("", text).strip() if "<memory-" in text else text
