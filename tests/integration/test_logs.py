"""The log's lines: JSON, traced, masked, whichever library speaks."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from portal.logs import configure


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    handlers, level = logging.root.handlers[:], logging.root.level
    written = io.StringIO()
    configure(stream=written)
    yield written
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_a_line_is_one_json_object_with_its_trace(stream: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(trace_id="4bf92f3577b34da6a3ce929d0e0e4736")
    structlog.get_logger("parking").info("stay opened", plate="浙A8B762", lot_id="west-lake")
    line = json.loads(stream.getvalue())
    assert line["message"] == "stay opened"
    assert line["level"] == "info"
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert line["plate"] == "浙A***62"
    assert line["lot_id"] == "west-lake"
    assert line["timestamp"].endswith("Z")


def test_an_exception_is_told_masked(stream: io.StringIO) -> None:
    try:
        int("浙A8B762")
    except ValueError:
        structlog.get_logger().exception("failed")
    line = json.loads(stream.getvalue())
    assert "ValueError" in line["exception"]
    assert "浙A***62" in line["exception"]
    assert "浙A8B762" not in line["exception"]


def test_other_libraries_take_the_same_way(stream: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(trace_id="t")
    logging.getLogger("asyncpg.pool").warning("call %s", "13800138000")
    line = json.loads(stream.getvalue())
    assert line["message"] == "call 138****8000"
    assert line["logger"] == "asyncpg.pool"
    assert line["trace_id"] == "t"


def test_quiet_levels_say_nothing(stream: io.StringIO) -> None:
    structlog.get_logger().debug("too much")
    assert stream.getvalue() == ""
