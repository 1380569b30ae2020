"""What is in an image, and what is not."""

import json
import os
import re
import tomllib

import pytest

from images.containers import podman, run
from images.services import ROOT, Service

# The first test of a service trains its model, on a machine that may be busy.
pytestmark = [pytest.mark.images, pytest.mark.timeout(1800)]


def python(service: Service, code: str, *options: str) -> str:
    done = run(service.image, "-c", code, entrypoint="python", options=options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_starts_the_service_as_a_user_without_rights(service: Service) -> None:
    about = service.inspect()["Config"]

    assert about["User"] == "10001:10001"
    assert about["Entrypoint"] == ["app"]
    program = python(service, "print(open('/usr/local/bin/app').read(), end='')")
    assert program == f'#!/bin/sh\nexec python -m {service.package} "$@"\n'
    assert about["Cmd"] == ["serve"]
    assert about["ExposedPorts"] == {f"{service.port}/tcp": {}}
    assert "Healthcheck" not in about
    environment = dict(entry.split("=", 1) for entry in about["Env"])
    assert environment["HOST"] == "0.0.0.0"  # noqa: S104 - a pod's only way in
    assert environment["PORT"] == str(service.port)
    assert environment["MODEL_DIR"] == "/model/current"
    assert environment["PATH"].startswith("/opt/venv/bin:")


def test_its_labels_say_where_it_comes_from(service: Service) -> None:
    labels = service.inspect()["Labels"]
    prefix = "org.opencontainers.image"

    assert labels[f"{prefix}.title"] == service.name
    project = tomllib.loads((ROOT / service.folder / "pyproject.toml").read_text("utf-8"))
    assert labels[f"{prefix}.version"] == project["project"]["version"]
    assert labels[f"{prefix}.licenses"] == project["project"]["license"]
    assert len(labels[f"{prefix}.revision"].removesuffix("-dirty")) == 40
    assert labels[f"{prefix}.created"].startswith("20")
    assert "python:3.11-slim-bookworm" in labels[f"{prefix}.base.name"]


def test_nothing_in_it_installs_or_compiles(service: Service) -> None:
    code = (
        "import importlib.util, shutil\n"
        "programs = 'pip pip3 uv gcc g++ cc clang make cmake'.split()\n"
        "modules = 'pip setuptools wheel ensurepip uv'.split()\n"
        "print([p for p in programs if shutil.which(p)])\n"
        "print([m for m in modules if importlib.util.find_spec(m)])\n"
    )

    assert python(service, code).splitlines() == ["[]", "[]"]


def test_it_has_the_sealed_models_and_not_the_pin_checker(service: Service) -> None:
    code = (
        "import importlib.util\n"
        "for name in ('modelseal', 'servicekit', 'pinproof'):\n"
        "    print(name, importlib.util.find_spec(name) is not None)\n"
    )
    assert python(service, code) == "modelseal True\nservicekit True\npinproof False\n"
    done = run(service.image, "-c", "import pinproof", entrypoint="python")
    assert done.returncode == 1
    assert "No module named 'pinproof'" in done.stderr


def test_its_user_can_change_nothing_but_the_temporary_folder(service: Service) -> None:
    # Without the read-only root: even then, nothing belongs to the user or is open to all.
    code = (
        "import os, stat\n"
        "found = []\n"
        "for root in ('/opt', '/usr', '/etc', '/var', '/home', '/bin', '/lib'):\n"
        "    for folder, folders, files in os.walk(root):\n"
        "        for name in (*folders, *files):\n"
        "            path = os.path.join(folder, name)\n"
        "            if not os.path.islink(path) and os.access(path, os.W_OK):\n"
        "                mode = os.stat(path).st_mode\n"
        "                if not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):\n"
        "                    found.append(path)\n"
        "print(found)\n"
    )

    assert python(service, code, "--read-only=false") == "[]\n"


def test_every_module_has_bytecode_that_python_takes(service: Service) -> None:
    # Layers round the times of files, so bytecode that is valid by its source's time is not.
    code = (
        "import importlib.util, json, pathlib\n"
        "packages = next(pathlib.Path('/opt/venv/lib').glob('python3*/site-packages'))\n"
        "sources = list(packages.rglob('*.py'))\n"
        "def flags(path):\n"
        "    cached = pathlib.Path(importlib.util.cache_from_source(path))\n"
        "    return int.from_bytes(cached.read_bytes()[4:8], 'little') if cached.exists() else -1\n"
        "unchecked = 1\n"
        "stale = [str(path) for path in sources if flags(path) != unchecked]\n"
        "print(json.dumps([len(sources), stale]))\n"
    )
    count, stale = json.loads(python(service, code))

    assert count > 1000
    assert stale == []


def test_its_records_name_what_is_installed(service: Service) -> None:
    code = (
        "import json\n"
        "from importlib.metadata import distributions\n"
        "installed = {found.name: found.version for found in distributions()}\n"
        "record = json.load(open('/opt/venv/environment.json'))\n"
        "sbom = json.load(open('/opt/venv/sbom.cdx.json'))\n"
        "print(json.dumps([installed, record, sbom]))\n"
    )
    installed, record, sbom = json.loads(python(service, code))

    assert record == installed
    assert sbom["bomFormat"] == "CycloneDX"
    components = {part["name"]: part["version"] for part in sbom["components"]}
    assert components == installed
    assert all(
        any(reference["type"] == "distribution" for reference in part.get("externalReferences", ()))
        or part["purl"]
        for part in sbom["components"]
    )


def test_everything_in_it_imports(service: Service) -> None:
    # What was left out to make it lighter is missed by nothing.
    imports = ROOT / "libs/pinproof/src/pinproof/proof/inside/imports.py"
    code = f"{imports.read_text(encoding='utf-8')}\nprint(Path('/tmp/report').read_text())\n"
    code = code.replace("Path(sys.argv[1]), set(sys.argv[2:])", "Path('/tmp/report'), FIRST_PARTY")
    code = f"FIRST_PARTY = {{'{service.package}', 'modelseal', 'servicekit'}}\n" + code
    code += "print(json.dumps(sorted(metadata.packages_distributions())))\n"
    report, provided = map(json.loads, python(service, code).splitlines()[-2:])

    assert report["imported"] > 60
    assert [one for one in report["failures"] if not _wants_an_extra(one["error"], provided)] == []


def test_a_traceback_shows_its_lines(service: Service) -> None:
    # rich colours them by the lexers, most of which are left out.
    code = (
        "import json, rich.traceback\n"
        "rich.traceback.install(width=100)\n"
        "exec(compile('json.loads(chr(123))', '/nowhere/text', 'exec'))\n"
    )
    done = run(service.image, "-c", code, entrypoint="python")

    assert done.returncode == 1
    assert "json/decoder.py:" in done.stderr
    assert "raise JSONDecodeError(" in done.stderr
    assert "Expecting property name enclosed in double quotes" in done.stderr
    assert "pygments" not in done.stderr


def _wants_an_extra(error: str, provided: list[str]) -> bool:
    """Whether a module is missing that nothing in the image has, and so nothing was removed of."""
    missing = re.fullmatch(r"ModuleNotFoundError: No module named '(\w+)[.\w]*'", error)
    return missing is not None and missing[1] not in provided


def test_it_is_no_heavier_than_it_may_be(service: Service) -> None:
    base = os.environ.get("STANDIN_BASE", "")
    if not base:
        pytest.skip("the limits are for the stand-in base: make test-images STANDIN=yes")
    if service.megabytes is None:
        pytest.skip(f"{service.folder}/service.toml has no image.megabytes")
    beneath: int = json.loads(podman("image", "inspect", base).stdout)[0]["Size"]

    over = (service.inspect()["Size"] - beneath) / 1e6
    assert over <= service.megabytes
