"""The metrics of the latest report, which a service publishes."""

import asyncio
import logging
import threading
from pathlib import Path

import pytest
from modelwatch.log.report_metrics import publish_report
from shadows import wait_until

# A port on which nothing listens: those below 1024 are given to no client.
DEAD_BUCKET = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ALLOW_HTTP": "true",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "any",
    "AWS_SECRET_ACCESS_KEY": "any",
}
TEXT = 'modelwatch_drift_material{service="orders",column="feature.age"} 1\n'


class Published:
    """Metrics as servicekit has them, which take texts."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def publish_text(self, prefix: str, text: str) -> None:
        assert prefix == "modelwatch_"
        if "broken" in text:
            raise ValueError("a broken line")
        self.texts.append(text)


async def until(published: Published, text: str) -> None:
    await asyncio.to_thread(
        wait_until, lambda: published.texts[-1:] == [text], "the metrics are published"
    )


def test_each_new_report_is_published_while_the_service_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    published = Published()
    file = tmp_path / "reports" / "modelwatch.prom"

    def write(text: bytes) -> None:
        # Whole or not at all, as the store writes.
        (tmp_path / "new").write_bytes(text)
        (tmp_path / "new").replace(file)

    async def serve() -> None:
        async with publish_report(str(tmp_path), published, every_s=0.01):
            await until(published, "")
            file.parent.mkdir()
            write(TEXT.encode())
            await until(published, TEXT)
            for wrong in (b"broken", b"\xff"):
                caplog.clear()
                write(wrong)
                await asyncio.to_thread(wait_until, lambda: bool(caplog.messages), "it warns")
                assert "The metrics of the latest report were not read: " in caplog.messages[0]
                assert published.texts[-1] == TEXT
            write(b"")
            await until(published, "")

    with caplog.at_level(logging.WARNING, "modelwatch"):
        asyncio.run(serve())


def test_a_bucket_that_does_not_answer_is_a_warning_and_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    published = Published()

    async def serve() -> None:
        async with publish_report("s3://bucket/log", published, every_s=0.01):
            await asyncio.to_thread(wait_until, lambda: bool(caplog.messages), "it warns")

    for name, value in DEAD_BUCKET.items():
        monkeypatch.setenv(name, value)
    with caplog.at_level(logging.WARNING, "modelwatch"):
        asyncio.run(serve())
    assert "s3://bucket/log/reports" in caplog.messages[0]
    assert published.texts == []


@pytest.mark.parametrize("address", [None, "postgresql://watch@127.0.0.1:9/any?schema=log"])
def test_without_a_folder_nothing_is_published(address: str | None) -> None:
    published = Published()
    before = set(threading.enumerate())

    async def serve() -> None:
        async with publish_report(address, published):
            assert set(threading.enumerate()) <= before

    asyncio.run(serve())
    assert published.texts == []
