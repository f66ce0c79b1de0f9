"""`parking serve`: uvicorn around the application."""

import asyncio
import gc
import os
import socket
import tempfile
from pathlib import Path

import msgspec
import uvicorn
from litestar import Litestar
from uvicorn.supervisors import Multiprocess

from parking.services.api_keys import require_strong
from portal import logs
from portal.app import create_app
from portal.database import ready_database
from portal.listening import listen
from portal.metrics import COUNTS_FOLDER
from portal.settings import CONFIG_VARIABLE, Settings, load

_BACKLOG = 2048
_GC_ALLOCATIONS = 50_000
"""A transaction of 512 events makes some ten thousand objects that live until it is done and die
without the collector. At Python's usual 700 it would look through them again and again: an eighth
of all processor time."""


def serve(
    settings: Settings, *, host: str | None = None, port: int | None = None, workers: int = 1
) -> None:
    """Serve until told to stop.

    Raises CannotListenError, DatabaseUnreachableError or a PostgresError before anything is served.
    """
    require_secrets(settings)
    server = settings.server
    chosen = msgspec.structs.replace(
        server,
        host=server.host if host is None else host,
        port=server.port if port is None else port,
    )
    listening = listen(chosen.host, chosen.port)
    chosen = msgspec.structs.replace(chosen, port=listening.getsockname()[1])
    settings = msgspec.structs.replace(settings, server=chosen)
    logs.configure(level=settings.log_level)
    asyncio.run(ready_database(settings.database))
    if workers == 1:
        configuration = _configuration(settings)
        _collect_seldom()
        uvicorn.Server(configuration).run(sockets=[listening])
    else:
        _serve_many(settings, listening, workers)


def require_secrets(settings: Settings) -> None:
    """Refuse to begin without what would only be missed later, in the middle of a start.

    Raises EmptyWebhookSecretError or WeakAdminKeyError.
    """
    _ = settings.billing.webhook_secrets
    if settings.admin_key:
        require_strong(settings.admin_key.reveal())


def _configuration(settings: Settings, *, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(settings) if workers == 1 else "portal.serving:worker_app",
        factory=workers > 1,
        workers=workers,
        host=settings.server.host,
        port=settings.server.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        backlog=_BACKLOG,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=settings.server.stop_seconds,
    )


def _serve_many(settings: Settings, listening: socket.socket, workers: int) -> None:
    """Let several processes share the port; each reads the settings for itself."""
    # What the command line said is handed to the children the way everything else is.
    os.environ["PARKING_SERVER_HOST"] = settings.server.host
    os.environ["PARKING_SERVER_PORT"] = str(settings.server.port)
    config = _configuration(settings, workers=workers)
    with tempfile.TemporaryDirectory(prefix="leave-first-counts-") as folder:
        os.environ[COUNTS_FOLDER] = folder
        Multiprocess(config, sockets=[listening]).run()


def worker_app() -> Litestar:
    """The application of one of several worker processes."""
    config = os.environ.get(CONFIG_VARIABLE)
    settings = load(Path(config) if config else None)
    logs.configure(level=settings.log_level)
    app = create_app(settings)
    _collect_seldom()
    return app


def _collect_seldom() -> None:
    """Leave the application's own objects out of garbage collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_ALLOCATIONS)
