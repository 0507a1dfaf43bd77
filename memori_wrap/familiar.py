"""The names that users of Memori know, so that their examples run with the import line changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memori_wrap.errors import ConfigurationError

if TYPE_CHECKING:
    from memori_wrap.memory import Memori


class Llm:
    """``memori.llm.register(client)``: as ``Memori.register``, but it returns the ``Memori``."""

    def __init__(self, memori: Memori) -> None:
        self._memori = memori

    def register(self, client: Any = None, **named: Any) -> Memori:
        """``client``, or one of Memori's keyword names for it (``openai_chat=``, ``claude=``, ``chatopenai=`` ...)."""
        given = [c for c in (client, *named.values()) if c is not None]
        if not given:
            raise ConfigurationError("register() needs a client: memori.llm.register(OpenAI())")
        for c in given:
            self._memori.register(c)
        return self._memori


class Augmentation:
    """``memori.augmentation.wait(timeout)``."""

    def __init__(self, memori: Memori) -> None:
        self._memori = memori

    def wait(self, timeout: float | None = None) -> bool:
        """Until everything said so far is augmented; False where that took longer."""
        return bool(self._memori.flush(timeout))


class Storage:
    """``memori.config.storage.build()``."""

    def build(self) -> Storage:
        """Nothing is left to do: opening the database makes the tables."""
        return self


class Config:
    def __init__(self) -> None:
        self.storage = Storage()
