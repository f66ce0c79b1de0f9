"""Shared by all tests: real PostgreSQL servers, and no way out to the network.

`database_url` is a fresh database with every migration applied, `empty_database_url` one without.
Tests run on the embedded server; those marked `both_postgres` run on the system's own as well,
where one of version 15 or later is installed. `--postgres=embedded|system|both` (or TEST_POSTGRES)
runs everything on the named kind.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings

from parking.postgres import (
    Binaries,
    RunningServer,
    create_database,
    drop_database,
    ensure_running,
    stop,
)
from tests.seeds import fresh_seed
from tests.servers_folder import clear_away_after_killed_runs, servers_folder

EMBEDDED, SYSTEM, BOTH = "embedded", "system", "both"
_MIGRATED = "migrated"

settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person choose the kind of PostgreSQL."""
    parser.addoption(
        "--postgres",
        choices=(EMBEDDED, SYSTEM, BOTH),
        default=os.environ.get("TEST_POSTGRES"),
        help="run all tests on this kind of PostgreSQL (default: embedded, and both where marked)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests off the network (only this machine may be spoken to), and draw the seed."""
    del config
    fresh_seed()
    # In colours, with source and variables, a traceback takes a quarter of a second to draw, and
    # tests in which services fail on purpose log hundreds.
    structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback
    sys.addaudithook(_refuse_other_machines)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the run's seed when anything failed: whichever test drew from it, it runs it again."""
    if terminalreporter.stats.get("failed"):
        terminalreporter.write_line(f"SIMULATION_SEED={fresh_seed()} runs with these seeds again")


def _refuse_other_machines(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1", "localhost")):
        msg = f"a test tried to reach {address[0]}: tests speak to this machine only"
        raise RuntimeError(msg)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each kind of PostgreSQL it is meant for."""
    if "postgres_server" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("--postgres")
    marked = metafunc.definition.get_closest_marker("both_postgres") is not None
    if chosen == BOTH or (chosen is None and marked):
        kinds = [EMBEDDED] if _system_binaries() is None else [EMBEDDED, SYSTEM]
    else:
        kinds = [chosen or EMBEDDED]
    if kinds != [EMBEDDED]:
        metafunc.parametrize("postgres_server", kinds, indirect=True)


def _system_binaries() -> Binaries | None:
    return Binaries.of_the_system()


class _Servers:
    """The servers of this test run, each started when the first test asks for it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._running: dict[str, RunningServer] = {}
        self._migrated: set[str] = set()
        self._names = count(1)

    def get(self, kind: str) -> RunningServer:
        if kind not in self._running:
            binaries = Binaries.embedded() if kind == EMBEDDED else _system_binaries()
            if binaries is None:
                pytest.skip("no PostgreSQL 15 or later is installed on this system")
            # A test's data need not outlive a power cut; they do outlive a kill -9.
            self._running[kind] = ensure_running(
                self._root / kind, binaries=binaries, overrides={"fsync": "off"}
            )
        return self._running[kind]

    def new_database(self, server: RunningServer, template: str | None) -> str:
        name = f"test_{next(self._names)}"
        run_in_own_loop(lambda: _copy_database(server.url(), name, template or "template1"))
        return name

    def migrated_template(self, kind: str) -> str:
        """Migrate once; every other database is a copy."""
        server = self.get(kind)
        if kind not in self._migrated:
            from parking.db.migrate import upgrade

            run_in_own_loop(lambda: create_database(server.url(), _MIGRATED))
            upgrade(server.url(_MIGRATED))
            self._migrated.add(kind)
        return _MIGRATED

    def stop_all(self) -> None:
        for server in self._running.values():
            stop(server.data_dir)


def run_in_own_loop(make: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine apart from whatever event loop a test runs in."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(lambda: asyncio.run(make())).result()


async def _copy_database(admin_url: str, name: str, template: str) -> None:
    """Copy a database file by file; through the log, the default, takes five times as long."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(
            f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'
        )
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres_servers() -> Iterator[_Servers]:
    """All servers of the run; stopped and removed at its end."""
    clear_away_after_killed_runs()
    with servers_folder() as root:
        servers = _Servers(root)
        yield servers
        servers.stop_all()


@pytest.fixture
def postgres_server(request: pytest.FixtureRequest, postgres_servers: _Servers) -> RunningServer:
    """A real PostgreSQL, shared by the tests of a run."""
    return postgres_servers.get(getattr(request, "param", EMBEDDED))


@pytest.fixture
def empty_database_url(postgres_server: RunningServer, postgres_servers: _Servers) -> Iterator[str]:
    """A fresh database without any table."""
    yield from _database(postgres_server, postgres_servers, template=None)


@pytest.fixture
def database_url(
    request: pytest.FixtureRequest, postgres_server: RunningServer, postgres_servers: _Servers
) -> Iterator[str]:
    """A fresh database with every migration applied."""
    callspec = getattr(request.node, "callspec", None)
    kind = EMBEDDED if callspec is None else callspec.params.get("postgres_server", EMBEDDED)
    template = postgres_servers.migrated_template(kind)
    yield from _database(postgres_server, postgres_servers, template=template)


def _database(server: RunningServer, servers: _Servers, *, template: str | None) -> Iterator[str]:
    name = servers.new_database(server, template)
    yield server.url(name)
    run_in_own_loop(lambda: drop_database(server.url(), name))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio, as the product does."""
    return "asyncio"
