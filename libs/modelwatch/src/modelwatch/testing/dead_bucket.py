"""The settings of a log in a bucket at an address that does not answer."""

from collections.abc import Mapping
from typing import Final

__all__ = ["DEAD_BUCKET"]

DEAD_BUCKET: Final[Mapping[str, str]] = {
    "PREDICTION_LOG": "s3://bucket/log",
    # A port on which nothing listens: those below 1024 are given to no client.
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ALLOW_HTTP": "true",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "any",
    "AWS_SECRET_ACCESS_KEY": "any",
}
"""Environment variables."""
