"""The whole journey, for real: `parking demo --once` ends well and says what became of each car."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.demo.stage import free_port

_PROGRAM = str(Path(sys.executable).parent / "parking")


@pytest.mark.slow
def test_one_day_of_the_small_city_comes_out_right(tmp_path: Path) -> None:
    clean = {name: text for name, text in os.environ.items() if not name.startswith("PARKING")}
    clean.pop("DATABASE_URL", None)
    try:
        result = subprocess.run(
            [_PROGRAM, "demo", "--once", "--cars", "7", "--port", str(free_port())],
            cwd=tmp_path,
            env=clean,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        logs = "\n".join(
            path.read_text(errors="replace")[-3000:] for path in tmp_path.rglob("logs/*.log")
        )
        assert result.returncode == 0, f"{result.stdout}\n{result.stderr}\n{logs}"
        said = result.stdout
        assert said.count("holds  ") == 3
        assert "after 1 decline" in said
        assert "match confirmed" in said
        assert "paid by hand" in said
        assert "deducted by WeChat" in said
        assert "plate not bound" in said
        assert "exit never seen" in said
        assert "浙A8B762" not in logs
    finally:
        subprocess.run([_PROGRAM, "db", "stop"], cwd=tmp_path, env=clean, check=True)
