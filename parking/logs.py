"""Logging: one JSON object a line on standard error, with a trace id, masked.

Every program calls `configure` once, at its start. The gate agent and the simulators, which see
of this package its core only, do the same in their own few lines.
"""

import logging
import sys
from typing import TextIO

import structlog

from parking.core.logs import mask_event


def configure(*, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send structlog's events to a stream (standard error), from this level on.

    What is bound with `structlog.contextvars.bind_contextvars(trace_id=…)` goes into every line.
    Records of the standard library's loggers (uvicorn, asyncio, alembic) take the same way.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        mask_event,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
