"""Rows with what they are joined to."""

from __future__ import annotations

import sqlalchemy as sa

from memori_wrap.store.tables import conversation, fact, graph, message

MESSAGES = sa.select(message, conversation.c.process_id, conversation.c.session_id).join_from(
    message,
    conversation,
    sa.and_(message.c.entity_id == conversation.c.entity_id, message.c.conversation_id == conversation.c.id),
)
FACTS = sa.select(fact, graph.c.subject, graph.c.predicate, graph.c.object).join_from(
    fact, graph, sa.and_(fact.c.entity_id == graph.c.entity_id, fact.c.id == graph.c.fact_id)
)
