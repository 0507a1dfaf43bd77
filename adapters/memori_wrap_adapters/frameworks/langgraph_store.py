"""``MemoriStore``: LangGraph's store in the database of a ``Memori``.

Values under a namespace and a key, in a table of their own: what is put comes out equal. They are no part of what is
remembered of conversations, and only ``search(query=...)`` uses what recall is made of.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    get_text_at_path,
    tokenize_path,
)

from memori_wrap.context import check_id
from memori_wrap.itemstore import ItemChange, ItemPlace, Namespace, StoredItem

Entity = Callable[[Namespace], "str | None"]


class _Items(Protocol):
    def get(self, places: Sequence[ItemPlace], touch: Sequence[ItemPlace] = ()) -> Sequence[StoredItem | None]: ...
    def write(self, changes: Sequence[ItemChange]) -> None: ...
    def find(
        self,
        prefix: Namespace,
        limit: int,
        offset: int = 0,
        *,
        query: str | None = None,
        keep: Callable[[StoredItem], bool] | None = None,
        touch: bool = False,
    ) -> Sequence[tuple[StoredItem, float | None]]: ...
    def namespaces(self, prefix: Namespace = ()) -> Sequence[Namespace]: ...


class _Memory(Protocol):
    @property
    def items(self) -> _Items: ...


class MemoriStore(BaseStore):
    """``graph.compile(store=MemoriStore(mem))``.

    ``entity``: a function from a namespace to whose items are in it, so that ``mem.erase`` takes them away as well;
    for one namespace it always gives the same answer. ``fields``: which fields of a value a search with a question
    looks at, where ``put`` says nothing else: paths as LangGraph has them, "$" for the whole value. ``ttl``: as any
    store of LangGraph's; what has expired is never given out, and goes with the next ``put``.

    A batch reads before it writes. Raises ``StoreError``, ``ScopeError``; ``TypeError`` for a value that is no JSON.
    """

    supports_ttl = True

    def __init__(
        self,
        mem: _Memory,
        *,
        entity: Entity | None = None,
        fields: Sequence[str] = ("$",),
        ttl: TTLConfig | None = None,
    ) -> None:
        self._mem, self._entity = mem, entity
        self._fields = [(field if field == "$" else tokenize_path(field)) for field in fields]
        self.ttl_config = ttl

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        given = list(ops)
        items = self._mem.items
        results: list[Result] = [None] * len(given)
        gets = {n: op for n, op in enumerate(given) if isinstance(op, GetOp)}
        places = {n: self._place(op.namespace, op.key) for n, op in gets.items()}
        found = items.get(list(places.values()), [places[n] for n, op in gets.items() if op.refresh_ttl])
        for n, one in zip(gets, found, strict=True):
            results[n] = _item(one) if one is not None else None
        changes: list[ItemChange] = []
        for n, op in enumerate(given):
            if isinstance(op, SearchOp):
                results[n] = self._search(items, op)
            elif isinstance(op, ListNamespacesOp):
                results[n] = _listed(items, op)
            elif isinstance(op, PutOp):
                text = self._text(op) if op.value is not None else None
                changes.append(ItemChange(self._place(op.namespace, op.key), op.value, text, op.ttl))
            elif not isinstance(op, GetOp):
                raise TypeError(f"an operation that this store does not know: {type(op).__name__}")
        items.write(changes)
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        return await asyncio.to_thread(self.batch, list(ops))

    def _place(self, namespace: Namespace, key: str) -> ItemPlace:
        namespace = tuple(namespace)
        entity = self._entity(namespace) if self._entity is not None else None
        return ItemPlace(namespace, key, check_id(entity, "entity") if entity is not None else None)

    def _text(self, op: PutOp) -> str | None:
        """What is to be searched, a line for each text; None for nothing."""
        if op.index is False:
            return None
        paths = self._fields if op.index is None else [tokenize_path(path) for path in op.index]
        texts = [text for path in paths for text in _texts(op.value, path)]
        return "\n".join(texts) or None

    @staticmethod
    def _search(items: _Items, op: SearchOp) -> list[SearchItem]:
        wanted = op.filter

        def keep(one: StoredItem) -> bool:
            return all(_fits(one.value.get(key), value) for key, value in (wanted or {}).items())

        found = items.find(
            tuple(op.namespace_prefix),
            op.limit,
            op.offset,
            query=op.query,
            keep=keep if wanted else None,
            touch=op.refresh_ttl,
        )
        return [
            SearchItem(one.place.namespace, one.place.key, one.value, one.created_at, one.updated_at, score)
            for one, score in found
        ]


def _item(one: StoredItem) -> Item:
    return Item(
        value=one.value,
        key=one.place.key,
        namespace=one.place.namespace,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _texts(value: Any, path: Any) -> list[str]:
    if path == "$":
        return list(_strings(value))
    return [text for text in get_text_at_path(value, path) if text.strip()]


def _strings(value: Any) -> Iterable[str]:
    """All that is said anywhere in a value: a question is about that, and not about the names of its fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _strings(each)
    elif value is not None and not isinstance(value, bool):
        yield json.dumps(value, default=str)


# ---------------------------------------------------------------- filters


def _fits(value: Any, wanted: Any) -> bool:
    """A filter's value: equal, or what its operators say; of a nested one, what it names."""
    if isinstance(wanted, Mapping):
        if any(str(key).startswith("$") for key in wanted):
            return all(_compared(value, str(operator), operand) for operator, operand in wanted.items())
        return isinstance(value, Mapping) and all(_fits(value.get(key), each) for key, each in wanted.items())
    if isinstance(wanted, (list, tuple)):
        is_list = isinstance(value, (list, tuple)) and len(value) == len(wanted)
        return is_list and all(_fits(v, w) for v, w in zip(value, wanted, strict=True))
    return bool(value == wanted)


def _compared(value: Any, operator: str, operand: Any) -> bool:
    if operator in ("$eq", "$ne"):
        return bool(value == operand) is (operator == "$eq")
    if operator not in _ORDERS:
        raise ValueError(f"Unsupported operator: {operator}")
    pair = (value, operand) if isinstance(value, str) and isinstance(operand, str) else _numbers(value, operand)
    return pair is not None and _ORDERS[operator](*pair)


def _numbers(*given: Any) -> tuple[float, float] | None:
    """Texts of numbers count as numbers; None where one of them is none."""
    try:
        first, second = (float(one) for one in given)
    except (TypeError, ValueError):
        return None
    return first, second


_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": lambda a, b: a > b,
    "$gte": lambda a, b: a >= b,
    "$lt": lambda a, b: a < b,
    "$lte": lambda a, b: a <= b,
}


# ---------------------------------------------------------------- namespaces


def _listed(items: _Items, op: ListNamespacesOp) -> list[Namespace]:
    conditions = op.match_conditions or ()
    found = [n for n in items.namespaces(_known_prefix(conditions)) if all(_matches(c, n) for c in conditions)]
    if op.max_depth is not None:
        found = sorted({n[: op.max_depth] for n in found})
    return found[op.offset : op.offset + op.limit]


def _known_prefix(conditions: Iterable[MatchCondition]) -> Namespace:
    """The labels that all of them begin with, up to the first wildcard."""
    for condition in conditions:
        if condition.match_type == "prefix":
            path = condition.path
            return tuple(path[: path.index("*")] if "*" in path else path)
    return ()


def _matches(condition: MatchCondition, namespace: Namespace) -> bool:
    path = tuple(condition.path)
    if condition.match_type not in ("prefix", "suffix"):
        raise ValueError(f"Unsupported match type: {condition.match_type}")
    if len(namespace) < len(path):
        return False
    part = namespace[: len(path)] if condition.match_type == "prefix" else namespace[len(namespace) - len(path) :]
    return all(wanted in ("*", label) for wanted, label in zip(path, part, strict=True))
