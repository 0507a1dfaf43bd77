"""The commands: what they take, what each is for.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 ``doctor`` found something unhealthy. Whatever takes long to import is
imported by the command that needs it: ``--help`` loads neither SQLAlchemy nor an SDK nor torch.
"""

from __future__ import annotations

import logging
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from memori_wrap.cli.options import Database, Entity, Json, Process, exit_code, scrubbed
from memori_wrap.cli.screen import Screen
from memori_wrap.errors import MemoriError, StoreError


class _Warnings(logging.Handler):
    """What the library logs, as lines of ours on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        Screen(stderr=True).line(record.getMessage(), "yellow")


class _Commands(TyperGroup):
    """A typed error ends the program with one line, not with a traceback."""

    def invoke(self, ctx: Any) -> Any:
        log, warnings = logging.getLogger("memori_wrap"), _Warnings(logging.WARNING)
        log.addHandler(warnings)
        try:
            return super().invoke(ctx)
        except MemoriError as error:
            hint = "; memori-wrap doctor tells more" if isinstance(error, StoreError) else ""
            Screen(stderr=True).line(f"memori-wrap: {scrubbed(str(error))}{hint}", "red")
            raise typer.Exit(exit_code(error)) from error
        finally:
            log.removeHandler(warnings)


app = typer.Typer(
    name="memori-wrap",
    cls=_Commands,
    help="The memory of your LLM clients: try it, ask it, check it.",
    no_args_is_help=True,
    add_completion=False,
    # the fancy ones show local variables, which hold what people said
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from memori_wrap import __version__

        Screen().line(f"memori-wrap {__version__}")
        raise typer.Exit


@app.callback()
def main(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """The memory of your LLM clients: try it, ask it, check it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console that cannot show a character is no reason to fail


@app.command()
def demo(
    live: Annotated[bool, typer.Option("--live", help="Ask the provider of OPENAI_API_KEY, OPENAI_BASE_URL.")] = False,
    model: Annotated[str, typer.Option("--model", help="The model that --live asks.")] = "gpt-4o-mini",
    words_only: Annotated[bool, typer.Option("--words-only", help="Do not load the embedding model.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the database and say where it is.")] = False,
) -> None:
    """A real OpenAI client remembers across two processes. Needs no key: a loopback server plays the model."""
    from memori_wrap.cli.demo import run

    raise typer.Exit(run(live_model=model if live else None, words_only=words_only, keep=keep))


@app.command()
def chat(
    base_url: Annotated[
        str | None, typer.Option("--base-url", envvar="OPENAI_BASE_URL", help="An OpenAI-compatible endpoint.")
    ] = None,
    model: Annotated[str, typer.Option("--model", "-m")] = "gpt-4o-mini",
    entity: Entity = None,
    process: Process = None,
    database: Database = None,
) -> None:
    """A terminal chat that remembers. The key is read from OPENAI_API_KEY; an endpoint of your own may need none."""
    from memori_wrap.cli.chat import run

    raise typer.Exit(run(base_url, model, entity, process, database))


@app.command()
def recall(
    query: str,
    entity: Entity = None,
    process: Process = None,
    database: Database = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1)] = 10,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1)] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Said since then, as 2026-05-31.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Said until then.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="TIME", help="What counts as now.")] = None,
    engine: Annotated[str, typer.Option("--engine", help="auto, lexical (by words) or dense (by meaning).")] = "auto",
    as_json: Json = False,
) -> None:
    """What is remembered that bears on QUERY, best first."""
    from memori_wrap.cli.look import recall as show

    options = {"max_tokens": max_tokens, "since": since, "until": until, "as_of": as_of, "engine": engine}
    show(query, limit, entity, process, database, options, as_json)


@app.command()
def facts(
    entity: Entity = None,
    process: Process = None,
    database: Database = None,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that hold no longer.")] = False,
    as_json: Json = False,
) -> None:
    """The facts that were read out of what was said, oldest first."""
    from memori_wrap.cli.look import facts as show

    show(entity, process, database, ended, as_json)


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; none: stdout.")] = None,
    entity: Entity = None,
    database: Database = None,
) -> None:
    """All that is stored, or one entity's part, as JSON lines."""
    from memori_wrap.cli.manage import export as run

    run(file, entity, database)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="What export wrote; - for stdin.")], database: Database = None
) -> None:
    """Takes in what export wrote, so far as it is not there yet."""
    from memori_wrap.cli.manage import import_ as run

    run(file, database)


@app.command()
def erase(
    entity: str,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Deletes all that is known of ENTITY, for good."""
    from memori_wrap.cli.manage import erase as run

    run(entity, yes, database, as_json)


@app.command()
def expire(before: str, entity: Entity = None, database: Database = None) -> None:
    """Deletes what was said BEFORE a time, such as 2026-05-31, with the facts that rest on it alone."""
    from memori_wrap.cli.manage import expire as run

    run(before, entity, database)


@app.command()
def reindex(
    prune: Annotated[bool, typer.Option("--prune", help="Then delete the vectors of other models.")] = False,
    database: Database = None,
) -> None:
    """Embeds what the present model has no vector of, after a change of the model."""
    from memori_wrap.cli.manage import reindex as run

    run(prune, database)


@app.command()
def worker(
    threads: Annotated[int, typer.Option("--threads", "-t", min=1, max=32)] = 1,
    drain: Annotated[bool, typer.Option("--drain", help="End when nothing waits any more.")] = False,
    database: Database = None,
) -> None:
    """Does the background work in this process; any number of them, on any number of machines, share it."""
    from memori_wrap.cli.work import worker as run

    raise typer.Exit(run(threads, drain, database))


queue = typer.Typer(help="The exchanges that wait for the background work.", no_args_is_help=True)
app.add_typer(queue, name="queue")


@queue.command()
def status(database: Database = None, as_json: Json = False) -> None:
    """How many wait, for how long, and how many were given up on."""
    from memori_wrap.cli.work import status as run

    run(database, as_json)


@queue.command()
def dead(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1)] = 100, database: Database = None, as_json: Json = False
) -> None:
    """Those that were given up on, the newest first, and why."""
    from memori_wrap.cli.work import dead as run

    run(limit, database, as_json)


@queue.command()
def retry(
    exchanges: Annotated[list[str] | None, typer.Argument(help="Ids that `queue dead` shows; none: all.")] = None,
    database: Database = None,
) -> None:
    """Gives those that were given up on another try."""
    from memori_wrap.cli.work import retry as run

    run(exchanges or [], database)


db = typer.Typer(help="The tables in the database.", no_args_is_help=True)
app.add_typer(db, name="db")


@db.command()
def upgrade(database: Database = None) -> None:
    """Makes or upgrades the tables, as opening the memory does."""
    from memori_wrap.cli.tables import upgrade as run

    run(database)


@db.command()
def check(database: Database = None, as_json: Json = False) -> None:
    """Which schema the database has and which this version wants; changes nothing. Exit code 3 where they differ."""
    from memori_wrap.cli.tables import check as run

    raise typer.Exit(run(database, as_json))


@app.command()
def doctor(database: Database = None, as_json: Json = False) -> None:
    """Settings and their origin, database, model, SDKs; after each failure the fix. Exit code 3 where one is found."""
    from memori_wrap.cli.doctor import run

    raise typer.Exit(run(database, as_json))


@app.command()
def path(database: Database = None) -> None:
    """Where the memory is kept."""
    from memori_wrap.cli.options import database_url
    from memori_wrap.settings import config_file, load_settings

    settings, screen = load_settings(), Screen()
    screen.line(f"database  {database_url(settings, database)}")
    screen.line(f"data      {settings.data_dir}")
    screen.line(f"settings  {config_file()}")
