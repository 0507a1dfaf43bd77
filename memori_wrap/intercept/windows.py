"""Context windows: a block must never make a prompt too long that would have fitted without it.

Nobody tells how large a model's window is. So the provider's own refusal is what counts: the call is made again
without the block, and from then on no block is put where one like it did not fit.
"""

from __future__ import annotations

import re
from collections import OrderedDict

from memori_wrap.types import Request

_TOO_LONG = re.compile(
    r"context[_ ](length|window|size)|maximum (context|prompt) length|(prompt|input|request).{0,40}too (long|large)"
    r"|token count.{0,60}exceed|exceed.{0,60}(maximum|context|limit).{0,40}tokens|too many (input )?tokens"
    r"|input tokens exceed",
    re.IGNORECASE | re.DOTALL,
)
_STATUSES = (400, 413, 422)
MAX_MODELS = 100


def is_too_long(error: BaseException) -> bool:
    """Whether a provider's error says that the prompt does not fit the model's window."""
    status = getattr(error, "status_code", None) or getattr(error, "code", None) or _botocore_status(error)
    if isinstance(status, int) and status not in _STATUSES:
        return False
    return _TOO_LONG.search(str(error)[:2000]) is not None


def _botocore_status(error: BaseException) -> object:
    """Its errors keep the answer as a dict. AWS says "too many tokens" of a rate as well, with status 429."""
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata") if isinstance(response, dict) else None
    return metadata.get("HTTPStatusCode") if isinstance(metadata, dict) else None


def _size(request: Request) -> int:
    return sum(len(m.text) + sum(len(part.text) for part in m.parts) for m in request.messages)


class Windows:
    """By provider and model: the size of a prompt, in characters, that was too long with its block."""

    def __init__(self) -> None:
        self._limits: OrderedDict[tuple[str, str | None], int] = OrderedDict()

    def learn(self, label: str, request: Request, block: str) -> None:
        """Notes that this request with this block was refused."""
        key, size = (label, request.model), _size(request) + len(block)
        self._limits[key] = min(self._limits.get(key, size), size)
        while len(self._limits) > MAX_MODELS:
            self._limits.popitem(last=False)

    def has_room(self, label: str, request: Request, block: str) -> bool:
        """Whether nothing speaks against this block in this request."""
        if not self._limits:
            return True
        limit = self._limits.get((label, request.model))
        return limit is None or _size(request) + len(block) < limit
