"""The migration chain, run by Alembic; known here by name so that Alembic is loaded only when there is work."""

REVISIONS = ("0001", "0002")
HEAD = REVISIONS[-1]
VERSION_TABLE = "memori_wrap_alembic_version"
