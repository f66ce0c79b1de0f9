"""The virtual environment `.venv`: hash-locked packages and this project, editable.

uv installs the packages (seconds), and where it cannot, pip does (minutes). A stamp in the
environment names what it was made from; while that has not changed there is nothing to do.
Standard library only.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import package_index

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
STAMP = VENV / "setup.stamp"
REQUIREMENTS = ROOT / "requirements"
INSTALLER_LOCK = REQUIREMENTS / "installer.lock"
"""uv, and what builds this project."""
SETS = ("all", "server", "edge", "train")
FREE_BYTES_MIN = 3 << 30
"""The packages take 1.2 GB, as much again while they are unpacked, and data need room too."""
_HEARTBEAT_SECONDS = 10.0

_UNREACHABLE = (
    "Failed to establish a new connection",
    "Name or service not known",
    "Temporary failure in name resolution",
    "No matching distribution found",
    "Could not find a version",
    "Connection refused",
    "Network is unreachable",
    "ProxyError",
    "ReadTimeoutError",
    "ConnectTimeoutError",
    "Max retries exceeded",
)
_NO_SPACE = "No space left on device"


class SetupError(Exception):
    """Told to the person in one line."""


def main(arguments: Sequence[str]) -> int:
    """Make the environment for a set of packages; answer the exit code."""
    wanted = arguments[0] if arguments else "all"
    try:
        lock = _lock(wanted)
        with _alone():
            _ensure(lock)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; the next run goes on from here", file=sys.stderr)
        return 130
    return 0


@contextmanager
def _alone() -> Iterator[None]:
    """Let two that are started at once take turns; the kernel frees the lock whatever happens."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lock(wanted: str) -> Path:
    if wanted not in SETS:
        raise SetupError(f"no set of packages is called {wanted}: {', '.join(SETS)}")
    return REQUIREMENTS / f"{wanted}.lock"


def _ensure(lock: Path) -> None:
    fingerprint = _fingerprint(lock)
    if _stamped() == fingerprint:
        return
    started = time.monotonic()
    STAMP.unlink(missing_ok=True)
    _make_venv()
    options = package_index.pip_options(PYTHON)
    _say(2, "the installer, uv")
    _install_uv(options)
    count = sum(line[:1].isalnum() for line in lock.read_text().splitlines())
    _say(3, f"{count} packages, about 1 GB (seconds from a nearby index)")
    _install_packages(lock, count, options)
    _say(4, "this project, editable")
    _install_project(options)
    _write_stamp(fingerprint)
    print(f"setup: ready after {time.monotonic() - started:.0f} s", flush=True)


def _fingerprint(lock: Path) -> str:
    """Name everything that the environment is made from."""
    made_from = hashlib.sha256()
    for path in (lock, INSTALLER_LOCK, ROOT / "pyproject.toml"):
        made_from.update(path.read_bytes())
    for text in (sys.version, os.path.realpath(sys.executable), str(ROOT)):
        made_from.update(text.encode() + b"\0")
    return made_from.hexdigest()


def _stamped() -> str | None:
    try:
        return STAMP.read_text().strip() if PYTHON.exists() else None
    except FileNotFoundError:
        return None


def _write_stamp(fingerprint: str) -> None:
    written = STAMP.with_suffix(".new")
    written.write_text(fingerprint + "\n")
    written.replace(STAMP)


def _say(step: int, what: str) -> None:
    print(f"setup [{step}/4] {what}", flush=True)


def _make_venv() -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    _say(1, f".venv with Python {version}")
    if _usable():
        return
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            short = ".".join(map(str, sys.version_info[:2]))
            raise SetupError(
                f"this Python ({sys.executable}) lacks the module {module}: "
                f"install it (on Debian: apt-get install python{short}-venv)"
            )
    free = shutil.disk_usage(ROOT).free
    if free < FREE_BYTES_MIN:
        raise SetupError(
            f"the disk that holds {ROOT} has {free / (1 << 30):.1f} GiB free "
            f"and {FREE_BYTES_MIN >> 30} are needed: make room and start again"
        )
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0 or not _usable():
        words = (made.stdout + made.stderr).strip().splitlines() or ["no reason given"]
        raise SetupError(f"cannot make {VENV}: {_reason(words)}")


def _usable() -> bool:
    """Say whether what is there is a whole environment of this very Python, with pip."""
    if not PYTHON.exists():
        return False
    check = "import pip, sys; print(sys.version, sys.base_prefix, sys.prefix)"
    try:
        told = subprocess.run([PYTHON, "-c", check], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return told.stdout.strip() == f"{sys.version} {sys.base_prefix} {VENV}"


def _install_uv(options: dict[str, str]) -> None:
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--retries", "2", "--require-hashes"]
    words = _run([*pip, "-r", str(INSTALLER_LOCK)], env=dict(os.environ))
    if words is not None:
        raise _refusal("cannot install uv", words, options)


def _install_packages(lock: Path, count: int, options: dict[str, str]) -> None:
    uv = [
        *_uv_pip(options),
        *("--require-hashes", "--no-deps", "-r", str(lock)),
    ]
    words = _run(uv, env=package_index.uv_environment(options), count=count)
    if words is None:
        return
    if any(_NO_SPACE in line for line in words):
        raise _refusal("cannot install the packages", words, options)
    print(f"setup: uv could not ({_reason(words)}); pip tries, which takes minutes", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--require-hashes", "--no-deps", "-r", str(lock)]
    words = _run(pip, env=dict(os.environ), count=count)
    if words is not None:
        raise _refusal("cannot install the packages", words, options)


def _install_project(options: dict[str, str]) -> None:
    how = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    words = _run([*_uv_pip(options), *how], env=package_index.uv_environment(options))
    if words is not None:
        words = _run([str(PYTHON), "-m", "pip", "install", *how], env=dict(os.environ))
    if words is not None:
        raise _refusal("cannot install this project", words, options)


def _uv_pip(options: dict[str, str]) -> list[str]:
    uv = [str(VENV / "bin" / "uv"), "--no-config", "pip", "install", "--python", str(PYTHON)]
    return [*uv, *package_index.uv_arguments(options)]


def _run(command: list[str], *, env: dict[str, str], count: int | None = None) -> list[str] | None:
    """Run a command with a sign of life; answer None when it worked, else its last words."""
    with LOG.open("a+") as log:
        begin = log.seek(0, os.SEEK_END)
        try:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            return [f"error: {error}"]
        try:
            _wait(process, count)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode == 0:
            return None
        log.seek(begin)
        return [line.strip() for line in log if line.strip()] or ["it said nothing"]


def _wait(process: "subprocess.Popen[bytes]", count: int | None) -> None:
    started = time.monotonic()
    while True:
        try:
            process.wait(timeout=_HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            so_far = "" if count is None else f"{_installed()} of {count} installed, "
            print(f"setup       … {so_far}{time.monotonic() - started:.0f} s", flush=True)
        else:
            return


def _installed() -> int:
    return sum(1 for _ in VENV.glob("lib/python*/site-packages/*.dist-info"))


def _refusal(what: str, words: list[str], options: dict[str, str]) -> SetupError:
    everything = "\n".join(words)
    if _NO_SPACE in everything:
        return SetupError(f"{what}: the disk that holds {VENV} is full; make room, start again")
    if any(sign in everything for sign in _UNREACHABLE):
        return SetupError(
            f"{what}: no package registry could be reached ({package_index.shown(options)}); "
            "check the network, or pip's index-url"
        )
    return SetupError(f"{what}: {_reason(words)} (all of it: {LOG})")


def _reason(words: list[str]) -> str:
    """Pick the line that says most: the first that calls itself an error, else the last."""
    marks = ("error:", "ERROR:", "× ", "╰─▶")
    errors = [line for line in words if any(mark in line for mark in marks)]
    return (errors or words[-1:])[-1].strip(" ×╰─▶│")
