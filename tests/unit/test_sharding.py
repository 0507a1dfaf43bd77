"""What docs/scale.md says of the keys: a database that shards can shard by entity."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from memori_wrap.store.tables import PREFIX, metadata
from memori_wrap_adapters.indexes.pgvector import Tables

SCALE = (Path(__file__).resolve().parents[2] / "docs" / "scale.md").read_text("utf-8")
OF_NO_ENTITY = {f"{PREFIX}secret", f"{PREFIX}removal"}


def lacking(tables: list[sa.Table], column: str) -> list[str]:
    """Keys that do not begin with the column, and unique constraints without it."""
    keys = [table.name for table in tables if table.primary_key.columns.keys()[:1] != [column]]
    unique = [
        str(constraint.name)
        for table in tables
        for constraint in table.constraints
        if isinstance(constraint, sa.UniqueConstraint) and column not in constraint.columns
    ]
    foreign = [str(key) for table in tables for key in table.foreign_keys]
    return [*keys, *unique, *foreign]


def test_the_entity_leads_every_key() -> None:
    of_entities = [table for table in metadata.sorted_tables if table.name not in OF_NO_ENTITY]
    assert len(of_entities) >= 9
    assert lacking(of_entities, "entity_id") == []
    assert lacking(Tables(None).metadata.sorted_tables, "owner") == []


def test_planted_a_key_without_the_entity_is_noticed() -> None:
    column = sa.Column("entity_id", sa.String(9), primary_key=True)
    bad = sa.Table(
        "bad", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), column, sa.Column("n", sa.Integer)
    )
    bad.append_constraint(sa.UniqueConstraint("n", name="n_alone"))
    assert lacking([bad], "entity_id") == ["bad", "n_alone"]


@pytest.mark.parametrize("made", [metadata, Tables(None).metadata], ids=["store", "pgvector"])
def test_the_page_distributes_every_table(made: sa.MetaData) -> None:
    citus = SCALE[SCALE.index("## Citus") : SCALE.index("## CockroachDB")]
    assert {table.name for table in made.sorted_tables} <= set(re.findall(r"'(memori_wrap_\w+)'", citus))
