"""A gate agent as a process of its own, with the stripe reader instead of the nets.

    python -m tests.lpr.agent_process CONFIG [KILL_BEFORE_STATEMENT]

With a number it kills itself with SIGKILL right before that SQL statement of its spool.
"""

import os
import signal
import sys
import threading
from itertools import count
from pathlib import Path

from lpr.agent import Agent
from lpr.config import load_settings
from lpr.logs import configure_logs
from tests.lpr.plates import StripeReader


def main() -> None:
    config, *kill_before = sys.argv[1:]
    configure_logs()
    settings = load_settings(path=Path(config), flags={}, environ={})
    agent = Agent(settings=settings, reader=StripeReader())
    if kill_before:
        statements, last = count(), int(kill_before[0])

        def kill_in_time(_: str) -> None:
            if next(statements) >= last:
                os.kill(os.getpid(), signal.SIGKILL)

        agent._spool._db.set_trace_callback(kill_in_time)
    agent.run(stop=threading.Event(), until_idle_seconds=0.1)


if __name__ == "__main__":
    main()
