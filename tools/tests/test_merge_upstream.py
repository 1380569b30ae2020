"""A repository that changed its services takes a newer version of the template."""

from collections.abc import Callable
from pathlib import Path

import pytest
from copies import SERVICES, Repository
from service_names import package_of, unused_name

UNUSED = unused_name(SERVICES)
Copy = Callable[[], Repository]
LIBRARY = "libs/modelseal/src/modelseal/golden.py"


def append(repository: Repository, path: str, line: str) -> None:
    file = repository.root / path
    file.write_text(f"{file.read_text()}\n{line}\n")


@pytest.fixture
def upstream(copy: Copy) -> Repository:
    """The next version: a change of a library, and of every service."""
    repository = copy()
    append(repository, LIBRARY, "# improved")
    for service in SERVICES:
        append(repository, f"{service.name}/src/{service.package}/__main__.py", "# improved")
        (repository.root / service.name / "new_file.txt").write_text("new")
    repository.commit()
    return repository


def test_a_change_of_a_library_and_of_a_service_arrives(copy: Copy, upstream: Repository) -> None:
    ours = copy()
    append(ours, "README.md", "Our own words.")
    ours.commit()

    done = ours.run("merge_upstream.py", str(upstream.root))

    assert done.returncode == 0, done.stderr + done.stdout
    assert "Merged, not committed" in done.stdout
    assert (ours.root / LIBRARY).read_text().endswith("# improved\n")
    assert (ours.root / "README.md").read_text().endswith("Our own words.\n")
    assert (ours.root / SERVICES[0].name / "new_file.txt").read_text() == "new"
    ours.commit()
    assert ours.git("merge-base", "--is-ancestor", "FETCH_HEAD", "HEAD") == ""


@pytest.mark.skipif(len(SERVICES) < 2, reason="there is one service only")
def test_a_removed_service_stays_removed(copy: Copy, upstream: Repository) -> None:
    ours = copy()
    assert ours.run("remove_service.py", SERVICES[0].name).returncode == 0
    ours.commit()

    done = ours.run("merge_upstream.py", str(upstream.root))

    assert done.returncode == 0, done.stderr + done.stdout
    assert not (ours.root / SERVICES[0].name).exists()
    assert (ours.root / LIBRARY).read_text().endswith("# improved\n")
    assert (ours.root / SERVICES[1].name / "new_file.txt").exists()


def test_changes_of_a_renamed_service_arrive_under_its_new_name(
    copy: Copy, upstream: Repository
) -> None:
    ours = copy()
    assert ours.run("rename_service.py", SERVICES[0].name, UNUSED).returncode == 0
    ours.commit()

    done = ours.run("merge_upstream.py", str(upstream.root))

    assert done.returncode == 0, done.stderr + done.stdout
    main = ours.root / UNUSED / "src" / package_of(UNUSED) / "__main__.py"
    assert main.read_text().endswith("# improved\n")
    assert (ours.root / UNUSED / "new_file.txt").read_text() == "new"
    assert not (ours.root / SERVICES[0].name).exists()


def test_a_deleted_file_stays_deleted(copy: Copy, upstream: Repository) -> None:
    ours = copy()
    (ours.root / LIBRARY).unlink()
    ours.commit()

    done = ours.run("merge_upstream.py", str(upstream.root))

    assert done.returncode == 0, done.stderr + done.stdout
    assert f"{LIBRARY}: changed upstream, stays deleted here" in done.stdout
    assert not (ours.root / LIBRARY).exists()


def test_a_conflict_is_named_and_can_be_undone(copy: Copy, upstream: Repository) -> None:
    ours = copy()
    append(ours, LIBRARY, "# changed here")
    ours.commit()

    done = ours.run("merge_upstream.py", str(upstream.root))

    assert done.returncode == 2
    assert f"{LIBRARY}: conflict" in done.stdout
    assert "1 files have conflicts. Resolve them" in done.stderr
    ours.git("merge", "--abort")
    assert ours.git("status", "--porcelain") == ""
    assert (ours.root / LIBRARY).read_text().endswith("# changed here\n")


def test_there_may_be_nothing_newer(copy: Copy, original: Path) -> None:
    done = copy().run("merge_upstream.py", str(original))

    assert (done.returncode, done.stdout) == (0, "There is nothing newer.\n")


def test_a_copy_without_the_history_is_told_how_to_connect_it(
    copy: Copy, upstream: Repository
) -> None:
    ours = copy()
    ours.git("checkout", "--quiet", "--orphan", "copied")
    ours.commit()

    refused = ours.run("merge_upstream.py", str(upstream.root))

    assert refused.returncode == 2
    assert "no common history. docs/upstream.md says how" in refused.stderr
    # As docs/upstream.md says, with the version that was copied.
    upstream.git("tag", "v1.0.0", "main~1")
    ours.git("fetch", "--quiet", str(upstream.root), "v1.0.0")
    first = ours.git("rev-list", "--max-parents=0", "HEAD").strip()
    ours.git("replace", "--graft", first, "FETCH_HEAD")
    assert ours.run("merge_upstream.py", str(upstream.root)).returncode == 0
