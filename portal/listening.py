"""Taking a port, so that a taken one is told in one line before anything else starts."""

import errno
import socket

from parking.core.errors import DomainError

_PROBLEMS = {
    errno.EADDRINUSE: "another program listens there: stop it, or choose another with --port",
    errno.EACCES: "this user may not listen there: choose a port above 1023",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


class CannotListenError(DomainError):
    """The address and port cannot be listened on."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {reason}")
        self.port = port


def listen(host: str, port: int) -> socket.socket:
    """Take the port now, so that a taken one is told before anything else starts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it on every
    # answer would come 40 ms late.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        number = getattr(error, "errno", None)
        raise CannotListenError(host, port, _PROBLEMS.get(number or 0, str(error))) from None
    listening.set_inheritable(True)
    return listening
