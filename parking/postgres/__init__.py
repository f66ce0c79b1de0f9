"""The database that comes with the project: real PostgreSQL under our own small supervisor.

`ensure_running` starts the server of a data directory, or adopts the one that already runs
there; `stop` ends it. The server outlives whoever started it, so that the API, the worker and the
demo share one. Data, password and log all live under the data directory:

    cluster/        PostgreSQL's own data
    password        of the one role, readable by its owner only
    postgres.log    what the server said (postgres.log.1: before that)
    lock            held while somebody starts or stops the server
"""

from parking.postgres.binaries import Binaries
from parking.postgres.databases import create_database, drop_database, ensure_database
from parking.postgres.errors import PostgresError
from parking.postgres.server import RunningServer
from parking.postgres.supervisor import ensure_running, find_running, stop

__all__ = [
    "Binaries",
    "PostgresError",
    "RunningServer",
    "create_database",
    "drop_database",
    "ensure_database",
    "ensure_running",
    "find_running",
    "stop",
]
