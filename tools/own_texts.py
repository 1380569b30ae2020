"""The texts of the repository that name whose it is."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Final

from own_answers import Answers
from own_clouds import keep_parts

__all__ = ["TextError", "changed_texts"]

TO_DO: Final = "docs/to-do.md"
_FIRST_VERSION: Final = "0.1.0"

_NOTICE: Final = """\
Copyright {year} {organization}

All rights reserved. Without a written permission of the copyright holder, no part of this
repository may be used, copied, changed or passed on.

It began as a copy of a template that is licensed under the Apache License, Version 2.0, and was
changed since; LICENSE.template has the terms of the template's parts.
"""
_SECURITY: Final = """\
# Reporting a vulnerability

Write to <{contact}>, not into a public issue: what you did, what happened, and the version or \
commit. The private vulnerability reporting of [the repository]({repository}) reaches the same \
people, if it is enabled there.

Supported is the newest release.
"""
_CHANGELOG: Final = """\
# Changelog

The format is [Keep a Changelog](https://keepachangelog.com/en/1.1.0/); versions follow [Semantic Versioning](https://semver.org/).

## [Unreleased]

This repository began on {today} as a copy of a template, at commit `{commit}`.
"""


class TextError(Exception):
    """A text is not as this program expects it. The message names the file and the passage."""


def changed_texts(root: Path, answers: Answers, commit: str, services: list[str]) -> dict[str, str]:
    """The new texts, by path.

    Args:
        root: The repository.
        answers: The answers of the company.
        commit: The commit of the template.
        services: The folders of the services.

    Raises:
        TextError: A passage that has to change is not there.
    """
    values = vars(answers) | {
        "today": date.today().isoformat(),  # noqa: DTZ011 - the day where it is run
        "year": date.today().year,  # noqa: DTZ011
        "commit": commit,
        "slug": answers.slug,
    }
    to_do = (root / "tools/own_to_do.txt").read_text(encoding="utf-8")
    texts = {
        "SECURITY.md": _SECURITY.format(**values),
        "CHANGELOG.md": _CHANGELOG.format(**values),
        ".github/CODEOWNERS": f"* {answers.team}\n",
        TO_DO: keep_parts(to_do, answers.clouds).format(**values),
    }
    licence = (root / "LICENSE").read_text(encoding="utf-8")
    if answers.licence == "proprietary":
        texts |= {"LICENSE": _NOTICE.format(**values), "LICENSE.template": licence}
    else:
        texts["LICENSE"] = f"Copyright {values['year']} {answers.organization}\n\n{licence}"
    for path, change in _edits(root, answers, services):
        text = texts.get(path) or (root / path).read_text(encoding="utf-8")
        texts[path] = keep_parts(change(path, text), answers.clouds)
    return texts


def _edits(
    root: Path, answers: Answers, services: list[str]
) -> Iterator[tuple[str, Callable[[str, str], str]]]:
    proprietary = answers.licence == "proprietary"
    yield (
        "README.md",
        _replacing(r"# Pinned ML services", f"# ML services of {answers.organization}"),
    )
    yield (
        "README.md",
        _replacing(
            r"A production monorepo template of machine-learning services\.",
            "Machine-learning services in one repository.",
        ),
    )
    yield "README.md", _replacing(r"make own .*\n", "")
    if proprietary:
        yield (
            "README.md",
            _replacing(
                r"\[Apache-2\.0\]\(LICENSE\)\.",
                f"[Property of {answers.organization}](LICENSE). It began as a copy of a template"
                " under [Apache-2.0](LICENSE.template).",
            ),
        )
    yield (
        "CONTRIBUTING.md",
        _replacing(
            r"Use the private vulnerability reporting of the repository's host.*$",
            "[SECURITY.md](SECURITY.md) says where to.",
        ),
    )
    yield (
        "docs/make-it-yours.md",
        _replacing(
            r"(2\. \*\*Make it your company's\.\*\*) .*",
            rf"\1 Done; `{TO_DO}` has what is left for a person.",
        ),
    )
    yield "deploy/images/images.mk", _replacing(r"SOURCE \?=", f"SOURCE ?= {answers.repository}")
    if answers.clouds:
        yield "docs/deploy.md", _replacing(r"REPOSITORY=owner/name", f"REPOSITORY={answers.slug}")
    for file in sorted(root.glob("deploy/terraform/*/example.tfvars")):
        if file.parent.name in answers.clouds:
            path = str(file.relative_to(root))
            yield path, _replacing(r'(domain *= )".*"', rf'\1"{answers.domain}"')
            yield path, _replacing(r'(github_repository *= )".*"', rf'\1"{answers.slug}"')
            if "emails" in file.read_text(encoding="utf-8"):
                yield path, _replacing(r"(emails *= )\[.*\]", rf'\1["{answers.contact}"]')
    for name in services:
        version = rf'\1"{_FIRST_VERSION}"'
        yield f"{name}/pyproject.toml", _replacing(r'^(version = )".*"', version)
    if proprietary:
        patterns = ("*/pyproject.toml", "libs/*/pyproject.toml", "templates/*/*/pyproject.toml")
        for file in sorted(file for pattern in patterns for file in root.glob(pattern)):
            if "\nlicense = " not in file.read_text(encoding="utf-8"):
                continue
            yield (
                str(file.relative_to(root)),
                _replacing(r'^(license = )"Apache-2\.0"', r'\1"LicenseRef-Proprietary"'),
            )
        yield (
            "deploy/images/Dockerfile",
            _replacing(r'(image\.licenses=)"Apache-2\.0"', r'\1"LicenseRef-Proprietary"'),
        )


def _replacing(pattern: str, new: str) -> Callable[[str, str], str]:
    def change(path: str, text: str) -> str:
        changed, count = re.subn(pattern, new, text, flags=re.MULTILINE)
        if not count:
            raise TextError(f"{path} has no {pattern!r}")
        return changed

    return change
