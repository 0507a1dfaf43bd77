"""What was removed, so that caches start anew and what is still under way is not taken; leases are found quickly."""

import sqlalchemy as sa
from alembic import op

from memori_wrap.store.tables import Id, Utc

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "memori_wrap_removal",
        sa.Column("entity_digest", sa.String(32), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("floor", Id),
        sa.Column("removed_at", Utc, nullable=False),
        if_not_exists=True,
    )
    op.create_index("memori_wrap_job_lease", "memori_wrap_augmentation_job", ["lease"], if_not_exists=True)
