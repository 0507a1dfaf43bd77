"""What the commands share: their flags, opening a memory, showing where it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from memori_wrap.errors import ConfigurationError, MissingExtra, ScopeError

if TYPE_CHECKING:
    from memori_wrap.memory import Memori
    from memori_wrap.settings import Settings

DATABASE_FILE = "memori.db"
"""In the data directory, where no database is named."""

Database = Annotated[str | None, typer.Option("--database", metavar="URL", help="URL of the memory.")]
Entity = Annotated[str | None, typer.Option("--entity", "-e", help="Whose memory; else MEMORI_WRAP_ENTITY.")]
Process = Annotated[str | None, typer.Option("--process", help="Which agent or program.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable, ASCII only.")]

_PASSWORD = re.compile(r"(://[^:@/\s]*:)\S*@")
"""Up to the last "@": an unescaped one in a password must not show its second half."""
_SECRET = re.compile(
    r"([?&][^=&\s]*(?:pass|pwd|secret|token|key|credential|odbc_connect)[^=&\s]*=)[^&\s]*", re.IGNORECASE
)


def open_memory(database: str | None, *, words_only: bool = False, settings: Settings | None = None) -> Memori:
    """The memory that the flags, the environment and the file name. ``words_only``: the model stays on disk."""
    from memori_wrap.memory import Memori

    return Memori(database, embedder="none" if words_only else None, settings=settings)


def who(entity: str | None, settings: Settings) -> str:
    """The entity that is meant; ``ScopeError`` tells the flag."""
    from memori_wrap.context import check_id

    named = settings.entity if entity is None else entity
    if named is None:
        raise ScopeError("whose memory? Give --entity NAME or set MEMORI_WRAP_ENTITY")
    return check_id(named, "entity")


def database_url(settings: Settings, database: str | None = None) -> str:
    """Where the memory is, fit to be shown: without passwords and tokens."""
    return masked(database or settings.database or f"sqlite:///{settings.data_dir / DATABASE_FILE}")


def is_plugged(settings: Settings, database: str | None = None) -> bool:
    """Whether the memory is in no SQL database, but in one that an installed adapter opens."""
    from memori_wrap.stores import plug_for

    return plug_for(database or settings.database) is not None


def masked(url: str) -> str:
    """A URL without its secrets; what is none may be a secret itself."""
    return scrubbed(url) if "://" in url else "*** (not a URL)"


def scrubbed(text: str) -> str:
    """``text``, such as an error's, without the secrets of the URLs in it."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1***@", text))


def exit_code(error: Exception) -> int:
    """1: it failed; 2: it was asked for in a way that cannot be served."""
    is_usage = isinstance(error, (ConfigurationError, ScopeError)) and not isinstance(error, MissingExtra)
    return 2 if is_usage else 1
