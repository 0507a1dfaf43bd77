"""History: applications resend their whole conversation with every call; only what is new is stored.

Pure. Messages are compared by ``digest_of``: role, normalised text, tool ids.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

from memori_wrap.ids import digest
from memori_wrap.text import normal
from memori_wrap.types import Message, Origin

UNSTORED_ROLES = frozenset({"system", "developer"})
"""Instructions of the application are not part of what was said."""


def digest_of(message: Message) -> str:
    ids = sorted(p.id or "" for p in message.parts if p.kind in ("tool_call", "tool_result"))
    return digest(message.role, normal(message.text), message.speaker or "", *ids)


def is_storable(message: Message) -> bool:
    return message.role not in UNSTORED_ROLES and bool(message.text.strip() or message.parts)


def new_messages(
    stored: Sequence[tuple[str, str]], request: Sequence[tuple[str, str]], known: frozenset[str]
) -> list[tuple[int, Origin]]:
    """Which messages of a request are to be stored: (index, "live" or "history"), in order.

    ``stored``: the tail of the conversation as (role, digest), oldest first; ``request`` likewise, without what
    ``is_storable`` leaves out; ``known``: those digests of the request that the entity has anywhere.

    What follows the last message that aligns with the tail is live, and so is the last message of the user, but
    where the request only repeats it: to have it answered again, or to go on in a tool loop. What stands before
    and is unknown (examples, an imported history) is history; it is stored once and nothing is read out of it.
    """
    user = _last_user(request)
    first_live = _first_live(stored, request, user)
    out: list[tuple[int, Origin]] = []
    seen = set(known)
    for i, (_, mark) in enumerate(request):
        if i >= first_live:
            out.append((i, "live"))
        elif mark not in seen:
            seen.add(mark)
            out.append((i, "history"))
    return out


def _last_user(messages: Sequence[tuple[str, str]]) -> int:
    return next((i for i in range(len(messages) - 1, -1, -1) if messages[i][0] == "user"), -1)


def _first_live(stored: Sequence[tuple[str, str]], request: Sequence[tuple[str, str]], user: int) -> int:
    """Index of the first live message of the request; its length where nothing is new."""
    tail, asked = [mark for _, mark in stored], [mark for _, mark in request]
    if user < 0:
        return _after(tail, asked)
    if user < len(request) - 1 and (after := _after(tail, asked)) > user + 1:
        return after  # what came after the user's message is known: a tool loop goes on
    if _is_regeneration(stored, request, user):
        return len(request)
    before = _after(tail, asked[:user])
    # where nothing aligns, what stands before the user's message are examples or another program's history
    return before if before else user


def _is_regeneration(stored: Sequence[tuple[str, str]], request: Sequence[tuple[str, str]], user: int) -> bool:
    """The same request again: all of it is stored, and what it leaves out is just the reply to its last message."""
    if user == 0 or user != len(request) - 1:
        return False
    end = len(stored)
    while end and stored[end - 1][0] not in ("user", "tool"):
        end -= 1
    if end == len(stored) or not end or stored[end - 1] != request[user]:
        return False
    asked = [mark for _, mark in request[:user]]
    return len(list(_common([mark for _, mark in stored[: end - 1]], asked))) == len(asked)


def _after(tail: Sequence[str], asked: Sequence[str]) -> int:
    """One past the last index of ``asked`` that aligns with ``tail``."""
    return max((j for _, j in _common(tail, asked)), default=-1) + 1


def _common(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The longest common subsequence as index pairs, ascending.

    Hunt and Szymanski, CACM 20(5), 1977: O((r + n) log n) for r matching pairs, and messages seldom repeat.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for i in range(len(a) - 1, -1, -1):
        places[a[i]].append(i)
    ends: list[int] = []  # ends[k]: the smallest end in a of a common subsequence of length k + 1
    links: list[tuple[int, int, object]] = []
    for j, mark in enumerate(b):
        for i in places.get(mark, ()):
            k = bisect_left(ends, i)
            link = (i, j, links[k - 1] if k else None)
            if k == len(ends):
                ends.append(i)
                links.append(link)
            elif i < ends[k]:
                ends[k], links[k] = i, link
    chain: list[tuple[int, int]] = []
    node: object = links[-1] if links else None
    while isinstance(node, tuple):
        chain.append((node[0], node[1]))
        node = node[2]
    return reversed(chain)
