"""As whom PostgreSQL runs: it refuses to be root, so root hands it another identity.

Where the kernel allows it, that is a user namespace in which root's files look like an ordinary
user's: nothing has to change hands. Elsewhere it is `nobody`, who then owns the cluster.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from parking.postgres.errors import UnreachableByServiceUserError

_SERVICE_USER = "nobody"
_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


@dataclass(frozen=True, kw_only=True)
class Account:
    """How to start a program that must not be root."""

    prefix: tuple[str, ...] = ()
    """Put before the command."""
    user: str | None = None
    """The user to become, or None to stay who we are."""

    @classmethod
    def choose(cls) -> "Account":
        """Choose the way that disturbs least and works here."""
        if os.geteuid() != 0:
            return cls()
        return cls(prefix=_NAMESPACE) if _namespaces_work() else cls.dropped()

    @classmethod
    def dropped(cls) -> "Account":
        """Root becomes `nobody`."""
        return cls(user=_SERVICE_USER)

    @property
    def uid(self) -> int:
        """The user id under which the cluster's files must be kept."""
        return os.geteuid() if self.user is None else pwd.getpwnam(self.user).pw_uid

    @property
    def gid(self) -> int:
        """The group id under which the cluster's files must be kept."""
        return os.getegid() if self.user is None else pwd.getpwnam(self.user).pw_gid

    def run(
        self,
        command: list[str],
        *,
        cwd: Path,
        stdout: int,
        stderr: int,
        environment: dict[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end under this account, apart from our terminal's signals."""
        return subprocess.run(
            [*self.prefix, *command],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            text=True,
            check=False,
            start_new_session=True,
            user=None if self.user is None else self.uid,
            group=None if self.user is None else self.gid,
            extra_groups=None if self.user is None else [],
        )

    def take(self, tree: Path) -> None:
        """Make a cluster this account's own, after it was another's (root, then nobody)."""
        if os.geteuid() != 0 or tree.stat().st_uid == self.uid:
            return
        for folder, _, files in os.walk(tree):
            os.chown(folder, self.uid, self.gid)
            for name in files:
                os.chown(Path(folder, name), self.uid, self.gid, follow_symlinks=False)

    def check_reach(self, *paths: Path) -> None:
        """Raise UnreachableByServiceUserError where the other user cannot get to a path."""
        if self.user is None:
            return
        for path in paths:
            seen = self.run(
                ["test", "-x", str(path)],
                cwd=Path("/"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if seen.returncode != 0:
                raise UnreachableByServiceUserError(self.user, path)


def _namespaces_work() -> bool:
    try:
        return (
            subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
        )
    except FileNotFoundError:
        return False
