"""Asks servers for documents, with a bound on everything: time, size, redirects, attempts."""

from pinproof.web.client import Answer, Client, NotFoundError, WebError, check_address
from pinproof.web.gathering import Progress, gather, silent

__all__ = [
    "Answer",
    "Client",
    "NotFoundError",
    "Progress",
    "WebError",
    "check_address",
    "gather",
    "silent",
]
