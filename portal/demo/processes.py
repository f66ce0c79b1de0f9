"""The demo's processes: started for real, watched, and started again when somebody kills one.

Each child writes its output to a file of its own. A child that ends while it should run is
restarted after a moment and the demo says so: that is what a service manager does in production.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import httpx

from parking.core.errors import DomainError
from portal.demo.http import local_client

Say = Callable[[str], None]

_STOP_SECONDS = 10.0
_RESTART_SECONDS = 0.3
_QUICK_DEATH_SECONDS = 3.0
_QUICK_DEATHS_MAX = 5
_PR_SET_PDEATHSIG = 1
_NICE = 5


class ChildKeepsDyingError(DomainError):
    """A process of the demo ends again and again right after its start."""

    def __init__(self, name: str, log: Path) -> None:
        super().__init__(
            f"{name} keeps ending right after its start: {_last_line(log)} (see {log})"
        )
        self.name = name
        self.log = log


class ChildNotReadyError(DomainError):
    """A process of the demo did not become ready."""

    def __init__(self, name: str, log: Path, seconds: float) -> None:
        super().__init__(
            f"{name} is not ready after {seconds:.0f} s: {_last_line(log)} (see {log})"
        )
        self.name = name
        self.log = log


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][:300] if lines else "it said nothing"


def program(name: str) -> str:
    """Where a console script of this installation lies, beside the Python that runs us."""
    return str(Path(sys.executable).parent / name)


def _prepare(*, yields: bool) -> None:
    """Run in the new child, before it becomes the program."""
    if yields:
        os.nice(_NICE)
        # A session is a scheduling group of its own: else niceness counts inside it only.
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(_NICE), encoding="ascii")
    if sys.platform == "linux":
        # End this child when the demo itself is killed, so that no port stays taken.
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One process that is kept running until it is told to stop."""

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        say: Say,
        health_url: str | None = None,
        ends_by_itself: bool = False,
        yields: bool = False,
    ) -> None:
        """Describe the process; `start` starts it.

        `ends_by_itself` lets it end with code 0; `yields` lets the others have the processor first.
        """
        self.name = name
        self.restarts = 0
        self.log = log
        self._command = list(command)
        self._environment = dict(environment)
        self._say = say
        self._health_url = health_url
        self._ends_by_itself = ends_by_itself
        self._yields = yields
        self.finished = False
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process id, while there is a process."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the process and keep it running from now on."""
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def _spawn(self) -> None:
        with self.log.open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **self._environment},
                # A session of its own: Ctrl-C reaches the demo, which then stops them in order.
                start_new_session=True,
                preexec_fn=partial(_prepare, yields=self._yields),
            )

    async def _keep(self) -> None:
        quick_deaths = 0
        while True:
            process = self._process
            if process is None:
                return
            started = time.monotonic()
            code = await process.wait()
            if self._stopping.is_set():
                return
            if self._ends_by_itself and code == 0:
                self.finished = True
                return
            self.restarts += 1
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            self._say(f"{self.name} ended ({how}); starting it again")
            lived = time.monotonic() - started
            quick_deaths = quick_deaths + 1 if lived < _QUICK_DEATH_SECONDS else 0
            if quick_deaths >= _QUICK_DEATHS_MAX:
                raise ChildKeepsDyingError(self.name, self.log)
            await asyncio.sleep(_RESTART_SECONDS * (1 + quick_deaths))
            if self._stopping.is_set():
                return
            await self._spawn()

    @property
    def given_up(self) -> bool:
        """Whether the process cannot be kept running."""
        return self._keeper is not None and self._keeper.done() and not self.finished

    def raise_if_given_up(self) -> None:
        """Raise what made us give the process up, if anything did."""
        if self._keeper is not None and self.given_up and not self._stopping.is_set():
            self._keeper.result()

    async def wait_ready(self, *, seconds: float) -> None:
        """Wait until its health address answers 200."""
        if self._health_url is None:
            return
        deadline = time.monotonic() + seconds
        async with local_client(seconds=2.0) as client:
            while time.monotonic() < deadline:
                self.raise_if_given_up()
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(self._health_url)).status_code == httpx.codes.OK:
                        return
                await asyncio.sleep(0.05)
        raise ChildNotReadyError(self.name, self.log, seconds)

    async def stop(self) -> None:
        """Ask the process to end, insist after a while, and wait until it is gone."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError, ChildKeepsDyingError):
                await self._keeper


class Household:
    """All processes of one demo, stopped together."""

    def __init__(self, *, logs: Path, say: Say) -> None:
        """Keep the children's output under `logs`; `say` tells the person what happens."""
        self._logs = logs
        self._say = say
        self.children: list[Child] = []

    async def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        health_url: str | None = None,
        ends_by_itself: bool = False,
        yields: bool = False,
    ) -> Child:
        """Start one more process and keep it running."""
        child = Child(
            name=name,
            command=command,
            environment=environment or {},
            log=self._logs / f"{name.replace(' ', '-')}.log",
            say=self._say,
            health_url=health_url,
            ends_by_itself=ends_by_itself,
            yields=yields,
        )
        self.children.append(child)
        await child.start()
        return child

    def raise_if_given_up(self) -> None:
        """Raise when one of the processes cannot be kept running."""
        for child in self.children:
            child.raise_if_given_up()

    async def stop(self) -> None:
        """Stop all of them at once; none needs another to end well."""
        await asyncio.gather(*(child.stop() for child in self.children))
