"""``MemoriSession``: a conversation of the Agents SDK, item by item and exactly as given.

What a registered model's calls say is captured as messages, which hold texts and tool calls but not every field of an
item. A session has to give back the very items, so they are kept beside that, as items of the memory's database.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from agents.memory.session import SessionABC
from agents.memory.session_settings import SessionSettings

from memori_wrap.context import check_id
from memori_wrap.ids import new_id
from memori_wrap.itemstore import ItemChange, ItemPlace, Namespace, StoredItem

if TYPE_CHECKING:
    from agents.items import TResponseInputItem


class _Items(Protocol):
    def write(self, changes: Sequence[ItemChange]) -> None: ...
    def find(self, prefix: Namespace, limit: int) -> Sequence[tuple[StoredItem, float | None]]: ...


class _Memory(Protocol):
    @property
    def items(self) -> _Items: ...


class MemoriSession(SessionABC):
    """``Runner.run(agent, "...", session=MemoriSession(mem, "42", entity="alice"))``.

    ``session_id`` names the conversation among those of ``entity``, with whom it is erased. ``settings``: the SDK's
    own, such as how many items a run is shown. Several sessions with one id are one conversation, in any thread or
    process; but two that pop at the same time may get the same item. Raises ``ScopeError`` for an impossible id,
    ``StoreError``, and ``TypeError`` for an item that is no JSON.
    """

    session_settings: SessionSettings | None

    def __init__(self, mem: _Memory, session_id: str, *, entity: str, settings: SessionSettings | None = None) -> None:
        self._mem = mem
        self.session_id = check_id(session_id, "session_id")
        self._entity = check_id(entity, "entity")
        self._namespace = (f"openai_agents:{entity}", session_id)
        self.session_settings = settings or SessionSettings()

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """The items, oldest first; of a limit, the newest so many."""
        if limit is None and self.session_settings is not None:
            limit = self.session_settings.limit
        found = [one.value["item"] for one in await self._stored()]
        if limit is None:
            return found
        return found[-limit:] if limit > 0 else []

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Appends items, all or none."""
        first = new_id()  # ids of one process sort in its order, those of several by the clock
        places = (self._place(f"{first} {n:06}") for n in range(len(items)))
        await self._write([ItemChange(p, {"item": item}) for p, item in zip(places, items, strict=True)])

    async def pop_item(self) -> TResponseInputItem | None:
        """Takes the newest item out; None where there is none."""
        stored = await self._stored()
        if not stored:
            return None
        await self._write([ItemChange(stored[-1].place, None)])
        item: TResponseInputItem = stored[-1].value["item"]
        return item

    async def clear_session(self) -> None:
        """Takes out all items."""
        await self._write([ItemChange(one.place, None) for one in await self._stored()])

    def _place(self, key: str) -> ItemPlace:
        return ItemPlace(self._namespace, key, self._entity)

    async def _stored(self) -> list[StoredItem]:
        def find() -> Any:
            return self._mem.items.find(self._namespace, sys.maxsize)

        return sorted((one for one, _ in await asyncio.to_thread(find)), key=lambda one: one.place.key)

    async def _write(self, changes: Sequence[ItemChange]) -> None:
        if changes:
            await asyncio.to_thread(lambda: self._mem.items.write(changes))
