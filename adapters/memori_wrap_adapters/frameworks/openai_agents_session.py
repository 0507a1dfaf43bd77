"""``MemoriSession``: a conversation of the Agents SDK, item by item and exactly as given.

What a registered model's calls say is captured as messages, which hold texts and tool calls but not every field of an
item. A session has to give back the very items, so it keeps them beside that, as JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from agents.memory.session import SessionABC
from agents.memory.session_settings import SessionSettings

from memori_wrap.context import check_id
from memori_wrap.ids import new_id

if TYPE_CHECKING:
    from agents.items import TResponseInputItem

Namespace = tuple[str, ...]


class Items(Protocol):
    """Where JSON values are kept under an entity, a namespace and a key. Each method is one transaction."""

    def put(self, entity: str, namespace: Namespace, items: Sequence[tuple[str, Any]]) -> None:
        """Writes (key, value) pairs, all or none."""
        ...

    def list(self, entity: str, namespace: Namespace) -> Sequence[tuple[str, Any]]:
        """The pairs of exactly this namespace, in the order of their keys; each value equals the one that was put."""
        ...

    def delete(self, entity: str, namespace: Namespace, keys: Sequence[str]) -> int:
        """Deletes those keys; how many were there."""
        ...


class MemoriSession(SessionABC):
    """``Runner.run(agent, "...", session=MemoriSession("42", entity="alice", items=...))``.

    ``session_id`` names the conversation among those of ``entity``. ``settings``: the SDK's own, with how many items a
    run is shown. Raises ``ScopeError`` for an impossible id. Safe under threads and processes: what two of them add at
    the same time is in the order in which they began, and no item is popped twice.
    """

    session_settings: SessionSettings | None

    def __init__(self, session_id: str, *, entity: str, items: Items, settings: SessionSettings | None = None) -> None:
        self.session_id = check_id(session_id, "session_id")
        self._entity = check_id(entity, "entity")
        self._items = items
        self._namespace = ("openai_agents", session_id)
        self.session_settings = settings or SessionSettings()

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """The items, oldest first; of a limit, the newest so many."""
        if limit is None and self.session_settings is not None:
            limit = self.session_settings.limit
        found = [value for _, value in await self._list()]
        return found if limit is None else found[-limit:] if limit > 0 else []

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Appends items, all or none."""
        if items:
            # one key and a number: each new id is greater than the last one, but only within a process
            key = new_id()
            pairs = [(f"{key}-{n:06}", item) for n, item in enumerate(items)]
            await asyncio.to_thread(self._items.put, self._entity, self._namespace, pairs)

    async def pop_item(self) -> TResponseInputItem | None:
        """Takes the newest item out; None where there is none."""
        while pairs := await self._list():
            key, value = pairs[-1]
            if await asyncio.to_thread(self._items.delete, self._entity, self._namespace, [key]):
                item: TResponseInputItem = value
                return item
        return None

    async def clear_session(self) -> None:
        """Takes out all items."""
        keys = [key for key, _ in await self._list()]
        if keys:
            await asyncio.to_thread(self._items.delete, self._entity, self._namespace, keys)

    async def _list(self) -> Sequence[tuple[str, Any]]:
        return await asyncio.to_thread(self._items.list, self._entity, self._namespace)
