"""Posts ready-made HTTP requests as fast as they are answered, and counts. A process of its own.

    python bench/load.py --port 8080 --connections 256 --requests FILE

FILE holds the requests, each with its length before it (4 bytes, big-endian), in the order in which
they are to be sent. Prints one JSON line: seconds, statuses, latencies in milliseconds. Raw
sockets and a scanner for two header fields: the generator must cost less than what it measures.
"""

import argparse
import asyncio
import gc
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import uvloop


def read_requests(path: Path) -> list[bytes]:
    """All requests of a file."""
    data = path.read_bytes()
    found, place = [], 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        found.append(data[place + 4 : place + 4 + size])
        place += 4 + size
    return found


class Sender(asyncio.Protocol):
    """One keep-alive connection: sends the next request when the last one is answered."""

    def __init__(self, requests: Iterator[bytes], run: "Run") -> None:
        """Take requests from the shared iterator, note answers in the shared run."""
        self._requests = requests
        self._run = run
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        """Wait for the whole answer, then go on."""
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        start = self._buffer.find(b"content-length: ") + 16
        length = int(self._buffer[start : self._buffer.find(b"\r\n", start)])
        if len(self._buffer) < head + 4 + length:
            return
        self._run.note(self._buffer[9:12], time.perf_counter() - self._sent_at)
        self._buffer = self._buffer[head + 4 + length :]
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """A lost connection is a failure of the run."""
        self._run.finished(lost=exc is not None)

    def _next(self) -> None:
        assert self._transport is not None
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


class Run:
    """What all connections note."""

    def __init__(self, connections: int) -> None:
        """Finished when every connection is."""
        self._open = connections
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.done = asyncio.Event()

    def note(self, status: bytes, seconds: float) -> None:
        """One answer."""
        self.statuses[status.decode()] += 1
        self.latencies.append(seconds)

    def finished(self, *, lost: bool) -> None:
        """One connection is at its end."""
        self.statuses["lost"] += lost
        self._open -= 1
        if not self._open:
            self.done.set()


async def _load(port: int, connections: int, requests: list[bytes]) -> None:
    loop = asyncio.get_running_loop()
    run = Run(connections)
    remaining = iter(requests)
    gc.disable()
    started = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: Sender(remaining, run), "127.0.0.1", port)
    await run.done.wait()
    seconds = time.perf_counter() - started
    ordered = sorted(run.latencies)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "statuses": {status: n for status, n in run.statuses.items() if n},
                "p50_ms": ordered[len(ordered) // 2] * 1000,
                "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
            }
        )
    )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--requests", type=Path, required=True)
    given = parser.parse_args()
    uvloop.run(_load(given.port, given.connections, read_requests(given.requests)))


if __name__ == "__main__":
    main()
