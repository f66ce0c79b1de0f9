"""One fresh seed for each test run, the same in all its processes.

Processes that collect tests apart (pytest-xdist) must find the same ones: the first of them draws
the seed, the others inherit it. `SIMULATION_SEED` runs a seed again that a failure has named.
"""

import os
import secrets

_VARIABLE = "TEST_RUN_SEED"


def fresh_seed() -> int:
    """Answer the run's seed; drawn when it is asked for first, unless one was named."""
    if named := os.environ.get("SIMULATION_SEED"):
        return int(named)
    return int(os.environ.setdefault(_VARIABLE, str(secrets.randbelow(1_000_000))))
