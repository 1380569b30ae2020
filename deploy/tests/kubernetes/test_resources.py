import json

import pytest
from manifests.objects import dig, read_manifests
from manifests.render import KUBERNETES

RESULTS = json.loads((KUBERNETES / "results" / "resources.json").read_bytes())["services"]
SHORT = {"BankChurn-Predictor": "bankchurn", "NLPInsight-Analyzer": "nlpinsight"}


@pytest.mark.parametrize("service", RESULTS)
def test_pods_have_the_memory_that_was_measured_and_a_third_more(
    rendered: dict[str, str], service: str
) -> None:
    deployment = read_manifests(rendered["gke"]).find("Deployment", SHORT[service])
    assert deployment is not None
    [app] = dig(deployment, "spec", "template", "spec")["containers"]
    given = int(app["resources"]["requests"]["memory"].removesuffix("Mi"))
    assert given >= 4 / 3 * RESULTS[service]["memory_loaded_mib"]
