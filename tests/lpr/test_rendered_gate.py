"""The agent with its real nets, as the command that a gate box runs, on rendered frames."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lpr.server import KEY, Desk, served

PASSES = [
    {"lane": "west/in", "captured_at": "2026-03-02T09:00:00+08:00", "plate": "浙A8B762"},
    {"lane": "west/in", "captured_at": "2026-03-02T09:00:04+08:00", "plate": "沪C21F13"},
    {"lane": "west/out", "captured_at": "2026-03-02T19:30:00+08:00", "plate": "浙A8B762"},
]


def bin_of(command: str) -> str:
    return str(Path(sys.executable).with_name(command))


@pytest.mark.slow
def test_tells_the_server_who_came_and_went(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.json"
    passes = [{**passed, "colour": "blue"} for passed in PASSES]
    scenario.write_text(json.dumps({"passes": passes}))
    frames = tmp_path / "frames"
    subprocess.run(
        [
            *(bin_of("gateway-sim"), "gates", "--end", "--seed", "7"),
            *("--scenario", str(scenario), "--out", str(frames)),
        ],
        check=True,
        capture_output=True,
    )
    desk = Desk()
    with served(desk) as url:
        agent = subprocess.run(
            [
                *(bin_of("lpr"), "run", "--lot", "west", "--server", url, "--health-port", "0"),
                *("--spool", str(tmp_path / "spool.sqlite3")),
                *("--camera", f"in:entry:{frames / 'west' / 'in'}"),
                *("--camera", f"out:exit:{frames / 'west' / 'out'}"),
            ],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,  # the pictures of its events go below the folder that it is run in
            env={**os.environ, "LPR_DEVICE_KEY": KEY},
            timeout=180,
        )
    assert agent.returncode == 0, agent.stderr
    told = {
        (event["type"], event["lane_id"], event["read"]["plate"], event["read"]["colour"])
        for event in desk.accepted.values()
    }
    assert told == {
        ("vehicle_entered", "in", "浙A8B762", "blue"),
        ("vehicle_entered", "in", "沪C21F13", "blue"),
        ("vehicle_exited", "out", "浙A8B762", "blue"),
    }
    assert len(desk.accepted) == 3
    assert "浙A8B762" not in agent.stderr
    assert KEY not in agent.stderr
    assert all(json.loads(line)["event"] for line in agent.stderr.splitlines())
