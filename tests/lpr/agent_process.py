"""A gate agent as a process of its own, with the stripe reader instead of the nets.

Processes are forked from a server that has everything imported: the tests start dozens of them.
"""

import os
import signal
import sys
import threading
from itertools import count
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from lpr.agent import Agent
from lpr.config import load_settings
from lpr.logs import configure_logs
from tests.forks import FORKS
from tests.lpr.plates import StripeReader


def start_agent(config: Path, *, kill_before: int | None = None) -> ForkServerProcess:
    """Start an agent that ends when it is idle.

    With `kill_before` it kills itself with SIGKILL right before that SQL statement of its spool.
    """
    process = FORKS.Process(target=_run, args=(config, kill_before))
    process.start()
    return process


def ended(process: ForkServerProcess) -> int | None:
    """Wait for an agent's end; answer its exit code, minus the signal that killed it."""
    process.join(timeout=60)
    return process.exitcode


def _run(config: Path, kill_before: int | None) -> None:
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for the life of the process
    configure_logs()
    settings = load_settings(path=config, flags={}, environ={})
    agent = Agent(settings=settings, reader=StripeReader())
    if kill_before is not None:
        statements = count()

        def kill_in_time(_: str) -> None:
            if next(statements) >= kill_before:
                os.kill(os.getpid(), signal.SIGKILL)

        agent._spool._db.set_trace_callback(kill_in_time)
    agent.run(stop=threading.Event(), until_idle_seconds=0.1)
