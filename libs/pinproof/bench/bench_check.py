"""CPU time of `pinproof check`, compared with an import of its command, in alternating rounds."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
IMPORT = [sys.executable, "-c", "import pinproof.commands.check"]
CHECK = [sys.executable, "-m", "pinproof", "check"]
ROUNDS = 5
MEGABYTES = 38

# An entry of each shape, which installs nothing and may name an installer, and one that calls one.
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api-{number}
  labels: {{app: api, tier: backend, owner: team-{number}}}
spec:
  template:
    spec:
      containers:
        - name: api
          image: "registry.example.org/api:{number}"
          resources:
            limits: {{cpu: "2", memory: 1Gi}}
          env:
            - name: LOG_LEVEL
              value: info
"""
TASK = """\
- name: Write the settings of part {number}
  ansible.builtin.template:
    src: templates/part-{number}.conf.j2
    dest: /etc/parts/part-{number}.conf
    mode: "0644"
  when: part_{number} is defined
"""
VALUE = """\
  service-{number}:
    description: The service of part {number}, which conda users ask
    replicas: 3
    ports: [80, 443]
    address: "https://service-{number}.example.org"
"""
INSTALLING_MANIFEST = """\
          command: ["sh", "-c", "pip install -r requirements.txt"]
"""
INSTALLING_TASK = """\
- name: Install the requirements
  ansible.builtin.pip:
    requirements: requirements.txt
"""
INSTALLING_VALUE = """\
  installer-{number}:
    cache: pip
    run: |
      python -m pip install -r requirements.txt
"""


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="Results file (JSON) to write.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "requirements.txt").write_text("numpy~=1.26.4\n", encoding="utf-8")
        size = sum(_write(root / file, text) for file, text in _files())
        runs = {"import": IMPORT, "yaml": [*CHECK, str(root)], "repository": CHECK}
        seconds: dict[str, list[float]] = {kind: [] for kind in runs}
        for _ in range(ROUNDS):
            for kind, command in runs.items():
                seconds[kind].append(_cpu_seconds(command))
    best = {kind: min(found) for kind, found in seconds.items()}
    document = {
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}",
        "rounds": ROUNDS,
        "yaml_mb": round(size / 1e6),
        "import_s": round(best["import"], 3),
        "times_import": {
            kind: round(best[kind] / best["import"], 1) for kind in ("yaml", "repository")
        },
    }
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{json.dumps(document)}\n")


def _files() -> Iterator[tuple[str, str]]:
    """Yield files of three shapes: many documents, lists of tasks, and one large mapping."""
    for file in range(MEGABYTES * 4):
        numbers = range(file * 1000, file * 1000 + 1000)
        documents = [
            MANIFEST.format(number=number) + INSTALLING_MANIFEST * (number % 1000 == 0)
            for number in numbers[:180]
        ]
        yield f"manifests/{file}.yaml", "---\n".join(documents)
        tasks = [
            TASK.format(number=number) + INSTALLING_TASK * (number % 1000 == 0)
            for number in numbers[:360]
        ]
        yield f"playbooks/{file}.yml", "".join(tasks)
        values = [
            VALUE.format(number=number)
            + INSTALLING_VALUE.format(number=number) * (number % 1000 == 0)
            for number in numbers[:360]
        ]
        yield f"charts/{file}/values.yaml", "services:\n" + "".join(values)


def _write(path: Path, text: str) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_text(text, encoding="utf-8")


def _cpu_seconds(command: list[str]) -> float:
    """The CPU time of a process, in seconds."""
    before = os.times()
    environment: Mapping[str, str] = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run(command, capture_output=True, check=True, cwd=REPOSITORY, env=environment)  # noqa: S603
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


if __name__ == "__main__":
    main()
