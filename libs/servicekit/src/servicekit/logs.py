"""Logs as one JSON object per line on standard output, including those of the web server."""

import json
import logging
import os
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from servicekit.log_writer import LogWriter
from servicekit.request.request_id import add_request_id

# One encoder for every line: `json.dumps` with options would make one each time.
_ENCODE = json.JSONEncoder(separators=(",", ":"), default=repr).encode


def configure_logging(service: str, level: str) -> LogWriter:
    """Send every log line of this process through one format.

    Args:
        service: The service's name, a field of every line.
        level: The lowest level that is written.

    Returns:
        The writer, to be closed at the end of the process.
    """
    writer = LogWriter(_standard_output())

    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    shared: list[Processor] = [
        add_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
    ]
    threshold = getattr(logging, level.upper())
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, _render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        # One write per line, so that lines of two threads do not mix.
        logger_factory=structlog.WriteLoggerFactory(writer),  # type: ignore[arg-type] # a TextIO
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(writer)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _render,
            ],
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, _drop_colours],
        )
    )
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    logging.captureWarnings(capture=True)
    return writer


def _standard_output() -> int:
    # A process may be started without standard output. The first file that it opens, such as the
    # listening socket, then gets its number.
    return os.open(os.devnull, os.O_WRONLY) if sys.stdout is None else os.dup(sys.stdout.fileno())


def _drop_colours(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)
    return event


def _render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return _ENCODE(event)
