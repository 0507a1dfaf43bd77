"""``db upgrade`` and ``db check``."""

from __future__ import annotations

from memori_wrap.cli.options import database_url, open_memory
from memori_wrap.cli.screen import Screen
from memori_wrap.errors import MigrationNeeded
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
    screen.line(f"schema {HEAD} in {database_url(load_settings(), database)}")


def check(database: str | None, as_json: bool) -> int:
    settings, screen = load_settings(), Screen()
    given = database or settings.database
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
