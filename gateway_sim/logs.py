"""JSON lines on standard error, with plates and secrets masked like everywhere in the house."""

import sys

import structlog

from parking.core.logs import mask_event


def configure() -> None:
    """Set structlog up for a process of the simulator."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask_event,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
