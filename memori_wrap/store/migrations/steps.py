"""The steps of a migration, each of which may be done again: some databases commit every one of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.ddl.impl import DefaultImpl

from memori_wrap.store.tables import TABLE_OPTIONS

_KNOW_IF_NOT_EXISTS = frozenset({"sqlite", "postgresql", "cockroachdb", "mariadb", "duckdb"})


class DuckDBImpl(DefaultImpl):
    """Alembic has one for each database that it knows; this is all that DuckDB needs."""

    __dialect__ = "duckdb"


def create_table(name: str, *columns: sa.schema.SchemaItem) -> None:
    if _asks() and sa.inspect(op.get_bind()).has_table(name, schema=_schema()):
        return
    op.create_table(name, *columns, if_not_exists=_says(), **TABLE_OPTIONS)


def create_index(name: str, table: str, columns: Sequence[str]) -> None:
    if _asks() and any(i["name"] == name for i in sa.inspect(op.get_bind()).get_indexes(table, schema=_schema())):
        return
    op.create_index(name, table, list(columns), if_not_exists=_says())


def drop_index(name: str, table: str) -> None:
    if _asks() and all(i["name"] != name for i in sa.inspect(op.get_bind()).get_indexes(table, schema=_schema())):
        return
    op.drop_index(name, table, if_exists=_says())


def _dialect() -> Any:
    return op.get_context().dialect


def _says() -> bool | None:
    """Whether the database understands IF NOT EXISTS, for tables and for indexes."""
    dialect = _dialect()
    return True if dialect.name in _KNOW_IF_NOT_EXISTS or getattr(dialect, "is_mariadb", False) else None


def _asks() -> bool:
    return not _says() and not op.get_context().as_sql


def _schema() -> str | None:
    translated: dict[str | None, str] = op.get_bind().get_execution_options().get("schema_translate_map") or {}
    return translated.get(None)
