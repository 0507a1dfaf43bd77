"""The plug of a store that is no SQL database: how it is found and opened, and where it says that it is."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from memori_wrap.protocols import Store


@runtime_checkable
class Located(Protocol):
    """A ``Store`` that outlives the process says where it is; then exchanges go to a journal while it is away."""

    @property
    def location(self) -> tuple[str, ...]:
        """What tells this database from every other, without its password, and stays: the journal is named after it.
        Empty for a store that ends with the process."""
        ...


class OpenStore(Protocol):
    """What opens a store that is no SQL database: an entry point in the group ``memori_wrap.stores``.

    Its name is a URL's scheme (``mongodb``), or the root package of what a user may hand over instead (``pymongo``).
    """

    def __call__(self, target: object, *, durability: str) -> Store:
        """``target``: the URL or the object. ``durability``: "normal", or "full" for what survives a power cut.

        Makes what the store needs to be there. Raises ``ConfigurationError`` and ``StoreError``.
        """
        ...
