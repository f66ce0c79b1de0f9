"""The gate agent's log: one JSON object a line on the error output, plates and secrets masked."""

import logging
import sys

import structlog

from parking.core.logs import mask_event


def configure_logs(*, level: int = logging.INFO) -> None:
    """Send structlog's events to the error output as JSON."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask_event,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
