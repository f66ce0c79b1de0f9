"""Where the PostgreSQL servers of tests keep their files: in memory, where there is room.

A database is a thousand files. A test's data need not outlive a power cut, so nothing that is
tested is lost; what is to survive a kill -9 does, in memory too.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parking.postgres import stop

_PREFIX = "leave-first-tests-"
_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there is for its owner alone
_ROOM_BYTES = 3 << 30
"""A worker's servers come to some 300 MiB, write-ahead log included; several workers share it."""


def _parent() -> Path:
    try:
        room = shutil.disk_usage(_MEMORY).free
    except OSError:
        room = 0
    roomy = room >= _ROOM_BYTES and os.access(_MEMORY, os.W_OK)
    return _MEMORY if roomy else Path(tempfile.gettempdir())


@contextmanager
def servers_folder() -> Iterator[Path]:
    """A new folder, removed at the end; the servers in it must have been stopped by then."""
    root = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_parent()))
    # Where PostgreSQL may not share root's identity it runs as `nobody` and must get through.
    root.chmod(0o711)
    yield root
    shutil.rmtree(root)


def clear_away_after_killed_runs() -> None:
    """Stop the servers of test runs that could not do it themselves any more."""
    for root in (*_MEMORY.glob(f"{_PREFIX}*"), *Path(tempfile.gettempdir()).glob(f"{_PREFIX}*")):
        owner = root.name.removeprefix(_PREFIX).partition("-")[0]
        if not owner.isdigit() or Path(f"/proc/{owner}").exists() or not Path("/proc").exists():
            continue
        for data_dir in root.iterdir():
            stop(data_dir)
        shutil.rmtree(root, ignore_errors=True)
