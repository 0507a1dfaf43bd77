"""What a statement may hold: MySQL and MariaDB close the connection of a longer one, as if they had gone away."""

from __future__ import annotations

from memori_wrap.store.session import Session

ESCAPED = "\0\n\r\x1a'\"\\"
"""Characters that take two bytes in a statement instead of one."""
_ROOM = 64 * 1024
"""Of a packet, for the rest of the row."""


def statement_limit(session: Session) -> int | None:
    """The bytes of text that a row may have; None for no limit."""
    if session.engine.dialect.name not in ("mysql", "mariadb"):
        return None
    with session.read() as conn:
        return max(_ROOM, int(conn.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()) - _ROOM)
