import pytest
from install_helpers import unpinned_installs
from pinproof.rules.install_commands.read_commands import UnreadableError

WORKFLOW = """
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: pip install one
      - name: many
        run: |
          pip install -r requirements.txt
          pip install \\
            two
      - run: >
          pip install
          three
      - run: pip install four-${{ matrix.x }} ${{ inputs.packages }}
      - shell: python
        run: |
          import subprocess
          subprocess.run(["pip", "install", "five"])
"""
ACTION = """
name: x
runs:
  using: composite
  steps:
    - shell: bash
      run: pip install one
"""
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      initContainers:
        - name: a
          image: x
          command: ["pip", "install", "--target=/x", "one"]
        - name: b
          image: x
          command:
            - sh
            - -c
          args:
            - pip install two && pip install -r /app/requirements.txt
      containers:
        - name: c
          lifecycle:
            postStart:
              exec:
                command: [pip, install, three]
---
apiVersion: v1
kind: ConfigMap
data:
  start.sh: |
    pip install four
  other: |
    #!/bin/sh
    pip install five
  text: |
    pip install six
"""
COMPOSE = """
services:
  api:
    command: sh -c "pip install one"
    entrypoint: [pip, install, two]
"""
PIPELINE = """
test:
  before_script:
    - pip install one
  script:
    - |
      pip install two
"""


def reported(name: str, text: str) -> list[tuple[int, str | None]]:
    return [(found.line, found.distribution) for found in unpinned_installs(name, text)]


def test_the_steps_of_a_workflow() -> None:
    assert reported(".github/workflows/x.yml", WORKFLOW) == [
        (8, "one"),
        (12, "two"),
        (15, "three"),
        (17, None),
        (17, None),
        (21, "five"),
    ]


def test_a_composite_action() -> None:
    assert reported("x/action.yaml", ACTION) == [(7, "one")]


def test_a_manifest_and_the_scripts_in_its_config_maps() -> None:
    assert reported("deploy/x.yaml", MANIFEST) == [
        (10, "one"),
        (17, "two"),
        (23, "three"),
        (29, "four"),
        (32, "five"),
        (34, "six"),
    ]


def test_compose_files_and_pipelines() -> None:
    assert reported("compose.yaml", COMPOSE) == [(4, "one"), (5, "two")]
    assert reported(".gitlab-ci.yml", PIPELINE) == [(4, "one"), (7, "two")]


@pytest.mark.parametrize(
    "text", ["run: pip install -r requirements.txt", "description: pip install a", "run: [pip]", ""]
)
def test_what_installs_nothing_unchecked_is_allowed(text: str) -> None:
    assert reported("x.yml", text) == []


def test_anchors_that_refer_to_themselves_end() -> None:
    assert reported("x.yml", "a: &a\n  run: pip install one\n  again: *a\n") == [(2, "one")]


def test_invalid_yaml_is_reported_if_it_names_an_installer() -> None:
    with pytest.raises(UnreadableError, match="it cannot be parsed"):
        reported("x.yml", "run: [pip, install}")
    assert reported("x.yml", "run: {{ nothing }} : [") == []
