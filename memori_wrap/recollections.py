"""What ``recall`` returns: a sequence that can put itself into a prompt and explain itself."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import overload

from memori_wrap import prompt
from memori_wrap.types import Recollection


class Recollections(Sequence[Recollection]):
    """Best first."""

    def __init__(self, items: Sequence[Recollection], key: bytes) -> None:
        self._items = tuple(items)
        self._key = key

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, at: int) -> Recollection: ...
    @overload
    def __getitem__(self, at: slice) -> Recollections: ...
    def __getitem__(self, at: int | slice) -> Recollection | Recollections:
        return Recollections(self._items[at], self._key) if isinstance(at, slice) else self._items[at]

    def to_prompt(self, max_tokens: int = 1000) -> str:
        """The fenced block that a registered client would send, of about ``max_tokens``; "" where nothing fits."""
        return prompt.block(self._items, self._key, max_tokens) or ""

    def explain(self) -> str:
        """A line for each: its score, the parts that it is the sum of, and the text."""
        return "\n".join(
            f"{r.score:.3f} = {' + '.join(f'{name} {part:.3f}' for name, part in r.why.items()) or '0'}"
            f"  [{r.said_at:%Y-%m-%d} {r.speaker or '-'}, {r.kind}] {r.text[:100]}"
            for r in self._items
        )

    def __repr__(self) -> str:
        return f"<Recollections: {len(self._items)}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{r.score:.3f}</td><td>{r.said_at:%Y-%m-%d}</td><td>{html.escape(r.speaker or '')}</td>"
            f"<td>{html.escape(r.text)}</td></tr>"
            for r in self._items
        )
        return f"<table><tr><th>score</th><th>said</th><th>by</th><th>text</th></tr>{rows}</table>"
