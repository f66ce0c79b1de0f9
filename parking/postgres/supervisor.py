"""Starting, adopting and stopping the server of a data directory.

Starting has no time limit: a server that recovers gigabytes of write-ahead log is waited for as
long as its process lives, and what it says about its progress is passed on.
"""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from parking.postgres import postmaster
from parking.postgres.account import Account
from parking.postgres.binaries import Binaries
from parking.postgres.cluster import DataDirectory, prepare
from parking.postgres.server import (
    POLL_SECONDS,
    Patience,
    Progress,
    RunningServer,
    Telling,
    find_ready,
)
from parking.postgres.startup import Start

STOP_PATIENCE_SECONDS = 60.0
"""How long a server may take to write its memory to the disk before it is made to stop."""


def ensure_running(
    data_dir: Path,
    *,
    port: int | None = None,
    binaries: Binaries | None = None,
    account: Account | None = None,
    overrides: Mapping[str, str] | None = None,
    progress: Progress = lambda _: None,
) -> RunningServer:
    """Start the server of a data directory, or adopt the one that runs there.

    `port` insists on a port; without it the port of last time is taken if it is free, else any
    free one. `overrides` are lines for postgresql.conf. The server goes on when we end.
    Raises a PostgresError, whose message is one line that says what to do.
    """
    data = DataDirectory(path=data_dir.resolve())
    tell = Telling(progress)
    with data.locked(tell):
        adopted = _adopt(data, tell)
        if adopted is not None:
            return adopted
        data.check_room()
        chosen_account = account or Account.choose()
        chosen_binaries = binaries or Binaries.embedded()
        prepare(data, chosen_binaries, chosen_account)
        start = Start(
            data=data,
            binaries=chosen_binaries,
            account=chosen_account,
            port=port,
            overrides=overrides or {},
            tell=tell,
        )
        return start.untilfind_ready()


def find_running(data_dir: Path) -> RunningServer | None:
    """Find the server of a data directory, if it runs and is ready; never starts one."""
    data = DataDirectory(path=data_dir.resolve())
    return find_ready(data)


def stop(
    data_dir: Path,
    *,
    patience_seconds: float = STOP_PATIENCE_SECONDS,
    progress: Progress = lambda _: None,
) -> bool:
    """Stop the server of a data directory; say whether there was one.

    Clients are turned out, what they had committed is kept. Waits until its process is gone; a
    server that has not ended after `patience_seconds` is made to (see Patience).
    """
    data = DataDirectory(path=data_dir.resolve())
    if not data.path.exists():
        return False
    tell = Telling(progress)
    with data.locked(tell):
        found = postmaster.find(data.cluster)
        if found is None:
            return False
        os.kill(found.pid, signal.SIGINT)
        patience = Patience(data, patience_seconds)
        while postmaster.serves(found.pid, data.cluster):
            patience.lose_with(found)
            tell("waiting for PostgreSQL to stop")
            time.sleep(POLL_SECONDS)
        return True


def _adopt(data: DataDirectory, tell: Telling) -> RunningServer | None:
    """Take over the server that runs already, once it is ready; or wait until all of it is gone.

    After a kill -9 of the server its children take a moment to go down, and nobody may start
    another one over their heads.
    """
    patience = Patience(data, STOP_PATIENCE_SECONDS)
    while (ready := find_ready(data)) is None:
        found = postmaster.find(data.cluster)
        if found is None and not postmaster.processes_of(data.cluster):
            return None
        if found is not None and found.status == "stopping":
            patience.lose_with(found)
        tell("waiting for the PostgreSQL that runs already to be ready, or gone")
        time.sleep(POLL_SECONDS)
    return ready
