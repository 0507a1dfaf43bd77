"""The database that is meant, and what its errors mean."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from pymongo import MongoClient, ReadPreference, WriteConcern
from pymongo.database import Database
from pymongo.errors import ConfigurationError as Misconfigured
from pymongo.errors import (
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidURI,
    PyMongoError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern

from memori_wrap.errors import ConfigurationError, MigrationNeeded, StoreError
from memori_wrap_adapters.stores.mongo_documents import PREFIX, SECRET, Document, indexes

NAME = "memori_wrap"
"""The database where none is named."""
SCHEMA = 1
WAIT_MS = 5_000
"""For a server to be found or connected to, where a URL does not say."""
ANSWER_MS = 30_000
_TAKEN = "mongodb://host/database, or a MongoClient or a Database of pymongo"
_SECRETS = re.compile(r"//[^@/]*@")

P = ParamSpec("P")
R = TypeVar("R")


def database_of(target: object) -> tuple[Database[Document], MongoClient[Document] | None]:
    """The database of a URL, a client or itself; and the client where it was made here, to be closed."""
    if isinstance(target, Database):
        return target, None
    if isinstance(target, MongoClient):
        return target.get_default_database(NAME), None
    if not isinstance(target, str):
        kind = f"{type(target).__module__}.{type(target).__qualname__}"
        raise ConfigurationError(f"conn is a {kind}; of MongoDB is taken: {_TAKEN}")
    try:
        client: MongoClient[Document] = MongoClient(
            target,
            appname="memori_wrap",
            serverSelectionTimeoutMS=_asked(target, "serverSelectionTimeoutMS", WAIT_MS),
            connectTimeoutMS=_asked(target, "connectTimeoutMS", WAIT_MS),
            socketTimeoutMS=_asked(target, "socketTimeoutMS", ANSWER_MS),
        )
        return client.get_default_database(NAME), client
    except (InvalidURI, Misconfigured, ValueError) as error:
        shown = _SECRETS.sub("//***@", str(error))
        raise ConfigurationError(f"this MongoDB URL cannot be used ({shown}); such is {_TAKEN}") from error


def _asked(url: str, option: str, default: int) -> int:
    """What the URL says: an argument would stand over it."""
    found = re.search(rf"[?&]{option}=(\d+)", url, re.IGNORECASE)
    return int(found[1]) if found else default


def settled(database: Database[Document], durability: str) -> tuple[Database[Document], Database[Document]]:
    """The database as everything is read and written, and as a commit is.

    What one process wrote the next must read: from the primary, and of what a majority has. "full" waits with each
    commit, and with nothing else, for the journal to be on the disk.
    """
    is_replicated = database.client.topology_description.replica_set_name is not None
    level = ReadConcern("majority" if is_replicated else "local")
    common: dict[str, Any] = {"read_preference": ReadPreference.PRIMARY, "read_concern": level}
    plain = database.with_options(write_concern=WriteConcern(w="majority"), **common)
    if durability != "full":
        return plain, plain
    return plain, database.with_options(write_concern=WriteConcern(w="majority", j=True), **common)


def prepare(database: Database[Document]) -> bytes:
    """Makes the indexes where they are not there; the fence's key.

    Raises ``MigrationNeeded`` for a database of a newer version.
    """
    notes = database[PREFIX + SECRET]
    found = {note["_id"]: note["value"] for note in notes.find({})}
    if found.get("schema", 0) > SCHEMA:
        raise MigrationNeeded(
            f"the database has schema {found['schema']}, this memori_wrap knows {SCHEMA}: pip install -U memori-wrap"
        )
    if "schema" not in found:
        for name, made in indexes():
            database[PREFIX + name].create_indexes(made)
        for name, value in (("fence", secrets.token_hex(32)), ("schema", SCHEMA)):
            with suppress(DuplicateKeyError):  # another process was quicker
                notes.insert_one({"_id": name, "value": value})
        found = {note["_id"]: note["value"] for note in notes.find({})}
    return bytes.fromhex(found["fence"])


def location(database: Database[Document]) -> tuple[str, ...]:
    """What names the database: its replica set's name, else its servers, and its own."""
    topology = database.client.topology_description
    servers = sorted(f"{host}:{port}" for host, port in topology.server_descriptions())
    return ("mongodb", *([topology.replica_set_name] if topology.replica_set_name else servers), database.name)


def as_store_error(error: PyMongoError) -> StoreError:
    """Without its text, which may hold documents, but for one about the connection."""
    is_away = isinstance(error, ConnectionFailure)
    is_transient = isinstance(error, (ConnectionFailure, ExecutionTimeout, WTimeoutError)) or error.timeout
    text = f": {re.split(r', | [(]', str(error))[0]}" if is_away else ""
    return StoreError(f"MongoDB: {type(error).__name__}{text}", transient=is_transient)


def translated(method: Callable[P, R]) -> Callable[P, R]:
    """All errors of the driver come out as ``StoreError``."""

    @wraps(method)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except PyMongoError as error:
            raise as_store_error(error) from error

    return run
