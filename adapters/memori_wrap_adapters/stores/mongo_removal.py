"""Taking away: what was said before a time, with the facts that rest on it alone."""

from __future__ import annotations

from datetime import datetime

from memori_wrap_adapters.stores.mongo_commits import Change, View
from memori_wrap_adapters.stores.mongo_documents import EMBEDDING, EXCHANGE, FACT, MENTION, MESSAGE, moment

BATCH = 500


def expire(view: View, before: datetime) -> tuple[Change | None, int]:
    """What deletes up to a batch of the entity's oldest messages; how many."""
    old = view.find(MESSAGE, {"said_at": {"$lt": moment(before)}}, "id", "exchange_id")
    found = list(old.sort([("said_at", 1), ("id", 1)]).limit(BATCH))
    if not found:
        return None, 0
    ids, exchanges = {m["id"] for m in found}, {m["exchange_id"] for m in found}
    change = Change(removes=True)
    cited = [(m["fact_id"], m["message_id"]) for m in view.among(MENTION, "message_id", ids, "fact_id", "message_id")]
    for fact, message in cited:
        change.delete(MENTION, fact_id=fact, message_id=message)
    facts = {fact for fact, _ in cited}
    others = view.among(MENTION, "fact_id", facts, "fact_id", "message_id")
    gone = facts - {m["fact_id"] for m in others if m["message_id"] not in ids}
    for fact in gone:
        change.delete(FACT, id=fact)
    for v in view.among(EMBEDDING, "item_id", ids | gone, "item_id", "variant", "model"):
        change.delete(EMBEDDING, item_id=v["item_id"], variant=v["variant"], model=v["model"])
    for message in ids:
        change.delete(MESSAGE, id=message)
    in_them = view.among(MESSAGE, "exchange_id", exchanges, "id", "exchange_id")
    left = {m["exchange_id"] for m in in_them if m["id"] not in ids}
    for exchange in exchanges - left:
        change.delete(EXCHANGE, id=exchange)
    return change, len(found)
