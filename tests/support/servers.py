"""Databases of real servers for tests: a fresh one each, dropped afterwards."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

POSTGRESQL = os.environ.get("TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
MARIADB = os.environ.get("TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306/test")


@contextmanager
def fresh_database(url: str, options: str = "") -> Iterator[str]:
    """The URL of a new database, made with ``options``, on the server of ``url``.

    Without the server: a skip, under CI a failure.
    """
    name = f"memori_wrap_{uuid.uuid4().hex[:12]}"
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as conn:
            conn.exec_driver_sql(f"CREATE DATABASE {name} {options}")
    except OperationalError as error:
        reason = f"no server at {server.url.render_as_string()}: start it with scripts/services"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason} ({error.orig})")
        pytest.skip(reason)
    try:
        yield sa.make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        force = " WITH (FORCE)" if server.dialect.name == "postgresql" else ""
        with server.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name}{force}")
        server.dispose()
