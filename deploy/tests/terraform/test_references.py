"""What Terraform does not complain of, or only where a provider can be had."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from terraform.configuration import CLOUDS, TERRAFORM, Module, modules, text

PINNED = re.compile(r"~> \d+\.\d+\.\d+")


def undeclared_variables(cloud: str, terraform: Path = TERRAFORM) -> set[str]:
    """Uses of variables that no block declares."""
    return {
        f"{module.path.name}: var.{name}"
        for module in modules(cloud, terraform)
        for name in module.refers_to(r"\bvar\.(\w+)") - module.named("variable").keys()
    }


def unused_variables(cloud: str, terraform: Path = TERRAFORM) -> set[str]:
    """Variables that are declared and change nothing."""
    found = set()
    for module in modules(cloud, terraform):
        without = Module(module.path)
        used = {
            name
            for kind in without.blocks.keys() - {"variable"}
            for name in Module.refers_to(_only(without, kind), r"\bvar\.(\w+)")
        }
        found |= {f"{module.path.name}: {name}" for name in module.named("variable").keys() - used}
    return found


def _only(module: Module, kind: str) -> Module:
    copy = Module(module.path)
    copy.__dict__["blocks"] = {kind: module.blocks[kind]}
    return copy


def missing_outputs(cloud: str, terraform: Path = TERRAFORM) -> set[str]:
    """References to outputs that the module does not have."""
    root, *children = modules(cloud, terraform)
    outputs = {child.path.name: child.named("output").keys() for child in children}
    return {
        f"module.{module}.{output}"
        for module, output in root.refers_to(r"\bmodule\.(\w+)\.(\w+)")
        if output not in outputs.get(module, ())
    }


def missing_modules(cloud: str, terraform: Path = TERRAFORM) -> set[str]:
    """Sources that are not there, and folders that nobody uses."""
    root, *children = modules(cloud, terraform)
    sources = {
        (root.path / text(body["source"])).resolve() for body in root.named("module").values()
    }
    return {str(path.name) for path in sources ^ {child.path.resolve() for child in children}}


def loose_pins(cloud: str, terraform: Path = TERRAFORM) -> set[str]:
    """Versions that admit more than the patches of one minor version."""
    found = set()
    for module in modules(cloud, terraform):
        for block in module.blocks.get("terraform", []):
            versions = [block.get("required_version", '"~> 0.0.0"')]
            for providers in block.get("required_providers", []):
                versions += [one["version"] for one in providers.values() if isinstance(one, dict)]
            found |= {text(v) for v in versions if not PINNED.fullmatch(text(v))}
    return found


CHECKS = [undeclared_variables, unused_variables, missing_outputs, missing_modules, loose_pins]


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("check", CHECKS)
def test_nothing_is_missing_unused_or_loose(check: Callable[[str], set[str]], cloud: str) -> None:
    assert check(cloud) == set()


@pytest.mark.parametrize("cloud", CLOUDS)
def test_only_the_root_names_providers_and_versions(cloud: str) -> None:
    root, *children = modules(cloud)

    (settings,) = root.blocks["terraform"]
    assert settings["required_providers"]
    assert [child.path.name for child in children if "terraform" in child.blocks] == []
    assert [child.path.name for child in children if "provider" in child.blocks] == []


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("kind", ["variable", "output"])
def test_every_variable_and_output_says_what_it_is(kind: str, cloud: str) -> None:
    silent = [
        f"{module.path.name}: {name}"
        for module in modules(cloud)
        for name, body in module.named(kind).items()
        if not body.get("description") or (kind == "variable" and not body.get("type"))
    ]

    assert silent == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_example_names_every_variable_that_has_no_default(cloud: str) -> None:
    root = modules(cloud)[0]
    required = {name for name, body in root.named("variable").items() if "default" not in body}
    example = (root.path / "example.tfvars").read_text(encoding="utf-8")

    assert set(re.findall(r"^(\w+) +=", example, re.MULTILINE)) == required


# Patterns, with which each cloud's configuration is changed.
BREAKS = [
    (undeclared_variables, "main.tf", r"var\.region", "var.regoin"),
    (unused_variables, "main.tf", r"= var\.(zones|release_channel)", '= ""'),
    (missing_outputs, "outputs.tf", r"module\.models\.bucket", "module.models.pail"),
    (missing_modules, "main.tf", r"\./modules/budget", "./modules/budgets"),
    (loose_pins, "versions.tf", r'( version += "~> \d+\.\d+)\.\d+', r"\1"),
    (loose_pins, "versions.tf", r'( version += ")~>', r"\1>="),
    (loose_pins, "versions.tf", r'(required_version += ")~>', r"\1>="),
]


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize(("check", "file", "pattern", "new"), BREAKS)
def test_the_checks_can_fail(  # noqa: PLR0917 - the parts of a change
    check: Callable[[str, Path], set[str]],
    file: str,
    pattern: str,
    new: str,
    cloud: str,
    tmp_path: Path,
) -> None:
    shutil.copytree(TERRAFORM / cloud, tmp_path / cloud)
    path = tmp_path / cloud / file
    changed, count = re.subn(pattern, new, path.read_text(encoding="utf-8"))
    assert count
    path.write_text(changed, encoding="utf-8")

    assert check(cloud, tmp_path) != set()
