"""Imports what is installed in the interpreter that runs this file, and tells what fails.

`imports.py REPORT FIRST_PARTY...`: of the named distributions every module, of all others the
top-level ones. It is run by path in any environment, and so imports nothing but the standard
library. The report is written anew after each module, so that one which ends the process is named.
"""

import importlib
import json
import pkgutil
import re
import sys
from importlib import metadata
from pathlib import Path


def _top_level() -> "dict[str, list[str]]":
    """Each distribution with the modules that it provides."""
    found: dict[str, list[str]] = {}
    for module, names in metadata.packages_distributions().items():
        if module.isidentifier() and not module.startswith("_"):
            for name in set(names):
                found.setdefault(name, []).append(module)
    return found


def _below(module: str) -> "list[str]":
    path = getattr(sys.modules.get(module), "__path__", None)
    if path is None:
        return []
    names = [found.name for found in pkgutil.walk_packages(path, f"{module}.")]
    return [name for name in names if not name.endswith("__main__")]


def _missing(error: Exception, provided: "set[str]") -> str:
    """The top-level module that is missing and that nothing here provides; else nothing."""
    missing = (getattr(error, "name", None) or "").partition(".")[0]
    is_missing = isinstance(error, ModuleNotFoundError) and missing not in provided
    return missing if is_missing else ""


def _is_optional(missing: str, module: str, name: str) -> bool:
    """Whether a distribution's further module lacks what only one of its extras would install.

    Such as an adapter to another library, beside the module that has the distribution's name.
    """
    asked_for = [
        marker
        for text in metadata.requires(name) or []
        for required, _, marker in [text.partition(";")]
        if _normal(re.split(r"[^\w.-]", required, maxsplit=1)[0]) == _normal(missing)
    ]
    only_by_extras = all(re.search(r"\bextra\s*==", marker) for marker in asked_for)
    return _normal(module) != _normal(name) and bool(asked_for) and only_by_extras


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(report: Path, first_party: "set[str]") -> None:
    """Import everything."""
    by_distribution = _top_level()
    provided = {module for modules in by_distribution.values() for module in modules}
    pending = [
        (name, module, True)
        for name in sorted(by_distribution)
        for module in sorted(by_distribution[name])
    ]
    failures: list[dict[str, str]] = []
    count = 0
    while pending:
        name, module, top = pending.pop(0)
        answer = {"imported": count, "failures": failures, "importing": module, "of": name}
        report.write_text(json.dumps(answer), encoding="utf-8")
        try:
            importlib.import_module(module)
            count += 1
        except Exception as error:  # noqa: BLE001 - whatever an import raises is the finding
            missing = _missing(error, provided)
            # Below the top of what is ours, a module may be for development.
            if not missing or (top and not _is_optional(missing, module, name)):
                told = f"{type(error).__name__}: {error}"
                failures.append({"distribution": name, "module": module, "error": told})
            continue
        if top and name in first_party:
            pending = [(name, below, False) for below in _below(module)] + pending
    answer = {"imported": count, "failures": failures, "importing": "", "of": ""}
    report.write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), set(sys.argv[2:]))
