import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from lpr.cli import main
from lpr.spool import LaneProgress, RejectedEvent, Spool, SpooledEvent
from parking.core.ids import uuid7

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("command", [[], ["read"], ["run"], ["rejected"]])
def test_explains_itself(command: list[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run"], "a setting is missing: set lot_id in TOML or LPR_LOT_ID"),
        (["run", "--config", "/nowhere/gate.toml"], "/nowhere/gate.toml: cannot be read"),
        (["run", "--camera", "west-in"], "expected LANE:DIRECTION:SOURCE"),
        (["rejected", "--spool", "/nowhere/spool.sqlite3"], "there is no spool at"),
    ],
)
def test_tells_a_mistake_in_one_line(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(main, arguments, env={"LPR_DEVICE_KEY": "k"})
    assert result.exit_code == 2
    assert result.stderr.startswith("lpr: ")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_shows_what_was_put_aside_and_sends_it_again(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite3"
    event = SpooledEvent(event_id=uuid7(1, 1), body=b'{"lane_id":"west-in"}')
    spool = Spool(path, bytes_max=1 << 24)
    spool.advance("west-in", LaneProgress(cursor="", state=b"{}"), events=[event], now=NOW)
    refused = RejectedEvent(
        event_id=event.event_id, status="refused", reason="no such lane", body=event.body
    )
    spool.settle(delivered=[], rejected=[refused], now=NOW)
    result = CliRunner().invoke(main, ["rejected", "--spool", str(path), "--retry"])
    assert json.loads(result.stdout) == {
        "event_id": str(event.event_id),
        "status": "refused",
        "reason": "no such lane",
        "event": {"lane_id": "west-in"},
    }
    assert result.stderr == "1 events are on their way again\n"
    assert spool.counts().pending == 1
    spool.close()
