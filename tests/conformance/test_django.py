"""Django's connection as ``conn``, each backend in a process of its own: Django's settings are the process's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.support.handover import python
from tests.support.servers import MARIADB, POSTGRESQL, fresh_database

DJANGO = """
import sys, json, django
from django.conf import settings
settings.configure(DATABASES={"default": json.loads(sys.argv[1])}, USE_TZ=True)
django.setup()
from django.db import connection, connections, transaction
from memori_wrap import ConfigurationError, Memori

def remembers(conn, text):
    with Memori(conn, embedder="none", extractor="none") as mem:
        mem.add(text, entity="alice")
        assert text in [r.text for r in mem.recall(text, entity="alice")], text

remembers(connection, "one 🎉")
remembers(connections["default"], "two 🎉")
remembers(lambda: connection, "three 🎉")
with transaction.atomic():  # the request's own transaction, rolled back: what was said was said
    if connection.vendor != "sqlite":  # a writer at a time there
        with connection.cursor() as cursor:
            cursor.execute("create table own_table (n int)")
        remembers(connection, "four 🎉")
    transaction.set_rollback(True)
with connection.cursor() as cursor:
    cursor.execute("select text from memori_wrap_conversation_message order by id")
    print([row[0] for row in cursor.fetchall()])
try:
    Memori(connections, embedder="none", extractor="none")
except ConfigurationError as error:
    assert 'connections["default"]' in str(error), error
else:
    raise AssertionError
"""


def django_config(url: sa.URL, engine: str, **options: Any) -> dict[str, Any]:
    return {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": url.database,
        "USER": url.username or "",
        "PASSWORD": url.password or "",
        "HOST": url.host or "",
        "PORT": str(url.port or ""),
        "OPTIONS": options,
    }


def check(config: dict[str, Any], words: int, before: str = "") -> None:
    done = python(before + DJANGO, json.dumps(config))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str([f"{word} 🎉" for word in ("one", "two", "three", "four")[:words]])


def test_sqlite(tmp_path: Path) -> None:
    options = {"timeout": 3, "init_command": "PRAGMA foreign_keys=ON", "transaction_mode": "IMMEDIATE"}
    check(django_config(sa.make_url(f"sqlite:///{tmp_path}/m.db"), "sqlite3", **options), 3)


def test_postgresql() -> None:
    options = {"connect_timeout": 9, "pool": False, "server_side_binding": True, "assume_role": "postgres"}
    with fresh_database(POSTGRESQL) as url:
        check(django_config(sa.make_url(url), "postgresql", **options), 4)


def test_mysql() -> None:
    posing = "import pymysql; pymysql.version_info = (2, 2, 1, 'final', 0); pymysql.install_as_MySQLdb()\n"
    with fresh_database(MARIADB) as url:
        config = django_config(sa.make_url(url), "mysql", charset="utf8mb4", isolation_level="read committed")
        check(config, 4, posing)


def test_in_memory() -> None:
    """As Django's test runner has it."""
    code = DJANGO[: DJANGO.index("def remembers")] + "Memori(connection, embedder='none', extractor='none')"
    for name in (":memory:", "file:memorydb_default?mode=memory&cache=shared"):
        done = python(code, json.dumps({"ENGINE": "django.db.backends.sqlite3", "NAME": name}))
        assert "ConfigurationError" in done.stderr
        assert 'Memori("memory://")' in done.stderr
