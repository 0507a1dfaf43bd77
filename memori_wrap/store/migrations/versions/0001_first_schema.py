"""The first schema, and the key of the memory block's fence."""

import secrets

import sqlalchemy as sa
from alembic import op

from memori_wrap.store.migrations.steps import create_index, create_table
from memori_wrap.store.tables import Blob, Id, Text, Utc

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_table(
        "memori_wrap_entity",
        sa.Column("entity_id", Id, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("created_at", Utc, nullable=False),
    )
    create_table(
        "memori_wrap_conversation",
        sa.Column("entity_id", Id, primary_key=True),
        sa.Column("id", Id, primary_key=True),
        sa.Column("process_id", Id, nullable=False),
        sa.Column("session_id", Id, nullable=False),
        sa.Column("created_at", Utc, nullable=False),
        sa.UniqueConstraint("entity_id", "process_id", "session_id", name="memori_wrap_conversation_key"),
    )
    create_table(
        "memori_wrap_exchange",
        sa.Column("entity_id", Id, primary_key=True),
        sa.Column("id", Id, primary_key=True),
        sa.Column("conversation_id", Id, nullable=False),
        sa.Column("provider", sa.Unicode(100)),
        sa.Column("model", sa.Unicode(200)),
        sa.Column("usage", sa.JSON(none_as_null=True)),
        sa.Column("finish_reason", sa.Unicode(100)),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("said_at", Utc, nullable=False),
    )
    create_table(
        "memori_wrap_conversation_message",
        sa.Column("entity_id", Id, primary_key=True),
        sa.Column("id", Id, primary_key=True),
        sa.Column("conversation_id", Id, nullable=False),
        sa.Column("exchange_id", Id, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("role", sa.Unicode(40), nullable=False),
        sa.Column("speaker", sa.Unicode(200)),
        sa.Column("text", Text, nullable=False),
        sa.Column("parts", sa.JSON(none_as_null=True)),
        sa.Column("origin", sa.String(10), nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("said_at", Utc, nullable=False),
        sa.Column("created_at", Utc, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("entity_id", "conversation_id", "position", name="memori_wrap_message_position"),
    )
    create_index(
        "memori_wrap_message_revision",
        "memori_wrap_conversation_message",
        ["entity_id", "revision"],
    )
    create_index(
        "memori_wrap_message_exchange",
        "memori_wrap_conversation_message",
        ["entity_id", "exchange_id"],
    )
    create_index("memori_wrap_message_digest", "memori_wrap_conversation_message", ["entity_id", "digest"])
    create_table(
        "memori_wrap_entity_fact",
        sa.Column("entity_id", Id, primary_key=True),
        sa.Column("id", Id, primary_key=True),
        sa.Column("text", Text, nullable=False),
        sa.Column("category", sa.Unicode(40), nullable=False),
        sa.Column("rule", sa.Unicode(100), nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("mentions", sa.Integer, nullable=False),
        sa.Column("said_at", Utc, nullable=False),
        sa.Column("last_seen", Utc, nullable=False),
        sa.Column("valid_from", Utc),
        sa.Column("valid_to", Utc),
        sa.Column("created_at", Utc, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    create_index("memori_wrap_fact_revision", "memori_wrap_entity_fact", ["entity_id", "revision"])
    create_table(
        "memori_wrap_entity_fact_mention",
        sa.Column("entity_id", Id, primary_key=True),
        sa.Column("fact_id", Id, primary_key=True),
        sa.Column("message_id", Id, primary_key=True),
        sa.Column("quote", Text, nullable=False),
        sa.Column("said_at", Utc, nullable=False),
    )
    create_table(
        "memori_wrap_knowledge_graph",
        sa.Column("entity_id", Id, primary_key=True),
        sa.Column("fact_id", Id, primary_key=True),
        sa.Column("subject", Text, nullable=False),
        sa.Column("predicate", sa.Unicode(100), nullable=False),
        sa.Column("object", Text, nullable=False),
    )
    create_table(
        "memori_wrap_embedding",
        sa.Column("entity_id", Id, primary_key=True),
        sa.Column("item_id", Id, primary_key=True),
        sa.Column("variant", sa.String(20), primary_key=True),
        sa.Column("model", sa.Unicode(200), primary_key=True),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("vector", Blob, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    create_index("memori_wrap_embedding_revision", "memori_wrap_embedding", ["entity_id", "revision"])
    create_table(
        "memori_wrap_augmentation_job",
        sa.Column("entity_id", Id, primary_key=True),
        sa.Column("exchange_id", Id, primary_key=True),
        sa.Column("conversation_id", Id, nullable=False),
        sa.Column("lease", sa.String(40)),
        sa.Column("heartbeat", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", Utc),
        sa.Column("dead", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Unicode(500)),
        sa.Column("created_at", Utc, nullable=False),
    )
    create_index("memori_wrap_job_order", "memori_wrap_augmentation_job", ["dead", "exchange_id"])
    create_table(
        "memori_wrap_secret",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("value", sa.String(200), nullable=False),
    )
    if op.get_context().as_sql:  # written down, not run: each database makes a key of its own
        return
    table = sa.Table(
        "memori_wrap_secret", sa.MetaData(), sa.Column("name", sa.String(40)), sa.Column("value", sa.String(200))
    )
    if op.get_bind().execute(sa.select(table.c.name).where(table.c.name == "fence")).first() is None:
        op.get_bind().execute(table.insert().values(name="fence", value=secrets.token_hex(32)))
