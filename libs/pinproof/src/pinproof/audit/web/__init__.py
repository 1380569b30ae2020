"""Asks servers for documents, with a bound on everything: time, size, redirects, attempts."""

from pinproof.audit.web.client import Answer, Client, NotFoundError, WebError, check_address
from pinproof.audit.web.concurrent_map import Progress, concurrent_map, silent

__all__ = [
    "Answer",
    "Client",
    "NotFoundError",
    "Progress",
    "WebError",
    "check_address",
    "concurrent_map",
    "silent",
]
