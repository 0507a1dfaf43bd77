"""Settings: argument > environment (``MEMORI_WRAP_*``) > TOML file > default."""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from memori_wrap.errors import ConfigurationError

PREFIX = "MEMORI_WRAP_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"

log = logging.getLogger(__name__)


def config_file() -> Path:
    """The TOML file: ``MEMORI_WRAP_CONFIG``, else ``config.toml`` in the user's configuration directory."""
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else platformdirs.user_config_path("memori_wrap") / "config.toml"


class Settings(BaseSettings):
    """Times are in seconds, sizes in bytes unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, env_ignore_empty=True)

    database: str | None = Field(
        default=None, description="SQLAlchemy URL, or mongodb://...; none: SQLite in the data directory"
    )
    database_schema: str | None = Field(default=None, description="PostgreSQL's schema for our tables; it is made")
    data_dir: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("memori_wrap"), description="database and journal live here"
    )
    entity: str | None = Field(default=None, description="who is meant where nobody is named")
    process: str | None = Field(default=None, description="which agent or program, where none is named")
    attribution_on_threads: Literal["refuse", "allow"] = "refuse"
    session_timeout: float = Field(
        default=1800, gt=0, description="a conversation without a session id ends after this pause"
    )

    recall_budget: float = Field(default=0.3, ge=0, description="what a call waits for its memories at most")
    capture_budget: float = Field(default=0.05, ge=0, description="what a call waits for the acknowledgement at most")
    inject_limit: int = Field(default=10, ge=0, description="memories put into a prompt at most; 0 never injects")
    inject_tokens: int = Field(default=1000, ge=0, description="tokens put into a prompt at most")

    embedder: str = Field(
        default="auto",
        description='an installed embedder, "name:model", "process:name", "none", or "auto": what is there',
    )
    index: str = Field(default="auto", description='an installed vector index; "auto": one in memory, FAISS')
    index_url: str | None = Field(
        default=None, description="where an index past this process is; none: the database, for pgvector"
    )
    extractor: str = Field(default="rules", description='an installed extractor or "none"')
    workers: int = Field(
        default=1, ge=0, le=32, description="augmentation threads; 0 leaves the work to other processes"
    )
    lease: float = Field(
        default=5.0, gt=0, description="a job whose worker gave no sign of life for so long is taken over"
    )
    max_attempts: int = Field(default=5, ge=1, description="after so many failures a job is dead")

    durability: Literal["normal", "full"] = Field(
        default="normal", description="full: SQLite and MongoDB survive a power cut, too"
    )
    busy_timeout: float = Field(default=5.0, ge=0, description="how long SQLite waits for another writer")
    max_message_chars: int = Field(default=16_000_000, ge=1000, description="longer messages are cut, and say so")
    queue_items: int = Field(default=10_000, ge=1, description="exchanges waiting for the database at most")
    queue_bytes: int = Field(default=256_000_000, ge=1_000_000, description="their text")
    cache_bytes: int = Field(default=512_000_000, ge=1_000_000, description="entities kept warm in memory")
    exit_timeout: float = Field(
        default=1.0, ge=0, description="what the end of the program waits for pending work at most"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings  # one way to say a thing: the environment or the file
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file())


def load_settings(given: Settings | Mapping[str, Any] | None = None) -> Settings:
    """The effective settings; raises ``ConfigurationError`` naming the variable or key of a bad value."""
    if isinstance(given, Settings):
        return given
    _warn_unknown()
    try:
        return Settings(**dict(given or {}))
    except ValidationError as error:
        raise ConfigurationError("; ".join(_explain(e, given or {}) for e in error.errors())) from error
    except ValueError as error:  # a TOML file that does not parse, a number that is none
        raise ConfigurationError(f"{config_file()}: {error}") from error
    except OSError as error:  # the home directory of another user, which sudo may leave in HOME
        raise ConfigurationError(f"{config_file()} cannot be read ({error.strerror}): set {CONFIG_VARIABLE}") from error


def origins(given: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Where each setting comes from: "argument", the name of the variable, the TOML file's path or "default"."""
    # as pydantic-settings reads them: in any case, and an empty variable counts as absent
    variables = {name.upper(): name for name, value in os.environ.items() if value}
    file = config_file()
    in_file = TomlConfigSettingsSource(Settings, toml_file=file)()
    return {
        name: "argument"
        if name in (given or {})
        else variables.get(PREFIX + name.upper()) or (str(file) if name in in_file else "default")
        for name in Settings.model_fields
    }


def _explain(error: Any, given: Mapping[str, Any]) -> str:
    name = str(error["loc"][0]) if error["loc"] else "settings"
    variable = PREFIX + name.upper()
    where = (
        f"settings[{name!r}]" if name in given else variable if variable in os.environ else f"{name} in {config_file()}"
    )
    hint = _nearest(name, list(Settings.model_fields)) if error["type"] == "extra_forbidden" else ""
    return f"{where}: {error['msg']}{hint}"


def _warn_unknown() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            log.warning("unknown variable %s%s", name, _nearest(name, sorted(known)))


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
