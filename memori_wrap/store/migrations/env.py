"""What Alembic runs: our chain on the connection that ``store.schema`` holds the lock on."""

from alembic import context

from memori_wrap.store.migrations import VERSION_TABLE
from memori_wrap.store.migrations.steps import DuckDBImpl

__all__ = ["DuckDBImpl"]  # loaded, so that Alembic knows DuckDB
context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    version_table_schema=context.config.attributes.get("schema"),
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
