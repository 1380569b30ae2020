"""What the documents list is what there is."""

import re

import pytest
from clouds import needs_cloud
from manifests.render import CLOUDS

from workflows.reading import DOCUMENTS, ROOT, WORKFLOWS, load


def test_every_action_that_was_not_looked_up_is_listed() -> None:
    used = {
        pinned
        for path in WORKFLOWS
        for pinned in re.findall(
            r"uses: ([\w./-]+)@[0-9a-f]{40} # (v\S+)", path.read_text(encoding="utf-8")
        )
    }
    document = (ROOT / "docs/not-verified.md").read_text(encoding="utf-8")
    table = document.partition("## Actions")[2]

    assert set(re.findall(r"^\| `([\w./-]+)` \| (v\S+) .*\|$", table, re.MULTILINE)) == used


def test_every_file_that_the_documents_name_exists() -> None:
    missing = []
    written = {"docs/to-do.md"}  # when the repository becomes a company's own
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        named = re.findall(r"`((?:deploy|tools|docs|libs)/[\w./-]+\.\w+)`", text)
        if path.parent.name == "adr" and not CLOUDS:  # a record is older than the last cloud
            named = [one for one in named if not one.startswith("deploy/terraform/")]
        missing += [
            f"{path.relative_to(ROOT)}: {one}"
            for one in named
            if one not in written and not (ROOT / one).exists()
        ]

    assert missing == []


@pytest.mark.parametrize("overlay", CLOUDS)
def test_every_terraform_output_that_the_page_of_a_cloud_asks_for_exists(overlay: str) -> None:
    page = (ROOT / f"docs/deploy-{overlay}.md").read_text(encoding="utf-8")
    (folder,) = set(re.findall(r"deploy/terraform/(\w+)", page))
    outputs = (ROOT / f"deploy/terraform/{folder}/outputs.tf").read_text(encoding="utf-8")
    asked = set(re.findall(r"output(?: -raw)? ([a-z_]+)\b", page)) - {"text"}

    assert asked
    assert asked <= set(re.findall(r'^output "(\w+)"', outputs, re.MULTILINE))
    for variable in re.findall(r"gh variable set (\w+)", page):
        assert variable == "CLUSTERS" or variable in outputs
    assert set(re.findall(r"export (CLUSTER|REGISTRY|BUCKET_URI)=", page)) == {
        *("CLUSTER", "REGISTRY", "BUCKET_URI")
    }


@needs_cloud
def test_the_guide_logs_in_before_it_reads_what_only_a_login_can() -> None:
    guide = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    section = guide.partition("\n## Deploying")[2].partition("\n## ")[0]

    steps = ["release-file", "log-in-$CLUSTER", "verify-release", "deploy-$CLUSTER"]
    places = [section.index(f"make {step}") for step in steps]
    assert places == sorted(places)
    assert "create job --from=cronjob/" not in section


def test_contributing_names_every_command_of_the_checks_in_the_row_of_its_workflow() -> None:
    """Those of a release and a deployment are in the guide."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    missing = []
    for path in WORKFLOWS:
        if path.stem in ("release", "deploy"):
            continue
        [row] = [line for line in rows if f"(.github/workflows/{path.name})" in line]
        for step in load(path).steps():
            found = re.match(r'make (?:--silent )?"?([\w$-]+)', step.content.get("run", ""))
            target = found[1].replace("$NAME", "NAME") if found else ""
            if target and not re.search(rf"`(make )?{target}`", row):
                missing.append(f"{path.name}: {target}")

    assert missing == []
