"""Imports the modules of the interpreter that runs this file, and reports the failures.

`imports.py REPORT FIRST_PARTY...` imports every module of the named distributions, and the
top-level modules of all others. It runs by path in any environment, and so imports only the
standard library. It writes the report before each module, so that the report names a module that
ends the process.
"""

import importlib
import inspect
import json
import pkgutil
import re
import sys
from importlib import metadata
from pathlib import Path


def _top_level() -> "dict[str, list[str]]":
    """The top-level modules of each distribution."""
    found: dict[str, set[str]] = {}
    for distribution in metadata.distributions():
        named = {module for module in _modules(distribution) if module.isidentifier()}
        if public := {module for module in named if not module.startswith("_")}:
            found.setdefault(distribution.metadata["Name"], set()).update(public)
    return {name: sorted(modules) for name, modules in found.items()}


def _modules(distribution: metadata.Distribution) -> "set[str]":
    """The modules that a distribution lists or has. Python 3.10 knows only the listed ones."""
    if listed := distribution.read_text("top_level.txt"):
        return set(listed.split())
    files = [file for file in distribution.files or () if inspect.getmodulename(file.name)]
    return {
        file.parts[0] if len(file.parts) > 1 else str(inspect.getmodulename(file.name))
        for file in files
    }


def _below(module: str) -> "list[str]":
    path = getattr(sys.modules.get(module), "__path__", None)
    if path is None:
        return []
    names = [found.name for found in pkgutil.walk_packages(path, f"{module}.")]
    return [name for name in names if not name.endswith("__main__")]


def _missing(error: Exception, provided: "set[str]") -> str:
    """The missing top-level module, if no distribution provides it; otherwise empty."""
    missing = (getattr(error, "name", None) or "").partition(".")[0]
    is_missing = isinstance(error, ModuleNotFoundError) and missing not in provided
    return missing if is_missing else ""


def _is_optional(missing: str, module: str, name: str) -> bool:
    """Whether a module needs a distribution that only an extra of its own installs.

    For example an adapter to another library. The main module has the name of the distribution.
    """
    requirements = [
        marker
        for text in metadata.requires(name) or []
        for required, _, marker in [text.partition(";")]
        if _normal(re.split(r"[^\w.-]", required, maxsplit=1)[0]) == _normal(missing)
    ]
    only_by_extras = all(re.search(r"\bextra\s*==", marker) for marker in requirements)
    return _normal(module) != _normal(name) and bool(requirements) and only_by_extras


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
        except Exception as error:  # noqa: BLE001 - any error of an import is a result
            missing = _missing(error, provided)
            # Submodules of first-party code may be for development.
            if not missing or (top and not _is_optional(missing, module, name)):
                text = f"{type(error).__name__}: {error}"
                failures.append({"distribution": name, "module": module, "error": text})
            continue
        if top and name in first_party:
            pending = [(name, below, False) for below in _below(module)] + pending
    answer = {"imported": count, "failures": failures, "importing": "", "of": ""}
    report.write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    # The folder of this file. Python 3.10 has no option for it.
    sys.path.pop(0)
    main(Path(sys.argv[1]), set(sys.argv[2:]))
