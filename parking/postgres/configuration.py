"""The server's own settings: durable, local, modest."""

import re
import secrets
from collections.abc import Mapping
from pathlib import Path

ROLE = "parking"
PASSWORD_FILE = "password"  # noqa: S105  the file's name
CONF_FILE = "postgresql.conf"
_PORT = re.compile(r"^port = (\d+)$", re.MULTILINE)

DEFAULTS: Mapping[str, str] = {
    # Whoever gets in shows the password; there is no other door than this one.
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "password_encryption": "'scram-sha-256'",
    "max_connections": "100",
    # An acknowledged event is on the disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Fits a small gate server; a big one brings its own PostgreSQL.
    "shared_buffers": "'128MB'",
    "max_wal_size": "'1GB'",
    "checkpoint_timeout": "'5min'",
    "wal_compression": "on",
    # A worker that hangs inside a transaction must not hold locks for ever.
    "idle_in_transaction_session_timeout": "'5min'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "lc_messages": "'C'",
    "log_line_prefix": "'%m [%p] '",
    # Recovery reports itself each second, and we pass that on.
    "log_startup_progress_interval": "'1s'",
    "logging_collector": "off",
    "log_checkpoints": "off",
    # Plates and phone numbers travel as parameters and in rows: keep them out of the log.
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "'terse'",
    "log_min_error_statement": "panic",
}

HBA = "host all all 127.0.0.1/32 scram-sha-256\n"


def render(*, port: int, overrides: Mapping[str, str]) -> str:
    """Write postgresql.conf. It is written anew at each start; use ALTER SYSTEM to change more."""
    settings = {**DEFAULTS, **overrides, "port": str(port)}
    lines = [f"{name} = {value}" for name, value in settings.items()]
    return "\n".join(["# Written by parking.postgres at each start.", *lines, ""])


def last_port(cluster: Path) -> int | None:
    """Read the port of last time, so that addresses stay the same over restarts."""
    try:
        found = _PORT.search((cluster / CONF_FILE).read_text())
    except FileNotFoundError:
        return None
    return int(found[1]) if found else None


def new_password() -> str:
    """Make a password that needs no quoting in an address."""
    return secrets.token_urlsafe(32)
