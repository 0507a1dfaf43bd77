"""What a framework keeps under a namespace and a key, beside the memory of what was said."""

import sqlalchemy as sa

from memori_wrap.store.migrations.steps import create_index, create_table
from memori_wrap.store.tables import Blob, Id, Text, Utc

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    create_table(
        "memori_wrap_store_item",
        sa.Column("entity_id", Id, primary_key=True),
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("prefix1", sa.String(32), nullable=False),
        sa.Column("prefix2", sa.String(32), nullable=False),
        sa.Column("namespace", Text, nullable=False),
        sa.Column("name", Text, nullable=False),
        sa.Column("value", Text, nullable=False),
        sa.Column("text", Text),
        sa.Column("model", sa.Unicode(200)),
        sa.Column("vector", Blob),
        sa.Column("ttl", sa.Float),
        sa.Column("expires_at", Utc),
        sa.Column("created_at", Utc, nullable=False),
        sa.Column("updated_at", Utc, nullable=False),
    )
    create_index("memori_wrap_item_prefix1", "memori_wrap_store_item", ["prefix1"])
    create_index("memori_wrap_item_prefix2", "memori_wrap_store_item", ["prefix2"])
    create_index("memori_wrap_item_expiry", "memori_wrap_store_item", ["expires_at"])
