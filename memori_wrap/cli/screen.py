"""What is shown: text from a memory is hostile, a terminal obeys escape codes. Plain lines where nobody looks."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_BREAKS = re.compile(r"[ \t]*[\t\r\n\v\f\x85\u2028\u2029]\s*")
_JOINERS = "\u200c\u200d"
"""Invisible, but Persian, Hindi and family emoji are spelt with them."""


def safe(text: str, keep: str = "") -> str:
    """``text`` with every control, override, tag and surrogate character as "·", but for those in ``keep``."""
    if text.isprintable():
        return text
    return "".join("·" if _is_unsafe(c) and c not in keep else c for c in text)


def one_line(text: str) -> str:
    """``safe`` on one line: breaks become a blank."""
    return safe(_BREAKS.sub(" ", text))


def _is_unsafe(c: str) -> bool:
    kind = unicodedata.category(c)
    return kind in ("Cc", "Cs", "Zl", "Zp") or (kind == "Cf" and c not in _JOINERS)


class Screen:
    """A terminal gets panels and tables, a file or pipe plain lines that are never wrapped."""

    def __init__(self, *, stderr: bool = False) -> None:
        self._console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)

    @property
    def is_terminal(self) -> bool:
        return self._console.is_terminal

    def line(self, text: str = "", style: str = "") -> None:
        """One line; on a terminal it may wrap."""
        self._console.print(Text(one_line(text), style), soft_wrap=not self.is_terminal)

    def text(self, text: str, style: str = "", end: str = "\n") -> None:
        """Text that keeps its line breaks; ``end=""`` for the pieces of a stream."""
        self._console.print(Text(safe(text, "\n\t"), style), soft_wrap=True, end=end)

    def panel(self, title: str, text: str) -> None:
        if self.is_terminal:
            body = Text(safe(text, "\n\t"))
            self._console.print(Panel(body, title=Text(one_line(title)), title_align="left", border_style="dim"))
        else:
            self.line(f"-- {title}")
            self.text(text)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], marked: frozenset[int] = frozenset()) -> None:
        """Columns, with their names on a terminal; the last one wraps there. ``marked`` rows stand out."""
        shown = [[one_line(cell) for cell in row] for row in rows]
        if self.is_terminal:
            table = Table(box=None, show_header=any(head), header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
            for at, name in enumerate(head):
                table.add_column(
                    name, no_wrap=at < len(head) - 1, overflow="fold" if at == len(head) - 1 else "ellipsis"
                )
            for at, row in enumerate(shown):
                table.add_row(*(Text(cell) for cell in row), style="bold green" if at in marked else "")
            self._console.print(table)
            return
        widths = [max(len(cells[at]) for cells in (list(head), *shown)) for at in range(len(head))]
        for row in shown:
            self.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def json(self, data: Any) -> None:
        """ASCII only: what JSON lets stand (DEL, C1, overrides) a terminal may obey."""
        text = json.dumps(data, indent=2, default=str).replace("\x7f", "\\u007f")
        self._console.print(Text(text), soft_wrap=True)

    @contextmanager
    def busy(self, text: str) -> Generator[None, None, None]:
        """A spinner while something takes long; nothing where it is no terminal."""
        if self.is_terminal:
            with self._console.status(Text(one_line(text))):
                yield
        else:
            yield

    @contextmanager
    def progress(self, text: str) -> Generator[Callable[[int], None], None, None]:
        """Gives a function that is told how many more are done; a counting line on a terminal, else nothing."""
        if not self.is_terminal:
            yield lambda _: None
            return
        columns = SpinnerColumn(), TextColumn("{task.completed:,.0f} {task.description}"), TimeElapsedColumn()
        with Progress(*columns, console=self._console, transient=True) as shown:
            task = shown.add_task(Text(one_line(text)).plain, total=None)
            yield lambda n: shown.advance(task, n)
