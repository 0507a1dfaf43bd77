"""The migration chain makes exactly the schema that ``tables`` describes, and ``HEAD`` is its end."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from memori_wrap.store import migrations
from memori_wrap.store.connect import connect
from memori_wrap.store.sql import SqlStore
from memori_wrap.store.tables import PREFIX, metadata


def test_head_is_the_end_of_the_chain() -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert script.get_current_head() == migrations.HEAD
    assert sorted(r.revision for r in script.walk_revisions()) == sorted(migrations.REVISIONS)


def test_the_chain_makes_what_the_tables_say(tmp_path: Path) -> None:
    SqlStore(connect(f"sqlite:///{tmp_path}/m.db", tmp_path, 5)).close()
    engine = sa.create_engine(f"sqlite:///{tmp_path}/m.db")
    with engine.connect() as conn:
        options = {"compare_type": False, "version_table": migrations.VERSION_TABLE}
        assert compare_metadata(MigrationContext.configure(conn, opts=options), metadata) == []
        names = sa.inspect(conn).get_table_names()
    assert all(name.startswith(PREFIX) for name in names)


def test_a_migration_that_was_broken_off_is_completed(tmp_path: Path) -> None:
    """Each step is idempotent: some databases commit every table at once."""
    url = f"sqlite:///{tmp_path}/m.db"
    SqlStore(connect(url, tmp_path, 5)).close()
    with sqlite3.connect(tmp_path / "m.db") as conn:
        conn.execute("delete from memori_wrap_alembic_version")
        conn.execute("drop table memori_wrap_augmentation_job")
        (key,) = conn.execute("select value from memori_wrap_secret").fetchone()
    store = SqlStore(connect(url, tmp_path, 5))
    assert store.key().hex() == key
    assert store.queue().pending == 0
    store.close()
