"""The schema and its migrations compile for every database, within its limits.

Where a dialect is a package that cannot stand beside the installed SQLAlchemy, the one that it derives from stands in.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb_engine
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql, sqlite
from sqlalchemy.dialects.mysql import mariadb
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from memori_wrap.store import migrations
from memori_wrap.store.migrations.steps import DuckDBImpl
from memori_wrap.store.tables import PREFIX, Id, metadata

UNKNOWN_TO_US = "its package wants another SQLAlchemy, or has no release: compiled by the dialect that it derives from"
DIALECTS: dict[str, tuple[Any, str]] = {
    "sqlite": (sqlite.dialect, ""),
    "postgresql": (postgresql.dialect, ""),
    "mysql": (mysql.dialect, ""),
    "mariadb": (mariadb.MariaDBDialect, ""),
    "duckdb": (duckdb_engine.Dialect, ""),
    "oracle": (oracle.dialect, ""),
    "mssql": (mssql.dialect, ""),
    "cockroachdb": (postgresql.dialect, UNKNOWN_TO_US),
    "tidb": (mysql.dialect, UNKNOWN_TO_US),
    "oceanbase": (mysql.dialect, UNKNOWN_TO_US),
}
IDENTIFIER = {"sqlite": 128, "postgresql": 63, "mysql": 64, "mariadb": 64, "duckdb": 63, "oracle": 128, "mssql": 128}
IDENTIFIER |= {"cockroachdb": 63, "tidb": 64, "oceanbase": 64}
KEY_BYTES = {"mysql": 3072, "mariadb": 3072, "tidb": 3072, "oceanbase": 16384, "oracle": 6398, "mssql": 900}
KEY_BYTES |= {"postgresql": 2704, "cockroachdb": 2704}
"""What an index takes of one row; SQL Server: of a clustered key. The others have no limit near it."""
OWN_BYTES = 36
"""An id that is made here is a UUID; only an entity, a process or a session is named by the user."""
USERS = {"entity_id", "process_id", "session_id"}


def dialect_of(name: str) -> Dialect:
    made: Dialect = DIALECTS[name][0]()
    return made


def sql(item: Any, name: str) -> str:
    return " ".join(str(item.compile(dialect=dialect_of(name))).split())


def migrated(name: str) -> str:
    """What the whole chain runs, written down."""
    assert DuckDBImpl
    out = io.StringIO()
    dialect = dialect_of(name)
    context = MigrationContext.configure(
        dialect=dialect, opts={"as_sql": True, "output_buffer": out, "version_table": migrations.VERSION_TABLE}
    )
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    with Operations.context(context):
        for revision in reversed(list(script.walk_revisions())):
            revision.module.upgrade()
    return out.getvalue()


def columns_of_keys() -> Iterator[tuple[str, list[sa.Column[Any]]]]:
    for table in metadata.tables.values():
        yield f"{table.name} (primary key)", list(table.primary_key.columns)
        for constraint in table.constraints:
            if isinstance(constraint, sa.UniqueConstraint):
                yield str(constraint.name), list(constraint.columns)
        for index in table.indexes:
            yield str(index.name), list(index.columns)


def bytes_of(column: sa.Column[Any], name: str) -> int:
    """At most, in an index, of what is really stored."""
    if isinstance(column.type, Id):
        return 400 if column.name in USERS else OWN_BYTES
    length = getattr(column.type, "length", None)
    if length is None:
        return 8
    per_character = 4 if name != "mssql" else 2 if isinstance(column.type, sa.Unicode) else 1
    return int(length) * per_character


@pytest.mark.parametrize("name", DIALECTS)
def test_the_schema_compiles(name: str) -> None:
    for table in metadata.sorted_tables:
        made = sql(CreateTable(table), name)
        assert table.name in made
        assert "PRIMARY KEY (entity_id" in made or len(table.primary_key.columns) == 1
        for index in table.indexes:
            assert str(index.name) in sql(CreateIndex(index), name)


@pytest.mark.parametrize("name", DIALECTS)
def test_the_chain_compiles_to_the_same_tables(name: str) -> None:
    written = migrated(name)
    made = {" ".join(part.split()) for part in written.split(";")}
    for table in metadata.sorted_tables:
        found = [m for m in made if re.search(rf"CREATE TABLE (IF NOT EXISTS )?{table.name} \(", m)]
        assert len(found) == 1, (table.name, found)
        for column in table.columns:
            kind = sql(column.type, name).split(" COLLATE")[0].split(" CHARACTER")[0]
            assert f" {column.name} {kind}" in found[0].replace('"', "").replace("`", "").replace("[", "").replace(
                "]", ""
            )
    names = {str(index.name) for table in metadata.tables.values() for index in table.indexes}
    indexes = set(re.findall(r"CREATE INDEX (?:IF NOT EXISTS )?(\w+)", written))
    assert names == indexes - set(re.findall(r"DROP INDEX (?:IF EXISTS )?(\w+)", written))


@pytest.mark.parametrize("name", DIALECTS)
def test_if_not_exists_where_it_is_known(name: str) -> None:
    """MySQL knows it for tables and not for indexes, SQL Server and Oracle not at all: there we look first."""
    knows = name in ("sqlite", "postgresql", "mariadb", "duckdb", "cockroachdb")
    assert ("IF NOT EXISTS" in migrated(name)) == knows


@pytest.mark.parametrize("name", DIALECTS)
def test_names_are_short_enough(name: str) -> None:
    names = {migrations.VERSION_TABLE, *metadata.tables, *(key for key, _ in columns_of_keys() if " " not in key)}
    names |= {column.name for table in metadata.tables.values() for column in table.columns}
    longest = max(names, key=lambda n: len(n.encode()))
    assert len(longest.encode()) <= IDENTIFIER[name], longest
    assert dialect_of(name).max_identifier_length >= len(longest)
    assert all(n.startswith(PREFIX) for n in [migrations.VERSION_TABLE, *metadata.tables])


@pytest.mark.parametrize("name", KEY_BYTES)
def test_keys_are_short_enough(name: str) -> None:
    limit = {
        key: KEY_BYTES[name] if name != "mssql" or "(primary key)" in key else 1700 for key, _ in columns_of_keys()
    }
    longest = {key: sum(bytes_of(c, name) for c in columns) for key, columns in columns_of_keys()}
    assert {key: n for key, n in longest.items() if n > limit[key]} == {}


@pytest.mark.parametrize(
    ("name", "forbidden"),
    [
        ("mssql", r"NTEXT|IMAGE|\bTEXT\b|DATETIME\b"),  # of old, or to 3 ms only
        ("oracle", r"\bTEXT\b|\bDATE\b|DATETIME|BIGINT"),
        ("mysql", r"\bTEXT\b|\bBLOB\b|DATETIME\b(?!\(6\))"),  # 64 KB, whole seconds
        ("mariadb", r"\bTEXT\b|\bBLOB\b|DATETIME\b(?!\(6\))"),
    ],
)
def test_no_type_that_is_too_small_or_absent(name: str, forbidden: str) -> None:
    written = "\n".join(sql(CreateTable(table), name) for table in metadata.sorted_tables)
    written = re.sub(r"\btext ", "", written)  # the column of that name
    assert re.findall(forbidden, written) == []


def test_ids_are_bytes_where_text_is_folded() -> None:
    for name in ("mysql", "mariadb", "mssql", "tidb", "oceanbase"):
        assert "VARBINARY(400)" in sql(Id(), name)
        assert Id().process_bind_param("Älice ", dialect_of(name)) == "Älice ".encode()
        assert Id().process_result_value("Älice ".encode(), dialect_of(name)) == "Älice "


def test_text_is_utf8_whatever_the_database_says() -> None:
    for name in ("mysql", "mariadb"):
        for table in metadata.sorted_tables:
            assert re.search(
                r"CHARSET=utf8mb4 COLLATE utf8mb4_bin|CHARACTER SET.*utf8mb4", sql(CreateTable(table), name)
            )
