"""Put load on one service, check every answer, and compare with thresholds.

Run by ``make load-test-SERVICE`` and ``make soak-SERVICE``. Without ``--host``, the service is
trained on a small sample, sealed, served and stopped; it then needs the service's environment. With
``--host``, the service at that address is asked, with the key in ``LOAD_TEST_API_KEY`` if it needs
one. Exit codes: 0 if all thresholds hold, 1 if a threshold does not hold, 2 if there is no service
to test or an option is wrong.
"""

import contextlib
import http.client
import json
import os
import secrets
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from locust_run import KEY, THRESHOLDS, UNUSABLE, Locust, make_parser, positive

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))

TIMEOUT_S: Final = 30
# Without the proxies of the environment, as the load.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> int:
    """Test the service that the command line names; the exit code."""
    parser = make_parser(__doc__)
    parser.add_argument("--host", default="", help="Address of a running service.")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", type=positive, default=60, help="Length in s. Default: 60.")
    length.add_argument("--minutes", type=positive, help="Length in minutes.")
    for option, meaning in THRESHOLDS.items():
        parser.add_argument(option, type=float, help=meaning)
    given = parser.parse_args()
    given.reports.mkdir(parents=True, exist_ok=True)
    thresholds = {option: getattr(given, option[2:].replace("-", "_")) for option in THRESHOLDS}
    options = [f"{option}={bound}" for option, bound in thresholds.items() if bound is not None]
    target: contextlib.AbstractContextManager[tuple[str, str]]
    if given.host:
        url, key = given.host.rstrip("/"), os.environ.get(KEY, "")
        try:
            require_service(given.service, url, key)
        except UnusableError as error:
            print(error, file=sys.stderr)  # noqa: T201 - a command line
            return UNUSABLE
        target = contextlib.nullcontext((url, key))
    else:
        target = _served(given.service, given.reports / "service.log")
    seconds = given.minutes * 60 if given.minutes else given.seconds
    with target as (url, key):
        locust = Locust(given.locust, given.service, url, key, given.reports)
        code, summary = locust.run("summary", users=given.users, seconds=seconds, options=options)
    tell(summary)
    for text in summary["broken"]:
        print(f"error: {text}", file=sys.stderr)  # noqa: T201
    return code


class UnusableError(Exception):
    """There is no service to test; the message has the remedy."""


def require_service(service: Path, url: str, key: str) -> None:
    """Check that a service answers at an address, and is ready to be tested.

    Raises:
        UnusableError: The address has no such service, or the service is not ready.
    """
    description = tomllib.loads((service / "service.toml").read_text(encoding="utf-8"))
    package, port = description["package"], description["port"]
    if not url.startswith(("http://", "https://")):
        raise UnusableError(f"HOST={url} is not an address: write HOST=http://127.0.0.1:{port}")
    if not (key.isascii() and key.isprintable()):
        # Errors of the HTTP client would quote the key.
        raise UnusableError(f"{KEY} has a character that no header may have: correct the key")
    try:
        manifest = _model_info(url, key).get("manifest")
    except urllib.error.HTTPError as error:
        error.close()
        raise UnusableError(
            f"{url} refuses the key: set {KEY} to one of its API_KEYS"
            if error.code == 401  # noqa: PLR2004 - unauthorized
            else f"{url}/model_info answers {error.code}: correct HOST, or the service"
        ) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise UnusableError(
            f"No service answers at {url} ({getattr(error, 'reason', error)}): start it with"
            f" `make up`, forward a port with `kubectl port-forward service/{package} {port}:80`,"
            " or correct HOST"
        ) from error
    if manifest is None:
        raise UnusableError(f"{url} has no proven model: wait until {url}/ready answers 200")
    if manifest["name"] != package:
        raise UnusableError(f"{url} serves {manifest['name']}, not {package}: correct HOST")


def _model_info(url: str, key: str) -> dict[str, Any]:
    headers = {"X-API-Key": key} if key else {}
    request = urllib.request.Request(f"{url}/model_info", headers=headers)  # noqa: S310
    with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
        info: Any = json.load(answer)
    if not isinstance(info, dict) or "verdict" not in info:
        raise ValueError("its /model_info is not that of a service of this repository")
    return dict(info)


@contextlib.contextmanager
def _served(service: Path, log: Path) -> Iterator[tuple[str, str]]:
    """Train, seal and serve the service until the block is left; its address and a key."""
    # Only here: the service's environment has what it needs.
    from sample_service import train_on_small_sample  # noqa: PLC0415

    key = secrets.token_hex(32)
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        sample = train_on_small_sample(service, Path(folder), seed=42, tell=print)
        # Longer than a client waits for `Retry-After`.
        with sample.served({"API_KEYS": key, "DRAIN_S": "3"}, log=log) as process:
            yield process.url, key


def tell(summary: dict[str, Any]) -> None:
    """Print the figures of a run, and its first failures."""
    print(  # noqa: T201
        f"{summary['requests']:,} requests, {summary['failures']:,} failed,"
        f" {summary['rate']:g} per second, p50 {summary['p50_ms']:g} ms,"
        f" p99 {summary['p99_ms']:g} ms"
    )
    if summary["by_model"]:
        print(f"answers by model {summary['by_model']}, {summary['refused']:,} refusals")  # noqa: T201
    for one in summary.get("memory", []):
        print(  # noqa: T201
            f"memory {one['after_warm_up_mib']:g} MiB after warm-up,"
            f" {one['at_the_end_mib']:g} MiB at the end, {one['growth']:+.2%}"
        )
    for one in summary["examples"]:
        print(f"{one['request']}: {one['failure']}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
