"""What an adapter asks of the ``Memori`` that its user hands to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

C = TypeVar("C")


class Recalled(Protocol):
    """What ``recall`` returns."""

    def to_prompt(self, max_tokens: int = 1000) -> str: ...


class Memory(Protocol):
    """A ``memori_wrap.Memori``."""

    def register(
        self,
        client: C,
        *,
        entity: Callable[[], str | None] | str | None = None,
        process: str | None = None,
        session: str | None = None,
    ) -> C: ...

    async def arecall(self, query: str, limit: int = 10, **options: Any) -> Recalled: ...
