"""What was removed, so that caches start anew and what is still under way is not taken; jobs by turn and by lease."""

import sqlalchemy as sa

from memori_wrap.store.migrations.steps import create_index, create_table, drop_index
from memori_wrap.store.tables import Id, Utc

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create_table(
        "memori_wrap_removal",
        sa.Column("entity_digest", sa.String(32), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("floor", Id),
        sa.Column("removed_at", Utc, nullable=False),
    )
    create_index("memori_wrap_job_lease", "memori_wrap_augmentation_job", ["lease"])
    create_index("memori_wrap_job_turn", "memori_wrap_augmentation_job", ["dead", "entity_id", "exchange_id"])
    drop_index("memori_wrap_job_order", "memori_wrap_augmentation_job")
