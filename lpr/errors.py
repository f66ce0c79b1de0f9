"""What can go wrong at the edges of the gate agent. Messages say what to do about it."""

from pathlib import Path

from parking.core.errors import DomainError


class ImageError(DomainError):
    """A file or frame that cannot be read as a picture."""


class EdgePartMissingError(DomainError):
    """The gate's own packages are not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"the package {package!r} is not installed: install the gate's part with "
            "`pip install leave-first[edge]`"
        )
        self.package = package


class CameraError(DomainError):
    """A camera's source cannot be used."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"camera source {source!r}: {reason}")
        self.source = source
        self.reason = reason


class SpoolFullError(DomainError):
    """The spool cannot take another event: its disk, or its allowance, is full."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the spool {path} is full: free disk space or raise spool_bytes_max; "
            "frames wait and nothing is lost meanwhile"
        )
        self.path = path


class SpoolUnusableError(DomainError):
    """The spool file cannot be opened or written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the spool {path} cannot be used: {reason}")
        self.path = path
        self.reason = reason


class SpoolTakenError(DomainError):
    """Another agent works on this spool: together they would tell every car twice."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"another gate agent is running on the spool {path}: stop it, or use another spool"
        )
        self.path = path
