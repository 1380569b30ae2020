"""What the documents list is what there is."""

import re

from workflows.reading import DOCUMENTS, ROOT, SERVICE_NAME, SERVICES, WORKFLOWS, load


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
        if path.parent.name == "adr":  # a record may be older than the last removal of a service
            gone = {one for link in links for one in SERVICE_NAME.findall(link)} - SERVICES.keys()
            links = [link for link in links if not gone.intersection(link.split("/"))]
        missing += [f"{name}: {link}" for link in links if not (path.parent / link).exists()]
        paths = re.findall(r"`((?:deploy|tools|docs|libs)/[\w./-]+\.\w+)`", text)
        # By the operator, and by `make own`.
        written = {"deploy/clusters/gke.toml", "deploy/clusters/eks.toml", "docs/to-do.md"}
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
    guide = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    section = guide.partition("\n## Deploying")[2].partition("\n## ")[0]

    steps = ["make release-file", "make log-in-gke", "make verify-release", "make deploy-gke"]
    places = [section.index(step) for step in steps]
    assert places == sorted(places)
    assert "create job --from=cronjob/" not in section
    assert section.index("aws configure export-credentials") < section.index("make release-file")


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
            if target and target != "$PREPARE" and not re.search(rf"`(make )?{target}`", row):
                missing.append(f"{path.name}: {target}")

    assert missing == []
