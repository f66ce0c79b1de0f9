"""The embedded PostgreSQL lives through what machines do to it: real servers, real kill -9."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import asyncpg
import pytest

from parking.postgres import Binaries, RunningServer, ensure_running, find_running, postmaster, stop
from parking.postgres.account import Account
from parking.postgres.cluster import FREE_BYTES_MIN
from parking.postgres.errors import (
    BinariesMissingError,
    DifferentMajorVersionError,
    DiskFullError,
    PasswordLostError,
    PortTakenError,
    ServerEndedError,
    UnreachableByServiceUserError,
)
from tests.servers_folder import servers_folder

IN_NO_TIME = {"fsync": "off"}
"""Nothing here pulls the power plug; what a kill -9 leaves is in the kernel's hands."""

START_AND_TELL = """
import sys
from pathlib import Path
from parking.postgres import ensure_running
print("starting", flush=True)
server = ensure_running(Path(sys.argv[1]), overrides={"fsync": "off"})
print(server.pid, server.port, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def data_dirs() -> Iterator[Callable[[], Path]]:
    """Make data directories whose servers are stopped at the end."""
    with ExitStack() as folders:

        def make() -> Path:
            data_dir = folders.enter_context(servers_folder()) / "postgres"
            folders.callback(stop, data_dir)
            return data_dir

        yield make


@pytest.fixture
def data_dir(data_dirs: Callable[[], Path]) -> Path:
    return data_dirs()


def start(data_dir: Path) -> RunningServer:
    return ensure_running(data_dir, overrides=IN_NO_TIME)


def ask(server: RunningServer, *statements: str) -> object:
    """Run statements, each committed, and answer the last one's value."""

    async def run() -> object:
        connection = await asyncpg.connect(server.url())
        try:
            return [await connection.fetchval(statement) for statement in statements][-1]
        finally:
            await connection.close()

    return asyncio.run(run())


def in_another_process(data_dir: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", START_AND_TELL, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def test_a_server_starts_and_stops(data_dir: Path) -> None:
    assert find_running(data_dir) is None
    assert not stop(data_dir)
    server = start(data_dir)
    assert ask(server, "SHOW data_directory") == str(data_dir / "cluster")
    assert find_running(data_dir) == start(data_dir)
    assert stop(data_dir)
    assert find_running(data_dir) is None
    assert postmaster.processes_of(data_dir / "cluster") == ()


def test_the_defaults_are_durable(data_dir: Path) -> None:
    server = ensure_running(data_dir)
    for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert ask(server, f"SHOW {name}") == "on"


def test_what_was_committed_is_there_after_a_restart_on_the_same_port(data_dir: Path) -> None:
    first = start(data_dir)
    ask(first, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1)")
    stop(data_dir)
    second = start(data_dir)
    assert ask(second, "SELECT n FROM kept") == 1
    assert second.port == first.port
    assert second.pid != first.pid


def test_a_running_server_is_adopted(data_dir: Path) -> None:
    first = start(data_dir)
    second = start(data_dir)
    assert (first.adopted, second.adopted) == (False, True)
    assert (second.pid, second.port, second.url()) == (first.pid, first.port, first.url())


def test_nobody_gets_in_without_the_password(data_dir: Path) -> None:
    server = start(data_dir)
    assert (data_dir / "password").stat().st_mode & 0o777 == 0o600
    assert server.password not in repr(server)
    for password in ("", "wrong"):
        url = f"postgresql://parking:{password}@127.0.0.1:{server.port}/postgres"
        with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InterfaceError)):
            asyncio.run(asyncpg.connect(url))


def test_two_projects_run_side_by_side(data_dirs: Callable[[], Path]) -> None:
    one, other = start(data_dirs()), start(data_dirs())
    assert one.port != other.port
    assert ask(one, "CREATE TABLE mine ()", "SELECT to_regclass('mine')::text") == "mine"
    assert ask(other, "SELECT to_regclass('mine')::text") is None
    stop(one.data_dir)
    assert ask(other, "SELECT 1") == 1


def test_the_server_outlives_a_starter_that_is_killed(data_dir: Path) -> None:
    starter = in_another_process(data_dir)
    assert starter.stdout is not None
    starter.stdout.readline()
    pid, port = map(int, starter.stdout.readline().split())
    kill(starter)
    adopted = start(data_dir)
    assert (adopted.pid, adopted.port, adopted.adopted) == (pid, port, True)
    assert ask(adopted, "SELECT 1") == 1


def test_several_that_start_at_once_agree(data_dir: Path) -> None:
    starters = [in_another_process(data_dir) for _ in range(4)]
    told = []
    for starter in starters:
        assert starter.stdout is not None
        starter.stdout.readline()
        told.append(starter.stdout.readline())
    for starter in starters:
        kill(starter)
    assert len(set(told)) == 1
    assert told[0].strip()


@pytest.mark.slow
def test_a_starter_may_be_killed_at_any_moment(data_dir: Path) -> None:
    # From before initdb, over its middle, to a server that is ready.
    for tenths in (0, 2, 5, 9):
        stop(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)
        starter = in_another_process(data_dir)
        assert starter.stdout is not None
        starter.stdout.readline()
        time.sleep(tenths / 10)
        kill(starter)
        server = start(data_dir)
        assert ask(server, "SELECT 1") == 1
        assert find_running(data_dir) is not None


@pytest.mark.parametrize("who", ["the server", "every process"])
def test_what_was_committed_is_there_after_kill_9_of(who: str, data_dir: Path) -> None:
    first = start(data_dir)
    ask(first, "CREATE TABLE kept (n int)", "INSERT INTO kept SELECT generate_series(1, 10000)")
    children = set(postmaster.processes_of(data_dir / "cluster")) - {first.pid}
    os.kill(first.pid, signal.SIGKILL)
    for pid in children if who == "every process" else ():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    second = start(data_dir)
    assert not second.adopted
    assert ask(second, "SELECT count(*) FROM kept") == 10000
    assert second.port == first.port


def test_a_killed_server_restarts_again_and_again(data_dir: Path) -> None:
    server = start(data_dir)
    ask(server, "CREATE TABLE kept (n int)")
    for _ in range(5):
        ask(server, "INSERT INTO kept VALUES (1)")
        os.kill(server.pid, signal.SIGKILL)
        server = start(data_dir)
    assert ask(server, "SELECT count(*) FROM kept") == 5


@pytest.mark.slow
def test_a_server_that_is_stuck_on_its_way_down_is_made_to_go(data_dir: Path) -> None:
    server = start(data_dir)
    ask(server, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1)")
    children = set(postmaster.processes_of(data_dir / "cluster")) - {server.pid}
    for pid in children:
        os.kill(pid, signal.SIGSTOP)
    assert stop(data_dir, patience_seconds=0.5)
    assert postmaster.find(data_dir / "cluster") is None
    assert ask(start(data_dir), "SELECT n FROM kept") == 1


def test_a_server_that_recovers_from_a_crash_of_its_own_is_not_waited_for(data_dir: Path) -> None:
    server = start(data_dir)
    ask(server, "create table kept (n integer)", "insert into kept values (1)")
    for _ in range(3):
        victim = min({*postmaster.processes_of(data_dir / "cluster")} - {server.pid})
        log = data_dir / "postgres.log"
        said = len(log.read_text())
        os.kill(victim, signal.SIGKILL)
        while "reinitializing" not in log.read_text()[said:]:
            time.sleep(0.001)
        began = time.monotonic()
        assert stop(data_dir)
        assert time.monotonic() - began < 10, "PostgreSQL 18 would be waited for for a minute"
        server = start(data_dir)
    assert ask(server, "select n from kept") == 1


def make_recovery_slow(data_dir: Path) -> dict[str, str]:
    """Let recovery ask an archive that takes its time, several times over."""
    (data_dir / "cluster" / "recovery.signal").touch()
    if os.geteuid() == 0:
        account = Account.choose()
        os.chown(data_dir / "cluster" / "recovery.signal", account.uid, account.gid)
    return {**IN_NO_TIME, "hot_standby": "off", "restore_command": "'sleep 0.7 && false'"}


def test_a_long_recovery_is_waited_for_and_told(data_dir: Path) -> None:
    stopped = start(data_dir)
    os.kill(stopped.pid, signal.SIGKILL)
    told: list[str] = []
    overrides = make_recovery_slow(data_dir)
    server = ensure_running(data_dir, overrides=overrides, progress=told.append)
    assert ask(server, "SELECT pg_is_in_recovery()") is False
    assert told
    assert all("\n" not in line for line in told)


def test_a_server_in_recovery_whose_starter_was_killed_is_adopted(data_dir: Path) -> None:
    os.kill(start(data_dir).pid, signal.SIGKILL)
    overrides = make_recovery_slow(data_dir)
    starting = threading.Thread(
        target=lambda: ensure_running(data_dir, overrides=overrides), daemon=True
    )
    starting.start()
    cluster = data_dir / "cluster"
    while not ((found := postmaster.find(cluster)) and found.port):
        time.sleep(0.01)
    assert found.status != "ready"
    (data_dir / "lock").unlink()  # as if its holder had died: a lock that nobody else holds
    server = start(data_dir)
    assert server.adopted
    assert server.pid == found.pid
    assert ask(server, "SELECT 1") == 1
    starting.join()


def test_a_process_id_that_now_belongs_to_a_stranger_is_no_server(data_dir: Path) -> None:
    first = start(data_dir)
    pid_file = data_dir / "cluster" / postmaster.PID_FILE
    written = pid_file.read_text()
    stop(data_dir)
    # After a reboot the number may be anybody's: here it is our own.
    pid_file.write_text(written.replace(str(first.pid), str(os.getpid()), 1))
    assert find_running(data_dir) is None
    assert not stop(data_dir)
    second = start(data_dir)
    assert not second.adopted
    assert ask(second, "SELECT 1") == 1


@pytest.mark.parametrize("content", ["", "\n", "not a number\n", "1"])
def test_a_pid_file_in_pieces_is_no_hindrance(content: str, data_dir: Path) -> None:
    start(data_dir)
    stop(data_dir)
    (data_dir / "cluster" / postmaster.PID_FILE).write_text(content)
    assert find_running(data_dir) is None
    assert ask(start(data_dir), "SELECT 1") == 1


def test_another_port_is_taken_when_the_last_one_is_in_use(data_dir: Path) -> None:
    first = start(data_dir)
    stop(data_dir)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", first.port))
        squatter.listen()
        second = start(data_dir)
        assert second.port != first.port


def test_a_port_that_was_insisted_on_and_is_taken_is_told(data_dir: Path) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} .* is taken"):
            ensure_running(data_dir, port=port)
    assert ensure_running(data_dir, port=port, overrides=IN_NO_TIME).port == port


def test_data_of_another_major_version_are_refused(data_dir: Path) -> None:
    start(data_dir)
    stop(data_dir)
    (data_dir / "cluster" / "PG_VERSION").write_text("14\n")
    with pytest.raises(DifferentMajorVersionError, match="written by PostgreSQL 14"):
        start(data_dir)


def test_the_system_s_own_programs_serve_as_well(data_dir: Path) -> None:
    binaries = Binaries.of_the_system()
    if binaries is None:
        pytest.skip("no PostgreSQL 15 or later is installed on this system")
    server = ensure_running(data_dir, binaries=binaries, overrides=IN_NO_TIME)
    assert int(str(ask(server, "SHOW server_version_num"))) // 10000 == binaries.major


def test_a_lost_password_is_told(data_dir: Path) -> None:
    start(data_dir)
    stop(data_dir)
    (data_dir / "password").unlink()
    with pytest.raises(PasswordLostError, match="restore it"):
        start(data_dir)


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    with pytest.raises(ServerEndedError, match="no_such_library"):
        ensure_running(data_dir, overrides={"shared_preload_libraries": "'no_such_library'"})
    assert ask(start(data_dir), "SELECT 1") == 1


def test_missing_programs_are_told(tmp_path: Path) -> None:
    with pytest.raises(BinariesMissingError, match="DATABASE_URL"):
        Binaries.in_directory(tmp_path)


def test_a_full_disk_is_told(data_dir: Path) -> None:
    data_dir.mkdir()
    size = FREE_BYTES_MIN // 2
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(data_dir)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("a small file system can be mounted by root only")
    try:
        with pytest.raises(DiskFullError, match="make room"):
            start(data_dir)
    finally:
        subprocess.run(["umount", str(data_dir)], check=True)


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives its identity up")


@as_root
def test_root_becomes_nobody_where_there_are_no_namespaces(data_dir: Path) -> None:
    nobody = Account.dropped()
    try:
        nobody.check_reach(Binaries.embedded().directory)
    except UnreachableByServiceUserError:
        pytest.skip("this clone lies where only root can go")
    server = ensure_running(data_dir, account=nobody, overrides=IN_NO_TIME)
    assert (data_dir / "cluster").stat().st_uid == nobody.uid
    assert Path(f"/proc/{server.pid}").stat().st_uid == nobody.uid
    assert ask(server, "CREATE TABLE kept ()", "SELECT 1") == 1
    stop(data_dir)
    # The cluster changes hands with the account: after an upgrade of the kernel, say.
    again = start(data_dir)
    assert ask(again, "SELECT to_regclass('kept')::text") == "kept"
    stop(data_dir)
    assert ask(ensure_running(data_dir, account=nobody, overrides=IN_NO_TIME), "SELECT 1") == 1


@as_root
def test_a_place_that_nobody_can_reach_is_told(data_dir: Path) -> None:
    data_dir.parent.chmod(0o700)
    with pytest.raises(UnreachableByServiceUserError, match="DATABASE_URL"):
        ensure_running(data_dir, account=Account.dropped())
