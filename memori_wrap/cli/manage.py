"""Managing what is stored: ``export``, ``import``, ``erase``, ``expire``, ``reindex``.

Long commands show on a terminal how far they are. Each works in small steps that are whole by themselves: Ctrl-C
ends it between two of them, and the same command goes on from there.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import typer

from memori_wrap.cli.options import open_memory
from memori_wrap.cli.screen import Screen
from memori_wrap.errors import ConfigurationError

INTERRUPTED = 130
"""The exit code after Ctrl-C, by the custom of shells."""


@contextmanager
def interruptible(screen: Screen, hint: str) -> Generator[None]:
    try:
        yield
    except KeyboardInterrupt:
        screen.line(f"interrupted; {hint}", "yellow")
        raise typer.Exit(INTERRUPTED) from None


def export(file: Path | None, entity: str | None, database: str | None) -> None:
    """JSON lines to a file, which is whole or not there, or to stdout."""
    screen = Screen(stderr=True)
    with open_memory(database, words_only=True) as memory, interruptible(screen, "run it again"):
        lines = memory.export(entity=entity)
        if file is None:
            for line in lines:
                sys.stdout.write(f"{line}\n")
            return
        part = file.with_name(f"{file.name}.part")
        with screen.progress("exported rows") as progress, part.open("w", encoding="utf-8") as out:
            part.chmod(0o600)  # it holds what people said
            for line in lines:
                out.write(f"{line}\n")
                progress(1)
        part.replace(file)


def import_(file: Path, database: str | None) -> None:
    screen = Screen(stderr=True)
    if str(file) != "-" and not file.is_file():
        raise ConfigurationError(f"there is no file {file}")
    with open_memory(database, words_only=True) as memory, interruptible(screen, "run it again: it goes on"):
        with screen.progress("imported rows") as progress:
            stored = memory.import_(_lines(file), progress)
        screen.line(f"{stored} new rows")


def _lines(file: Path) -> Iterable[str]:
    if str(file) == "-":
        yield from sys.stdin
        return
    with file.open(encoding="utf-8") as lines:
        yield from lines


def erase(entity: str, yes: bool, database: str | None, as_json: bool) -> None:
    screen = Screen()
    if not yes and not typer.confirm(f"Delete all that is known of {entity!r}, for good?"):
        raise typer.Exit(1)
    with open_memory(database, words_only=True) as memory, interruptible(screen, "run it again"):
        erased = memory.erase(entity)
    if as_json:
        screen.json({"version": 1, **asdict(erased)})
        return
    screen.line(f"{erased.messages} messages, {erased.facts} facts, {erased.vectors} vectors, {erased.jobs} jobs")
    if erased.journal:
        screen.line(f"{erased.journal} exchanges in the journal")
    if erased.scrubbed is False:
        screen.line("another connection held the files, which may still hold bytes of it: run it again", "yellow")
    elif erased.scrubbed is None:
        screen.line("what the database keeps of deleted rows (its log, its backups) is its administrator's business")


def expire(before: str, entity: str | None, database: str | None) -> None:
    screen = Screen(stderr=True)
    with open_memory(database, words_only=True) as memory, interruptible(screen, "run it again: it goes on"):
        with screen.progress("deleted messages") as progress:
            gone = memory.expire(before, entity=entity, progress=progress)
        screen.line(f"{gone} messages deleted")


def reindex(prune: bool, database: str | None) -> None:
    screen = Screen(stderr=True)
    with open_memory(database) as memory, interruptible(screen, "run it again: it goes on"):
        with screen.busy("loading the embedding model"):
            memory.warm()
        with screen.progress("embedded items") as progress:
            done = memory.reindex(progress, prune=prune)
        screen.line(f"{done} items embedded")
