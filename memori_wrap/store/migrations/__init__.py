"""The migration chain, run by Alembic; known here by name so that Alembic is loaded only when there is work."""

REVISIONS = ("0001", "0002", "0003")
HEAD = REVISIONS[-1]
VERSION_TABLE = "memori_wrap_alembic_version"


def is_ours(name: str | None, type_: str = "table", parent_names: object = None) -> bool:
    """Whether a table is ours, for an application whose own Alembic looks at the same database.

    In its ``env.py``: ``context.configure(..., include_name=lambda *given: not is_ours(*given))``.
    """
    del parent_names
    return type_ == "table" and (name or "").startswith("memori_wrap_")
