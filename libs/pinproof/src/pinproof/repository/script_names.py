"""Which files may hold commands, by their names."""

__all__ = ["SHELL_ENDINGS", "YAML_ENDINGS", "is_dockerfile", "is_makefile", "is_script_name"]

SHELL_ENDINGS = (".sh", ".bash", ".ksh", ".zsh")
YAML_ENDINGS = (".yml", ".yaml")


def is_script_name(name: str) -> bool:
    """Whether a file of this name may hold commands; a file without an ending by its first line."""
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
