"""``db upgrade`` and ``db check``."""

from __future__ import annotations

from memori_wrap.cli.options import database_url, is_plugged, open_memory
from memori_wrap.cli.screen import Screen
from memori_wrap.errors import ConfigurationError, MigrationNeeded
from memori_wrap.settings import load_settings
from memori_wrap.store.connect import connect
from memori_wrap.store.migrations import HEAD
from memori_wrap.store.schema import stored
from memori_wrap.store.session import Session

UNHEALTHY = 3


def upgrade(database: str | None) -> None:
    screen = Screen()
    with screen.busy("upgrading the tables"), open_memory(database, words_only=True):
        pass
    settings = load_settings()
    what = "opened:" if is_plugged(settings, database) else f"schema {HEAD} in"
    screen.line(f"{what} {database_url(settings, database)}")


def check(database: str | None, as_json: bool) -> int:
    settings, screen = load_settings(), Screen()
    given = database or settings.database
    if is_plugged(settings, database):
        raise ConfigurationError("db check is for SQL databases; this one gets what it needs whenever it is opened")
    session = Session(connect(given, settings.data_dir, settings.busy_timeout, settings.database_schema))
    try:
        found: str | None = stored(session)
    except MigrationNeeded as error:
        found = str(error)
    finally:
        session.close()
    if as_json:
        screen.json({"version": 1, "found": found, "wanted": HEAD})
    else:
        screen.line(f"found {found or 'none'}, wanted {HEAD}{'' if found == HEAD else ': memori-wrap db upgrade'}")
    return 0 if found == HEAD else UNHEALTHY
