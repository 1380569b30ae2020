"""Recognizes files that may contain commands by their names."""

SHELL_ENDINGS = (".sh", ".bash", ".ksh", ".zsh")
YAML_ENDINGS = (".yml", ".yaml")


def is_script_name(name: str) -> bool:
    """Whether a file of this name may contain commands. Files without a suffix may be scripts."""
    return (
        "." not in name.lstrip(".")
        or name.endswith((*SHELL_ENDINGS, *YAML_ENDINGS, ".py", ".mk"))
        or is_dockerfile(name)
        or is_makefile(name)
    )


def is_dockerfile(name: str) -> bool:
    """Whether a file of this name is a Dockerfile or Containerfile."""
    lower = name.lower()
    return any(
        lower == kind or lower.startswith(f"{kind}.") or lower.endswith(f".{kind}")
        for kind in ("dockerfile", "containerfile")
    )


def is_makefile(name: str) -> bool:
    """Whether a file of this name is a Makefile."""
    return name in ("Makefile", "makefile", "GNUmakefile") or (
        name.endswith(".mk") or name.startswith("Makefile.")
    )
