"""What the documents list is what there is."""

import re

from workflows.reading import DOCUMENTS, ROOT, WORKFLOWS


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

    assert set(re.findall(r"^\| `([\w./-]+)` \| (v\S+) \|$", table, re.MULTILINE)) == used


def test_every_file_that_the_documents_name_exists() -> None:
    missing = []
    for path in DOCUMENTS:
        name = path.relative_to(ROOT)
        text = path.read_text(encoding="utf-8")
        links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text)
        missing += [f"{name}: {link}" for link in links if not (path.parent / link).exists()]
        paths = re.findall(r"`((?:deploy|tools|docs|libs)/[\w./-]+\.\w+)`", text)
        written = {"deploy/clusters/gke.toml", "deploy/clusters/eks.toml"}  # by the operator
        missing += [
            f"{name}: {one}" for one in paths if one not in written and not (ROOT / one).exists()
        ]

    assert missing == []


def test_every_terraform_output_that_the_guide_asks_for_exists() -> None:
    guide = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    for cloud, other in (("gcp", "aws"), ("aws", "gcp")):
        title = {"gcp": "## Google Cloud", "aws": "## AWS"}
        section = guide.partition(title[cloud])[2].partition("\n## ")[0]
        outputs = (ROOT / f"deploy/terraform/{cloud}/outputs.tf").read_text(encoding="utf-8")
        asked = set(re.findall(r"output(?: -raw)? ([a-z_]+)\b", section)) - {"text"}

        assert asked
        assert asked <= set(re.findall(r'^output "(\w+)"', outputs, re.MULTILINE))
        assert f"deploy/terraform/{other}" not in section
        for variable in re.findall(r"gh variable set (\w+)", section):
            assert variable == "CLUSTERS" or variable in outputs


def test_the_guide_logs_in_before_it_reads_what_only_a_login_can() -> None:
    section = (ROOT / "docs/deploy.md").read_text(encoding="utf-8").partition("\n## Deploying")[2]

    steps = ["make release-file", "make log-in-gke", "make verify-release", "make deploy-gke"]
    places = [section.index(step) for step in steps]
    assert places == sorted(places)
    assert "create job --from=cronjob/" not in section
    assert section.index("aws configure export-credentials") < section.index("make release-file")
