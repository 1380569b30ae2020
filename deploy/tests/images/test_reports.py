"""The image of the reports of a service: a real report, with the restrictions of its pod."""

import pytest

from images.containers import podman, run
from images.services import Service

pytestmark = [pytest.mark.images, pytest.mark.timeout(600)]

# Logs predictions of yesterday and a profile, and reports on them, all in /tmp.
REPORT = """
import random, subprocess, time
from pathlib import Path
from uuid import uuid4
from modelwatch.log import LogSchema, PredictionLog
from modelwatch.profile import PROFILE_NAME, make_profile
from modelwatch.store import open_store

schema = LogSchema(features={"age": "number", "country": "category"}, outputs={"score": "number"})
draw = random.Random(0)
features = [
    {"age": draw.gauss(40, 10), "country": draw.choice("AB")} for _ in range(1000)
]
outputs = [{"score": draw.random()} for _ in features]
log = PredictionLog(open_store("/tmp/log"), schema, warn=print)
log.start()
log.record_all(
    [uuid4().hex for _ in features], request_id="r", model="a" * 64,
    features=features, outputs=outputs, warnings=[[] for _ in features], at=time.time() - 86400,
)
assert log.close(30).written == 1000
Path("/tmp/model").mkdir()
columns = {name: [row[name] for row in features] for name in schema.features}
profile = make_profile(
    schema, features=columns, outputs={"score": [row["score"] for row in outputs]}
)
Path("/tmp/model", PROFILE_NAME).write_text(profile.model_dump_json())
command = "report --log /tmp/log --profile /tmp/model --service orders --days 2"
subprocess.run(["modelwatch", *command.split(), "--out", "/tmp/log/reports"], check=True)
assert b"<svg" in Path("/tmp/log/reports/report.html").read_bytes()
print(Path("/tmp/log/reports/modelwatch.prom").read_text())
"""


def test_it_reports_on_a_log(service: Service) -> None:
    image = service.image.replace(":", "-watch:")
    assert podman("image", "exists", image, check=False).returncode == 0, image

    done = run(image, "-c", REPORT, entrypoint="python", options=["--memory=2g"])

    assert done.returncode == 0, done.stderr
    assert "predictions: 1,000, with an outcome: 0" in done.stdout
    assert 'modelwatch_drift{service="orders",column="feature.age"} 0' in done.stdout
