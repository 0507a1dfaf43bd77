"""The schema: SQLAlchemy Core, one for every database.

Every key is led by the entity, so that no row can be reached without saying whose it is, and so that a database
that shards can shard by it. ``revision`` orders the changes of an entity: a reader asks for what came after the
one that it knows.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql, oracle
from sqlalchemy.engine import Dialect

PREFIX = "memori_wrap_"
TABLE_OPTIONS: dict[str, Any] = {
    f"{name}_{option}": value
    for name in ("mysql", "mariadb")
    for option, value in (("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
"""A database there may have another character set, and a collation that takes one text for another."""

metadata = sa.MetaData()


class Utc(sa.types.TypeDecorator[datetime]):
    """Aware datetimes, kept as UTC to the microsecond."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        if dialect.name == "mssql":
            return dialect.type_descriptor(mssql.DATETIME2(6))  # type: ignore[no-untyped-call]
        if dialect.name == "oracle":
            return dialect.type_descriptor(oracle.TIMESTAMP())
        return dialect.type_descriptor(sa.DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=timezone.utc)


class Id(sa.types.TypeDecorator[str]):
    """An id of ours (a UUID) or of the user's (up to 100 characters), compared byte for byte on every engine."""

    impl = sa.String(100)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name in _FOLDING:
            return dialect.type_descriptor(sa.VARBINARY(400))
        return dialect.type_descriptor(sa.String(100))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        return value.encode() if value is not None and dialect.name in _FOLDING else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return value.decode() if isinstance(value, bytes) else value


_FOLDING = frozenset({"mysql", "mariadb", "mssql"})
"""Their text collations pad with blanks or fold case."""


Text = (
    sa.UnicodeText()
    .with_variant(mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
    .with_variant(mssql.NVARCHAR(), "mssql")
)
Blob = (
    sa.LargeBinary()
    .with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
    .with_variant(
        mssql.VARBINARY("max"),  # type: ignore[no-untyped-call]
        "mssql",
    )
)


def _table(name: str, *items: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(f"{PREFIX}{name}", metadata, *items, **TABLE_OPTIONS)


entity = _table(
    "entity",
    sa.Column("entity_id", Id, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
)

conversation = _table(
    "conversation",
    sa.Column("entity_id", Id, primary_key=True),
    sa.Column("id", Id, primary_key=True),
    sa.Column("process_id", Id, nullable=False, doc="'' where none was named"),
    sa.Column("session_id", Id, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.UniqueConstraint("entity_id", "process_id", "session_id", name=f"{PREFIX}conversation_key"),
)

exchange = _table(
    "exchange",
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

message = _table(
    "conversation_message",
    sa.Column("entity_id", Id, primary_key=True),
    sa.Column("id", Id, primary_key=True),
    sa.Column("conversation_id", Id, nullable=False),
    sa.Column("exchange_id", Id, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("role", sa.Unicode(40), nullable=False),
    sa.Column("speaker", sa.Unicode(200)),
    sa.Column("text", Text, nullable=False),
    sa.Column("parts", sa.JSON(none_as_null=True)),
    sa.Column("origin", sa.String(10), nullable=False, doc="live, or history that came along with a request"),
    sa.Column("digest", sa.String(32), nullable=False, doc="role, normalised text and tool ids; see rows.align"),
    sa.Column("said_at", Utc, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("entity_id", "conversation_id", "position", name=f"{PREFIX}message_position"),
    sa.Index(f"{PREFIX}message_revision", "entity_id", "revision"),
    sa.Index(f"{PREFIX}message_exchange", "entity_id", "exchange_id"),
    sa.Index(f"{PREFIX}message_digest", "entity_id", "digest"),
)

fact = _table(
    "entity_fact",
    sa.Column("entity_id", Id, primary_key=True),
    sa.Column("id", Id, primary_key=True, doc="made of what the fact says: said again, it finds its row"),
    sa.Column("text", Text, nullable=False),
    sa.Column("category", sa.Unicode(40), nullable=False),
    sa.Column("rule", sa.Unicode(100), nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("mentions", sa.Integer, nullable=False),
    sa.Column("said_at", Utc, nullable=False, doc="when it was first said"),
    sa.Column("last_seen", Utc, nullable=False),
    sa.Column("valid_from", Utc),
    sa.Column("valid_to", Utc),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Index(f"{PREFIX}fact_revision", "entity_id", "revision"),
)

mention = _table(
    "entity_fact_mention",
    sa.Column("entity_id", Id, primary_key=True),
    sa.Column("fact_id", Id, primary_key=True),
    sa.Column("message_id", Id, primary_key=True),
    sa.Column("quote", Text, nullable=False),
    sa.Column("said_at", Utc, nullable=False),
)

graph = _table(
    "knowledge_graph",
    sa.Column("entity_id", Id, primary_key=True),
    sa.Column("fact_id", Id, primary_key=True),
    sa.Column("subject", Text, nullable=False),
    sa.Column("predicate", sa.Unicode(100), nullable=False),
    sa.Column("object", Text, nullable=False),
)

embedding = _table(
    "embedding",
    sa.Column("entity_id", Id, primary_key=True),
    sa.Column("item_id", Id, primary_key=True, doc="a message or a fact"),
    sa.Column("variant", sa.String(20), primary_key=True),
    sa.Column("model", sa.Unicode(200), primary_key=True),
    sa.Column("dimension", sa.Integer, nullable=False),
    sa.Column("vector", Blob, nullable=False, doc="float32, little endian, of length 1"),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Index(f"{PREFIX}embedding_revision", "entity_id", "revision"),
)

job = _table(
    "augmentation_job",
    sa.Column("entity_id", Id, primary_key=True),
    sa.Column("exchange_id", Id, primary_key=True),
    sa.Column("conversation_id", Id, nullable=False),
    sa.Column("lease", sa.String(40), doc="the fencing token of who works on it"),
    sa.Column("heartbeat", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", Utc),
    sa.Column("dead", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Unicode(500)),
    sa.Column("created_at", Utc, nullable=False),
    sa.Index(f"{PREFIX}job_turn", "dead", "entity_id", "exchange_id"),
    sa.Index(f"{PREFIX}job_lease", "lease"),
)

removal = _table(
    "removal",
    sa.Column("entity_digest", sa.String(32), primary_key=True, doc="stands for the entity, whose id may be a name"),
    sa.Column("revision", sa.BigInteger, nullable=False, doc="what was read before it may hold what is gone"),
    sa.Column("floor", Id, doc="exchanges with a smaller id began before the entity was erased: they are not taken"),
    sa.Column("removed_at", Utc, nullable=False),
)

item = _table(
    "store_item",
    sa.Column("entity_id", Id, primary_key=True, doc="'' where it is nobody's in particular"),
    sa.Column("id", sa.String(32), primary_key=True, doc="stands for namespace and key"),
    sa.Column("prefix1", sa.String(32), nullable=False, doc="stands for the namespace's first label"),
    sa.Column("prefix2", sa.String(32), nullable=False, doc="and for its first two"),
    sa.Column("namespace", Text, nullable=False, doc="JSON in ASCII, as are the next two"),
    sa.Column("name", Text, nullable=False),
    sa.Column("value", Text, nullable=False),
    sa.Column("text", Text, doc="what a search looks at"),
    sa.Column("model", sa.Unicode(200)),
    sa.Column("vector", Blob),
    sa.Column("ttl", sa.Float, doc="minutes"),
    sa.Column("expires_at", Utc),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Index(f"{PREFIX}item_prefix1", "prefix1"),
    sa.Index(f"{PREFIX}item_prefix2", "prefix2"),
    sa.Index(f"{PREFIX}item_expiry", "expires_at"),
)

secret = _table(
    "secret",
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(200), nullable=False),
)
