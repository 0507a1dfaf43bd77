"""``doctor``: settings and their origin, database, model, SDKs; after each failure the fix."""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any, Literal

from memori_wrap import __version__
from memori_wrap.cli.options import database_url, is_plugged, masked, open_memory, scrubbed
from memori_wrap.cli.screen import Screen
from memori_wrap.errors import ConfigurationError, MemoriError, MissingExtra, StoreError
from memori_wrap.memory import Memori
from memori_wrap.settings import Settings, load_settings, origins
from memori_wrap.store.migrations import HEAD

MODEL_TIMEOUT = 120.0
UNHEALTHY = 3

_REQUIREMENT = re.compile(r"""^([\w.-]+).*?;.*?extra\s*==\s*['"](\w+)['"]""")
_NO_SDK = ("all", "dev")


@dataclass(frozen=True)
class Finding:
    """``note``: it works, but there is something to know. ``fix`` is what to do about it."""

    what: str
    state: Literal["ok", "note", "failed"]
    detail: str
    fix: str = ""


def run(database: str | None, as_json: bool) -> int:
    """0, or 3 where something failed."""
    screen = Screen()
    settings: Settings | None = None
    findings: list[Finding] = []
    try:
        settings = load_settings()
    except ConfigurationError as error:
        findings.append(Finding("settings", "failed", scrubbed(str(error)), "correct or remove it"))
    if settings is not None:
        with Screen(stderr=True).busy("looking at the database and the model"):
            findings += _memory(settings, database)
    findings += _extras()
    rows = _settings(settings, database) if settings is not None else []
    is_healthy = all(finding.state != "failed" for finding in findings)
    if as_json:
        screen.json(
            {
                "healthy": is_healthy,
                "version": __version__,
                "python": platform.python_version(),
                "findings": [asdict(finding) for finding in findings],
                "settings": {name: {"value": value, "from": origin} for name, value, origin in rows},
            }
        )
    else:
        _show(screen, findings, rows)
    return 0 if is_healthy else UNHEALTHY


def _show(screen: Screen, findings: list[Finding], rows: list[tuple[str, str, str]]) -> None:
    screen.line(
        f"memori-wrap {__version__}, Python {platform.python_version()} on {platform.platform(terse=True)}", "bold"
    )
    if rows:
        screen.line()
        screen.table(["setting", "from", "value"], [[name, origin, value] for name, value, origin in rows])
    screen.line()
    styles = {"ok": "green", "note": "yellow", "failed": "bold red"}
    for finding in findings:
        screen.line(f"{finding.state:<6}  {finding.what}: {finding.detail}", styles[finding.state])
        if finding.fix:
            screen.line(f"        -> {finding.fix}")


def _settings(settings: Settings, database: str | None) -> list[tuple[str, str, str]]:
    """Name, effective value and origin of each; URLs without their secrets."""
    where = origins({"database": database} if database else None)
    values = {**settings.model_dump(), "database": database_url(settings, database)}
    return [(name, _fit(value), where[name]) for name, value in values.items()]


def _fit(value: object) -> str:
    text = "" if value is None else str(value)
    return masked(text) if "://" in text else text


# ---------------------------------------------------------------- database and model


def _memory(settings: Settings, database: str | None) -> Iterator[Finding]:
    try:
        memory = open_memory(database, settings=settings)
    except MemoriError as error:
        is_store = isinstance(error, StoreError)
        yield Finding("database" if is_store else "configuration", "failed", scrubbed(str(error)), _fix(error))
        return
    with memory:
        schema = "" if is_plugged(settings, database) else f", schema {HEAD}"
        yield from _database(memory, database_url(settings, database), schema)
        yield _model(memory)


def _fix(error: MemoriError) -> str:
    if isinstance(error, StoreError) and error.transient:
        return "start the database, or correct the host, port and account in its URL"
    if isinstance(error, StoreError):
        return "name another database: --database or MEMORI_WRAP_DATABASE"
    if isinstance(error, MissingExtra):
        return str(error).rpartition(": ")[2]
    return "correct the value; the settings above say where it comes from"


def _database(memory: Memori, url: str, schema: str) -> Iterator[Finding]:
    state = memory.stats()
    if state["pending"] is None:
        yield Finding(
            "database", "failed", f"{url} was opened, but its queue cannot be read", "check the database's log"
        )
        return
    yield Finding("database", "ok", f"{url}{schema}")
    waiting = (
        f"{state['pending']} exchanges wait, the oldest for {state['oldest_age']:.0f} s"
        if state["pending"]
        else "empty"
    )
    if state["pending"] and state["oldest_age"] > 60:
        yield Finding(
            "queue", "note", waiting, "a program that registers a client works it off; MEMORI_WRAP_WORKERS=0 does not"
        )
    else:
        yield Finding("queue", "ok", waiting)
    if state["dead"]:
        yield Finding(
            "queue",
            "note",
            f"{state['dead']} exchanges could not be augmented; they are recalled all the same, without facts",
            "the log of memori_wrap at DEBUG level says why",
        )


def _model(memory: Memori) -> Finding:
    began = time.monotonic()
    is_ready = memory.warm(MODEL_TIMEOUT)
    seconds = time.monotonic() - began
    model = memory.stats()["model"]
    without = "; without it: MEMORI_WRAP_EMBEDDER=none"
    if is_ready:
        return Finding("model", "ok", f"{model['name']}, loaded in {seconds:.1f} s")
    if model["state"] == "off" and memory.settings.embedder == "none":
        return Finding("model", "ok", "none, as set: recall is by words only")
    if model["state"] == "off":
        return Finding("model", "note", "none: recall is by words only", "pip install 'memori-wrap[local]'")
    if model["state"] == "failed":
        return Finding(
            "model", "failed", model["reason"], f"pip install --force-reinstall 'memori-wrap[local]'{without}"
        )
    return Finding("model", "failed", f"not loaded after {seconds:.0f} s", f"is the machine or the disk busy?{without}")


# ---------------------------------------------------------------- what is installed


def _extras() -> Iterator[Finding]:
    """The extras as our own metadata names them."""
    packages: dict[str, list[str]] = {}
    for requirement in metadata.requires("memori-wrap") or ():
        found = _REQUIREMENT.match(requirement)
        if found and found[2] not in _NO_SDK:
            packages.setdefault(found[2], []).append(found[1])
    for extra, needed in packages.items():
        versions: dict[str, Any] = {package: _version(package) for package in needed}
        shown = ", ".join(f"{package} {version or 'missing'}" for package, version in versions.items())
        if all(versions.values()):
            yield Finding(extra, "ok", shown)
        else:
            yield Finding(extra, "note", shown, f"where you need it: pip install 'memori-wrap[{extra}]'")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
