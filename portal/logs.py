"""Logging of the server side: one JSON object a line on standard error, with a trace id, masked.

The gate agent and the simulators, which may not import the portal, do the same in their own few
lines around `parking.core.logs.mask_event`.
"""

import logging
import sys
from typing import TextIO

import structlog

from parking.core.logs import mask_event
from portal.settings import LogLevel


def configure(*, level: LogLevel = LogLevel.INFO, stream: TextIO | None = None) -> None:
    """Send structlog's events, and the standard library's records, the same way.

    What is bound with `structlog.contextvars.bind_contextvars(trace_id=…)` goes into every line.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        mask_event,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name], processors=last
        )
    )
    logging.basicConfig(handlers=[handler], level=level.value.upper(), force=True)
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
    # These would say in every request what our own access log says better.
    for chatty in ("httpx", "httpcore", "uvicorn.access", "alembic", "stripe"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
