"""Merges a newer version of the template: ``make merge-upstream UPSTREAM=… [VERSION=v1.2.3]``.

What was removed here stays removed, and what was renamed keeps its new name. Nothing is committed:
the result is in the working tree, and `git merge --abort` undoes it.
"""

import argparse
import subprocess
import sys

from service_files import FILE
from working_tree import ROOT, fail, git, require_clean

# A change of a file that was deleted here, in the short format of git status.
_DELETED_HERE = ("DU ", "UA ", "DD ")
_CONFLICTS = (*_DELETED_HERE, "UU ", "AA ", "UD ", "AU ")


def main() -> None:
    """Merge the version that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("upstream", help="Address or folder of the template's repository.")
    parser.add_argument("version", nargs="?", default="HEAD", help="Tag, branch or commit.")
    options = parser.parse_args()
    require_clean()
    git("fetch", "--quiet", "--", options.upstream, options.version)
    theirs = git("rev-parse", "FETCH_HEAD").strip()
    base = _merge_base(theirs)
    if base == theirs:
        sys.stdout.write("There is nothing newer.\n")
        return
    removed = _services(base) - _services("HEAD")
    # A low similarity, because a renamed service has another name in many of its lines.
    merging = ["git", "-c", "merge.directoryRenames=true", "-c", "merge.renameLimit=20000"]
    merging += ["merge", "--no-ff", "--no-commit", "--quiet", "-X", "find-renames=25%", theirs]
    done = subprocess.run(merging, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode and not _unmerged():
        fail(f"git cannot merge: {done.stderr.strip()}.", "Correct what it names.")
    gone = [path for state, path in _unmerged() if state in _DELETED_HERE]
    for name in sorted(removed):
        gone += [path for path in git("ls-files", "-z", "--", name).split("\0") if path]
    for path in dict.fromkeys(gone):
        git("rm", "-f", "--quiet", "--", path)
        sys.stdout.write(f"{path}: changed upstream, stays deleted here\n")
    if conflicts := [path for _, path in _unmerged()]:
        sys.stdout.write("".join(f"{path}: conflict\n" for path in conflicts))
        fail(
            f"{len(conflicts)} files have conflicts.",
            "Resolve them (those that `make services docs` writes: take either side), then run"
            " `make services docs check test-all` and commit; or undo it: git merge --abort",
        )
    sys.stdout.write("Merged, not committed: run `make services docs check test-all`, commit.\n")


def _merge_base(theirs: str) -> str:
    done = subprocess.run(  # noqa: S603 - a commit
        ["git", "merge-base", "HEAD", theirs],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        fail(
            "This repository and the template have no common history.",
            "docs/upstream.md says how to connect them once.",
        )
    return done.stdout.strip()


def _services(commit: str) -> set[str]:
    """The folders of the services of a commit."""
    listed = git("ls-tree", "-r", "--name-only", "-z", commit).split("\0")
    return {folder for folder, _, name in (path.partition("/") for path in listed) if name == FILE}


def _unmerged() -> list[tuple[str, str]]:
    """The state and path of each file with a conflict."""
    lines = git("status", "--porcelain", "-z").split("\0")
    return [(line[:3], line[3:]) for line in lines if line.startswith(_CONFLICTS)]


if __name__ == "__main__":
    main()
