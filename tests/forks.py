"""Processes for tests to kill: forked from one server that has imported everything by then.

Whoever starts the server first decides what it imports, so that is written here, once for all.
"""

import multiprocessing

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "pytest",
        "tests.lpr.agent_process",
        "tests.integration.billing.test_killed_at_each_step",
        "tests.portal.killed_server",
    ]
)
